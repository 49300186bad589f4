package smtp_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// TestServerPanicIsToldWithoutLog: a server without a log still does not swallow a
// panic. It changes the default logger, so it is not run beside other tests.
func TestServerPanicIsToldWithoutLog(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { panic("boom") })})
		p := s.inMail()
		p.say("DATA\r\n")
		p.expect("354 ")
		p.say("x\r\n.\r\n")
		p.expect("421 4.3.0 ")
		p.expectEnd()
		require.Empty(t, s.letters())
	})
	require.Contains(t, out.String(), "panic=boom")
	require.NotContains(t, out.String(), "session begins")
}
