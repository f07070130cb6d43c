package main

import (
	"fmt"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metricsHandler serves what a mount counts as Prometheus reads it.
func metricsHandler(m *monitor) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newMetrics(m), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}

// metrics is a mount as a collector: the counters are where the work is done, and
// looked at when somebody asks.
type metrics struct {
	monitor  *monitor
	values   []metric
	requests *prometheus.Desc
	seconds  *prometheus.Desc
}

// metric is one value of a mount's totals.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*totals) float64
}

func newMetrics(m *monitor) *metrics {
	value := func(name, help string, kind prometheus.ValueType, of func(*totals) float64) metric {
		return metric{prometheus.NewDesc("sluicefs_"+name, help, nil, prometheus.Labels{"source": m.info.Source}), kind, of}
	}
	counter, gauge := prometheus.CounterValue, prometheus.GaugeValue
	byRequest := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("sluicefs_"+name, help, []string{"op", "status"}, prometheus.Labels{"source": m.info.Source})
	}
	return &metrics{
		monitor: m,
		values: []metric{
			value("sent_bytes_total", "Bytes of parts and objects sent to the store.", counter, func(t *totals) float64 { return float64(t.Sent) }),
			value("received_bytes_total", "Bytes of objects read from the store.", counter, func(t *totals) float64 { return float64(t.Received) }),
			value("commits_total", "Objects stored and published.", counter, func(t *totals) float64 { return float64(t.Objects) }),
			value("failed_files_total", "Files whose writing ended with an error.", counter, func(t *totals) float64 { return float64(t.Failed) }),
			value("aborted_uploads_total", "Multipart uploads given up.", counter, func(t *totals) float64 { return float64(t.Aborted) }),
			value("retries_total", "Requests repeated.", counter, func(t *totals) float64 { return float64(t.Retries) }),
			value("open_files", "Files open for writing.", gauge, func(t *totals) float64 { return float64(t.OpenFiles) }),
			value("parts_in_flight", "Parts being sent.", gauge, func(t *totals) float64 { return float64(t.PartsInFlight) }),
			value("buffered_bytes", "Memory in use for files that are written.", gauge, func(t *totals) float64 { return float64(t.Buffered) }),
			value("buffer_limit_bytes", "Memory there is for that.", gauge, func(t *totals) float64 { return float64(t.BufferLimit) }),
			value("lent_bytes", "Memory of that which those who read have at present.", gauge, func(t *totals) float64 { return float64(t.Lent) }),
			value("spilled_bytes", "Bytes in the spill file.", gauge, func(t *totals) float64 { return float64(t.Spilled) }),
		},
		requests: byRequest("requests_total", "Attempts at requests, by what came of them: ok, a status, or none for no answer."),
		seconds:  byRequest("request_seconds_total", "Time that attempts at requests took, of a Get until its body began."),
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, v := range m.values {
		out <- v.desc
	}
	out <- m.requests
	out <- m.seconds
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	t := m.monitor.totals()
	for _, v := range m.values {
		out <- prometheus.MustNewConstMetric(v.desc, v.kind, v.of(&t))
	}
	for _, c := range m.monitor.store.attempts.Counts() {
		out <- prometheus.MustNewConstMetric(m.requests, prometheus.CounterValue, float64(c.Calls), c.Op, c.Status)
		out <- prometheus.MustNewConstMetric(m.seconds, prometheus.CounterValue, c.Took.Seconds(), c.Op, c.Status)
	}
}

// listenMetrics listens where --metrics-addr says: on this machine only, unless it
// names another address.
func listenMetrics(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usageError(fmt.Errorf("--metrics-addr %s: want HOST:PORT, or :PORT for 127.0.0.1", addr))
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("--metrics-addr: %w", err)
	}
	return l, nil
}
