package smtp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Whatever a server writes, the client comes to an end in time, and claims no
// more than it knows: what is accepted had its end sent and a reply read.
func FuzzClient(tf *testing.F) {
	f := storm.New(tf)
	for file, offers := range map[string]string{
		"testdata/client_setup.txtar": "", "testdata/client_auth.txtar": "",
		"testdata/client_send.txtar":   "220 hi\r\n250-hi\r\n250-SIZE 99999\r\n250 PIPELINING\r\n",
		"testdata/client_chunks.txtar": "220 hi\r\n250-hi\r\n250-CHUNKING\r\n250-PRDR\r\n250 PIPELINING\r\n",
	} {
		for _, d := range transcript.Load(f, file) {
			said := append([]byte(offers), d.Octets('S')...)
			f.Add(said, uint8(0), false)
			f.Add(said, uint8(7), true)
			f.Add(said, uint8(12), false)
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
			if cut&8 != 0 {
				cfg.Protocol = auth.LMTP
			}
			cfg.PRDR = cut&16 != 0
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
				if cut&4 != 0 {
					for result, err := range c.SendAll(t.Context(), few(envelope(t, "b", "c"), body)) {
						accepted += checkHonest(t, result, err)
					}
				}
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
			require.LessOrEqual(t, accepted, strings.Count(all, "\r\n.\r\n")+strings.Count(all, " LAST\r\n"))
			require.LessOrEqual(t, len(all), 600_000)
		})
	})
}

// few is the same message three times.
func few(env Envelope, body string) iter.Seq[Message] {
	return func(yield func(Message) bool) {
		for range 3 {
			if !yield(Message{env, strings.NewReader(body)}) {
				return
			}
		}
	}
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

// Whatever strings a caller passes, no line and no parameter is on the wire that
// he did not ask for: what was sent, read again, is what was to be sent.
func FuzzClientInjection(tf *testing.F) {
	f := storm.New(tf)
	for _, evil := range []string{
		"", "a", "a@example.org", "a@example.org> SIZE=1", "a\r\nDATA", "a\nRSET", "a\rb", "a\x00b", "a b", "<a>", "\"a b\"@example.org",
		"\"> ORCPT=x\"@b.example", "ü@example.org", "a@ü.example", "[1.2.3.4]", "X=Y", "X Y=Z", "a=b c=d", "\xff", "a\u2028b", "*", "FULL ENVID=x",
	} {
		f.Add(evil, evil, evil, 0)
		f.Add("a@example.org", "X-TEST", evil, 7)
		f.Add(evil, "X-TEST", "v", 99)
	}
	offers := []string{"PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "DSN", "AUTH PLAIN", "RRVS", "MT-PRIORITY", "DELIVERBY", "FUTURERELEASE", "X-TEST", "X", "ETRN", "EXPN"}
	f.Fuzz(func(t *testing.T, address, keyword, value string, number int) {
		p := &echo{offers: offers}
		c, err := NewClient(t.Context(), p, "", &ClientConfig{TLS: InsecureNoTLS, Hello: value})
		if err != nil {
			require.Subset(t, []string{"QUIT"}, p.lines())
			return
		}
		p.wrote.Reset()
		to, _ := ParseAddress(address)
		env := Envelope{
			From: to, To: []Recipient{{
				Address: to, Notify: Notify(number), Original: OriginalRecipient(value), NoSupport: NoSupport(number),
				ValidSince: time.Unix(int64(number), 0), Params: []Param{{Keyword: keyword, Value: value}},
			}},
			UTF8: number&1 != 0, Auth: to, HasAuth: number&2 != 0, Return: Return(number), ID: EnvelopeID(value),
			Priority: number, HoldFor: time.Duration(number) * time.Second, Params: []Param{{Keyword: value, Value: keyword}},
			Body: Body(number),
		}
		for i := range 4 { // with less and less that may be refused
			p.wrote.Reset()
			result, err := c.Send(t.Context(), env, strings.NewReader("x\r\n"))
			checkHonest(t, result, err)
			checkCommands(t, p.lines(), &env)
			switch i {
			case 0:
				env.Params, env.ID = nil, ""
			case 1:
				env.Return, env.Priority, env.HoldFor, env.Body = 0, 0, 0, 0
			case 2:
				env.To[0].Params, env.To[0].Notify, env.To[0].Original, env.To[0].NoSupport = nil, 0, "", 0
			}
		}
		for verb, ask := range map[string]func(context.Context, string) (Reply, error){"VRFY": c.Verify, "EXPN": c.Expand, "HELP": c.Help} {
			p.wrote.Reset()
			_, err := ask(t.Context(), value)
			lines := p.lines()
			if err != nil {
				require.Empty(t, lines)
				continue
			}
			require.Len(t, lines, 1)
			text, ok := strings.CutPrefix(lines[0], verb)
			require.True(t, ok)
			require.Equal(t, value, strings.TrimPrefix(strings.TrimSuffix(text, " SMTPUTF8"), " "))
		}
	})
}

// checkCommands checks that lines are nothing, or the transaction of an envelope.
func checkCommands(t *testing.T, lines []string, env *Envelope) {
	if len(lines) > 0 && lines[0] == "RSET" {
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return
	}
	require.Len(t, lines, 4)
	var mail smtpwire.Mail
	args, ok := strings.CutPrefix(lines[0], "MAIL ")
	require.True(t, ok)
	require.NoError(t, mail.Parse(args))
	got := envelopeOf(&mail, time.Now())
	require.Equal(t, env.From, got.From)
	require.Equal(t, env.ID, got.ID)
	require.Equal(t, env.Return, got.Return)
	require.Equal(t, env.Priority, got.Priority)
	require.Equal(t, env.HoldFor, got.HoldFor)
	require.Equal(t, env.HasAuth || !env.Auth.IsZero(), got.HasAuth)
	require.Equal(t, len(env.Params), len(got.Params))
	rcpt := smtpwire.Rcpt{UTF8: mail.UTF8}
	args, ok = strings.CutPrefix(lines[1], "RCPT ")
	require.True(t, ok)
	require.NoError(t, rcpt.Parse(args))
	to := recipientOf(&rcpt)
	require.Equal(t, env.To[0].Address, to.Address)
	require.Equal(t, env.To[0].Notify, to.Notify)
	require.Equal(t, len(env.To[0].Params), len(to.Params))
	require.Equal(t, []string{"BDAT 3 LAST", "x"}, lines[2:])
}

// echo is a server that accepts all, and remembers what it was sent.
type echo struct {
	plenty
	offers []string
	wrote  strings.Builder
}

func (e *echo) Write(b []byte) (int, error) {
	if e.wrote.Len() == 0 && len(e.answers) == 0 && bytes.HasPrefix(b, []byte("EHLO")) {
		e.answers = append(e.answers, "250-mx\r\n250-"+strings.Join(e.offers, "\r\n250-")+"\r\n250 X-END\r\n"...)
	} else {
		chunk := bytes.Count(b, []byte("BDAT 3 LAST"))
		for range bytes.Count(b, []byte("\r\n")) - chunk {
			e.answers = append(e.answers, "250 ok\r\n"...)
		}
	}
	return e.wrote.Write(b)
}

func (e *echo) Read(b []byte) (int, error) {
	if e.wrote.Len() == 0 && len(e.answers) == 0 {
		e.answers = append(e.answers, "220 hi\r\n"...)
	}
	return e.plenty.Read(b)
}

// lines are those that were sent, without their ends.
func (e *echo) lines() []string {
	if e.wrote.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(e.wrote.String(), "\r\n"), "\r\n")
}

// Whatever a server says, its reply is read within the limits, or is an error.
func FuzzReply(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{"250 ok\r\n", "250-a\r\n250 b\r\n", "250\r\n", "250-2.1.0 a\r\n250 2.1.5 b\r\n", "550-a\r\n250 b\r\n", "2500 x\r\n", "25", "250 \xff\x1b[2J\r\n", "334 \r\n", "220-x\n220 y\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		var r reply
		r.enhanced = true
		for line := range bytes.SplitSeq(said, crlf) {
			before := len(r.raw)
			more, err := r.add(line)
			require.LessOrEqual(t, len(r.raw), maxReplySize)
			if err != nil {
				protocol := new(ProtocolError)
				require.ErrorAs(t, err, &protocol)
				require.True(t, printableText(err.Error()))
				return
			}
			require.GreaterOrEqual(t, len(r.raw), before)
			if !more {
				break
			}
		}
		v := r.value()
		require.Equal(t, r.code, v.Code)
		require.True(t, 200 <= v.Code && v.Code <= 599)
		for _, line := range v.Lines {
			require.True(t, printableText(line), "%q", line)
		}
		require.True(t, v.Enhanced.IsZero() || int(v.Enhanced[0]) == v.Code/100)
		require.True(t, printableText(r.refusal().Error()))
	})
}

func printableText(s string) bool {
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return utf8.ValidString(s)
}
