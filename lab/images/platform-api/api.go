package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

type api struct {
	config    config
	backings  *backings
	notes     keeper
	log       log // nil: this environment keeps no events
	outboxes  []*outbox
	announced *announcements
	registry  *inNacos // nil: there is none
	metrics   *metrics
	started   time.Time
	draining  atomic.Bool
}

// newAPI opens what the configuration names and waits for none of it. `close` follows the last request.
func newAPI(stop context.Context, config config) (*api, error) {
	made := &api{config: config, started: time.Now().UTC(), metrics: newMetrics(config.Version), announced: newAnnouncements()}
	probes, err := made.open(stop, config.Stores)
	if err != nil {
		return nil, err
	}
	for _, each := range config.Backends {
		probes = append(probes, each.probe())
	}
	made.backings = newBackings(probes)
	made.metrics.registry.MustRegister(backingCollector{made.backings})
	return made, nil
}

// handler routes: /live and /ready for machines, /health for people, the rest for clients.
func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /live":          a.getLive,
		"GET /ready":         a.getReady,
		"GET /health":        a.getHealth,
		"GET /version":       a.getVersion,
		"GET /notes":         a.getNotes,
		"POST /notes":        a.postNote,
		"GET /events":        a.getEvents,
		"GET /announcements": a.getAnnouncements,
		"GET /settings":      a.getSettings,
	} {
		mux.Handle(pattern, a.metrics.count(pattern, handle))
	}
	mux.Handle("GET /metrics", a.metrics.handler())
	return a.closeWhenDraining(mux)
}

// closeWhenDraining asks the edge to let go of each connection after its answer. Server.
// SetKeepAlivesEnabled(false) would close idle ones at once, under a POST that is on its way.
func (a *api) closeWhenDraining(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// getLive depends on nothing but this process: a database outage must not kill healthy replicas.
func (a *api) getLive(w http.ResponseWriter, _ *http.Request) {
	if a.config.Broken {
		writeProblem(w, http.StatusServiceUnavailable, "BROKEN=never-healthy")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "live"})
}

func (a *api) getReady(w http.ResponseWriter, _ *http.Request) {
	if a.draining.Load() {
		writeProblem(w, http.StatusServiceUnavailable, "draining")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

type health struct {
	Status   string    `json:"status"` // ok, degraded (a backing service is not up) or draining
	Version  string    `json:"version"`
	Host     string    `json:"host"`
	Started  time.Time `json:"started"`
	UptimeS  int       `json:"uptime_s"`
	Backings []backing `json:"backings"`
}

// getHealth answers 200 even when degraded: the edge counts 503 as a failure of this replica and
// would take all of them out for the fault of one database.
func (a *api) getHealth(w http.ResponseWriter, _ *http.Request) {
	backings := a.backings.list()
	status := "ok"
	for _, each := range backings {
		if each.State != "up" {
			status = "degraded"
		}
	}
	if a.draining.Load() {
		status = "draining"
	}
	writeJSON(w, http.StatusOK, health{
		Status: status, Version: a.config.Version, Host: a.config.Host, Started: a.started,
		UptimeS: int(time.Since(a.started).Seconds()), Backings: backings,
	})
}

func (a *api) getVersion(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{
		"service": "platform-api", "version": a.config.Version, "host": a.config.Host,
	})
}

func writeProblem(w http.ResponseWriter, status int, detail string) {
	writeJSON(w, status, map[string]string{"error": http.StatusText(status), "detail": detail})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		slog.Warn("answer not written", "error", err)
	}
}
