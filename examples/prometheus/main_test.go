package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/posthouse/posthouse/smtp"
)

// TestMetrics sends a message and looks for it in what Prometheus reads.
func TestMetrics(t *testing.T) {
	srv := &smtp.Server{
		Hostname: "mx.example.org",
		Local:    func(context.Context, smtp.Address) bool { return true },
		Handler:  smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil }),
	}
	registry := prometheus.NewRegistry()
	watch(registry, srv)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(ln) }()
	to, err := smtp.ParseAddress("bob@example.org")
	if err != nil {
		t.Fatal(err)
	}
	env := smtp.Envelope{To: []smtp.Recipient{{Address: to}}}
	if _, err := smtp.Send(t.Context(), ln.Addr().String(), &smtp.ClientConfig{TLS: smtp.InsecureNoTLS}, env, strings.NewReader("x\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nsmtp_sessions_open 0\n", "\nsmtp_messages_accepted_total 1\n", "\nsmtp_octets_accepted_total 3\n", `smtp_command_seconds_count{verb="EHLO"} 1`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not there", want)
		}
	}
}
