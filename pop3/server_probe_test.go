package pop3_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// prober is a client that does as it is told.
type prober struct {
	conn  net.Conn
	r     *bufio.Reader
	tls   *tls.Config
	stamp string // what the greeting ends with
}

// probe connects and reads the greeting.
func (r *rig) probe(t *testing.T) *prober {
	t.Helper()
	p := &prober{conn: r.dial(t)}
	p.r = bufio.NewReader(p.conn)
	greeting := p.line(t)
	require.True(t, strings.HasPrefix(greeting, "+OK dewey POP3 server ready"))
	p.stamp = strings.TrimPrefix(greeting, "+OK dewey POP3 server ready")
	return p
}

// login is probe, and the login of mrose.
func (r *rig) login(t *testing.T) *prober {
	t.Helper()
	p := r.probe(t)
	p.want(t, "USER mrose", "+OK send the password")
	require.Regexp(t, `^\+OK maildrop has `, p.say(t, "PASS tanstaaf"))
	return p
}

// line reads a line and takes off its CRLF.
func (p *prober) line(t *testing.T) string {
	t.Helper()
	line, err := p.r.ReadString('\n')
	require.NoError(t, err)
	line, ok := strings.CutSuffix(line, "\r\n")
	require.True(t, ok)
	return line
}

// want sends a command and expects a reply of one line.
func (p *prober) want(t *testing.T, command, reply string) {
	t.Helper()
	require.Equal(t, reply, p.say(t, command))
}

// send sends octets as they are.
func (p *prober) send(t *testing.T, octets string) {
	t.Helper()
	_, err := io.WriteString(p.conn, octets)
	require.NoError(t, err)
}

// rest reads to the end of the connection.
func (p *prober) rest(t *testing.T) string {
	t.Helper()
	rest, err := io.ReadAll(p.r)
	require.NoError(t, err)
	return string(rest)
}

func (p *prober) startTLS(t *testing.T) {
	t.Helper()
	c := tls.Client(p.conn, p.tls)
	require.NoError(t, c.Handshake())
	p.conn, p.r = c, bufio.NewReader(c)
}

// every sends octets at intervals until the connection or the test ends.
func (p *prober) every(t *testing.T, interval time.Duration, octets string) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := io.WriteString(p.conn, octets); err != nil {
				return
			}
			time.Sleep(interval)
		}
	}()
	t.Cleanup(func() {
		p.conn.Close()
		<-done
	})
}

// body reads a multi-line reply to its end, and takes off the stuffing.
func (p *prober) body(t *testing.T) string {
	t.Helper()
	var body strings.Builder
	for {
		line := p.line(t)
		if line == "." {
			return body.String()
		}
		body.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
	}
}
