package interop

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// TestGNUSASL has the program gsasl log in to our server, by SCRAM with channel binding
// too: tls-exporter with TLS 1.3, tls-unique with TLS 1.2.
func TestGNUSASL(t *testing.T) {
	t.Parallel()
	need(t, "gsasl")
	cert := newCertificate(t)
	users := auth.Passwords{"alice": "secret1"}
	srv := &smtp.Server{
		Protocol:  auth.Submission,
		Hostname:  "localhost",
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert.Chain}},
		Auth:      &auth.Server{Passwords: users, Secrets: users, InsecureCRAMMD5: true},
		Handler:   smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil }),
	}
	ln := listen(t)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-served
	})
	addr := sayingEHLO(t, ln.Addr().String())
	for _, row := range []struct {
		mechanism string
		ok        bool
		options   []string
	}{
		{"SCRAM-SHA-256-PLUS", true, nil},
		{"SCRAM-SHA-256-PLUS", true, []string{"--priority", "NORMAL:-VERS-TLS1.3"}},
		{"SCRAM-SHA-1-PLUS", true, nil},
		{"SCRAM-SHA-1-PLUS", true, []string{"--priority", "NORMAL:-VERS-TLS1.3"}},
		{"SCRAM-SHA-256", true, []string{"--no-cb"}},
		{"SCRAM-SHA-1", true, []string{"--no-cb"}},
		{"SCRAM-SHA-256", false, nil}, // it says y, as if -PLUS had been hidden from it
		{"SCRAM-SHA-256-PLUS", false, []string{"--password", "guess"}},
		{"PLAIN", true, nil},
		{"LOGIN", true, nil},
		{"CRAM-MD5", true, nil},
	} {
		t.Run(row.mechanism+" "+strings.Join(row.options, " "), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			args := append([]string{
				"--client", "--smtp", "--starttls", "--verbose", "--connect", addr, "--mechanism", row.mechanism,
				"--authentication-id", "alice", "--password", "secret1", "--x509-ca-file", cert.file,
			}, row.options...)
			out, fail := exec.CommandContext(ctx, "gsasl", args...).CombinedOutput()
			if ok := strings.Contains(string(out), "\n235 2.7.0 "); ok != row.ok {
				t.Errorf("%v: %s", fail, out)
			}
		})
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// sayingEHLO passes connections on to a server, and says EHLO first: gsasl begins with
// STARTTLS, which a server need not take.
func sayingEHLO(t *testing.T, server string) (addr string) {
	t.Helper()
	ln := listen(t)
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				pass(client, server)
			}()
		}
	}()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "localhost:" + port // the name in the certificate
}

func pass(client net.Conn, server string) {
	nc, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer nc.Close()
	replies := bufio.NewReader(nc)
	greeting, err := replies.ReadString('\n')
	if err != nil {
		return
	}
	_, _ = io.WriteString(nc, "EHLO client.example.test\r\n")
	for line := "250-"; strings.HasPrefix(line, "250-"); {
		if line, err = replies.ReadString('\n'); err != nil {
			return
		}
	}
	_, _ = io.WriteString(client, greeting)
	go func() {
		_, _ = io.Copy(nc, client)
		_ = nc.Close()
	}()
	_, _ = io.Copy(client, replies)
}
