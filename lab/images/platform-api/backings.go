package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	checkEvery   = 5 * time.Second
	checkTimeout = time.Second // a name without a living task is looked up outside and stalls: bound it
)

// backend is a service that the API is told of; tcp has an address (host:port), http a url.
type backend struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Address string `json:"address,omitempty"`
	URL     string `json:"url,omitempty"`
}

// backing is what was last seen of a backend; before the first look its state is "unknown".
type backing struct {
	Name      string     `json:"name"`
	Kind      string     `json:"kind"`
	State     string     `json:"state"` // up, down or unknown
	Error     string     `json:"error,omitempty"`
	LatencyMS float64    `json:"latency_ms,omitempty"`
	CheckedAt *time.Time `json:"checked_at,omitempty"`
}

// watched is anything that can be looked at: reach returns nil when it does what it is there for.
type watched struct {
	Name, Kind string
	reach      func(context.Context) error
}

func watchedOf(backends []backend) []watched {
	made := make([]watched, len(backends))
	for i, each := range backends {
		made[i] = watched{each.Name, each.Kind, each.reach}
	}
	return made
}

type backings struct {
	watched []watched
	mutex   sync.RWMutex
	seen    []backing
}

func newBackings(all []watched) *backings {
	seen := make([]backing, len(all))
	for i, each := range all {
		seen[i] = backing{Name: each.Name, Kind: each.Kind, State: "unknown"}
	}
	return &backings{watched: all, seen: seen}
}

// watch looks at every backend at once, again every checkEvery, until the context ends.
// Requests read the last result: a slow backend never slows /health.
func (b *backings) watch(stop context.Context) {
	if len(b.watched) == 0 {
		return
	}
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		b.lookAtAll(stop)
		select {
		case <-stop.Done():
			return
		case <-ticker.C:
		}
	}
}

func (b *backings) lookAtAll(stop context.Context) {
	var group sync.WaitGroup
	for i := range b.watched {
		group.Add(1)
		go func() {
			defer group.Done()
			result := b.watched[i].look(stop)
			b.mutex.Lock()
			defer b.mutex.Unlock()
			b.seen[i] = result
		}()
	}
	group.Wait()
}

func (b *backings) list() []backing {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	return append([]backing{}, b.seen...)
}

func (b backend) check() error {
	switch {
	case b.Name == "":
		return fmt.Errorf("an entry has no name; give it one")
	case b.Kind == "tcp" && b.Address != "" && b.URL == "":
		return nil
	case b.Kind == "http" && b.URL != "" && b.Address == "":
		return nil
	}
	return fmt.Errorf("%s: kind %q; use tcp with address or http with url", b.Name, b.Kind)
}

func (b watched) look(stop context.Context) backing {
	limit, cancel := context.WithTimeout(stop, checkTimeout)
	defer cancel()
	start := time.Now()
	err := b.reach(limit)
	result := backing{Name: b.Name, Kind: b.Kind, State: "up", CheckedAt: &start}
	if err != nil {
		result.State, result.Error = "down", err.Error()
		return result
	}
	result.LatencyMS = float64(time.Since(start).Microseconds()) / 1000
	return result
}

func (b backend) reach(limit context.Context) error {
	if b.Kind == "tcp" {
		connection, err := (&net.Dialer{}).DialContext(limit, "tcp", b.Address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
	request, err := http.NewRequestWithContext(limit, http.MethodGet, b.URL, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}
