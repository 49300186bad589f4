package smtp_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
)

// countingListener records what each Write of its connections carries.
type countingListener struct {
	net.Listener
	mu     sync.Mutex
	writes []string
}

type countingConn struct {
	net.Conn
	l *countingListener
}

func (l *countingListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return countingConn{nc, l}, err
}

func (c countingConn) Write(p []byte) (int, error) {
	c.l.mu.Lock()
	c.l.writes = append(c.l.writes, string(p))
	c.l.mu.Unlock()
	return c.Conn.Write(p)
}

// TestServerWrites: the replies of a group leave in one write, RFC 2920 section 3.2
// (2), and those that it forbids to hold back, (5) to (7), leave at once.
func TestServerWrites(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		say   []string // each when the replies to the one before are there
		codes []string // those in each write, the first being that of the greeting
		ids   []string
	}{
		{"EHLO", []string{"EHLO a\r\n"}, []string{"220", "250"}, nil},
		{
			"a group and its message",
			[]string{"EHLO a\r\n", "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@b>\r\nDATA\r\n", "x\r\n.\r\n"},
			[]string{"220", "250", "250 250 550 354", "250"},
			[]string{"rfc2920-3.2-2"},
		},
		{
			"the next group behind the message",
			[]string{"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nx\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n.\r\nQUIT\r\n"},
			[]string{"220", "250", "250 250 354", "250", "250 250 354", "250", "221"},
			[]string{"rfc5321-6.1-8"},
		},
		{
			"RSET is of the group",
			[]string{"EHLO a\r\n", "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nRSET\r\nMAIL FROM:<>\r\n"},
			[]string{"220", "250", "250 250 250 250 250"},
			nil,
		},
		{
			"others are not",
			[]string{"EHLO a\r\nNOOP\r\nVRFY a\r\nEXPN a\r\nBOGUS\r\nHELP\r\nDATA\r\nQUIT\r\n"},
			[]string{"220", "250", "250", "252", "502", "500", "214", "503", "221"},
			[]string{"rfc2920-3.2-1", "rfc2920-3.2-5", "rfc2920-3.2-6"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.ids != nil {
				rfc.Covers(t, tt.ids...)
			}
			synctest.Test(t, func(t *testing.T) {
				ln := testnet.NewListener()
				counting := &countingListener{Listener: ln}
				srv := &smtp.Server{
					Hostname: "mx.example.org",
					Local:    func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
					Handler:  smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil }),
				}
				served := make(chan error, 1)
				go func() { served <- srv.Serve(counting) }()
				nc, err := ln.Dial(t.Context())
				require.NoError(t, err)
				for _, octets := range tt.say {
					synctest.Wait()
					_, err = io.WriteString(nc, octets)
					require.NoError(t, err)
				}
				synctest.Wait()
				require.NoError(t, nc.Close())
				synctest.Wait()
				require.NoError(t, srv.Shutdown(context.Background()))
				require.ErrorIs(t, <-served, smtp.ErrServerClosed)
				var codes []string
				for _, w := range counting.writes {
					var inOne []string
					for line := range strings.Lines(w) {
						if line[3] == ' ' {
							inOne = append(inOne, line[:3])
						}
					}
					codes = append(codes, strings.Join(inOne, " "))
				}
				require.Equal(t, tt.codes, codes)
			})
		})
	}
}
