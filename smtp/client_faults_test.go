package smtp_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// wrongs is what a server may do wrong at any reply.
var wrongs = map[string]smtptest.Fault{
	"endless lines":      {Say: strings.Repeat("250-hello\r\n", 100), Endless: true},
	"endless long lines": {Say: "250-" + strings.Repeat("x", 1000) + "\r\n", Endless: true},
	"endless line":       {Say: strings.Repeat("250 x", 1000), Endless: true},
	"endless replies":    {Say: strings.Repeat("250 x\r\n", 100), Endless: true},
	"endless NULs":       {Say: strings.Repeat("\x00", 1000), Endless: true},
	"silence":            {Mute: true, Then: smtptest.Stall},
	"drip":               {Say: "250 " + strings.Repeat("x", 100) + "\r\n", Drip: time.Second},
	"dripping lines":     {Say: "250-x\r\n", Endless: true, Drip: time.Second},
	"two codes":          {Say: "250-a\r\n550 b\r\n"},
	"garbage inside":     {Say: "250-a\r\ngarbage\r\n250 b\r\n"},
	"four digits":        {Say: "2500 x\r\n"},
	"two digits":         {Say: "25\r\n"},
	"no text":            {Say: "250\r\n"},
	"bare LF":            {Say: "250 x\n"},
	"bare CR":            {Say: "250 x\r"},
	"escapes":            {Say: "250 \xff\x00\x1b[2J\r\n"},
	"354":                {Say: "354 go on\r\n"},
	"250":                {Say: "250 ok\r\n"},
	"220":                {Say: "220 hi\r\n"},
	"334":                {Say: "334 YWJj\r\n"},
	"199":                {Say: "199 x\r\n"},
	"600":                {Say: "600 x\r\n"},
	"two replies":        {Say: "250 a\r\n250 b\r\n"},
	"five replies":       {Say: strings.Repeat("250 a\r\n", 5)},
	"421":                {Say: "421 4.3.2 bye\r\n", Then: smtptest.Close},
	"421, and stays":     {Say: "421 4.3.2 bye\r\n"},
	"451":                {Say: "451 4.3.0 later\r\n"},
	"550":                {Say: "550 5.7.1 no\r\n"},
	"550, and leaves":    {Say: "550 5.7.1 no\r\n", Then: smtptest.Close},
	"drop":               {Mute: true, Then: smtptest.Close},
	"reset":              {Mute: true, Then: smtptest.Reset},
	"half-closed":        {Mute: true, Then: smtptest.HalfClose},
	"cut":                {Cut: 3, Then: smtptest.Close},
	"cut, and silence":   {Cut: 5, Then: smtptest.Stall},
	"good, but the last": {Then: smtptest.Close},
}

// place is where, and whether a connection without TLS, and a large message, come
// so far as that.
type place struct {
	at           smtptest.At
	plain, large bool
}

var places = []place{
	{smtptest.AtConnect, true, false},
	{smtptest.AtEHLO, true, false},
	{smtptest.AtSTARTTLS, false, false},
	{smtptest.AtTLS, false, false},
	{smtptest.AtAUTH, false, false},
	{smtptest.AtMAIL, true, true},
	{smtptest.AtRCPT, true, true},
	{smtptest.AtDATA, true, true},
	{smtptest.AtBody, true, true},
	{smtptest.AtEnd, true, true},
	{smtptest.AtIdle, true, false},
	{smtptest.AtNOOP, true, false},
	{smtptest.AtQUIT, true, false},
}

// Whatever a server does wrong, and wherever: the client comes to an end by the
// deadline with an error that says what it was, it claims to know no more than it
// does, and does not go on with a server that is out of step. By DATA in cleartext,
// and by BDAT in TLS.
func TestClient_FaultsEverywhere(t *testing.T) {
	t.Parallel()
	for _, p := range places {
		t.Run(string(p.at), func(t *testing.T) {
			t.Parallel()
			for name, wrong := range wrongs {
				wrong.At = p.at
				for _, plain := range []bool{true, false} {
					if plain && !p.plain || !plain && p.plain && testing.Short() {
						continue
					}
					synctest.Test(t, func(t *testing.T) { suffer(t, name, wrong, false, plain) })
					if p.large {
						synctest.Test(t, func(t *testing.T) { suffer(t, name, wrong, true, plain) })
					}
				}
			}
		})
	}
}

// suffer sends messages to a server with a fault.
func suffer(t *testing.T, name string, fault smtptest.Fault, large, plain bool) {
	s := smtptest.NewMemoryServer(t)
	s.Misbehave(fault)
	cfg := s.ClientConfig("user")
	cfg.NoChunking = plain
	if plain {
		cfg.TLS, cfg.Auth = smtp.InsecureNoTLS, nil
	}
	limit := 2*(cfg.Timeout+cfg.DataTimeout) + time.Minute // a server may be slow more than once
	start := time.Now()
	finished := func(what string, err error) {
		t.Helper()
		require.LessOrEqual(t, time.Since(start), limit, "%s: %s: %v", name, what, err)
		if err != nil {
			require.True(t, typed(err), "%s: %s: %#v", name, what, err)
			require.NotContains(t, err.Error(), "\x1b", name)
			require.NotContains(t, err.Error(), "\x00", name)
		}
		start = time.Now()
	}
	c, err := smtp.Dial(t.Context(), s.Addr, cfg)
	finished("dial", err)
	if err != nil {
		require.Nil(t, c)
		require.Empty(t, s.Messages())
		return
	}
	defer c.Close()
	for range 2 {
		s.Forget()
		body := "Subject: x\r\n\r\nx\r\n"
		if large {
			body = strings.Repeat(body, 20_000)
		}
		result, err := c.Send(t.Context(), post(t, "a", "b"), strings.NewReader(body))
		finished("send", err)
		synctest.Wait()
		arrived := len(s.Messages())
		// A server that answers to a message that has left, and then does something
		// else, cannot be found out.
		ahead := !plain && !large || fault.At == smtptest.AtBody
		lied := ahead && (err == nil || errors.As(err, new(*smtp.Error)))
		switch {
		case lied:
		case result.Outcome == smtp.Accepted:
			require.Equal(t, 1, arrived, "%s: %v", name, err)
		case result.Outcome == smtp.Refused:
			require.Zero(t, arrived, "%s: %v", name, err)
		}
		require.False(t, smtp.SafeToRetry(err) && result.Outcome != smtp.Refused, name)
		for _, m := range s.Messages() {
			require.Equal(t, body, string(m.Data), name)
		}
		if err != nil && !refusal(err) {
			err := c.Noop(t.Context())
			require.ErrorIs(t, err, smtp.ErrBroken, "%s: used after it lost step", name)
		}
	}
	finished("noop", c.Noop(t.Context()))
	finished("quit", c.Quit(t.Context()))
}

// refusal reports whether an error is a mere refusal, which leaves the connection
// usable.
func refusal(err error) bool {
	var reply *smtp.Error
	return errors.As(err, &reply) && reply.Code != 421
}

// typed reports whether the cause of an error can be told by a program.
func typed(err error) bool {
	var (
		reply     *smtp.Error
		protocol  *smtp.ProtocolError
		extension *smtp.ExtensionError
		network   net.Error
		record    tls.RecordHeaderError
		alert     tls.AlertError
		cert      *tls.CertificateVerificationError
	)
	for _, target := range []any{&reply, &protocol, &extension, &network, &record, &alert, &cert} {
		if errors.As(err, target) {
			return true
		}
	}
	for _, target := range []error{
		io.ErrUnexpectedEOF, io.EOF, io.ErrClosedPipe, net.ErrClosed, os.ErrDeadlineExceeded, conn.ErrPlaintextBuffered,
		smtp.ErrBroken, smtp.ErrClientClosed, auth.ErrCleartext, sasl.ErrUnexpectedServerChallenge,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// A server may send what it likes and as long as it likes: what the client takes
// of memory in all, freed or not, stays below a mebibyte more than an honest
// server costs.
func TestClient_FaultsCostNoMemory(t *testing.T) {
	cost := func(fault smtptest.Fault) (octets int64) {
		synctest.Test(t, func(t *testing.T) {
			s := smtptest.NewMemoryServer(t)
			s.Misbehave(fault)
			cfg := s.ClientConfig("user")
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if c, err := smtp.Dial(t.Context(), s.Addr, cfg); err == nil {
				c.Send(t.Context(), post(t, "a"), mail())
				c.Verify(t.Context(), "a")
				c.Quit(t.Context())
			}
			runtime.ReadMemStats(&after)
			octets = int64(after.TotalAlloc - before.TotalAlloc)
		})
		return octets
	}
	honest, most := cost(smtptest.Fault{At: smtptest.AtIdle}), int64(1<<20)
	if race {
		most *= 4 // pools throw away much of what they are given, to see what happens
	}
	for _, p := range append(places, place{at: smtptest.AtOther}) {
		for _, name := range []string{"endless lines", "endless long lines", "endless line", "endless replies", "endless NULs", "dripping lines"} {
			fault := wrongs[name]
			fault.At = p.at
			require.Less(t, cost(fault)-honest, most, "%s at %s", name, p.at)
		}
	}
	million := smtptest.Fault{At: smtptest.AtEHLO, Say: strings.Repeat("250-X-EXTENSION-OF-MINE WITH PARAMETERS\r\n", 1_000_000) + "250 x\r\n"}
	require.Less(t, cost(million)-honest-int64(len(million.Say)), most, "a million extensions")
}
