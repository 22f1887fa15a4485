package main

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	stores   *prometheus.HistogramVec
	lookups  *prometheus.CounterVec
	dropped  *prometheus.CounterVec
}

func newMetrics(version string) *metrics {
	made := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_api_requests_total", Help: "Requests answered.",
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "platform_api_request_duration_seconds", Help: "Time to answer.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "platform_api_requests_in_flight", Help: "Requests under way.",
		}),
		stores: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "platform_api_store_duration_seconds", Help: "Time that an operation on a store took, retries included.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10},
		}, []string{"store", "operation", "outcome"}),
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_api_cache_lookups_total", Help: "Lists of notes looked for in the cache: hit or miss.",
		}, []string{"result"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_api_events_dropped_total", Help: "Events lost because too many waited for the service.",
		}, []string{"service"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "platform_api_build_info", Help: "Always 1; the version is in the label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	made.registry.MustRegister(
		made.requests, made.duration, made.inFlight, build, made.stores, made.lookups, made.dropped,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return made
}

// timed observes one operation on a store.
func (m *metrics) timed(store, operation string, do func() error) error {
	began := time.Now()
	err := do()
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	m.stores.WithLabelValues(store, operation, outcome).Observe(time.Since(began).Seconds())
	return err
}

func (m *metrics) lookup(hit bool) {
	result := "miss"
	if hit {
		result = "hit"
	}
	m.lookups.WithLabelValues(result).Inc()
}

// count observes one route; its pattern is the label, so that paths cannot grow the series.
func (m *metrics) count(route string, next http.Handler) http.Handler {
	labels := prometheus.Labels{"route": route}
	return promhttp.InstrumentHandlerInFlight(m.inFlight,
		promhttp.InstrumentHandlerDuration(m.duration.MustCurryWith(labels),
			promhttp.InstrumentHandlerCounter(m.requests.MustCurryWith(labels), next)))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
