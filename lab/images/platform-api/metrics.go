package main

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(config config, backings *backings, data *data) *metrics {
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
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "platform_api_build_info", Help: "Always 1; the version is in the label.",
		ConstLabels: prometheus.Labels{"version": config.Version},
	})
	build.Set(1)
	made.registry.MustRegister(
		made.requests, made.duration, made.inFlight, build, backingCollector{backings},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if data.events != nil {
		made.registry.MustRegister(
			counter("platform_api_events_recorded_total", "Events recorded.", &data.events.recorded),
			counter("platform_api_events_lost_total", "Events that could not be recorded.", &data.events.lost))
	}
	return made
}

func counter(name, help string, value *atomic.Int64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
		func() float64 { return float64(value.Load()) })
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

var backingUp = prometheus.NewDesc("platform_api_backing_up",
	"1 when the backing service answered the last look, 0 when not; absent before the first.", []string{"name"}, nil)

type backingCollector struct{ backings *backings }

func (c backingCollector) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- backingUp }

func (c backingCollector) Collect(values chan<- prometheus.Metric) {
	for _, each := range c.backings.list() {
		if each.State == "unknown" {
			continue
		}
		up := 0.0
		if each.State == "up" {
			up = 1
		}
		values <- prometheus.MustNewConstMetric(backingUp, prometheus.GaugeValue, up, each.Name)
	}
}
