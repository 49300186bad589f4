// Command smtpsink accepts every message and discards it: something to measure
// clients against.
//
//	smtpsink -listen 127.0.0.1:0 -tls starttls
//
// It takes messages of up to 64 MB on up to 20,000 connections. When it listens
// it prints {"smtp":"host:port"}, with "ca" naming the PEM file of the certificate
// that it made when TLS is on and none was given.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/posthouse/posthouse/examples/internal/program"
	"github.com/posthouse/posthouse/smtp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	mode := flag.String("tls", "off", "off, starttls or implicit")
	cert := flag.String("cert", "", "PEM `file` of the certificate")
	key := flag.String("key", "", "PEM `file` of its key")
	flag.Parse()
	program.Main("smtpsink", func(ctx context.Context) error {
		return run(ctx, *listen, *mode, *cert, *key)
	})
}

func run(ctx context.Context, listen, mode, certFile, keyFile string) error {
	srv := &smtp.Server{
		Hostname:        "sink.example.test",
		Local:           func(context.Context, smtp.Address) bool { return true },
		Handler:         smtp.HandlerFunc(discard),
		MaxMessageBytes: 64 << 20,
		MaxConns:        20_000,
		MaxConnsPerAddr: 20_000,
	}
	ready := map[string]string{}
	switch mode {
	case "off":
	case "starttls", "implicit":
		cfg, ca, err := program.ServerTLS(certFile, keyFile, "localhost", "127.0.0.1", "::1")
		if err != nil {
			return err
		}
		srv.TLSConfig = cfg
		if ca != nil {
			remove, err := program.PublishCA(ca, ready)
			if err != nil {
				return err
			}
			defer remove()
		}
	default:
		return fmt.Errorf("-tls %s: want off, starttls or implicit", mode)
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	ready["smtp"] = ln.Addr().String()
	if err := program.Ready(ready); err != nil {
		return err
	}
	serve := srv.Serve
	if mode == "implicit" {
		serve = srv.ServeTLS
	}
	done := make(chan error, 1)
	go func() { done <- serve(ln) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = srv.Shutdown(drain)
	if served := <-done; !errors.Is(served, smtp.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func discard(_ context.Context, tx *smtp.Transaction) error {
	_, err := io.Copy(io.Discard, tx.Body)
	return err
}
