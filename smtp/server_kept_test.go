package smtp

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// A program may keep a transaction: that keeps neither the session nor its buffers.
func TestServerTransactionKept(t *testing.T) {
	t.Parallel()
	for name, octets := range map[string]string{
		"DATA":         "DATA\r\nx\r\n.\r\n",
		"BDAT":         "BDAT 3 LAST\r\nx\r\n",
		"a lost chunk": "BDAT 3\r\nx\r\n",
	} {
		var kept *Transaction
		srv := &Server{Hostname: "mx.example.org", Local: func(context.Context, Address) bool { return true }}
		srv.Handler = HandlerFunc(func(_ context.Context, tx *Transaction) error {
			kept = tx
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		})
		ln := testnet.NewListener()
		served := make(chan error, 1)
		go func() { served <- srv.Serve(ln) }()
		nc, err := ln.Dial(t.Context())
		require.NoError(t, err)
		go func() {
			_, _ = io.WriteString(nc, "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"+octets)
			_ = nc.(*testnet.Conn).CloseWrite()
		}()
		_, err = io.ReadAll(nc)
		require.NoError(t, err, name)
		require.NoError(t, nc.Close())
		require.NoError(t, srv.Shutdown(t.Context()))
		require.ErrorIs(t, <-served, ErrServerClosed)
		require.NotNil(t, kept, name)
		require.Nil(t, kept.body.src, name)
		require.Nil(t, kept.body.clock, name)
		require.Nil(t, kept.results.session, name)
		_, err = kept.Body.Read(make([]byte, 1))
		require.Error(t, err, name)
	}
}
