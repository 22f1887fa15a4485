// Platform API of the lab: a small real service behind the edge.
//
// It stands in for the operator's image: health with the state of what it depends on, notes to
// read and write, Prometheus metrics, and a shutdown that loses no request.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	healthcheck := flag.Bool("healthcheck", false, "ask the API in this container whether it lives; exit 0 or 1")
	every := flag.Duration("every", 0, "with -healthcheck: the first check asks until the API lives, later ones wait so long first")
	flag.Parse()
	run := serve
	if *healthcheck {
		run = func() error { return checkHealth(seenHealthy, *every, askLive) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "platform-api:", err)
		os.Exit(1)
	}
}

const (
	// seenHealthy is in memory, this container's own, and ends with it.
	seenHealthy = "/dev/shm/healthy"
	startLimit  = 15 * time.Second
	askAgain    = 500 * time.Millisecond
)

// checkHealth is configs/lib/health.sh of this repository for an image without a shell.
func checkHealth(seen string, every time.Duration, ask func() error) error {
	if every == 0 {
		return ask()
	}
	if _, err := os.Stat(seen); err == nil {
		time.Sleep(every)
		return ask()
	}
	for began := time.Now(); ; time.Sleep(askAgain) {
		if err := ask(); err == nil {
			return os.WriteFile(seen, nil, 0o600)
		} else if time.Since(began) > startLimit {
			return err
		}
	}
}

// askLive is the container's health check: the image has no shell and no curl.
func askLive() error {
	port, err := portFromEnv()
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://127.0.0.1:" + port + "/live")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("/live answered %s", answer.Status)
	}
	return nil
}

// serve runs until SIGTERM or SIGINT and returns nil after a clean shutdown.
func serve() error {
	config, err := configFromEnv()
	if err != nil {
		return err
	}
	stop, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer release()

	api, err := newAPI(stop, config)
	if err != nil {
		return err
	}
	go api.backings.watch(stop)
	server := &http.Server{
		Addr:              ":" + config.Port,
		Handler:           api.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		// Longer than the edge keeps idle connections (60 s), so that the edge closes first and
		// never sends a request into a connection that is being closed here.
		IdleTimeout: 120 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	slog.Info("serving", "version", config.Version, "host", config.Host, "port", config.Port)

	select {
	case err := <-failed:
		return fmt.Errorf("port %s: %w", config.Port, err)
	case <-stop.Done():
		return drain(server, api)
	}
}

const (
	// lingering is how long a client may still hold this replica's address after the name lost it:
	// the edge asks the DNS every second, and gossip between nodes takes about as long again.
	lingering = 3 * time.Second
	// finishing bounds the requests under way; with lingering and lastWords it stays below the stop grace of 30 s.
	finishing = 20 * time.Second
)

// drain loses no request: not ready at once, serving on for stale addresses, then finishing.
func drain(server *http.Server, api *api) error {
	api.draining.Store(true)
	slog.Info("draining", "lingering", lingering)
	time.Sleep(lingering)
	limit, cancel := context.WithTimeout(context.Background(), finishing)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		return fmt.Errorf("requests still under way after %s: %w", finishing, errors.Join(err, server.Close()))
	}
	closeAll(api.outboxes)
	slog.Info("stopped")
	return nil
}
