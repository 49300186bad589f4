package smtp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// lateServer answers nothing of a message by BDAT until all of it is there.
func lateServer(t *testing.T, far net.Conn, answers string) {
	r := bufio.NewReader(far)
	_, err := io.WriteString(far, "220 hi\r\n")
	require.NoError(t, err)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		var size int64
		switch n, _ := fmt.Sscanf(line, "BDAT %d", &size); {
		case strings.HasPrefix(line, "EHLO"):
			answers := "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n"
			_, err = io.WriteString(far, answers)
		case n == 1:
			_, err = io.CopyN(io.Discard, r, size)
		case strings.HasPrefix(line, "RSET"), strings.HasPrefix(line, "NOOP"):
			_, err = io.WriteString(far, "250 ok\r\n")
		}
		if err == nil && strings.HasSuffix(line, " LAST\r\n") {
			_, err = io.WriteString(far, answers)
		}
		if err != nil {
			return
		}
	}
}

// A part was refused, which is known only when all has been sent (RFC 3030 section 2):
// the message is refused, whatever is said of the last part, unless that is taken.
func TestClientSend_ChunkRefusedLate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		last    string
		outcome Outcome
		step    Step
		code    int
		usable  bool
	}{
		"all are":            {"503 no transaction", Refused, StepBody, 552, true},
		"the last is taken":  {"250 ok", Unknown, StepEnd, 0, false},
		"the server leaves":  {"421 bye", Refused, StepBody, 552, false},
		"and its wits do":    {"354 go", Refused, StepBody, 552, false},
		"the answer is lost": {"", Refused, StepBody, 552, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				answers := "250 ok\r\n250 ok\r\n552 too large\r\n"
				if tt.last != "" {
					answers += tt.last + "\r\n"
				}
				go func() {
					lateServer(t, far, answers)
					far.Close()
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Timeout: time.Minute})
				require.NoError(t, err)
				env := envelope(t, "b")
				result, err := c.Send(t.Context(), env, strings.NewReader(lines(chunkSize+chunkSize/2)))
				checkResult(t, env, result, err, tt.outcome, tt.step, tt.code)
				if err := c.Noop(t.Context()); tt.usable {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, ErrBroken)
				}
				c.Close()
			})
		})
	}
}

// brokenAfter is a connection that says of the end of a message that it could not be
// written, and has written all of it, or none.
type brokenAfter struct {
	net.Conn
	wrote bool
	err   error
}

func (b *brokenAfter) Write(p []byte) (int, error) {
	if !strings.Contains(string(p), " LAST\r\n") {
		return b.Conn.Write(p)
	}
	if !b.wrote {
		return 0, b.err
	}
	n, err := b.Conn.Write(p)
	return n, errors.Join(b.err, err)
}

// Of a message that left in one write nobody knows whether it has arrived, if all of it was
// written in spite of the error; and everybody knows if not.
func TestClientSend_ChunkWriteFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for wrote, tt := range map[bool]struct {
		outcome Outcome
		step    Step
	}{true: {Unknown, StepEnd}, false: {Refused, StepBody}} {
		synctest.Test(t, func(t *testing.T) {
			near, far := pipe(t)
			s := (&sink{conn: far, offers: []string{"PIPELINING", "CHUNKING"}}).start()
			c, err := NewClient(t.Context(), &brokenAfter{near, wrote, boom}, "", &ClientConfig{TLS: InsecureNoTLS})
			require.NoError(t, err)
			result, err := c.Send(t.Context(), envelope(t, "b"), strings.NewReader("plain\r\n"))
			checkResult(t, envelope(t, "b"), result, err, tt.outcome, tt.step, 0)
			require.ErrorIs(t, err, boom)
			require.Equal(t, !wrote, SafeToRetry(err))
			c.Close()
			<-s.done
			require.Equal(t, wrote, len(s.messages) == 1)
		})
	}
}
