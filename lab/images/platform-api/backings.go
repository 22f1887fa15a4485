package main

import (
	"context"
	"sync"
	"time"
)

const (
	checkEvery   = 5 * time.Second
	checkTimeout = 2 * time.Second // a name without a living task is looked up outside and stalls: bound it
)

// backing is what was last seen of a service; before the first look its state is "unknown".
type backing struct {
	Name      string     `json:"name"`
	Kind      string     `json:"kind"`
	State     string     `json:"state"`            // up, down or unknown
	Member    string     `json:"member,omitempty"` // who leads, of a service of several
	Error     string     `json:"error,omitempty"`
	LatencyMS float64    `json:"latency_ms,omitempty"`
	CheckedAt *time.Time `json:"checked_at,omitempty"`
}

// probe looks at one service. `ask` ends with its context, and tells who answered where several may.
type probe struct {
	Name, Kind string
	ask        func(context.Context) (member string, err error)
}

type backings struct {
	probes []probe
	mutex  sync.RWMutex
	seen   []backing
}

func newBackings(probes []probe) *backings {
	seen := make([]backing, len(probes))
	for i, each := range probes {
		seen[i] = backing{Name: each.Name, Kind: each.Kind, State: "unknown"}
	}
	return &backings{probes: probes, seen: seen}
}

// watch looks at every service at once, again every checkEvery, until the context ends.
// Requests read the last result: a slow one never slows /health.
func (b *backings) watch(stop context.Context) {
	if len(b.probes) == 0 {
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
	for i := range b.probes {
		group.Add(1)
		go func() {
			defer group.Done()
			result := b.probes[i].look(stop)
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

func (p probe) look(stop context.Context) backing {
	limit, cancel := context.WithTimeout(stop, checkTimeout)
	defer cancel()
	start := time.Now()
	member, err := p.ask(limit)
	result := backing{Name: p.Name, Kind: p.Kind, State: "up", Member: member, CheckedAt: &start}
	if err != nil {
		result.State, result.Member, result.Error = "down", "", err.Error()
		return result
	}
	result.LatencyMS = float64(time.Since(start).Microseconds()) / 1000
	return result
}
