package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// metric is one number of smtp.ServerStats.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(smtp.ServerStats) int64
}

func gauge(name, help string, value func(smtp.ServerStats) int64) metric {
	return metric{prometheus.NewDesc("smtp_"+name, help, nil, nil), prometheus.GaugeValue, value}
}

func counter(name, help string, value func(smtp.ServerStats) int64) metric {
	return metric{prometheus.NewDesc("smtp_"+name+"_total", help, nil, nil), prometheus.CounterValue, value}
}

var metrics = []metric{
	gauge("sessions_open", "Sessions under way.", func(s smtp.ServerStats) int64 { return s.Conns }),
	counter("sessions", "Sessions begun.", func(s smtp.ServerStats) int64 { return s.Sessions }),
	counter("connections_refused", "Connections sent away because there were too many.", func(s smtp.ServerStats) int64 { return s.Refused }),
	counter("commands", "Commands read.", func(s smtp.ServerStats) int64 { return s.Commands }),
	counter("replies_temporary", "Replies of 4yz.", func(s smtp.ServerStats) int64 { return s.Temporary }),
	counter("replies_permanent", "Replies of 5yz.", func(s smtp.ServerStats) int64 { return s.Permanent }),
	counter("tls_handshakes", "TLS handshakes completed.", func(s smtp.ServerStats) int64 { return s.Handshakes }),
	counter("tls_failures", "TLS handshakes that failed.", func(s smtp.ServerStats) int64 { return s.TLSFailed }),
	counter("logins", "Successful authentications.", func(s smtp.ServerStats) int64 { return s.Logins }),
	counter("logins_refused", "Wrong credentials.", func(s smtp.ServerStats) int64 { return s.LoginsBad }),
	counter("timeouts", "Sessions that ended because the peer took too long.", func(s smtp.ServerStats) int64 { return s.Timeouts }),
	counter("panics", "Panics in hooks and in the handler.", func(s smtp.ServerStats) int64 { return s.Panics }),
	counter("messages_accepted", "Messages accepted.", func(s smtp.ServerStats) int64 { return s.Accepted }),
	counter("recipients_accepted", "Recipients that messages were accepted for.", func(s smtp.ServerStats) int64 { return s.Recipients }),
	counter("octets_accepted", "Octets of the messages accepted.", func(s smtp.ServerStats) int64 { return s.Octets }),
	counter("messages_not_taken", "Messages refused, given up or cut off.", func(s smtp.ServerStats) int64 { return s.NotTaken }),
}

// collector gives Prometheus the counters of a server.
type collector struct{ srv *smtp.Server }

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range metrics {
		ch <- m.desc
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	stats := c.srv.Stats()
	for _, m := range metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(m.value(stats)))
	}
}

// watch registers what a server does. It must be called before the server serves.
func watch(registry prometheus.Registerer, srv *smtp.Server) {
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "smtp_command_seconds",
		Help:    "Time from a command to its reply.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 10, 6),
	}, []string{"verb"}) // verbs are those of the server, so that a client cannot add to them
	srv.Trace = &smtp.ServerTrace{
		Command: func(_ auth.ConnectionState, verb string, _ int, d time.Duration) {
			took.WithLabelValues(verb).Observe(d.Seconds())
		},
	}
	registry.MustRegister(took, collector{srv})
}
