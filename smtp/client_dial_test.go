package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
)

// An address that is a path is a Unix socket, as the servers of LMTP use them.
func TestDial_UnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lmtp")
	ln, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer ln.Close()
	served := make(chan *sink, 2)
	go func() {
		for range 2 {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			served <- (&sink{conn: nc, lmtp: true, offers: []string{"PIPELINING", "CHUNKING"}}).start()
		}
	}()
	cfg := &ClientConfig{TLS: InsecureNoTLS, Protocol: auth.LMTP}
	result, err := Send(t.Context(), path, cfg, envelope(t, "b", "c"), strings.NewReader("one\r\n"))
	checkResult(t, envelope(t, "b", "c"), result, err, Accepted, "", 250, 250)
	tr := &Transport{Config: cfg}
	result, err = tr.Send(t.Context(), path, envelope(t, "b"), strings.NewReader("two\r\n"))
	checkResult(t, envelope(t, "b"), result, err, Accepted, "", 250)
	require.NoError(t, tr.Shutdown(t.Context()))
	for _, want := range []string{"one\r\n", "two\r\n"} {
		s := <-served
		<-s.done
		require.Equal(t, []string{want}, s.messages)
		require.Contains(t, s.lines[0], "LHLO ")
	}
}

// asked is a Dialer that remembers what it was asked for.
type asked struct{ network, address string }

func (a *asked) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	a.network, a.address = network, address
	return nil, io.ErrClosedPipe
}

func TestDial_Defaults(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2033-1-1", "rfc2033-5-1")
	for _, tt := range []struct {
		addr, network, address string
		cfg                    ClientConfig
	}{
		{"mx.example.org", "tcp", "mx.example.org:587", ClientConfig{}},
		{"mx.example.org", "tcp", "mx.example.org:24", ClientConfig{Protocol: auth.LMTP}},
		{"mx.example.org", "tcp", "mx.example.org:25", ClientConfig{TLS: InsecureNoTLS}},
		{"::1", "tcp", "[::1]:465", ClientConfig{TLS: ImplicitTLS}},
		{"/run/lmtp", "unix", "/run/lmtp", ClientConfig{Protocol: auth.LMTP}},
	} {
		a := new(asked)
		tt.cfg.Dialer = a
		_, err := Dial(t.Context(), tt.addr, &tt.cfg)
		require.ErrorIs(t, err, io.ErrClosedPipe)
		require.True(t, SafeToRetry(err))
		require.Equal(t, asked{tt.network, tt.address}, *a)
	}
}

// A client shows its certificate where the server asks for one.
func TestClient_Certificate(t *testing.T) {
	t.Parallel()
	server, client := testnet.Cert(t)
	own, _ := testnet.Cert(t, "client.example.org")
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		demanding := server.Clone()
		demanding.ClientAuth = tls.RequireAnyClientCert
		shown := make(chan *x509.Certificate, 1)
		go func() {
			secure := tls.Server(far, demanding)
			if secure.Handshake() == nil {
				shown <- secure.ConnectionState().PeerCertificates[0]
			}
			(&sink{conn: secure}).start()
		}()
		cfg := client.Clone()
		cfg.Certificates = own.Certificates
		c, err := NewClient(t.Context(), near, "mx.example.org", &ClientConfig{TLS: ImplicitTLS, TLSConfig: cfg})
		require.NoError(t, err)
		require.NoError(t, c.Quit(t.Context()))
		require.Equal(t, own.Certificates[0].Certificate[0], (<-shown).Raw)
	})
}
