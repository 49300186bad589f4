package pop3_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/pop3"
)

// oddMessage has all that a body may hold, stuffed and not.
const (
	oddMessage = ".\r\n..\r\n.dot\r\nplain\r\nbare \r and \n.\n\x00\xff\r\r\n\r\n\n.\r\n"
	oddStuffed = "..\r\n...\r\n..dot\r\nplain\r\nbare \r and \n.\n\x00\xff\r\r\n\r\n\n.\r\n"
)

// TestBodySplitAnywhere has the octets of a message arrive in every two
// segments, and by one.
func TestBodySplitAnywhere(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-3-12", "rfc1939-3-14", "rfc1939-3-15")
	reply := "+OK\r\n" + oddStuffed + ".\r\n"
	check := func(arrives []string) {
		c := clientOf(t, pop3.ClientConfig{}, append(arrives, "+OK\r\n")...)
		body, err := c.Retr(t.Context(), 1)
		require.NoError(t, err)
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Equal(t, oddMessage, string(text), "arriving as %q", arrives)
		n, err := body.Read(make([]byte, 1))
		require.Zero(t, n)
		require.Equal(t, io.EOF, err)
		require.NoError(t, c.Noop(t.Context()))
	}
	for i := 1; i < len(reply); i++ {
		check([]string{reply[:i], reply[i:]})
	}
	check(strings.Split(reply, ""))
}

func TestBodyWriteTo(t *testing.T) {
	t.Parallel()
	reply := "+OK\r\n" + oddStuffed + ".\r\n"
	c := clientOf(t, pop3.ClientConfig{}, reply, reply, "+OK\r\n")
	body, err := c.Retr(t.Context(), 1)
	require.NoError(t, err)
	var out bytes.Buffer
	n, err := body.WriteTo(&out)
	require.NoError(t, err)
	require.EqualValues(t, len(oddMessage), n)
	require.Equal(t, oddMessage, out.String())
	n, err = body.WriteTo(&out)
	require.NoError(t, err)
	require.Zero(t, n)

	// A writer that fails is not the connection's fault.
	body, err = c.Retr(t.Context(), 1)
	require.NoError(t, err)
	full := errors.New("disk full")
	_, err = body.WriteTo(failingWriter{full})
	require.Equal(t, full, err)
	require.NoError(t, c.Noop(t.Context()))
	_, err = body.WriteTo(&out)
	require.ErrorContains(t, err, "closed body")
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// TestBodyCut cuts a message at every octet: whatever is read before, the end is
// not io.EOF.
func TestBodyCut(t *testing.T) {
	t.Parallel()
	reply := oddStuffed + ".\r\n"
	for n := range len(reply) {
		c := clientOf(t, pop3.ClientConfig{}, "+OK\r\n"+reply[:n])
		body, err := c.Retr(t.Context(), 1)
		require.NoError(t, err)
		text, err := io.ReadAll(body)
		require.Equal(t, io.ErrUnexpectedEOF, err, "after %q", reply[:n])
		require.True(t, strings.HasPrefix(oddMessage, string(text)))
		_, err = body.WriteTo(io.Discard)
		require.Equal(t, io.ErrUnexpectedEOF, err, "again")
		require.NoError(t, body.Close())
		require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)

		c = clientOf(t, pop3.ClientConfig{}, "+OK\r\n"+reply[:n])
		body, err = c.Retr(t.Context(), 1)
		require.NoError(t, err)
		require.ErrorIs(t, body.Close(), pop3.ErrBroken)

		c = clientOf(t, pop3.ClientConfig{}, "+OK\r\n"+reply[:n])
		body, err = c.Retr(t.Context(), 1)
		require.NoError(t, err)
		_, err = body.WriteTo(io.Discard)
		require.Equal(t, io.ErrUnexpectedEOF, err)
	}
}

func TestBodyLeftUnread(t *testing.T) {
	t.Parallel()
	const rest = "hello\r\n.\r\n"
	begin := func(limit int64) (*pop3.Client, *pop3.Body) {
		c := clientOf(t, pop3.ClientConfig{MaxDrain: limit}, "+OK\r\n"+rest, "+OK\r\n")
		body, err := c.Retr(t.Context(), 1)
		require.NoError(t, err)
		return c, body
	}
	t.Run("and closed", func(t *testing.T) {
		t.Parallel()
		c, body := begin(int64(len(rest)))
		require.NoError(t, body.Close())
		_, err := body.Read(make([]byte, 1))
		require.ErrorContains(t, err, "closed body")
		require.NoError(t, body.Close())
		require.NoError(t, c.Noop(t.Context()))
	})
	t.Run("before the next command", func(t *testing.T) {
		t.Parallel()
		c, body := begin(int64(len(rest)))
		require.NoError(t, c.Noop(t.Context()))
		_, err := body.Read(make([]byte, 1))
		require.ErrorContains(t, err, "closed body")
	})
	t.Run("beyond MaxDrain, and closed", func(t *testing.T) {
		t.Parallel()
		c, body := begin(int64(len(rest)) - 1)
		require.ErrorIs(t, body.Close(), pop3.ErrBroken)
		require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
	})
	t.Run("beyond MaxDrain, before QUIT", func(t *testing.T) {
		t.Parallel()
		c, _ := begin(int64(len(rest)) - 1)
		err := c.Quit(t.Context())
		require.ErrorIs(t, err, pop3.ErrBroken)
		var unknown *pop3.UnknownError
		require.NotErrorAs(t, err, &unknown, "QUIT was not sent")
	})
	t.Run("dialogue", func(t *testing.T) {
		t.Parallel()
		c := mustDialDialogue(t, "unread", cleartext)
		_, err := c.Retr(t.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, c.Noop(t.Context()))
		body, err := c.Retr(t.Context(), 2)
		require.NoError(t, err)
		_, err = io.ReadFull(body, make([]byte, 3))
		require.NoError(t, err)
		require.NoError(t, c.Noop(t.Context()))
		require.NoError(t, c.Quit(t.Context()))
	})
}

// TestBodyLines has a line of 100 KB, and one of 10 MB.
func TestBodyLines(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100 << 10, 10 << 20} {
		line := strings.Repeat("x", n)
		c := clientOf(t, pop3.ClientConfig{}, "+OK\r\n..", line, "\r\n.\r\n", "+OK\r\n")
		body, err := c.Retr(t.Context(), 1)
		require.NoError(t, err)
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		require.True(t, string(text) == "."+line+"\r\n", "%d octets came as %d", n, len(text))
		require.NoError(t, c.Noop(t.Context()))
	}
}
