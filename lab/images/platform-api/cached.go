package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// cacheLimit bounds what looking into the cache may cost a request: asking MySQL takes less.
	cacheLimit = 300 * time.Millisecond
	// outdateLimit is longer: while the cache is only slow, waiting for it is what keeps its lists true.
	outdateLimit = time.Second
	// cacheRest: a cache that failed is not asked for so long, so that few requests pay cacheLimit.
	cacheRest = 2 * time.Second
)

// cache is shared by all replicas. A list is good as long as its version is the current one.
type cache interface {
	// read gives the current version, and the list of that version if it is there.
	read(context.Context) (version string, found []note, hit bool, err error)
	keep(ctx context.Context, version string, notes []note) error
	outdate(context.Context) error
}

// cached is a keeper whose lists come from the cache where it has them. No fault of the cache is a fault here.
type cached struct {
	keeper
	cache  cache
	resume atomic.Int64 // Unix milliseconds; no reading before
}

// add outdates the lists before it answers, so that whoever asks then sees the note. Where that fails a list
// without it lives on until the cache forgets it (listLife).
func (c *cached) add(stop context.Context, added note) error {
	if err := c.keeper.add(stop, added); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(stop), outdateLimit) // also for a client that left
	defer cancel()
	c.mind(c.cache.outdate(limit))
	return nil
}

// list takes the version before it asks the keeper: if a note is added meanwhile, what it keeps is outdated.
func (c *cached) list(stop context.Context) (listed, error) {
	if time.Now().UnixMilli() < c.resume.Load() {
		return c.keeper.list(stop)
	}
	limit, cancel := context.WithTimeout(stop, cacheLimit)
	version, notes, hit, err := c.cache.read(limit)
	cancel()
	c.mind(err)
	if hit {
		return listed{Notes: notes}, nil
	}
	found, failed := c.keeper.list(stop)
	if err == nil && failed == nil && !found.Lagging {
		limit, cancel := context.WithTimeout(stop, cacheLimit)
		defer cancel()
		c.mind(c.cache.keep(limit, version, found.Notes))
	}
	return found, failed
}

// mind lets a cache that failed rest; during an outage it says so once a rest, not once a request.
func (c *cached) mind(err error) {
	if err == nil {
		return
	}
	now := time.Now()
	if c.resume.Swap(now.Add(cacheRest).UnixMilli()) < now.UnixMilli() {
		slog.Warn("the cache does not serve", "error", err)
	}
}
