package smtp

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
)

// Whatever a server writes, the client comes to an end in time, and claims no
// more than it knows: what is accepted had its end sent and a reply read.
func FuzzClient(f *testing.F) {
	for _, file := range []string{"testdata/client_setup.txtar", "testdata/client_auth.txtar", "testdata/client_send.txtar"} {
		for _, d := range transcript.Load(f, file) {
			said := d.Octets('S')
			if file == "testdata/client_send.txtar" {
				said = append([]byte("220 hi\r\n250-hi\r\n250-SIZE 99999\r\n250 PIPELINING\r\n"), said...)
			}
			f.Add(said, uint8(0), false)
			f.Add(said, uint8(7), true)
		}
	}
	f.Fuzz(func(t *testing.T, says []byte, cut uint8, large bool) {
		synctest.Test(t, func(t *testing.T) {
			near, far := testnet.Pipe()
			far.SplitWrites(int(cut))
			heard := make(chan string)
			go func() {
				all, _ := io.ReadAll(far)
				heard <- string(all)
			}()
			go func() {
				far.Write(says)
				far.CloseWrite()
			}()
			cfg := ClientConfig{
				TLS: InsecureNoTLS, Timeout: time.Minute, Hello: "client.example.org",
				Auth: auth.InsecurePassword("tim", "secret"),
			}
			if cut&1 == 0 {
				cfg.Auth = nil
			}
			start := time.Now()
			wire := net.Conn(near)
			if cut&2 == 0 {
				wire = patient{near} // else all that is said early is noticed
			}
			accepted := 0
			body := "."
			if large {
				body = lines(100_000)
			}
			c, err := NewClient(t.Context(), wire, "mx.example.org", &cfg)
			if err == nil {
				for range 2 {
					env := envelope(t, "b", "c")
					result, err := c.Send(t.Context(), env, strings.NewReader(body))
					accepted += checkHonest(t, result, err)
				}
				c.Verify(t.Context(), "x")
				c.Quit(t.Context())
			} else {
				require.Nil(t, c)
				near.Close()
			}
			require.LessOrEqual(t, time.Since(start), time.Minute+time.Second)
			all := <-heard
			require.LessOrEqual(t, accepted, strings.Count(all, "\r\n.\r\n"))
			require.LessOrEqual(t, len(all), 300_000)
		})
	})
}

// checkHonest checks that a result and an error do not contradict each other, and
// returns 1 if the message is accepted.
func checkHonest(t *testing.T, result *Result, err error) int {
	var failure *SendError
	if err != nil {
		require.True(t, errors.As(err, &failure))
		require.Equal(t, result.Outcome, failure.Outcome)
		require.NotEmpty(t, err.Error())
	}
	all := true
	for _, r := range result.Recipients {
		require.Equal(t, r.Outcome == Accepted, r.Err == nil)
		require.False(t, r.Outcome != Refused && r.Temporary)
		require.False(t, result.Outcome == Refused && r.Outcome != Refused)
		all = all && r.Outcome == Accepted
	}
	require.Equal(t, all, err == nil)
	require.False(t, SafeToRetry(err) && result.Outcome != Refused)
	if result.Outcome == Accepted {
		require.Equal(t, 2, result.Reply.Code/100)
		return 1
	}
	return 0
}
