package testpeer

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"

	"github.com/posthouse/posthouse/internal/transcript"
)

// Script plays dialogues as a server, one on each connection, in their order.
type Script struct {
	t       testing.TB
	name    string
	address string
	cert    Certificate
	played  sync.WaitGroup

	mu        sync.Mutex
	dialogues []transcript.Dialogue
}

// NewScript returns a script of the dialogues for a test of the package of that
// name. The certificate is for serverName, and the address that of the pipes. The
// test does not end before the dialogues that were begun have.
func NewScript(t testing.TB, name, serverName, address string, dialogues ...string) *Script {
	t.Helper()
	s := &Script{t: t, name: name, address: address}
	var err error
	if s.cert, err = NewCertificate(serverName); err != nil {
		t.Fatalf("%s: making a certificate: %v", name, err)
	}
	for i, text := range dialogues {
		d, err := transcript.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: dialogue %d: %v", name, i+1, err)
		}
		d.TLS = &tls.Config{Certificates: []tls.Certificate{s.cert.Chain}}
		s.dialogues = append(s.dialogues, d)
	}
	t.Cleanup(s.played.Wait)
	return s
}

// Dial begins the next dialogue. That there is none fails the test.
func (s *Script) Dial(context.Context) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.dialogues) == 0 {
		s.t.Errorf("%s: a connection more than there are dialogues", s.name)
		return nil, net.ErrClosed
	}
	d := s.dialogues[0]
	s.dialogues = s.dialogues[1:]
	client, server := NewPipe(s.address)
	s.played.Go(func() { d.PlayServer(s.t, server) })
	return client, nil
}

// TLS returns a configuration of a client that trusts the certificate.
func (s *Script) TLS(serverName string) *tls.Config {
	return &tls.Config{RootCAs: s.cert.Pool, ServerName: serverName}
}
