package smtp

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
)

// No string of the caller can add a line or a parameter: it is refused before
// anything is written.
func TestClient_Injection(t *testing.T) {
	t.Parallel()
	evil := []string{"a\r\nDATA", "a\nDATA", "a\rDATA", "a\x00b", "a\x7fb", "ü", "a\x80"}
	synctest.Test(t, func(t *testing.T) {
		for _, s := range append(evil, "a b", "a>", "<a>", "", "[1.2.3.4]x", "[1.2.3.4", "a..b", "-a") {
			if s == "" {
				continue // asks for the default
			}
			near, far := pipe(t)
			io.WriteString(far, "220 hi\r\n")
			_, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Hello: s})
			require.Error(t, err, "%q", s)
			wrote, _ := io.ReadAll(far)
			require.Equal(t, "QUIT\r\n", string(wrote), "%q", s)
		}
		c, far := ready(t, ClientConfig{}, "PIPELINING")
		for _, s := range evil {
			_, err := c.Verify(t.Context(), s)
			require.Error(t, err, "%q", s)
			_, err = c.Help(t.Context(), s)
			require.Error(t, err, "%q", s)
		}
		_, err := c.Verify(t.Context(), "")
		require.Error(t, err)
		for _, env := range []Envelope{
			{},
			{To: []Recipient{{}}},
			{To: []Recipient{{Address: address(t, "ü@example.org")}}},
			{From: address(t, "ü@example.org"), To: []Recipient{{Address: address(t, "a@example.org")}}},
			{To: []Recipient{{Address: address(t, "a@example.org")}}, Body: 77},
		} {
			result, err := c.Send(t.Context(), env, strings.NewReader("x"))
			var failure *SendError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, StepCheck, failure.Step)
			require.False(t, SafeToRetry(err))
			require.Len(t, result.Recipients, len(env.To))
		}
		_, err = c.Send(t.Context(), envelope(t, "b"), nil)
		require.Error(t, err)
		c.Close()
		wrote, _ := io.ReadAll(far)
		require.Empty(t, wrote)
	})
}

// The transcript has all that is public, and no more.
func TestClient_Transcript(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		go script(far, "220 hi\r\n", "250-mx\r\n250 AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n",
			"235 \x1b[2Jcome in\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 queued\r\n", "221 bye\r\n")
		var lines bytes.Buffer
		c, err := NewClient(t.Context(), near, "", &ClientConfig{
			TLS: InsecureNoTLS, Hello: "client.example.org", Transcript: &lines,
			Auth: auth.InsecurePassword("tim", "secret"),
		})
		require.NoError(t, err)
		_, err = c.Send(t.Context(), envelope(t, "b"), strings.NewReader("private\r\n"))
		require.NoError(t, err)
		require.NoError(t, c.Quit(t.Context()))
		require.Equal(t, `S: 220 hi
C: EHLO client.example.org
S: 250-mx
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 ***
C: ***
S: 334 ***
C: ***
S: 235 \x1b[2Jcome in
C: MAIL FROM:<a@example.org>
S: 250 ok
C: RCPT TO:<b@example.org>
S: 250 ok
C: DATA
S: 354 go
C: (9 octets)
C: .
S: 250 queued
C: QUIT
S: 221 bye
`, lines.String())
	})
}

// The text of a server can be printed without harm.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "",
		"plain text":            "plain text",
		"gr\xc3\xbcn":           "grün",
		"a\tb":                  "a b",
		"\x1b[2J":               `\x1b[2J`,
		"\x7f":                  `\x7f`,
		"\xff\xfe":              `\xff\xfe`,
		"\xc2\x9b2J":            `\u009b2J`,
		"a\u202eb":              `a\u202eb`,
		"a\u2028b":              `a\u2028b`,
		"cut \xe2\x80":          `cut \xe2\x80`,
		"\xf0\x9f\x93\xac sent": "📬 sent",
	} {
		require.Equal(t, want, printable([]byte(text)))
	}
}
