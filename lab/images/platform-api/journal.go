package main

import (
	"context"
	"log/slog"
	"net/http"
)

const mostEvents = 20 // of one answer

// log keeps events. `add` of one that is there already succeeds.
type log interface {
	add(context.Context, event) error
	newest(context.Context) ([]event, error)
}

func (a *api) getEvents(w http.ResponseWriter, r *http.Request) {
	if a.log == nil {
		writeProblem(w, http.StatusNotFound, "this environment keeps no events: it has no MongoDB")
		return
	}
	limit, cancel := context.WithTimeout(r.Context(), attempt)
	defer cancel()
	found, err := a.log.newest(limit)
	if err != nil {
		slog.Warn("events could not be read", "error", err)
		writeProblem(w, http.StatusGatewayTimeout, "MongoDB does not answer; try again")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"store": "MongoDB", "events": found})
}
