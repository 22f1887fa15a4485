package main

import "github.com/prometheus/client_golang/prometheus"

var (
	backingUp = prometheus.NewDesc("platform_api_backing_up",
		"1 when the backing service answered the last look, 0 when not; absent before the first.", []string{"name"}, nil)
	backingLatency = prometheus.NewDesc("platform_api_backing_latency_seconds",
		"Time that the last look took; absent when there was no answer.", []string{"name"}, nil)
)

type backingCollector struct{ backings *backings }

func (c backingCollector) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- backingUp
	descriptions <- backingLatency
}

func (c backingCollector) Collect(values chan<- prometheus.Metric) {
	for _, each := range c.backings.list() {
		if each.State == "unknown" {
			continue
		}
		up := 0.0
		if each.State == "up" {
			up = 1
			values <- prometheus.MustNewConstMetric(backingLatency, prometheus.GaugeValue, each.LatencyMS/1000, each.Name)
		}
		values <- prometheus.MustNewConstMetric(backingUp, prometheus.GaugeValue, up, each.Name)
	}
}
