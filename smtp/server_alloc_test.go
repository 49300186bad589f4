package smtp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// TestServerAllocations: a session that goes on allocates for what it keeps, and for
// nothing else: the text of an address or a question, and a transaction with its name.
//
// It does not run in parallel: it counts what the whole process allocates.
func TestServerAllocations(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &smtp.Server{
		Hostname: "mx.example.org", MaxIdleCommands: -1, MaxErrors: -1, MaxTransactions: -1, ErrorDelay: -1,
		Local: func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	nc, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	r := bufio.NewReaderSize(nc, 4<<10)
	ask := func(group []byte, replies int) {
		if _, err := nc.Write(group); err != nil {
			t.Fatal(err)
		}
		for replies > 0 {
			line, err := r.ReadSlice('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line[3] == ' ' {
				replies--
			}
		}
	}
	ask([]byte("EHLO client.example.com\r\n"), 2)
	const mail, rcpt = "MAIL FROM:<alice@example.com> SIZE=1000\r\n", "RCPT TO:<bob@example.org>\r\n"
	for _, tt := range []struct {
		name, say string
		replies   int
		most      float64
	}{
		{"NOOP", "NOOP\r\n", 1, 0},
		{"NOOP with a text", "NOOP " + strings.Repeat("x", 100) + "\r\n", 1, 0},
		{"RSET", "RSET\r\n", 1, 0},
		{"unknown", "BOGUS a b c\r\n", 1, 0},
		{"out of order", "DATA\r\n", 1, 0},
		{"not implemented", "EXPN list\r\n", 1, 0},
		{"a group", strings.Repeat("RSET\r\n", 100) + "NOOP\r\n", 101, 0},
		{"a chunk that is refused", "BDAT 10\r\n0123456789", 1, 0},
		{"VRFY", "VRFY bob\r\n", 1, 1},
		{"HELP", "HELP\r\n", 1, 0},
		{"MAIL", mail + "RSET\r\n", 2, 3},
		{"RCPT", mail + rcpt + "RSET\r\n", 3, 4},
		{"RCPT that is refused", mail + strings.Repeat("RCPT TO:<bob@example.net>\r\n", 10) + "RSET\r\n", 12, 13},
		{"a message", mail + rcpt + "DATA\r\n", 3, 4},
		{"a message in chunks", mail + rcpt + "BDAT 4\r\na\r\nbBDAT 3 LAST\r\n\r\n.", 4, 4},
	} {
		group, replies := []byte(tt.say), tt.replies
		message := []byte("Subject: x\r\n\r\n..\r\n.\r\n")
		got := testing.AllocsPerRun(200, func() {
			ask(group, replies)
			if tt.name == "a message" {
				ask(message, 1)
			}
		})
		require.LessOrEqual(t, got, tt.most, tt.name)
	}
	require.NoError(t, nc.Close())
	require.NoError(t, srv.Close())
	require.NoError(t, srv.Shutdown(context.Background()))
	require.ErrorIs(t, <-done, smtp.ErrServerClosed)
}
