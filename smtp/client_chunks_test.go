package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
)

// How messages go by BDAT, by LMTP and with PRDR.
func TestClientSend_Chunks(t *testing.T) {
	t.Parallel()
	cfg := ClientConfig{TLS: InsecureNoTLS}
	all, lmtp, prdr, noChunks := cfg, cfg, cfg, cfg
	all.RequireAllRecipients = true
	lmtp.Protocol = auth.LMTP
	prdr.PRDR = true
	noChunks.PRDR, noChunks.NoChunking = true, true
	lmtpData := lmtp
	lmtpData.NoChunking = true
	prologue := func(name string) string {
		switch {
		case strings.HasPrefix(name, "step by step"):
			return greeted("CHUNKING")
		case strings.HasPrefix(name, "LMTP"):
			return strings.Replace(greeted("PIPELINING", "CHUNKING"), "EHLO", "LHLO", 1)
		case strings.HasPrefix(name, "PRDR"):
			return greeted("PIPELINING", "CHUNKING", "PRDR")
		}
		return greeted("PIPELINING", "chunking")
	}
	then := func(t *testing.T, c *Client) {
		t.Helper()
		sends(t, c, Accepted, "", "d", 250)
	}
	broken := func(t *testing.T, c *Client) {
		t.Helper()
		require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
	}
	quit := func(t *testing.T, c *Client) { leaves(t, c, nil) }
	send := func(outcome Outcome, step Step, to string, after func(*testing.T, *Client), codes ...int) func(*testing.T, *Client, error) {
		return func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			sends(t, c, outcome, step, to, codes...)
			if after != nil {
				after(t, c)
			}
		}
	}
	// each is for what has an outcome for each recipient.
	each := func(outcome Outcome, step Step, to string, reply int, want ...any) func(*testing.T, *Client, error) {
		return func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			result, err := c.Send(t.Context(), envelope(t, strings.Fields(to)...), strings.NewReader("plain\r\n"))
			require.Equal(t, outcome, result.Outcome)
			require.Equal(t, reply, result.Reply.Code)
			failure := new(SendError)
			require.Equal(t, step != "", errors.As(err, &failure))
			require.Equal(t, step, failure.Step)
			checkHonest(t, result, err)
			for i, r := range result.Recipients {
				switch want := want[i].(type) {
				case Outcome:
					require.Equal(t, want, r.Outcome, "recipient %d", i)
				case int:
					require.Equal(t, want, r.Reply.Code, "recipient %d", i)
					require.Equal(t, want/100 == 2, r.Outcome == Accepted)
					require.Equal(t, want/100 == 4, r.Temporary)
				}
			}
		}
	}
	play(t, "testdata/client_chunks.txtar", prologue, map[string]scene{
		"one flight": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			env := envelope(t, "b", "c")
			result, err := c.Send(t.Context(), env, stream("Subject: test\r\n\r\n.dot"))
			checkResult(t, env, result, err, Accepted, "", 250, 250)
			require.Equal(t, []string{"2.0.0 queued as 4711"}, result.Reply.Lines)
			then(t, c)
		}},
		"some recipients refused":                        {cfg, send(Accepted, StepRcpt, "b c", nil, 550, 250)},
		"all recipients refused":                         {cfg, send(Refused, StepRcpt, "b c", then, 450, 550)},
		"all recipients refused, message taken":          {cfg, send(Refused, StepRcpt, "b", then, 550)},
		"sender refused":                                 {cfg, send(Refused, StepMail, "b", then, 550)},
		"sender refused, all the rest accepted":          {cfg, send(Unknown, StepEnd, "b", broken, 0)},
		"sender refused by a server that leaves":         {cfg, send(Refused, StepMail, "b", broken, 421)},
		"message refused":                                {cfg, send(Refused, StepEnd, "b", then, 552)},
		"message refused by a server that leaves":        {cfg, send(Refused, StepEnd, "b", broken, 421)},
		"all recipients refused by a server that leaves": {cfg, send(Refused, StepRcpt, "b", broken, 550)},
		"answer lost":                                    {cfg, send(Unknown, StepEnd, "b c", broken, 550, 0)},
		"all answers lost":                               {cfg, send(Unknown, StepEnd, "b", broken, 0)},
		"answer out of place":                            {cfg, send(Unknown, StepEnd, "b", broken, 0)},
		"step by step":                                   {cfg, send(Accepted, StepRcpt, "b c", nil, 550, 250)},
		"step by step, all recipients refused":           {cfg, send(Refused, StepRcpt, "b", quit, 550)},
		"all or none, one refused":                       {all, send(Refused, StepRcpt, "b c", quit, 0, 550)},
		"all or none, all accepted":                      {all, send(Accepted, "", "b", nil, 250)},
		"the last chunk takes all": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			_, err = c.Send(t.Context(), envelope(t, "b"), strings.NewReader(""))
			require.NoError(t, err)
		}},
		"LMTP":                                 {lmtpData, each(Accepted, StepEnd, "b c d b", 250, 250, 550, 452, 250)},
		"LMTP, chunks":                         {lmtp, each(Accepted, StepEnd, "b c d", 250, 550, 550, 250)},
		"LMTP, refused by all":                 {lmtp, each(Refused, StepEnd, "b c", 550, 452, 550)},
		"LMTP, no recipients":                  {lmtp, send(Refused, StepRcpt, "b", quit, 550)},
		"LMTP, answers lost":                   {lmtpData, each(Accepted, StepEnd, "b c d", 250, 250, 550, Unknown)},
		"LMTP, server leaves amid the answers": {lmtpData, each(Accepted, StepEnd, "b c d", 250, 250, 421, Unknown)},
		"LMTP, data without recipients":        {lmtpData, send(Refused, StepRcpt, "b", broken, 550)},
		"PRDR":                                 {prdr, each(Accepted, StepEnd, "b c d", 250, 250, 550, 450)},
		"PRDR, refused in the end":             {noChunks, each(Refused, StepEnd, "b c", 451, 451, 550)},
		"PRDR, answered at once":               {noChunks, each(Accepted, "", "b c", 250, 250, 250)},
		"PRDR, server leaves in the end":       {noChunks, each(Refused, StepEnd, "b c", 421, 550, 421)},
		"PRDR, answer lost":                    {noChunks, each(Unknown, StepEnd, "b c", 0, 550, Unknown)},
	})
}

// Envelope, chunk and body of a small message leave in one write.
func TestClientSend_ChunkInOneFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		s := (&sink{conn: far, offers: []string{"PIPELINING", "CHUNKING", "SIZE"}}).start()
		w := &writes{Conn: near}
		c, err := NewClient(t.Context(), w, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org"})
		require.NoError(t, err)
		w.all = nil
		_, err = c.Send(t.Context(), envelope(t, "b", "c"), strings.NewReader("plain\r\n"))
		require.NoError(t, err)
		require.Equal(t, []string{"MAIL FROM:<a@example.org> SIZE=7\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nBDAT 7 LAST\r\nplain\r\n"}, w.all)
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
	})
}

// The body that arrives is the one that was sent, however it is given and cut.
func TestClientSend_ChunkedBodies(t *testing.T) {
	t.Parallel()
	long := lines(3 * chunkSize)
	mid := long[:94*700]
	for name, body := range map[string]func() io.Reader{
		"in memory":    func() io.Reader { return bytes.NewReader([]byte(long)) },
		"text":         func() io.Reader { return strings.NewReader(long) },
		"buffer":       func() io.Reader { return bytes.NewBufferString(long) },
		"file":         func() io.Reader { return &secondTime{Reader: strings.NewReader(long), rewind: 5} },
		"stream":       func() io.Reader { return stream(long) },
		"octets":       func() io.Reader { return iotest.OneByteReader(strings.NewReader(mid)) },
		"with EOF":     func() io.Reader { return iotest.DataErrReader(strings.NewReader(mid)) },
		"last line":    func() io.Reader { return stream(strings.TrimSuffix(long, "\r\n")) },
		"last line 2":  func() io.Reader { return strings.NewReader(strings.TrimSuffix(long, "\r\n")) },
		"small":        func() io.Reader { return strings.NewReader(long[:470]) },
		"8-bit":        func() io.Reader { return stream("\xff" + mid) },
		"dots":         func() io.Reader { return stream(strings.Repeat(".\r\n", 50_000)) },
		"no octet":     func() io.Reader { return stream("") },
		"one window":   func() io.Reader { return strings.NewReader(strings.Repeat("ab\r\n", window/4)) },
		"more":         func() io.Reader { return strings.NewReader(strings.Repeat("ab\r\n", window/4) + "c") },
		"just a head":  func() io.Reader { return stream(strings.Repeat("ab\r\n", headSize/4)) },
		"one octet on": func() io.Reader { return stream(strings.Repeat("ab\r\n", headSize/4) + "c") },
		"a chunk":      func() io.Reader { return strings.NewReader(strings.Repeat("ab\r\n", chunkSize/4)) },
		"a chunk more": func() io.Reader { return strings.NewReader(strings.Repeat("ab\r\n", chunkSize/4) + "c") },
	} {
		for _, way := range []string{"pipelined", "in step", "all or none"} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					offers := []string{"CHUNKING", "8BITMIME", "SIZE", "PIPELINING"}
					if way == "in step" {
						offers = offers[:3]
					}
					c, s := sinking(t, ClientConfig{RequireAllRecipients: way == "all or none"}, offers...)
					want, err := io.ReadAll(body())
					require.NoError(t, err)
					if n := len(want); n > 0 && want[n-1] != '\n' {
						want = append(want, "\r\n"...)
					}
					for range 2 {
						result, err := c.Send(t.Context(), envelope(t, "b"), body())
						checkResult(t, envelope(t, "b"), result, err, Accepted, "", 250)
					}
					require.NoError(t, c.Quit(t.Context()))
					<-s.done
					require.Len(t, s.messages, 2)
					require.True(t, s.messages[0] == string(want) && s.messages[1] == string(want))
					require.NotContains(t, s.lines, "RSET")
				})
			})
		}
	}
}

// A body that fails is never completed by LAST. Amid a chunk the connection is
// closed; between two of them the transaction is given up.
func TestClientSend_ChunksTruncated(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	long := lines(3 * chunkSize)
	again := func(then ...io.Reader) io.Reader {
		return &secondTime{Reader: strings.NewReader(long), then: io.MultiReader(then...)}
	}
	for name, tt := range map[string]struct {
		body   func() io.Reader
		err    error
		usable bool
	}{
		"stream fails":        {func() io.Reader { return io.MultiReader(strings.NewReader(long), iotest.ErrReader(boom)) }, boom, true},
		"stream panics":       {func() io.Reader { return io.MultiReader(strings.NewReader(long), readerFunc(func() { panic(boom) })) }, nil, false},
		"stream has a NUL":    {func() io.Reader { return stream(long + "\x00") }, &FramingError{Octet: 0, Offset: int64(len(long))}, true},
		"stream ends in a CR": {func() io.Reader { return stream(long + "\r") }, &FramingError{Octet: '\r', Offset: int64(len(long))}, true},
		"stream stops":        {func() io.Reader { return io.MultiReader(strings.NewReader(long), lazy{}) }, io.ErrNoProgress, true},
		"file fails":          {func() io.Reader { return again(strings.NewReader(long[headSize:chunkSize+5]), iotest.ErrReader(boom)) }, boom, false},
		"file panics": {func() io.Reader {
			return again(strings.NewReader(long[headSize:chunkSize+5]), readerFunc(func() { panic(boom) }))
		}, nil, false},
		"file is shorter by an octet": {func() io.Reader { return again(strings.NewReader(long[headSize : len(long)-1])) }, ErrBodyChanged, false},
		"file is longer by an octet":  {func() io.Reader { return again(strings.NewReader(long[headSize:]), strings.NewReader("x")) }, ErrBodyChanged, false},
		"file has other octets": {func() io.Reader {
			return again(strings.NewReader(long[headSize:len(long)-2]), strings.NewReader("\n\n"))
		}, &FramingError{Octet: '\n', Offset: int64(len(long)) - 2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := sinking(t, ClientConfig{}, "PIPELINING", "CHUNKING")
				var result *Result
				var err error
				returned := make(chan any)
				go func() {
					defer func() { returned <- recover() }()
					result, err = c.Send(t.Context(), envelope(t, "b"), tt.body())
				}()
				if tt.err == nil {
					require.Equal(t, boom, <-returned)
				} else {
					require.Nil(t, <-returned)
					checkResult(t, envelope(t, "b"), result, err, Refused, StepBody, 0)
					if framing, ok := tt.err.(*FramingError); ok {
						got := new(FramingError)
						require.ErrorAs(t, err, &got)
						require.Equal(t, framing.Octet, got.Octet)
					} else {
						require.ErrorIs(t, err, tt.err)
					}
				}
				if tt.usable {
					rfc.Covers(t, "rfc3030-2-10")
					_, err := c.Send(t.Context(), envelope(t, "b"), strings.NewReader("next\r\n"))
					require.NoError(t, err)
					require.NoError(t, c.Quit(t.Context()))
				} else {
					require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
				}
				<-s.done
				if tt.usable {
					require.Equal(t, []string{"next\r\n"}, s.messages)
					require.Contains(t, s.lines, "RSET")
				} else {
					require.Empty(t, s.messages)
				}
			})
		})
	}
}

// A server that refuses the envelope, or a chunk, is not sent all of the rest, and
// the connection can be used again (RFC 3030 section 2).
func TestClientSend_ChunksRefused(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3030-2-6")
	const size = 20 * chunkSize
	for name, tt := range map[string]struct {
		refuse string
		step   Step
		codes  []int
	}{
		"sender":     {"MAIL", StepMail, []int{552, 552}},
		"recipients": {"RCPT", StepRcpt, []int{552, 552}},
		"chunk":      {"BDAT", StepBody, []int{552, 552}},
	} {
		for _, kind := range []string{"stream", "memory"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					near, far := pipe(t)
					refusing := true
					s := (&sink{conn: far, offers: []string{"PIPELINING", "CHUNKING"}, refuse: func(line string) string {
						if refusing && strings.HasPrefix(line, tt.refuse) {
							return "552 5.3.4 no\r\n"
						}
						return ""
					}}).start()
					c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
					require.NoError(t, err)
					env := envelope(t, "b", "c")
					body := io.Reader(strings.NewReader(lines(size)))
					if kind == "stream" {
						body = stream(lines(size))
					}
					result, err := c.Send(t.Context(), env, body)
					checkResult(t, env, result, err, Refused, tt.step, tt.codes...)
					require.False(t, SafeToRetry(err))
					chunks := strings.Count(strings.Join(s.lines, "\n"), "BDAT")
					require.LessOrEqual(t, chunks, maxPiecesUnderWay+3)
					require.NotContains(t, strings.Join(s.lines, "\n"), "LAST")
					refusing = false
					_, err = c.Send(t.Context(), env, strings.NewReader("next\r\n"))
					require.NoError(t, err)
					require.NoError(t, c.Quit(t.Context()))
					<-s.done
					require.Equal(t, []string{"next\r\n"}, s.messages)
				})
			})
		}
	}
}

// Wherever the connection is cut, the client does not say more than it knows.
func TestClientSend_ChunksCutAnywhere(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 20_000} {
		for _, side := range []string{"client", "server"} {
			t.Run(fmt.Sprintf("%s of %d", side, size), func(t *testing.T) {
				t.Parallel()
				for n := 0; n < size+300; n++ {
					if size > 100 && n > 300 && n < size && n%997 != 0 || side == "server" && n > 300 {
						continue
					}
					synctest.Test(t, func(t *testing.T) {
						near, far := pipe(t)
						if side == "client" {
							near.CutAfter(n)
						} else {
							far.CutAfter(n)
						}
						s := (&sink{conn: far, offers: []string{"PIPELINING", "CHUNKING"}}).start()
						result, err := sendThrough(t, near, stream(lines(size)))
						<-s.done
						switch result.Outcome {
						case Refused:
							require.Error(t, err)
							require.True(t, SafeToRetry(err))
							require.Empty(t, s.messages, "cut after %d", n)
						case Unknown:
							require.False(t, SafeToRetry(err))
							require.NotEmpty(t, s.messages, "what was cut before its end has certainly not arrived")
						case Accepted:
							require.NoError(t, err)
							require.Equal(t, []string{lines(size)}, s.messages)
						}
					})
				}
			})
		}
	}
}

// A server that claims to have a message before it has all of it is not believed.
func TestClientSend_ChunkAnsweredEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		go func() {
			script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n250 got it\r\n")
			time.Sleep(time.Second)
			io.Copy(io.Discard, far)
		}()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		result, err := c.Send(t.Context(), envelope(t, "b"), strings.NewReader(lines(300_000)))
		checkResult(t, envelope(t, "b"), result, err, Refused, StepBody, 0)
		protocol := new(ProtocolError)
		require.ErrorAs(t, err, &protocol)
		require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
		time.Sleep(time.Minute) // until the server is done
	})
}

// A server that falls silent, or takes nothing more, is given up in time.
func TestClientSend_ChunksStalled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size    int
		reads   bool
		outcome Outcome
		after   time.Duration
	}{
		"small, no answer": {100, true, Unknown, 10 * time.Minute},
		"large, no answer": {300_000, true, Unknown, 10 * time.Minute},
		"large, not taken": {300_000, false, Refused, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				go func() {
					script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n")
					if tt.reads {
						io.Copy(io.Discard, far)
					}
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Timeout: time.Minute})
				require.NoError(t, err)
				start := time.Now()
				result, err := c.Send(t.Context(), envelope(t, "b"), strings.NewReader(lines(tt.size)))
				took := time.Since(start)
				require.Equal(t, tt.outcome, result.Outcome, "%v", err)
				require.GreaterOrEqual(t, took, tt.after)
				require.LessOrEqual(t, took, tt.after+2*grace)
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				require.Equal(t, tt.outcome == Refused, SafeToRetry(err))
			})
		})
	}
}
