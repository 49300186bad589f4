package conn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/textwire"
)

const limit = 512

// pair returns a Conn and its peer.
func pair(t *testing.T, cfg Config) (*Conn, *testnet.Conn) {
	t.Helper()
	a, b := testnet.Pipe()
	c := New(a, cfg)
	t.Cleanup(func() {
		_ = c.Close()
		_ = b.Close()
	})
	return c, b
}

// requireTimeout holds err to what the package promises of its timeouts.
func requireTimeout(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var netErr net.Error
	require.ErrorAs(t, err, &netErr)
	require.True(t, netErr.Timeout())
}

func TestReadLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t, Config{})
		_, err := peer.Write([]byte("EHLO a\r\nNOOP\r\nQU"))
		require.NoError(t, err)
		for _, want := range []string{"EHLO a", "NOOP"} {
			line, err := c.ReadLine(limit)
			require.NoError(t, err)
			require.Equal(t, want, string(line))
		}
		require.NoError(t, c.Err())
		require.NoError(t, peer.Close())
		_, err = c.ReadLine(limit)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, io.EOF, c.Err())
	})
}

func TestReadLineTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 30 * time.Second
	for name, drip := range map[string]time.Duration{"silence": time.Hour, "drip": time.Second, "drip after most of it": timeout - 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, peer := pair(t, Config{Timeout: timeout})
				// A line before, so that a deadline stands already.
				_, err := peer.Write([]byte("NOOP\r\n"))
				require.NoError(t, err)
				_, err = c.ReadLine(limit)
				require.NoError(t, err)
				time.Sleep(time.Second)

				done := make(chan struct{})
				go func() {
					defer close(done)
					for {
						time.Sleep(drip)
						if _, err := peer.Write([]byte("x")); err != nil {
							return
						}
					}
				}()
				start := time.Now()
				_, err = c.ReadLine(limit)
				requireTimeout(t, err)
				require.Equal(t, timeout, time.Since(start))
				require.Equal(t, err, c.Err())

				// The reply that says so still leaves.
				_, _ = c.Writer().WriteString("421 4.4.2 timeout\r\n")
				require.NoError(t, c.Flush())
				got := make([]byte, 19)
				_, err = io.ReadFull(peer, got)
				require.NoError(t, err)
				require.NoError(t, c.Close())
				<-done
			})
		})
	}
}

// deadlines counts how often a deadline is set.
type deadlines struct {
	net.Conn
	reads, writes int
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.reads++
	return d.Conn.SetReadDeadline(t)
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.writes++
	return d.Conn.SetWriteDeadline(t)
}

func TestDeadlinesAreSeldomMoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, peer := testnet.Pipe()
		counted := &deadlines{Conn: a}
		c := New(counted, Config{Timeout: time.Minute})
		for range 1000 {
			_, err := peer.Write([]byte("NOOP\r\n"))
			require.NoError(t, err)
			_, err = c.ReadLine(limit)
			require.NoError(t, err)
			_, err = c.Writer().WriteString("250 2.0.0 ok\r\n")
			require.NoError(t, err)
			require.NoError(t, c.Flush())
			_, err = peer.Read(make([]byte, 64))
			require.NoError(t, err)
			time.Sleep(10 * time.Millisecond)
		}
		// 10 s in steps of a 16th of a minute.
		require.LessOrEqual(t, counted.reads, 4)
		require.LessOrEqual(t, counted.writes, 4)
		require.NoError(t, c.Close())
		require.NoError(t, peer.Close())
	})
}

func TestSetTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t, Config{})
		go func() {
			time.Sleep(5*time.Minute - 1)
			_, _ = peer.Write([]byte("NOOP\r\n"))
		}()
		_, err := c.ReadLine(limit)
		require.NoError(t, err, "the default is 5 minutes")
		c.SetTimeout(time.Second)
		start := time.Now()
		_, err = c.ReadLine(limit)
		requireTimeout(t, err)
		require.Equal(t, time.Second, time.Since(start))
	})
}

// TestBodyRead reads a body from a peer that sends at some pace, and says when
// it is cut, if it is.
func TestBodyRead(t *testing.T) {
	t.Parallel()
	const timeout = time.Minute
	for _, row := range []struct {
		name  string
		size  int
		every time.Duration // between two octets...
		burst int           // ...or bursts of so many
		stall time.Duration // after half of it
		ours  time.Duration // that we take between two reads
		cut   time.Duration // 0: never
	}{
		{name: "slow but steady", size: 1 << 20, every: time.Second, burst: 150},
		{name: "slow and in bursts", size: 1 << 20, every: timeout - 1, burst: 10_000},
		{name: "at once", size: 1 << 20, every: 0, burst: 1 << 16},
		{name: "a pause short of the timeout", size: 1 << 16, every: 0, burst: 1 << 15, stall: timeout - 1},
		{name: "a pause beyond the timeout", size: 1 << 16, every: 0, burst: 1 << 15, stall: timeout + 1, cut: timeout},
		// 50 octets in a second: by the minute that is allowed for nothing
		// the peer is 3000 octets in, worth 30 s more, and so on: two minutes.
		{name: "half the rate", size: 1 << 20, every: time.Second, burst: 50, cut: 2 * timeout},
		{name: "drip", size: 1 << 20, every: 10 * time.Second, burst: 1, cut: timeout},
		{name: "we are slow", size: 1 << 20, every: 0, burst: 1 << 15, ours: 10 * timeout},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, peer := pair(t, Config{Timeout: timeout, MinRate: 100})
				c.BeginBody()
				start := time.Now()
				sender := make(chan struct{})
				defer func() {
					require.NoError(t, c.Close())
					<-sender
				}()
				go func() {
					defer close(sender)
					burst := bytes.Repeat([]byte("x"), row.burst)
					for sent := 0; sent < row.size; sent += row.burst {
						if sent >= row.size/2 && sent < row.size/2+row.burst {
							time.Sleep(row.stall)
						}
						if _, err := peer.Write(burst[:min(row.burst, row.size-sent)]); err != nil {
							return
						}
						time.Sleep(row.every)
					}
				}()
				got, buf := 0, make([]byte, 8<<10)
				for got < row.size {
					n, err := c.Reader().Read(buf)
					got += n
					if err != nil {
						requireTimeout(t, err)
						require.NotZero(t, row.cut, "after %d octets and %v", got, time.Since(start))
						require.InDelta(t, row.cut.Seconds(), time.Since(start).Seconds(), 1)
						return
					}
					time.Sleep(row.ours)
				}
				require.Zero(t, row.cut)
				c.EndBody()

				// Lines are judged as before.
				start = time.Now()
				_, err := c.ReadLine(limit)
				requireTimeout(t, err)
				require.Equal(t, timeout, time.Since(start))
			})
		})
	}
}

func TestBodyWrite(t *testing.T) {
	t.Parallel()
	const timeout = time.Minute
	for _, row := range []struct {
		name      string
		size      int
		every     time.Duration // between two reads of the peer...
		burst     int           // ...of so many octets
		stopAt    int           // after which the peer reads no more
		ours      time.Duration // that we take between two writes
		cutAt     time.Duration // 0: never
		cutBy     time.Duration
		noBody    bool
		chunkOurs int
	}{
		{name: "slow but steady", size: 1 << 20, every: time.Second, burst: 150, chunkOurs: 1 << 18},
		{name: "we are slow", size: 1 << 17, burst: 1 << 15, ours: 10 * timeout, chunkOurs: 1 << 12},
		{name: "stall", size: 1 << 20, every: time.Second, burst: 4096, stopAt: 1 << 17, chunkOurs: 1 << 18, cutAt: 32*time.Second + timeout, cutBy: 32*time.Second + timeout*5/4 + 1},
		{name: "drip", size: 1 << 20, every: time.Second, burst: 10, chunkOurs: 1 << 18, cutAt: timeout, cutBy: 2 * timeout},
		{name: "no body: as a whole", size: 1 << 15, every: time.Second, burst: 10, chunkOurs: 1 << 15, noBody: true, cutAt: timeout, cutBy: timeout + 1},
		{name: "no body: piece by piece", size: 1 << 18, every: time.Second, burst: 1000, chunkOurs: 1 << 18, noBody: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, peer := testnet.Pipe()
				a.SetWriteBuffer(4096)
				c := New(a, Config{Timeout: timeout, MinRate: 100})
				if !row.noBody {
					c.BeginBody()
				}
				start := time.Now()
				read := make(chan int, 1)
				go func() {
					total, buf := 0, make([]byte, row.burst)
					defer func() { read <- total }()
					for row.stopAt == 0 || total < row.stopAt {
						n, err := peer.Read(buf)
						if total += n; err != nil {
							return
						}
						time.Sleep(row.every)
					}
				}()
				var err error
				chunk := make([]byte, row.chunkOurs)
				for sent := 0; sent < row.size && err == nil; sent += len(chunk) {
					if _, err = c.Writer().Write(chunk); err == nil {
						err = c.Flush()
					}
					time.Sleep(row.ours)
				}
				if row.cutAt == 0 {
					require.NoError(t, err, "after %v", time.Since(start))
				} else {
					requireTimeout(t, err)
					require.GreaterOrEqual(t, time.Since(start), row.cutAt)
					require.LessOrEqual(t, time.Since(start), row.cutBy)
				}
				require.Equal(t, err, c.Err())
				require.NoError(t, c.Close())
				if got := <-read; row.cutAt == 0 {
					require.Equal(t, row.size, got)
				}
				require.NoError(t, peer.Close())
			})
		})
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	var log lines
	c, _ := pair(t, Config{Transcript: &log})
	require.True(t, c.Tracing())
	c.Trace('C', []byte("EHLO \"quoted\" back\\slash"))
	c.Trace('S', []byte("250-mail\r\n250 8BITMIME\r\n"))
	c.Trace('C', []byte("a\rb\nc\x00d\x1b[2Je\x7f"))
	c.Trace('C', []byte("\u00e9 \xe9 \u0085 \u202e \u00a0 \U000e0041"))
	c.Trace('S', nil)
	require.Equal(t, []string{
		"C: EHLO \"quoted\" back\\slash\n",
		"S: 250-mail\n",
		"S: 250 8BITMIME\n",
		`C: a\x0db\x0ac\x00d\x1b[2Je\x7f` + "\n",
		`C: ` + "\u00e9" + ` \xe9 \u0085 \u202e \u00a0 \U000e0041` + "\n",
		"S: \n",
	}, []string(log))

	silent, peer := pair(t, Config{})
	require.False(t, silent.Tracing())
	silent.Trace('C', []byte("nothing"))
	_, err := peer.Write([]byte("PASS secret\r\n"))
	require.NoError(t, err)
	_, err = silent.ReadLine(limit)
	require.NoError(t, err)
}

// FuzzTrace holds a line of the transcript to what a terminal may show.
func FuzzTrace(tf *testing.F) {
	f := storm.New(tf)
	for _, text := range []string{"EHLO a", "a\r\nb\r\n", "\x1b[2J", "\xe9\u0085\u202e", ""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var log lines
		c := &Conn{transcript: &log}
		c.Trace('C', text)
		require.Len(t, log, bytes.Count(bytes.TrimSuffix(text, []byte("\r\n")), []byte("\r\n"))+1)
		for _, line := range log {
			line, ok := strings.CutSuffix(line, "\n")
			require.True(t, ok)
			require.True(t, strings.HasPrefix(line, "C: "))
			require.True(t, utf8.ValidString(line))
			for _, r := range line {
				require.True(t, unicode.IsGraphic(r), "%q", line)
			}
		}
	})
}

// lines keeps what is written, one element for each Write.
type lines []string

func (l *lines) Write(p []byte) (int, error) {
	*l = append(*l, string(p))
	return len(p), errors.New("transcripts may fail")
}

func TestTranscriptHoldsOnlyWhatIsHandedOver(t *testing.T) {
	t.Parallel()
	var log lines
	c, peer := pair(t, Config{Transcript: &log})
	_, err := peer.Write([]byte("AUTH PLAIN c2VjcmV0\r\nsecret body\r\n.\r\n"))
	require.NoError(t, err)
	_, err = c.ReadLine(limit)
	require.NoError(t, err)
	body := textwire.NewDotReader(c.Reader(), textwire.Strict)
	_, err = io.Copy(io.Discard, body)
	require.NoError(t, err)
	_, err = c.Writer().WriteString("334 " + strings.Repeat("x", 10) + "\r\n")
	require.NoError(t, err)
	require.NoError(t, c.Flush())
	require.Empty(t, log)
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	c, peer := pair(t, Config{})
	require.Equal(t, peer.RemoteAddr(), c.LocalAddr())
	require.Equal(t, peer.LocalAddr(), c.RemoteAddr())
}

// TestRawRead reads octets outside of a body and of lines: each read has the
// timeout for itself.
func TestRawRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t, Config{Timeout: time.Minute})
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for range 3 {
				time.Sleep(time.Minute - 1)
				_, _ = peer.Write([]byte("x"))
			}
		}()
		_, err := io.ReadFull(c.Reader(), make([]byte, 3))
		require.NoError(t, err)
		<-sent
		start := time.Now()
		_, err = c.Reader().Read(make([]byte, 1))
		requireTimeout(t, err)
		require.Equal(t, time.Minute, time.Since(start))
	})
}
