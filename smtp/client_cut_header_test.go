package smtp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A header that is longer than what is looked at before the envelope is sent tells all
// the same that it has characters beyond ASCII, wherever it is cut.
func TestClientSend_LongHeaderBeyondASCII(t *testing.T) {
	t.Parallel()
	for _, char := range []string{"\u00fc", "\u20ac", "\U0001f600", "\xfc"} {
		for shift := range 5 {
			synctest.Test(t, func(t *testing.T) {
				c, s := sinking(t, ClientConfig{}, "SMTPUTF8", "8BITMIME", "CHUNKING", "PIPELINING")
				header := "Subject: " + strings.Repeat("x", shift) + "\r\n" + strings.Repeat("X: "+strings.Repeat(char, 200)+"\r\n", headSize/200)
				_, err := c.Send(t.Context(), envelope(t, "b"), stream(header+"\r\ntext\r\n"))
				require.NoError(t, err)
				require.Equal(t, char != "\xfc", strings.Contains(s.lines[1], " SMTPUTF8"), "%q %d: %s", char, shift, s.lines[1])
				require.NoError(t, c.Quit(t.Context()))
				<-s.done
				require.Equal(t, header+"\r\ntext\r\n", s.messages[0])
			})
		}
	}
}

// pipeFile is a body that can be sought, or says so: the nth time it cannot.
type pipeFile struct {
	*strings.Reader
	fails int
	err   error
}

func (p *pipeFile) Seek(offset int64, whence int) (int64, error) {
	if p.fails--; p.fails == 0 {
		return 0, p.err
	}
	return p.Reader.Seek(offset, whence)
}

// A body that cannot tell where it is is sent as a stream; one that cannot go back there is
// not sent.
func TestClientSend_CannotRewind(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for fails, ok := range map[int]bool{1: true, 2: false} {
		synctest.Test(t, func(t *testing.T) {
			c, s := sinking(t, ClientConfig{}, "CHUNKING", "PIPELINING", "SIZE")
			text := lines(3 * headSize)
			body := struct{ io.ReadSeeker }{&pipeFile{strings.NewReader(text), fails, boom}}
			_, err := c.Send(t.Context(), envelope(t, "b"), body)
			if ok {
				require.NoError(t, err)
				require.NotContains(t, s.lines[1], "SIZE")
			} else {
				require.ErrorIs(t, err, boom)
				require.Len(t, s.lines, 1, "nothing was sent")
			}
			require.NoError(t, c.Quit(t.Context()))
			<-s.done
			require.Equal(t, ok, len(s.messages) == 1 && s.messages[0] == text)
		})
	}
}

// What is declared binary and is text goes as text, and must stay so until it is sent.
func TestClientSend_BinaryThatIsText(t *testing.T) {
	t.Parallel()
	text := lines(3 * headSize)
	for name, tt := range map[string]struct {
		then string
		ok   bool
	}{
		"it stays":    {text[headSize:], true},
		"it does not": {strings.Replace(text[headSize:], "\r\n", "\n\n", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := sinking(t, ClientConfig{}, "CHUNKING", "PIPELINING", "8BITMIME", "BINARYMIME")
				env := envelope(t, "b")
				env.Body = BodyBinaryMIME
				_, err := c.Send(t.Context(), env, &secondTime{Reader: strings.NewReader(text), then: strings.NewReader(tt.then)})
				require.Equal(t, tt.ok, err == nil, "%v", err)
				c.Close()
				<-s.done
				require.NotContains(t, strings.Join(s.lines, "\n"), "BINARYMIME")
				require.Equal(t, tt.ok, len(s.messages) == 1 && s.messages[0] == text)
			})
		})
	}
}
