package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	cacheKey      = "platform:notes"
	cacheLifetime = 2 * time.Second // a reader may put back what a writer has just outdated, for that long
	cacheTimeout  = 300 * time.Millisecond
)

// cache holds the list of notes in Redis, whose master the Sentinels name. It may fail: then there is none.
type cache struct{ client *redis.Client }

func openRedis(given redisConfig) (*cache, error) {
	password, err := readSecret("Redis' password", given.PasswordFile)
	if err != nil {
		return nil, err
	}
	options := &redis.FailoverOptions{
		MasterName: given.Master, SentinelAddrs: given.Sentinels,
		Username: given.User, Password: string(password),
		DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second, MaxRetries: 1,
	}
	if given.SentinelPasswordFile != "" {
		sentinel, err := readSecret("the Sentinels' password", given.SentinelPasswordFile)
		if err != nil {
			return nil, err
		}
		options.SentinelUsername, options.SentinelPassword = given.SentinelUser, string(sentinel)
	}
	return &cache{redis.NewFailoverClient(options)}, nil
}

func (c *cache) read(ctx context.Context) ([]note, bool) {
	if c == nil {
		return nil, false
	}
	limit, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	text, err := c.client.Get(limit, cacheKey).Bytes()
	if err != nil {
		return nil, false
	}
	var notes []note
	return notes, json.Unmarshal(text, &notes) == nil
}

func (c *cache) write(ctx context.Context, notes []note) {
	if c == nil {
		return
	}
	limit, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	text, err := json.Marshal(notes)
	if err == nil {
		err = c.client.Set(limit, cacheKey, text, cacheLifetime).Err()
	}
	if err != nil {
		slog.Warn("not cached", "error", err)
	}
}

func (c *cache) forget(ctx context.Context) {
	if c == nil {
		return
	}
	limit, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	if err := c.client.Del(limit, cacheKey).Err(); err != nil {
		slog.Warn("cache not cleared; it ends by itself", "after", cacheLifetime, "error", err)
	}
}

func (c *cache) reach(ctx context.Context) error { return c.client.Ping(ctx).Err() }
