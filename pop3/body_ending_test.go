package pop3_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/pop3"
)

// TestMissingCRLF has messages whose last line the final dot ends, and messages
// that only look so. Sizes are those of LIST.
func TestMissingCRLF(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string // as it is sent
		size       int
		want       string // as it is read
	}{
		{"it does", "hello.\r\n", 5, "hello"},
		{"it does, in two lines", "Subject: x\r\n\r\nhello.\r\n", 19, "Subject: x\r\n\r\nhello"},
		{"it ends as it should", "hello\r\n.\r\n", 7, "hello\r\n"},
		{"the size leaves out the CRLF", "hello\r\n.\r\n", 5, "hello\r\n"},
		{"the size is too small", "hello\r\nworld\r\n.\r\n", 9, "hello\r\nworld\r\n"},
		{"the size is too large", "hello\r\n.\r\n", 50, "hello\r\n"},
		{"a full stop, and more", "hello.\r\nworld.\r\n.\r\n", 5, "hello.\r\nworld.\r\n"},
		{"a full stop, and the end", "hello.\r\n.\r\n", 5, "hello.\r\n"},
		{"no size", "hello.\r\n.\r\n", 0, "hello.\r\n"},
		{"dots", "..\r\n...\r\n.\r\n", 7, ".\r\n..\r\n"},
	} {
		for _, pipelined := range []bool{false, true} {
			for _, way := range []string{"Read", "octets", "WriteTo", "Close"} {
				t.Run(fmt.Sprint(tc.name, " pipelined ", pipelined, " ", way), func(t *testing.T) {
					t.Parallel()
					listing := fmt.Sprintf("+OK\r\n1 %d\r\n2 7\r\n.\r\n", tc.size)
					replies := []string{listing, "+OK\r\n" + tc.body, "+OK\r\nsecond\r\n.\r\n", "+OK\r\n"}
					if pipelined {
						replies = []string{listing, replies[1] + replies[2], replies[3]}
					}
					c := clientWith(t, pop3.ClientConfig{MissingCRLF: true}, pipelining, replies...)
					_, err := c.List(t.Context())
					require.NoError(t, err)
					read := func(r io.ReadCloser) string {
						var text bytes.Buffer
						var err error
						switch way {
						case "Read":
							_, err = io.Copy(&text, struct{ io.Reader }{r})
						case "octets":
							_, err = io.Copy(&text, iotest.OneByteReader(r))
						case "WriteTo":
							_, err = r.(io.WriterTo).WriteTo(&text)
						case "Close":
							return tc.want
						}
						require.NoError(t, err)
						return text.String()
					}
					if pipelined {
						for m, err := range c.Fetch(t.Context(), []int{1, 2}) {
							require.NoError(t, err)
							if got := read(m); m.Num == 1 {
								require.Equal(t, tc.want, got)
							}
						}
					} else {
						body, err := c.Retr(t.Context(), 1)
						require.NoError(t, err)
						require.Equal(t, tc.want, read(body))
						require.NoError(t, body.Close())
						require.Equal(t, "second\r\n", readBody(t, c.Retr, 2))
					}
					require.NoError(t, c.Noop(t.Context()))
				})
			}
		}
	}
}

// TestMissingCRLFIsAsked: without being told so, a client takes nothing for the
// end of a message that is not.
func TestMissingCRLFIsAsked(t *testing.T) {
	t.Parallel()
	c := clientWith(t, pop3.ClientConfig{}, pipelining, "+OK\r\n1 5\r\n.\r\n", "+OK\r\nhello.\r\n")
	_, err := c.List(t.Context())
	require.NoError(t, err)
	body, err := c.Retr(t.Context(), 1)
	require.NoError(t, err)
	_, err = io.ReadAll(body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// TestMissingCRLFLimits cuts such a message, and leaves a long one.
func TestMissingCRLFLimits(t *testing.T) {
	t.Parallel()
	const sent = "+OK\r\nhello.\r\n"
	for n := len("+OK\r\n"); n < len(sent); n++ {
		c := clientWith(t, pop3.ClientConfig{MissingCRLF: true}, pipelining, "+OK\r\n1 5\r\n.\r\n", sent[:n])
		_, err := c.List(t.Context())
		require.NoError(t, err)
		body, err := c.Retr(t.Context(), 1)
		require.NoError(t, err)
		_, err = io.ReadAll(body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "after %q", sent[:n])
	}
	for limit, want := range map[int64]error{99: pop3.ErrBroken, 100: nil} {
		c := clientWith(t, pop3.ClientConfig{MissingCRLF: true, MaxDrain: limit}, pipelining,
			"+OK\r\n1 100\r\n.\r\n", "+OK\r\n"+strings.Repeat("x", 100)+".\r\n", "+OK\r\n")
		_, err := c.List(t.Context())
		require.NoError(t, err)
		_, err = c.Retr(t.Context(), 1)
		require.NoError(t, err)
		require.ErrorIs(t, c.Noop(t.Context()), want)
	}
}
