package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	versionKey = "platform-api:notes:version"
	listKey    = "platform-api:notes:list"
	// listLife bounds how long a list may be served that an outage kept from being outdated.
	listLife = 5 * time.Second
)

// inRedis is the cache of lists, on whichever member the Sentinels name.
type inRedis struct {
	client  *redis.Client
	leader  atomic.Value // string: the member that was dialled last
	metrics *metrics
}

// versioned is what lies below listKey.
type versioned struct {
	Version string `json:"version"`
	Notes   []note `json:"notes"`
}

// silent keeps the driver from telling each attempt of an outage: /health and the cache tell of it.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// openRedis connects to nothing yet. Every dial, name lookup included, ends after a second; the Sentinels
// are asked all at once, so a dead one costs nothing.
func openRedis(store redisStore, metrics *metrics) *inRedis {
	redis.SetLogger(silent{})
	made := &inRedis{metrics: metrics}
	made.client = redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: store.Master, SentinelAddrs: store.Sentinels,
		SentinelUsername: store.User, SentinelPassword: store.password,
		Username: store.User, Password: store.password,
		DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second,
		ContextTimeoutEnabled: true, DialerRetries: 1, MaxRetries: 1, PoolSize: 8, PoolTimeout: cacheLimit,
		Dialer: func(limit context.Context, network, address string) (net.Conn, error) {
			if !slices.Contains(store.Sentinels, address) {
				made.leader.Store(address)
			}
			return (&net.Dialer{Timeout: time.Second}).DialContext(limit, network, address)
		},
	})
	return made
}

func (r *inRedis) probe() probe {
	return probe{Name: "redis", Kind: "redis", ask: func(limit context.Context) (string, error) {
		err := r.client.Ping(limit).Err()
		leader, _ := r.leader.Load().(string)
		host, _, _ := net.SplitHostPort(leader)
		return host, err
	}}
}

func (r *inRedis) read(limit context.Context) (version string, found []note, hit bool, err error) {
	err = r.metrics.timed("redis", "read", func() error {
		answers, err := r.client.MGet(limit, versionKey, listKey).Result()
		if err != nil {
			return err
		}
		version, _ = answers[0].(string) // none yet: no note was added since Redis began
		found, hit = unpack(version, answers[1])
		return nil
	})
	if err == nil {
		r.metrics.lookup(hit)
	}
	return version, found, hit, err
}

// unpack gives the notes of a list of that version; anything else is a miss.
func unpack(version string, answer any) ([]note, bool) {
	text, isText := answer.(string)
	var list versioned
	if !isText || json.Unmarshal([]byte(text), &list) != nil || list.Version != version {
		return nil, false
	}
	return list.Notes, true
}

func (r *inRedis) keep(limit context.Context, version string, notes []note) error {
	text, err := json.Marshal(versioned{version, notes})
	return errors.Join(err, r.metrics.timed("redis", "write", func() error {
		return r.client.Set(limit, listKey, text, listLife).Err()
	}))
}

func (r *inRedis) outdate(limit context.Context) error {
	return r.metrics.timed("redis", "outdate", func() error { return r.client.Incr(limit, versionKey).Err() })
}
