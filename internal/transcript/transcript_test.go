package transcript

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	ds := Load(t, "testdata/dialogues.txtar")
	require.Len(t, ds, 3)
	require.Equal(t, "mail", ds[0].Name)
	require.Equal(t, "A typical transaction, after RFC 5321 appendix D.1, shortened.\n", ds[0].Comment)
	require.Equal(t, 6, ds[0].steps[0].line)
	require.Equal(t, "STARTTLS\r\nNOOP\r\n", string(ds[1].Octets('C')))
	require.Equal(t, "QUIT\r\x00\x00\\\xff*", string(ds[2].Octets('C')))
	require.Equal(t, "220 bare LF\n500 no\r\n221 bye\r\n", string(ds[2].Octets('S')))
}

// TestPlay lets client and server play each dialogue against each other.
func TestPlay(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t)
	for _, d := range Load(t, "testdata/dialogues.txtar") {
		for _, split := range []int{0, 1, 7} {
			t.Run(fmt.Sprintf("%s/%d", d.Name, split), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					a, b := testnet.Pipe()
					a.SplitWrites(split)
					b.SplitWrites(split)
					there, here := d, d
					there.TLS, here.TLS = serverTLS, clientTLS
					done := make(chan bool)
					go func() { done <- there.PlayServer(t, b) }()
					require.True(t, here.PlayClient(t, a))
					require.True(t, <-done)
				})
			})
		}
	}
}

// recorder keeps what is reported instead of failing.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func TestPlay_Departures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, dialogue string
		peer           string // what the server sends, whatever it hears
		close          bool   // the server closes after it
		want           string
	}{
		{"other line", "S: 220 hello\n", "220 hallo\r\n", false, `dialogue:1: got "220 hallo\r\n", want "220 hello\r\n"`},
		{"bare LF", "S: 220 hello\n", "220 hello\n", false, `dialogue:1: got "220 hello\n", want "220 hello\r\n"`},
		{"other beginning", "S: 220 *\n", "250 hello\r\n", false, `dialogue:1: got "250 hello\r\n", want "220 *\r\n"`},
		{"end of the connection", "\nC: NOOP\nS: 250 OK\n", "25", true, `dialogue:3: got "25", then EOF, want "250 OK\r\n"`},
		{"other octets", "s: a\\nb\n", "a\nc", false, `dialogue:1: got "a\nc", want "a\nb"`},
		{"more than expected", "S: 220 hello\n", "220 hello\r\n250 OK\r\n", false, `dialogue: got "250 OK\r\n" after the last line of ""`},
		{"octets for the end", "-- close\n", "421 bye\r\n", true, `dialogue:1: got "421 bye\r\n", want the end of the connection`},
		{"silence for the end", "-- close\n", "", false, `dialogue:1: got silence, want the end of the connection`},
		{"silence", "S: 220\n", "", false, `dialogue:1: got "", then read tcp 192.0.2.1:50000->192.0.2.2:25: i/o timeout, want "220\r\n"`},
		{"nothing to handshake with", "-- tls\n", "", false, `dialogue:1: no TLS configuration in the Dialogue`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, err := Parse([]byte(tt.dialogue))
				require.NoError(t, err)
				a, b := testnet.Pipe()
				_, err = io.WriteString(b, tt.peer)
				require.NoError(t, err)
				if tt.close {
					require.NoError(t, b.CloseWrite())
				}
				r := &recorder{TB: t}
				start := time.Now()
				require.False(t, d.PlayClient(r, a))
				require.Equal(t, []string{tt.want}, r.said)
				require.LessOrEqual(t, time.Since(start), time.Minute)
			})
		})
	}
}

func TestPlay_OctetsBeforeHandshake(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte("S: 220 go\n-- tls\n"))
	require.NoError(t, err)
	_, d.TLS = testnet.Cert(t)
	a, b := testnet.Pipe()
	_, err = io.WriteString(b, "220 go\r\n250 injected\r\n")
	require.NoError(t, err)
	r := &recorder{TB: t}
	require.False(t, d.PlayClient(r, a))
	require.Equal(t, []string{`dialogue:2: got "250 injected\r\n" before the handshake`}, r.said)
}

func TestPlay_ClosesAfterDeparture(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte("S: 220 hello\n"))
	require.NoError(t, err)
	a, b := testnet.Pipe()
	_, err = io.WriteString(b, "500 no\r\n")
	require.NoError(t, err)
	require.False(t, d.PlayClient(&recorder{TB: t}, a))
	_, err = a.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestPlay_LinesInARowLeaveInOneWrite(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte("C: RSET\nC: NOOP\n# and\nc: Q\n"))
	require.NoError(t, err)
	a, b := testnet.Pipe()
	require.True(t, d.PlayClient(t, a))
	p := make([]byte, 100)
	n, err := b.Read(p)
	require.NoError(t, err)
	require.Equal(t, "RSET\r\nNOOP\r\nQ", string(p[:n]))
}

func TestParse_Errors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"nothing", "", `dialogue:1: nothing is said in dialogue ""`},
		{"comment only", "text\n# more\n", `dialogue:1: nothing is said in dialogue ""`},
		{"text after a line", "C: NOOP\nS; 250 OK\n", "dialogue:2: not a line of a dialogue"},
		{"unknown mark", "C: NOOP\n-- open\n", "dialogue:2: not a line of a dialogue"},
		{"unknown escape", `c: \t`, "dialogue:1: unknown escape 't'"},
		{"escape without a letter", `c: a\`, "dialogue:1: escape without a letter"},
		{"one digit", `c: \x1`, `dialogue:1: \x without two digits`},
		{"no digits", `c: \xzz`, `dialogue:1: \x without two digits`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tt.text))
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestLoad_LineNumbers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.txtar")
	require.NoError(t, os.WriteFile(path, []byte("comment\r\n-- one --\r\nC: A\r\n-- two --\r\n\r\nC: B\r\n"), 0o600))
	ds := Load(t, path)
	require.Len(t, ds, 2)
	require.Equal(t, 3, ds[0].steps[0].line)
	require.Equal(t, 6, ds[1].steps[0].line)
	require.Equal(t, "B\r\n", ds[1].steps[0].octets)
}
