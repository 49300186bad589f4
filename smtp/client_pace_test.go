package smtp

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// A server that does not take the body is given up: after Timeout if it stands
// still, earlier if it is slower than MinRate. The time that the body's reader
// takes is not the server's.
func TestClientSend_Pace(t *testing.T) {
	t.Parallel()
	const chunk = 1000
	for _, tt := range []struct {
		name  string
		pause time.Duration // of the server between two chunks
		size  int
		slow  time.Duration // of the body's reader
		rate  int           // the least
		fails time.Duration // 0: it does not
	}{
		{"stalled", time.Hour, 100_000, 0, 100, time.Minute},
		{"steady", time.Second / 2, 300_000, 0, 100, 0},
		{"below the rate", time.Second / 2, 300_000, 0, 10_000, 76 * time.Second},
		{"slow reader", 0, 300_000, time.Hour, 10_000, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "slow reader" {
				rfc.Covers(t, "rfc5321-4.5.3.2-2")
			}
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				near.SetWriteBuffer(chunk)
				stop := make(chan struct{})
				defer func() {
					near.Close()
					<-stop
				}()
				go func() {
					defer close(stop)
					script(far, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n354 go\r\n")
					tail := make([]byte, 5)
					for !bytes.Equal(tail, []byte("\r\n.\r\n")) {
						b := make([]byte, chunk)
						n, err := far.Read(b)
						if err != nil {
							return
						}
						tail = append(tail, b[:n]...)
						tail = tail[len(tail)-5:]
						time.Sleep(tt.pause)
					}
					io.WriteString(far, "250 ok\r\n")
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Timeout: time.Minute, MinRate: tt.rate})
				require.NoError(t, err)
				var body io.Reader = strings.NewReader(lines(tt.size))
				if tt.slow > 0 {
					text := body
					body = readerOf(func(p []byte) (int, error) {
						time.Sleep(tt.slow)
						return text.Read(p)
					})
				}
				start := time.Now()
				result, err := c.Send(t.Context(), envelope(t, "b"), body)
				if tt.fails == 0 {
					require.NoError(t, err)
				} else {
					checkResult(t, envelope(t, "b"), result, err, Refused, StepBody, 0)
					require.ErrorIs(t, err, os.ErrDeadlineExceeded)
					require.InDelta(t, tt.fails.Seconds(), time.Since(start).Seconds(), 4)
				}
			})
		})
	}
}

type readerOf func(p []byte) (int, error)

func (f readerOf) Read(p []byte) (int, error) { return f(p) }
