package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

const (
	// mostWaiting events are kept in memory while MongoDB takes none; further ones are dropped, and counted.
	mostWaiting = 1000
	// lastWords is how long a replica that stops waits for MongoDB to take what is left.
	lastWords  = 4 * time.Second
	mostEvents = 20 // of one answer
)

// event tells that something happened to the note of the same id.
type event struct {
	ID   string    `json:"id" bson:"_id"`
	Kind string    `json:"kind" bson:"kind"`
	At   time.Time `json:"at" bson:"at"`
	By   string    `json:"by" bson:"by"` // the replica's host name
}

// log keeps events. `add` of one that is there already succeeds.
type log interface {
	add(context.Context, event) error
	newest(context.Context) ([]event, error)
}

// journal hands events to the log behind the requests' back: a note is kept, and its answer sent, whether
// or not MongoDB takes the event. nil is the journal of an environment without MongoDB.
type journal struct {
	log     log
	metrics *metrics
	waiting chan event
	done    chan struct{}
}

func newJournal(log log, metrics *metrics) *journal {
	made := &journal{log: log, metrics: metrics, waiting: make(chan event, mostWaiting), done: make(chan struct{})}
	go made.write()
	return made
}

func (j *journal) tell(told event) {
	if j == nil {
		return
	}
	select {
	case j.waiting <- told:
	default:
		j.metrics.dropped.Inc()
	}
}

// write tries each event until it is there, in order; it ends when the queue is closed and empty.
func (j *journal) write() {
	defer close(j.done)
	for told := range j.waiting {
		for failed := false; ; failed = true {
			err := once(context.Background(), func(limit context.Context) error { return j.log.add(limit, told) })
			if err == nil {
				break
			}
			if !failed {
				slog.Warn("an event waits", "note", told.ID, "waiting", len(j.waiting), "error", err)
			}
			time.Sleep(pause)
		}
	}
}

// close is for after the last request. What MongoDB doesn't take in lastWords is lost.
func (j *journal) close() {
	if j == nil {
		return
	}
	close(j.waiting)
	select {
	case <-j.done:
	case <-time.After(lastWords):
		slog.Warn("events are lost", "waiting", len(j.waiting)+1)
	}
}

func (a *api) getEvents(w http.ResponseWriter, r *http.Request) {
	if a.events == nil {
		writeProblem(w, http.StatusNotFound, "this environment keeps no events: it has no MongoDB")
		return
	}
	limit, cancel := context.WithTimeout(r.Context(), attempt)
	defer cancel()
	found, err := a.events.log.newest(limit)
	if err != nil {
		slog.Warn("events could not be read", "error", err)
		writeProblem(w, http.StatusGatewayTimeout, "MongoDB does not answer; try again")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"store": "MongoDB", "events": found})
}
