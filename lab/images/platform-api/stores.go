package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// stores are the data services that this environment has; nil is one that it does without.
type stores struct {
	MySQL   *mysqlStore `json:"mysql"`
	Redis   *redisStore `json:"redis"`
	MongoDB *mongoStore `json:"mongodb"`
}

// login is an account in a store; the password lies in a file that Swarm mounts.
type login struct {
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`
	password     string
}

// mysqlStore: `write` reaches the member that takes writes, `read` those that may lag behind it.
type mysqlStore struct {
	login
	Write    string `json:"write"`
	Read     string `json:"read"`
	Database string `json:"database"`
	CAFile   string `json:"ca_file"`
	ca       []byte
}

// redisStore: the Sentinels are asked who leads the set named `master`.
type redisStore struct {
	login
	Sentinels []string `json:"sentinels"`
	Master    string   `json:"master"`
}

type mongoStore struct {
	login
	Members    []string `json:"members"`
	ReplicaSet string   `json:"replica_set"`
	Database   string   `json:"database"`
}

// readStores reads the file and what it points to. No path: no stores, all stays in memory.
func readStores(path string) (stores, error) {
	var found stores
	if path == "" {
		return found, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return found, fmt.Errorf("STORES_FILE: %w; mount the file there, or leave the variable empty", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&found); err != nil {
		return found, fmt.Errorf("STORES_FILE: %s: %w; it is {mysql, redis, mongodb}, each null or an object", path, err)
	}
	return found, found.readSecrets()
}

func (s *stores) readSecrets() error {
	var err error
	if s.MySQL != nil {
		if err = s.MySQL.readPassword("mysql"); err != nil {
			return err
		}
		if s.MySQL.ca, err = readSecret("mysql.ca_file", s.MySQL.CAFile); err != nil {
			return err
		}
	}
	if s.Redis != nil {
		if err = s.Redis.readPassword("redis"); err != nil {
			return err
		}
	}
	if s.MongoDB != nil {
		return s.MongoDB.readPassword("mongodb")
	}
	return nil
}

func (l *login) readPassword(store string) error {
	password, err := readSecret(store+".password_file", l.PasswordFile)
	l.password = string(password)
	return err
}

// open chooses where notes, lists and events go: MySQL or memory; a cache only of what all replicas share.
func (a *api) open(stores stores) (probes []probe, err error) {
	a.notes = &memory{host: a.config.Host}
	if stores.MySQL != nil {
		kept, err := openMySQL(*stores.MySQL, a.metrics)
		if err != nil {
			return nil, err
		}
		a.notes, probes = kept, kept.probes()
	}
	if stores.Redis != nil {
		kept := openRedis(*stores.Redis, a.metrics)
		probes = append(probes, kept.probe())
		if a.notes.lasting() {
			a.notes = &cached{keeper: a.notes, cache: kept}
		}
	}
	if stores.MongoDB != nil {
		kept, err := openMongoDB(*stores.MongoDB, a.metrics)
		if err != nil {
			return nil, err
		}
		a.events, probes = newJournal(kept, a.metrics), append(probes, kept.probe())
	}
	return probes, nil
}
