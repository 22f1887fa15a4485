package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// mostWaiting events are kept in memory for a service that takes none; further ones are dropped, and counted.
	mostWaiting = 1000
	// lastWords is how long a replica that stops waits for each service to take what is left.
	lastWords = 4 * time.Second
)

// event tells that something happened to the note of the same id.
type event struct {
	ID   string    `json:"id" bson:"_id"`
	Kind string    `json:"kind" bson:"kind"`
	At   time.Time `json:"at" bson:"at"`
	By   string    `json:"by" bson:"by"` // the replica's host name
}

// outbox hands events to one service behind the requests' back: a note is kept, and its answer sent, whether or
// not that service takes the event. `put` returns once it is acknowledged there, and may be repeated.
type outbox struct {
	name    string
	put     func(context.Context, event) error
	metrics *metrics
	waiting chan event
	done    chan struct{}
}

func newOutbox(name string, put func(context.Context, event) error, metrics *metrics) *outbox {
	made := &outbox{name, put, metrics, make(chan event, mostWaiting), make(chan struct{})}
	go made.write()
	return made
}

func (o *outbox) tell(told event) {
	select {
	case o.waiting <- told:
	default:
		o.metrics.dropped.WithLabelValues(o.name).Inc()
	}
}

// write tries each event until it is there, in order; it ends when the queue is closed and empty.
func (o *outbox) write() {
	defer close(o.done)
	for told := range o.waiting {
		for failed := false; ; failed = true {
			err := once(context.Background(), func(limit context.Context) error { return o.put(limit, told) })
			if err == nil {
				break
			}
			if !failed {
				slog.Warn("an event waits", "for", o.name, "note", told.ID, "waiting", len(o.waiting), "error", err)
			}
			time.Sleep(pause)
		}
	}
}

// closeAll is for after the last request. What a service doesn't take in lastWords is lost.
func closeAll(outboxes []*outbox) {
	var all sync.WaitGroup
	for _, each := range outboxes {
		close(each.waiting)
		all.Add(1)
		go func() {
			defer all.Done()
			select {
			case <-each.done:
			case <-time.After(lastWords):
				slog.Warn("events are lost", "for", each.name, "waiting", len(each.waiting)+1)
			}
		}()
	}
	all.Wait()
}
