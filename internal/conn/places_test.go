package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// handshakes are those of one server, which computes for as long as its certificate is
// held back.
type handshakes struct {
	places      Places
	cfg, client *tls.Config
}

func newHandshakes(t *testing.T, places int, certificate func()) *handshakes {
	t.Helper()
	server, client := testnet.Cert(t)
	cert := server.Certificates[0]
	return &handshakes{make(Places, places), &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		certificate()
		return &cert, nil
	}}, client}
}

// shake makes the server's part with a client that comes to it, or says nothing.
func (h *handshakes) shake(t *testing.T, silent bool) <-chan error {
	t.Helper()
	a, b := testnet.Pipe()
	server, client := New(a, Config{}), New(b, Config{})
	t.Cleanup(func() {
		server.Close()
		client.Close()
	})
	if !silent {
		go func() { _ = client.StartTLSClient(context.Background(), h.client) }()
	}
	result := make(chan error, 1)
	go func() { result <- server.StartTLSServer(context.Background(), h.cfg, h.places) }()
	synctest.Wait()
	return result
}

// TestPlaces: who waits for a client has no place, and who computes has one until the end,
// for which others wait only so long.
func TestPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHandshakes(t, 1, func() {})
		for range 3 {
			h.shake(t, true)
		}
		require.Empty(t, h.places)
		require.NoError(t, <-h.shake(t, false))
		require.Empty(t, h.places)
	})
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHandshakes(t, 2, func() { <-release })
		computing := []<-chan error{h.shake(t, false), h.shake(t, false)}
		require.Len(t, h.places, 2)
		begin := time.Now()
		waits := h.shake(t, false)
		err := <-waits
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.ErrorIs(t, err, errNoPlace)
		require.Equal(t, defaultHandshakeTimeout, time.Since(begin))
		waits = h.shake(t, false)
		require.Len(t, h.places, 2)
		close(release)
		require.NoError(t, <-waits)
		for _, c := range computing {
			require.Error(t, <-c, "it computed for too long itself")
		}
		require.Empty(t, h.places)
	})
}

// TestPlaceAfterPanic: what chooses the certificate may panic, and has the place back.
func TestPlaceAfterPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHandshakes(t, 1, func() { panic("no store") })
		a, b := testnet.Pipe()
		server, client := New(a, Config{}), New(b, Config{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = client.StartTLSClient(context.Background(), h.client)
		}()
		require.Panics(t, func() { _ = server.StartTLSServer(t.Context(), h.cfg, h.places) })
		require.Empty(t, h.places)
		require.NoError(t, server.Close())
		<-done
		client.Close()
	})
}

// TestPlaceGivenUp: who waits for a place learns at once that nobody wants the handshake
// any more.
func TestPlaceGivenUp(t *testing.T) {
	t.Parallel()
	errCause := errors.New("the server closes")
	for name, early := range map[string]bool{"while it waits": false, "before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHandshakes(t, 1, func() {})
				h.places <- struct{}{}
				a, b := testnet.Pipe()
				server, client := New(a, Config{}), New(b, Config{})
				defer server.Close()
				defer client.Close()
				begin := time.Now()
				if early {
					server.Abort(errCause)
				}
				go func() { _ = client.StartTLSClient(context.Background(), h.client) }()
				result := make(chan error, 1)
				go func() { result <- server.StartTLSServer(context.Background(), h.cfg, h.places) }()
				synctest.Wait()
				server.Abort(errCause)
				require.Equal(t, errCause, <-result)
				require.Zero(t, time.Since(begin))
				require.Len(t, h.places, 1)
			})
		})
	}
}
