package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// What the API is told of each data service; without an address it does without it.
type mysqlConfig struct{ Address, User, Database, PasswordFile, CAFile, ServerName string }

type redisConfig struct {
	Sentinels                          []string
	Master, User, PasswordFile         string
	SentinelUser, SentinelPasswordFile string
}

type mongodbConfig struct {
	Hosts                                    []string
	ReplicaSet, User, Database, PasswordFile string
}

// data is where the API keeps things: notes in MySQL (else in memory), a cache in Redis, events in MongoDB.
type data struct {
	notes  store
	cache  *cache
	events *events
	looks  []watched
}

// openData connects to nothing yet: a database that is down must not keep the API from starting.
func openData(get func(string) string, host string) (*data, error) {
	made := &data{notes: &notebook{host: host}}
	for _, open := range []func(func(string) string, string, *data) error{useMySQL, useRedis, useMongoDB} {
		if err := open(get, host, made); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func useMySQL(get func(string) string, _ string, made *data) error {
	given := mysqlConfig{
		Address: get("MYSQL_ADDRESS"), User: get("MYSQL_USER"), Database: get("MYSQL_DATABASE"),
		PasswordFile: get("MYSQL_PASSWORD_FILE"), CAFile: get("MYSQL_CA_FILE"), ServerName: get("MYSQL_SERVER_NAME"),
	}
	if given.Address == "" {
		return nil
	}
	opened, err := openMySQL(given)
	if err == nil {
		made.notes = opened
		made.looks = append(made.looks, watched{"mysql", "mysql", opened.reach})
	}
	return err
}

func useRedis(get func(string) string, _ string, made *data) error {
	given := redisConfig{
		Sentinels: list(get("REDIS_SENTINELS")), Master: get("REDIS_MASTER"), User: get("REDIS_USER"),
		PasswordFile: get("REDIS_PASSWORD_FILE"), SentinelUser: get("REDIS_SENTINEL_USER"),
		SentinelPasswordFile: get("REDIS_SENTINEL_PASSWORD_FILE"),
	}
	if len(given.Sentinels) == 0 {
		return nil
	}
	opened, err := openRedis(given)
	if err == nil {
		made.cache = opened
		made.looks = append(made.looks, watched{"redis", "redis", opened.reach})
	}
	return err
}

func useMongoDB(get func(string) string, host string, made *data) error {
	given := mongodbConfig{
		Hosts: list(get("MONGODB_HOSTS")), ReplicaSet: get("MONGODB_REPLICA_SET"), User: get("MONGODB_USER"),
		Database: get("MONGODB_DATABASE"), PasswordFile: get("MONGODB_PASSWORD_FILE"),
	}
	if len(given.Hosts) == 0 {
		return nil
	}
	opened, err := openMongoDB(given, host)
	if err == nil {
		made.events = opened
		made.looks = append(made.looks, watched{"mongodb", "mongodb", opened.reach})
	}
	return err
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func readSecret(what, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; mount the secret there", what, err)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, fmt.Errorf("%s: %s is empty; create the secret anew", what, path)
	}
	return text, nil
}
