package smtp

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
)

// against has NewClient meet a server that first writes octets, over and over if
// they are to be endless, and reads nothing. It returns the error, how long that
// took, and how many octets the server got rid of.
func against(t *testing.T, octets string, endless bool) (took time.Duration, wrote int, err error) {
	near, far := pipe(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			n, err := io.WriteString(far, octets)
			wrote += n
			if err != nil || !endless {
				return
			}
		}
	}()
	start := time.Now()
	_, err = NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Timeout: time.Minute})
	took = time.Since(start)
	<-done
	far.Close()
	return took, wrote, err
}

// What no server may send is a *ProtocolError at once, and costs no more than
// the limits say.
func TestClient_HostileReplies(t *testing.T) {
	t.Parallel()
	const network = testnet.DefaultBuffer // octets under way that nobody has read
	for _, tt := range []struct {
		name, octets string
		endless      bool
		reason       string
	}{
		{"endless lines", "220-hello\r\n", true, "more than 128 lines"},
		{"endless long lines", "220-" + strings.Repeat("x", 1000) + "\r\n", true, "more than 32768 octets"},
		{"endless line", strings.Repeat("220 x", 1000), true, "longer than 2048 octets"},
		{"line of 2049 octets", "220 " + strings.Repeat("x", 2049-6) + "\r\n", false, "longer than 2048 octets"},
		{"two codes", "220-a\r\n550 b\r\n", false, "codes 220 and 550 in one reply"},
		{"garbage in a reply", "220-a\r\ngarbage\r\n220 b\r\n", false, `not a reply: "garbage"`},
		{"two digits", "22\r\n", false, "not a reply"},
		{"four digits", "2200 x\r\n", false, "not a reply"},
		{"no digits", "SSH-2.0-OpenSSH_9.9\r\n", false, "not a reply"},
		{"code 199", "199 x\r\n", false, "not a reply"},
		{"code 600", "600 x\r\n", false, "not a reply"},
		{"code 269", "269 x\r\n", false, "not a reply"},
		{"code 354", "354 x\r\n", false, "reply 354 to the connection"},
		{"empty line", "\r\n220 x\r\n", false, "not a reply"},
		{"bare LF", "220 x\n", false, "bare LF"},
		{"bare CR", "220 x\ry\r\n", false, "bare CR"},
		{"NUL", "220 x\x00y\r\n", false, "NUL"},
		{"terminal escapes", "\x1b[2J\xff\u202e\r\n", false, `"\x1b[2J\xff\u202e"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.name {
			case "two codes":
				rfc.Covers(t, "rfc5321-4.2.1-4")
			case "code 199", "code 600":
				rfc.Covers(t, "rfc5321-4.2-10")
			}
			synctest.Test(t, func(t *testing.T) {
				took, wrote, err := against(t, tt.octets, tt.endless)
				var protocol *ProtocolError
				require.ErrorAs(t, err, &protocol)
				require.Contains(t, protocol.Reason, tt.reason)
				require.Zero(t, took)
				require.LessOrEqual(t, wrote, 2*maxReplySize+network)
			})
		})
	}
}

// 221 is the answer to QUIT: elsewhere it is no welcome and no success.
func TestClient_GoodbyeIsNoSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, err := against(t, "221 closed\r\n", false)
		outOfStep(t, nil, err)
	})
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		go script(far, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n354 go\r\n", "221 bye\r\n")
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		sends(t, c, Unknown, StepEnd, "b", 0)
		require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
	})
}

// Just what is allowed is read.
func TestClient_LongestReplies(t *testing.T) {
	t.Parallel()
	for name, greeting := range map[string]string{
		"line of 2048 octets": "220 " + strings.Repeat("x", 2048-6) + "\r\n",
		"128 lines":           strings.Repeat("220-x\r\n", 127) + "220 x\r\n",
		"32 KiB of text":      strings.Repeat("220-"+strings.Repeat("x", 1023)+"\r\n", 31) + "220 " + strings.Repeat("x", 1023) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, _, err := against(t, greeting+"421 that was all\r\n", false)
				refused(421, true)(t, nil, err)
			})
		})
	}
}

// Silence, and octets that drip however many they are, end with the timeout.
func TestClient_SlowServer(t *testing.T) {
	t.Parallel()
	for name, drip := range map[string][]string{
		"silence":  nil,
		"one line": strings.Split("220 this is a very long line, and not one octet of it comes late", ""),
		"lines":    strings.SplitAfter(strings.Repeat("220-x\r\n", 50), "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc5321-4.5.3.2-1", "rfc5321-4.5.3.2-3")
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				done := make(chan struct{})
				go func() {
					defer close(done)
					for _, octets := range drip {
						if _, err := io.WriteString(far, octets); err != nil {
							return
						}
						time.Sleep(10 * time.Second)
					}
				}()
				defer func() { <-done }()
				start := time.Now()
				_, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Timeout: time.Minute})
				require.Equal(t, time.Minute, time.Since(start))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				require.True(t, timeout.Timeout())
				require.True(t, SafeToRetry(err))
			})
		})
	}
}

// A server that takes its time for each of many replies does not hold anybody for
// ever.
func TestClientSend_SlowReplies(t *testing.T) {
	t.Parallel()
	for _, offer := range []string{"PIPELINING", "X-NONE"} {
		t.Run(offer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				go func() {
					script(far, "220 hi\r\n", "250-hi\r\n250 "+offer+"\r\n")
					for {
						time.Sleep(50 * time.Second)
						if _, err := io.WriteString(far, "250 ok\r\n"); err != nil {
							return
						}
					}
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Timeout: time.Minute})
				require.NoError(t, err)
				env := envelope(t)
				for range 100 {
					env.To = append(env.To, Recipient{Address: address(t, "b@example.org")})
				}
				start := time.Now()
				_, err = c.Send(t.Context(), env, strings.NewReader("x\r\n"))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.True(t, SafeToRetry(err))
				require.Equal(t, manyTimes*time.Minute, time.Since(start))
				time.Sleep(time.Hour) // until the server has noticed
			})
		})
	}
}

// patsy answers whatever it is asked.
type patsy struct{ initial []byte }

func (p patsy) Client(context.Context, auth.ConnectionState, []string) (sasl.Client, error) {
	return p, nil
}

func (p patsy) Start() (string, []byte, error) { return "X-ANY", p.initial, nil }

func (patsy) Next([]byte) ([]byte, error) { return []byte("yes"), nil }

// A server that asks for one response after the other is not answered for ever.
func TestClientAuth_EndlessChallenges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		replies := []string{"220 hi\r\n", "250-hi\r\n250 AUTH X-ANY\r\n"}
		for range maxChallenges {
			replies = append(replies, "334 bW9yZQ==\r\n")
		}
		go script(far, replies...)
		_, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Auth: patsy{}})
		outOfStep(t, nil, err)
	})
}

// After STARTTLS was agreed to there is TLS or nothing: what comes in the place
// of the handshake is not taken for replies, in any mode.
func TestClient_GarbageForHandshake(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3207-4-5")
	for _, mode := range []TLSMode{StartTLS, InsecureOpportunisticTLS} {
		synctest.Test(t, func(t *testing.T) {
			near, far := pipe(t)
			got := new(bytes.Buffer)
			done := make(chan struct{})
			defer func() {
				near.Close()
				<-done
			}()
			go func() {
				defer close(done)
				script(far, "220 hi\r\n", "250-hi\r\n250 STARTTLS\r\n", "220 go\r\n")
				time.Sleep(time.Second)
				io.WriteString(far, "250-hi\r\n250 AUTH PLAIN\r\n")
				io.Copy(got, far)
			}()
			_, err := NewClient(t.Context(), near, "mx.example.org", &ClientConfig{TLS: mode})
			var record tls.RecordHeaderError
			require.ErrorAs(t, err, &record)
			<-done
			require.NotContains(t, got.String(), "QUIT", "cleartext behind a handshake")
		})
	}
}

// script answers each line, after the greeting, with the next reply, as long as
// there is somebody to answer.
func script(far net.Conn, replies ...string) {
	buf := make([]byte, 64<<10)
	for i, reply := range replies {
		if i > 0 {
			if _, err := far.Read(buf); err != nil {
				return
			}
		}
		if _, err := io.WriteString(far, reply); err != nil {
			return
		}
	}
}

// The waits that nobody has set are those of RFC 5321 section 4.5.3.2 at least.
func TestClient_DefaultTimeouts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		id    string
		least time.Duration
		says  []string // and then nothing more
	}{
		{"rfc5321-4.5.3.2.1-1", 5 * time.Minute, nil},
		{"rfc5321-4.5.3.2.2-1", 5 * time.Minute, []string{"220 hi\r\n", "250 hi\r\n"}},
		{"rfc5321-4.5.3.2.3-1", 5 * time.Minute, []string{"220 hi\r\n", "250 hi\r\n", "250 ok\r\n"}},
		{"rfc5321-4.5.3.2.4-1", 2 * time.Minute, []string{"220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n"}},
		{"rfc5321-4.5.3.2.5-1", 3 * time.Minute, []string{"220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"}},
		{"rfc5321-4.5.3.2.6-1", 10 * time.Minute, []string{"220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"}},
	} {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, tt.id, "rfc5321-4.5.3.2-4")
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				if tt.says != nil {
					go script(far, tt.says...)
				}
				body := "plain\r\n"
				if tt.id == "rfc5321-4.5.3.2.5-1" {
					body = lines(200_000) // more than is taken without the server
				}
				start := time.Now()
				_, err := sendThrough(t, near, strings.NewReader(body))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.GreaterOrEqual(t, time.Since(start), tt.least)
				far.Close()
			})
		})
	}
}

// An initial response of no octets is sent as "=": RFC 4954 section 4.
func TestClientAuth_EmptyInitialResponse(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4954-4-1", "rfc4954-4-9")
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		d, err := transcript.Parse([]byte("S: 220 hi\nC: EHLO client.example.org\nS: 250-hi\nS: 250 AUTH X-ANY\n" +
			"C: AUTH X-ANY =\nS: 334 \nC: eWVz\nS: 235 ok\nC: QUIT\nS: 221 bye\n"))
		require.NoError(t, err)
		go d.PlayServer(t, far)
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org", Auth: patsy{initial: []byte{}}})
		leaves(t, c, err)
	})
}

// ready returns a client that is set up, and the server's end.
func ready(t testing.TB, cfg ClientConfig, extensions ...string) (*Client, *testnet.Conn) {
	t.Helper()
	near, far := pipe(t)
	_, err := io.WriteString(far, "220 hi\r\n250-"+strings.Join(append([]string{"mx"}, extensions...), "\r\n250-")+"\r\n250 X-END\r\n")
	require.NoError(t, err)
	cfg.TLS, cfg.Hello = InsecureNoTLS, "client.example.org"
	c, err := NewClient(t.Context(), patient{near}, "mx.example.org", &cfg)
	require.NoError(t, err)
	_, err = io.ReadFull(far, make([]byte, len("EHLO client.example.org\r\n")))
	require.NoError(t, err)
	return c, far
}

// patient hands out one line at a read, so that a server may say beforehand what
// it will be asked for.
type patient struct{ *testnet.Conn }

func (p patient) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := p.Conn.Read(b[n : n+1])
		if n += m; err != nil || b[n-1] == '\n' {
			return n, err
		}
	}
	return n, nil
}
