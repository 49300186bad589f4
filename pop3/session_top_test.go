package pop3

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestTopReader(t *testing.T) {
	t.Parallel()
	const message = "A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n"
	for _, tt := range []struct {
		name, message string
		lines         int
		want          string
	}{
		{"header and blank line", message, 0, "A: 1\r\nB: 2\r\n\r\n"},
		{"one line", message, 1, "A: 1\r\nB: 2\r\n\r\none\r\n"},
		{"a blank line counts", message, 2, "A: 1\r\nB: 2\r\n\r\none\r\n\r\n"},
		{"all lines", message, 3, message},
		{"more than there are", message, math.MaxInt, message},
		{"no header", "\r\nx\r\ny\r\n", 1, "\r\nx\r\n"},
		{"no body", "A: 1\r\n\r\n", 5, "A: 1\r\n\r\n"},
		{"no blank line", "A: 1\r\nB: 2\r\n", 1, "A: 1\r\nB: 2\r\n"},
		{"nothing", "", 3, ""},
		{"a bare LF ends no line", "A: 1\n\r\n\nx\r\n\r\none\ntwo\r\nthree\r\n", 1, "A: 1\n\r\n\nx\r\n\r\none\ntwo\r\n"},
		{"a bare CR ends no line", "A: 1\r\r\n\r\r\n\r\none\rtwo\r\nthree\r\n", 1, "A: 1\r\r\n\r\r\n\r\none\rtwo\r\n"},
		{"CR CR LF is no blank line", "A\r\n\r\r\nB\r\n\r\nx\r\ny\r\n", 0, "A\r\n\r\r\nB\r\n\r\n"},
		{"LF CR LF is no blank line", "A\r\n\n\r\nB\r\n\r\nx\r\n", 0, "A\r\n\n\r\nB\r\n\r\n"},
		{"no final line end", "A\r\n\r\nx\r\ny", 2, "A\r\n\r\nx\r\ny"},
	} {
		for name, source := range map[string]io.Reader{
			"whole":          strings.NewReader(tt.message),
			"octet by octet": iotest.OneByteReader(strings.NewReader(tt.message)),
			"EOF with data":  iotest.DataErrReader(strings.NewReader(tt.message)),
		} {
			got, err := io.ReadAll(&topReader{source: source, lines: tt.lines})
			require.NoError(t, err, tt.name)
			require.Equal(t, tt.want, string(got), "%s, %s", tt.name, name)
		}
	}
}

func TestTopReaderPassesErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	source := io.MultiReader(strings.NewReader("A: 1\r\n\r\nx"), iotest.ErrReader(broken))
	_, err := io.ReadAll(&topReader{source: source, lines: 1})
	require.ErrorIs(t, err, broken)
}

// topOracle takes a message apart the slow way.
func topOracle(message string, lines int) string {
	header, body, found := strings.Cut("\r\n"+message, "\r\n\r\n")
	if !found {
		return message
	}
	out := header + "\r\n\r\n"
	for range lines {
		line, rest, found := strings.Cut(body, "\r\n")
		if !found {
			out += line
			break
		}
		out += line + "\r\n"
		body = rest
	}
	return out[2:]
}

func FuzzTop(tf *testing.F) {
	f := storm.New(tf)
	f.Add(uint8(1), uint8(3), []byte("A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n"))
	f.Add(uint8(2), uint8(1), []byte("\r\n\r\n\r\n"))
	f.Add(uint8(0), uint8(2), []byte("a\n\r\n\r\r\n\r\n\nx"))
	f.Fuzz(func(t *testing.T, lines, step uint8, message []byte) {
		source := &chopped{message, int(step%9) + 1}
		got, err := io.ReadAll(&topReader{source: source, lines: int(lines)})
		if err != nil || string(got) != topOracle(string(message), int(lines)) || !bytes.HasPrefix(message, got) {
			t.Fatalf("%d lines of %q are %q, %v", lines, message, got, err)
		}
	})
}

// chopped is a reader of a few octets at a time.
type chopped struct {
	rest []byte
	step int
}

func (c *chopped) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.step)], c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
