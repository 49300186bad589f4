package smtp

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/internal/transcript"
)

// Whatever a server writes, the client comes to an end, and claims no more than it
// knows: what is accepted had its end sent and a reply read. The bits of mode choose
// what the client does, and how the server's octets come.
func FuzzClient(tf *testing.F) {
	f := storm.New(tf)
	offers := map[string]string{
		"testdata/client_setup.txtar": "", "testdata/client_auth.txtar": "",
		"testdata/client_send.txtar":   "220 hi\r\n250-hi\r\n250-SIZE 99999\r\n250 PIPELINING\r\n",
		"testdata/client_chunks.txtar": "220 hi\r\n250-hi\r\n250-CHUNKING\r\n250-PRDR\r\n250 PIPELINING\r\n",
	}
	for _, file := range slices.Sorted(maps.Keys(offers)) {
		for _, d := range transcript.Load(f, file) {
			says := append([]byte(offers[file]), d.Octets('S')...)
			f.Add(says, uint8(0), false)
			f.Add(says, uint8(7), true)
			f.Add(says, uint8(12), false)
			f.Add(says, uint8(36), true)
		}
	}
	env, small, large := envelope(f, "b", "c"), ".", lines(100_000)
	f.Fuzz(func(t *testing.T, says []byte, mode uint8, long bool) {
		p := &babbler{rest: says, most: int(mode), patient: mode&2 == 0, slow: mode&32 != 0}
		cfg := ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org", PRDR: mode&16 != 0}
		if mode&1 != 0 {
			cfg.Auth = auth.InsecurePassword("tim", "secret")
		}
		if mode&8 != 0 {
			cfg.Protocol = auth.LMTP
		}
		body := small
		if long {
			body = large
		}
		accepted := 0
		c, err := NewClient(t.Context(), p, "mx.example.org", &cfg)
		switch {
		case err == nil:
			if mode&4 != 0 {
				for result, err := range c.SendAll(t.Context(), few(env, body)) {
					accepted += checkHonest(t, result, err)
				}
			}
			for range 2 {
				result, err := c.Send(t.Context(), env, strings.NewReader(body))
				accepted += checkHonest(t, result, err)
			}
			_, _ = c.Verify(t.Context(), "x")
			_ = c.Quit(t.Context())
		case c != nil:
			t.Fatal("a client in spite of", err)
		}
		if ends := bytes.Count(p.heard, []byte("\r\n.\r\n")) + bytes.Count(p.heard, []byte(" LAST\r\n")); accepted > ends {
			t.Fatalf("%d messages accepted, %d ended", accepted, ends)
		}
		if len(p.heard) > 600_000 {
			t.Fatalf("%d octets sent", len(p.heard))
		}
	})
}

// babbler is a server that says what it has to say whatever it is sent, and hangs
// up.
type babbler struct {
	plenty
	rest    []byte // what it is to say
	most    int    // octets at a time; 0 is any number
	patient bool   // a line at a time; else all that is said early is noticed
	slow    bool   // the client has time to go on before it reads
	heard   []byte
}

func (p *babbler) Read(b []byte) (int, error) {
	if p.slow {
		for range 8 {
			runtime.Gosched()
		}
	}
	said := p.rest
	if p.most > 0 {
		said = said[:min(len(said), p.most)]
	}
	if i := bytes.IndexByte(said, '\n'); p.patient && i >= 0 {
		said = said[:i+1]
	}
	n := copy(b, said)
	if p.rest = p.rest[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (p *babbler) Write(b []byte) (int, error) {
	p.heard = append(p.heard, b...)
	return len(b), nil
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
	if err != nil && (!errors.As(err, &failure) || result.Outcome != failure.Outcome || err.Error() == "") {
		t.Fatalf("outcome %v, error %#v", result.Outcome, err)
	}
	all := true
	for _, r := range result.Recipients {
		switch {
		case (r.Outcome == Accepted) != (r.Err == nil),
			r.Outcome != Refused && r.Temporary,
			result.Outcome == Refused && r.Outcome != Refused:
			t.Fatalf("outcome %v, recipient %+v", result.Outcome, r)
		}
		all = all && r.Outcome == Accepted
	}
	switch {
	case all != (err == nil),
		SafeToRetry(err) && result.Outcome != Refused,
		result.Outcome == Accepted && result.Reply.Code/100 != 2:
		t.Fatalf("result %+v, error %v", result, err)
	}
	if result.Outcome == Accepted {
		return 1
	}
	return 0
}

// Whatever a server says, its reply is read within the limits, or is an error.
func FuzzReply(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{"250 ok\r\n", "250-a\r\n250 b\r\n", "250\r\n", "250-2.1.0 a\r\n250 2.1.5 b\r\n", "550-a\r\n250 b\r\n", "2500 x\r\n", "25", "250 \xff\x1b[2J\r\n", "334 \r\n", "220-x\n220 y\r\n"} {
		f.Add([]byte(s))
	}
	r := reply{enhanced: true}
	var source bytes.Reader
	var reader textwire.Reader
	f.Fuzz(func(t *testing.T, said []byte) {
		source.Reset(said)
		reader.Reset(&source)
		r.code, r.lines, r.raw = 0, 0, r.raw[:0]
		for {
			line, err := reader.ReadLine(maxReplyLine)
			if err != nil {
				return
			}
			before := len(r.raw)
			more, err := r.add(line)
			if len(r.raw) > maxReplySize || len(r.raw) < before {
				t.Fatalf("%d octets of text behind %d", len(r.raw), before)
			}
			if err != nil {
				if protocol := (*ProtocolError)(nil); !errors.As(err, &protocol) || !printableText(err.Error()) {
					t.Fatalf("error %#v", err)
				}
				return
			}
			if !more {
				break
			}
		}
		v := r.value()
		if r.code != v.Code || v.Code < 200 || v.Code > 599 || len(v.Lines) != r.lines {
			t.Fatalf("%d of %d lines is %+v", r.code, r.lines, v)
		}
		for _, line := range v.Lines {
			if !printableText(line) {
				t.Fatalf("line %q", line)
			}
		}
		if !v.Enhanced.IsZero() && int(v.Enhanced[0]) != v.Code/100 {
			t.Fatalf("code %d with %v", v.Code, v.Enhanced)
		}
		if text := r.refusal().Error(); !printableText(text) {
			t.Fatalf("refusal %q", text)
		}
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
