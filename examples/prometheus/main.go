// Command prometheus is an SMTP server that throws its mail away, and tells Prometheus
// what it does.
//
//	prometheus -smtp 127.0.0.1:2525 -metrics 127.0.0.1:9125
//
// The counters are those of smtp.Server.Stats, read when they are asked for; how long
// commands take comes from smtp.ServerTrace. A module of its own keeps the client
// library of Prometheus out of the SDK's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/posthouse/posthouse/smtp"
)

func main() {
	addr := flag.String("smtp", "127.0.0.1:2525", "`address` for mail")
	metrics := flag.String("metrics", "127.0.0.1:9125", "`address` for Prometheus, at /metrics")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *addr, *metrics); err != nil {
		fmt.Fprintln(os.Stderr, "prometheus:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, metrics string) error {
	srv := &smtp.Server{
		Addr:  addr,
		Local: func(context.Context, smtp.Address) bool { return true },
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	registry := prometheus.NewRegistry()
	watch(registry, srv)
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	web := &http.Server{Addr: metrics, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- srv.ListenAndServe() }()
	go func() { failed <- web.ListenAndServe() }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(err, srv.Shutdown(drain), web.Shutdown(drain))
}
