package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// broker carries what is announced from one replica to another.
type broker interface {
	name() string
	// publish returns nil once the broker has promised to keep the message.
	publish(context.Context, []byte) error
	// consume hands over each message of the replicas' shared group until the context ends, some twice.
	// It returns early with the fault that it met.
	consume(context.Context, func([]byte)) error
	probe() probe
}

// announcements are the newest messages that this replica consumed, by broker. Every message goes to one replica.
type announcements struct {
	mutex   sync.RWMutex
	brokers []string
	newest  map[string][]event
}

func newAnnouncements() *announcements { return &announcements{newest: map[string][]event{}} }

// announce publishes the events of an outbox of its own on the broker, and takes in what it consumes.
func (a *api) announce(stop context.Context, through broker) {
	name := through.name()
	a.announced.brokers = append(a.announced.brokers, name)
	put := func(limit context.Context, told event) error {
		text, err := json.Marshal(told)
		if err != nil {
			return err
		}
		return a.metrics.timed(name, "publish", func() error { return through.publish(limit, text) })
	}
	a.outboxes = append(a.outboxes, newOutbox(name, put, a.metrics))
	go func() {
		for failed := false; stop.Err() == nil; time.Sleep(time.Second) {
			err := through.consume(stop, func(text []byte) { failed = false; a.announced.take(name, text) })
			if err != nil && !failed && stop.Err() == nil {
				slog.Warn("nothing is consumed", "from", name, "error", err)
			}
			failed = true
		}
	}()
}

func (a *announcements) take(from string, text []byte) {
	var told event
	if err := json.Unmarshal(text, &told); err != nil {
		slog.Warn("a message is no event", "from", from, "error", err)
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	kept := append(a.newest[from], told)
	if len(kept) > mostEvents {
		kept = kept[1:]
	}
	a.newest[from] = kept
}

func (a *announcements) list() map[string][]event {
	a.mutex.RLock()
	defer a.mutex.RUnlock()
	found := map[string][]event{}
	for _, name := range a.brokers {
		found[name] = append([]event{}, a.newest[name]...)
	}
	return found
}

// getAnnouncements is what this replica consumed: with several replicas each has some of the messages.
func (a *api) getAnnouncements(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"host": a.config.Host, "announcements": a.announced.list()})
}

func fileFault(store string, err error) error {
	return fmt.Errorf("STORES_FILE: %s: %w; correct it", store, err)
}
