package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
)

// bdatRow is what a client says once there is a recipient, and what comes of it.
type bdatRow struct {
	name   string
	covers []string
	say    string
	want   []string // replies
	mail   []string // messages accepted
	closed bool     // the session is over; else a message still comes through
}

// trap is a chunk that is no command: 34 octets.
const trap = "RSET\r\nMAIL FROM:<evil@example.com>\r"

func TestServerBdat(t *testing.T) {
	t.Parallel()
	ok, bad := "250 2.0.0 chunk ok", "503 5.5.1 bad sequence of commands"
	done := "250 2.0.0 accepted as "
	for _, tt := range []bdatRow{
		{"one chunk", nil, "BDAT 6 LAST\r\ntext\r\n", []string{done}, []string{"text\r\n"}, false},
		{"chunks", []string{"rfc3030-2-4"}, "BDAT 4\r\ntextBDAT 0\r\nBDAT 2\r\n\r\nBDAT 0 LAST\r\n", []string{ok, ok, ok, done}, []string{"text\r\n"}, false},
		{"CRLF cut in two", nil, "BDAT 5\r\ntext\rBDAT 1 LAST\r\n\n", []string{ok, done}, []string{"text\r\n"}, false},
		{"empty", nil, "BDAT 0 LAST\r\n", []string{done}, []string{""}, false},
		{"no CRLF at the end", nil, "BDAT 4 LAST\r\ntext", []string{done}, []string{"text"}, false},
		{"dots are text", nil, "BDAT 14 LAST\r\n.\r\n..\r\n.x\r\n.\r\n", []string{done}, []string{".\r\n..\r\n.x\r\n.\r\n"}, false},
		{"commands are text", nil, "BDAT 36 LAST\r\n" + trap + "\n", []string{done}, []string{trap + "\n"}, false},
		{"lower case", nil, "bdat 4 last\r\ntext", []string{done}, []string{"text"}, false},
		{
			"NOOP, VRFY and nonsense between chunks", nil, "BDAT 4\r\ntextNOOP\r\nVRFY bob\r\nBOGUS\r\nBDAT 2 LAST\r\n\r\n",
			[]string{ok, "250 ", "252 ", "500 ", done},
			[]string{"text\r\n"},
			false,
		},
		{
			"RCPT and MAIL between chunks", nil, "BDAT 4\r\ntextRCPT TO:<x@example.org>\r\nMAIL FROM:<>\r\nBDAT 2 LAST\r\n\r\n",
			[]string{ok, bad, bad, done},
			[]string{"text\r\n"},
			false,
		},

		// RFC 3030 section 2: what is refused is read all the same.
		{"after LAST", []string{"rfc3030-2-2"}, "BDAT 4 LAST\r\ntextBDAT 35\r\n" + trap + "BDAT 35 LAST\r\n" + trap, []string{done, bad, bad}, []string{"text"}, false},
		{"DATA behind BDAT", []string{"rfc3030-2-9", "rfc3030-2-10"}, "BDAT 4\r\ntextDATA\r\nBDAT 35 LAST\r\n" + trap + "RSET\r\n", []string{ok, bad, bad, "250 "}, nil, false},
		{"RSET between chunks", nil, "BDAT 4\r\ntextRSET\r\nBDAT 35 LAST\r\n" + trap, []string{ok, "250 2.0.0 ok", bad}, nil, false},
		{"EHLO between chunks", nil, "BDAT 4\r\ntextEHLO a\r\nBDAT 35 LAST\r\n" + trap, []string{ok, "250-mx", bad}, nil, false},
		{"EHLO between chunks, not acceptable", []string{"rfc5321-4.1.4-5"}, "BDAT 4\r\ntextEHLO a b\r\nLHLO a\r\nRSET now\r\nBDAT 2 LAST\r\n\r\n", []string{ok, "501 ", "500 ", "501 5.5.4 ", done}, []string{"text\r\n"}, false},
		{"QUIT between chunks", nil, "BDAT 4\r\ntextQUIT\r\n", []string{ok, "221 "}, nil, true},
		{"STARTTLS between chunks", nil, "BDAT 4\r\ntextSTARTTLS\r\nBDAT 0 LAST\r\n", []string{ok, bad, done}, []string{"text"}, false},

		{"more octets than were counted", []string{"rfc3030-2-12"}, "BDAT 4\r\ntext\xff\xfe\x01 \x7f\r\nBDAT 2 LAST\r\n\r\n", []string{ok, "500 5.5.2 command not recognized", done}, []string{"text\r\n"}, false},

		// A text is lines.
		{"bare LF", nil, "BDAT 7 LAST\r\nte\nxt\r\nBDAT 35 LAST\r\n" + trap, []string{"550 5.6.11 ", bad}, nil, false},
		{"bare CR", nil, "BDAT 7 LAST\r\nte\rxt\r\n", []string{"550 5.6.11 "}, nil, false},
		{"bare CR at the end", nil, "BDAT 5 LAST\r\ntext\r", []string{"550 5.6.11 "}, nil, false},
		{"bare CR at the end of a chunk", nil, "BDAT 5\r\ntext\rBDAT 35\r\n" + trap + "RSET\r\n", []string{ok, "550 5.6.11 ", "250 "}, nil, false},
		{"NUL", nil, "BDAT 7 LAST\r\nte\x00xt\r\n", []string{"550 5.6.11 "}, nil, false},
		{"smuggled end of data", nil, "BDAT 41 LAST\r\n\n.\r\n" + trap + "\n\r", []string{"550 5.6.11 "}, nil, false},
		{
			"failed, and more in the pipeline",
			[]string{"rfc3030-2-7"},
			"BDAT 2\r\n\n\nBDAT 35\r\n" + trap + "BDAT 35 LAST\r\n" + trap + "RSET\r\n",
			[]string{"550 5.6.11 ", bad, bad, "250 2.0.0 ok"},
			nil, false,
		},

		// Sizes.
		{"too large at once", nil, "BDAT 101 LAST\r\n" + strings.Repeat("x", 101) + "RSET\r\n", []string{"552 5.3.4 ", "250 "}, nil, false},
		{"too large together", nil, "BDAT 99\r\n" + strings.Repeat("x", 99) + "BDAT 2\r\nxxBDAT 35 LAST\r\n" + trap + "RSET\r\n", []string{ok, "552 5.3.4 ", bad, "250 "}, nil, false},
		{"just fits", nil, "BDAT 99\r\n" + strings.Repeat("x", 99) + "BDAT 1 LAST\r\nx", []string{ok, done}, []string{strings.Repeat("x", 100)}, false},
		{"more than is ever read", nil, "BDAT 9223372036854775807\r\n" + trap, []string{"552 5.3.4 "}, nil, true},
		{"4 GB and a bit", nil, "BDAT 4294967297\r\nx" + trap, []string{"552 5.3.4 "}, nil, true},

		// Who does not say how many octets follow cannot be followed.
		{"negative", nil, "BDAT -1\r\n" + trap, []string{"501 "}, nil, true},
		{"signed", nil, "BDAT +5\r\n" + trap, []string{"501 "}, nil, true},
		{"hexadecimal", nil, "BDAT 0x5\r\n" + trap, []string{"501 "}, nil, true},
		{"overflow", nil, "BDAT 99999999999999999999\r\n" + trap, []string{"501 "}, nil, true},
		{"no number", nil, "BDAT\r\n" + trap, []string{"501 "}, nil, true},
		{"not LAST", nil, "BDAT 5 LASTS\r\n" + trap, []string{"501 "}, nil, true},
		{"bare LF behind the command", nil, "BDAT 4\ntext", []string{"500 "}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.covers != nil {
				rfc.Covers(t, tt.covers...)
			}
			for _, split := range []int{0, 1} { // as it comes, and octet by octet
				tt.play(t, split)
			}
		})
	}
}

func (tt *bdatRow) play(t *testing.T, split int) {
	t.Helper()
	s := newSite(t, &smtp.Server{MaxMessageBytes: 100})
	p := s.inMail()
	p.Conn.(*testnet.Conn).SplitWrites(split)
	p.say(tt.say)
	p.expect(tt.want...)
	if tt.closed {
		p.expectEnd()
		require.Equal(t, tt.mail, s.bodies())
		return
	}
	p.say("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nBDAT 6 LAST\r\nafter\n")
	p.expect("250 ", "250 ", "250 ", "550 ")
	p.say("MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nafter\r\n.\r\n")
	p.expect("250 ", "250 ", "354 ", "250 ")
	require.Equal(t, append(tt.mail, "after\r\n"), s.bodies())
}

// TestServerBdatOutOfPlace: BDAT is refused in its place and out of it, and its octets
// are never commands.
func TestServerBdatOutOfPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, before, want string
		srv                *smtp.Server
	}{
		{"no hello", "", "503 5.5.1 send EHLO or HELO first", &smtp.Server{}},
		{"HELO", "HELO a\r\n", "503 5.5.1 ", &smtp.Server{}},
		{"no transaction", "EHLO a\r\n", "503 5.5.1 bad sequence", &smtp.Server{}},
		{"no recipient", "EHLO a\r\nMAIL FROM:<>\r\n", "554 5.5.1 no valid recipients", &smtp.Server{}},
		{"sender refused", "EHLO a\r\nMAIL FROM:<a b>\r\nRCPT TO:<bob@example.org>\r\n", "503 5.5.1 ", &smtp.Server{}},
		{"before TLS", "EHLO a\r\n", "530 5.7.0 ", withTLS(t, &smtp.Server{RequireTLS: true})},
		{"refused by a hook", "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\n", "451 4.7.1 later", &smtp.Server{Hooks: smtp.Hooks{
			Data: func(context.Context, *smtp.Transaction) error { return smtp.Defer("later") },
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.srv)
			p := s.dial()
			p.say(tt.before + "BDAT 35 LAST\r\n" + trap + "BDAT 4\r\nQUITNOOP\r\n")
			p.expect("220 ")
			for range strings.Count(tt.before, "\n") {
				p.hear()
			}
			p.expect(tt.want)
			p.hear()
			p.expect("250 2.0.0 ok")
			require.Empty(t, s.bodies())
		})
	}
}

// TestServerBdatRefusedFirst: a chunk that was refused for want of recipients is part of
// no message, and the chunks behind it are none without it.
func TestServerBdatRefusedFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{})
	p := s.greeted()
	p.say("MAIL FROM:<>\r\nRCPT TO:<a@elsewhere.example>\r\nBDAT 4\r\ntextRCPT TO:<bob@example.org>\r\nBDAT 6 LAST\r\nmore\r\nRSET\r\n")
	p.expect("250 ", "550 ", "554 5.5.1 no valid recipients", "503 ", "503 ", "250 2.0.0 ok")
	require.Empty(t, s.bodies())
}

// TestServerBdatBinary: with BINARYMIME any octets come through, and DATA does not do.
func TestServerBdatBinary(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3030-3-1", "rfc3030-3-2", "rfc3030-3-7")
	s := newSite(t, &smtp.Server{BinaryMIME: true})
	p := s.greeted()
	p.say("MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nBDAT 8\r\n\n.\n\r\x00\xff\r.BDAT 1 LAST\r\n\r")
	p.expect("250 ", "250 ", "503 5.5.1 BODY=BINARYMIME needs BDAT", "250 ", "250 ")
	require.Equal(t, []string{"\n.\n\r\x00\xff\r.\r"}, s.bodies())
	require.Equal(t, smtp.BodyBinaryMIME, s.letters()[0].tx.Envelope.Body)

	p = newSite(t, &smtp.Server{}).greeted()
	p.say("EHLO a\r\nMAIL FROM:<> BODY=BINARYMIME\r\n")
	require.NotContains(t, p.hear(), "BINARYMIME")
	p.expect("555 ")
}

// TestServerBdatCut: a message that was cut off within a chunk, or between two, is lost.
func TestServerBdatCut(t *testing.T) {
	t.Parallel()
	for _, say := range []string{"BDAT 10 LAST\r\ntext", "BDAT 10\r\ntext", "BDAT 4\r\ntext", "BDAT 4\r\ntextBDAT 0 LA"} {
		got := make(chan error, 1)
		s := newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.ReadAll(tx.Body)
			got <- err
			return nil
		})})
		p := s.inMail()
		p.say(say)
		require.NoError(t, p.Conn.(*testnet.Conn).CloseWrite())
		require.Error(t, <-got)
		for r := p.hear(); r != ""; r = p.hear() {
			require.Equal(t, "250 2.0.0 chunk ok", r)
		}
	}
}

// TestServerBdatRefusedCut: nothing is said of a chunk that is refused and cut off.
func TestServerBdatRefusedCut(t *testing.T) {
	t.Parallel()
	p := newSite(t, &smtp.Server{}).greeted()
	p.say("BDAT 10 LAST\r\ntext")
	require.NoError(t, p.Conn.(*testnet.Conn).CloseWrite())
	p.expectEnd()
}

// TestServerBdatCutByTLS: the end of TLS within a chunk ends the connection, and what
// follows in plain text is nothing.
func TestServerBdatCutByTLS(t *testing.T) {
	t.Parallel()
	got := make(chan error, 1)
	s := newSite(t, withTLS(t, &smtp.Server{Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
		_, err := io.ReadAll(tx.Body)
		got <- err
		return nil
	})}))
	p := s.greeted()
	p.say("STARTTLS\r\n")
	p.expect("220 ")
	plain := p.Conn
	p.startTLS(s.tls)
	p.say("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nBDAT 10 LAST\r\ntext")
	p.expect("250-", "250 ", "250 ")
	require.NoError(t, p.Conn.(interface{ CloseWrite() error }).CloseWrite())
	_, _ = io.WriteString(plain, "123456RSET\r\n")
	require.ErrorIs(t, <-got, io.ErrUnexpectedEOF)
	p.expectEnd()
}

// TestServerBdatTiny: a flood of tiny chunks costs no memory, and comes to an end.
func TestServerBdatTiny(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
		_, err := io.Copy(io.Discard, tx.Body)
		return err
	})})
	p := s.inMail()
	go func() {
		flood := strings.Repeat("BDAT 1\r\nx", 1000)
		for range 1000 {
			if _, err := io.WriteString(p, flood); err != nil {
				return
			}
		}
	}()
	n := 0
	for r := p.hear(); r == "250 2.0.0 chunk ok"; r = p.hear() {
		n++
	}
	require.Equal(t, 1000, n)
}

// TestServerBdatMany: chunks that are large enough may be any number, and none of them
// costs memory. It is not parallel: it counts allocations.
func TestServerBdatMany(t *testing.T) {
	var size int64
	s := newSite(t, &smtp.Server{MaxMessageBytes: -1, Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) (err error) {
		size, err = io.Copy(io.Discard, tx.Body)
		return err
	})})
	p := s.inMail()
	const chunks = 5_000
	chunk := []byte("BDAT 600\r\n" + strings.Repeat("x", 600))
	allocs := testing.AllocsPerRun(chunks-1, func() {
		if _, err := p.Write(chunk); err != nil {
			t.Fatal(err)
		}
		if _, err := p.r.ReadSlice('\n'); err != nil {
			t.Fatal(err)
		}
	})
	require.LessOrEqual(t, allocs, 2.0) // of the network in memory, one a direction
	p.say("BDAT 0 LAST\r\n")
	p.expect("250 2.0.0 accepted")
	require.EqualValues(t, chunks*600, size)
}

// TestServerBdatEarly: a handler may refuse, and accept, before it has read all.
func TestServerBdatEarly(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3030-2-5")
	refuse := func(read int) *smtp.Server {
		return &smtp.Server{Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.ReadFull(tx.Body, make([]byte, read))
			return errors.Join(err, smtp.Reject("spam"))
		})}
	}
	for _, read := range []int{0, 2, 5, 9} {
		t.Run(fmt.Sprint(read), func(t *testing.T) {
			t.Parallel()
			p := newSite(t, refuse(read)).inMail()
			p.say("BDAT 4\r\ntextBDAT 6\r\nRSET\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
			if read > 4 {
				p.expect("250 2.0.0 chunk ok")
			} else {
				p.expect("550 5.7.1 spam")
			}
			if read > 4 {
				p.expect("550 5.7.1 spam", "503 ", "250 2.0.0 ok")
			} else {
				p.expect("503 ", "503 ", "250 2.0.0 ok")
			}
		})
	}
	s := newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil })})
	p := s.inMail()
	p.say("BDAT 4\r\ntextBDAT 6\r\nRSET\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
	p.expect("250 2.0.0 chunk ok", "250 2.0.0 chunk ok", "250 2.0.0 accepted", "250 2.0.0 ok")

	// Its panic within a chunk ends the session, and accepts nothing.
	p = newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
		_, _ = io.ReadFull(tx.Body, make([]byte, 5))
		panic("in the second chunk")
	})}).inMail()
	p.say("BDAT 4\r\ntextBDAT 6 LAST\r\nRSET\r\nNOOP\r\n")
	p.expect("250 2.0.0 chunk ok", "421 4.3.0 ")
	p.expectEnd()
}

// TestServerBinaryUndeclared: what the header says of a message is not held against what
// MAIL said.
func TestServerBinaryUndeclared(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3030-3-12")
	s := newSite(t, &smtp.Server{})
	p := s.inData()
	p.say("Content-Transfer-Encoding: binary\r\n\r\n\xff\r\n.\r\n")
	p.expect("250 2.0.0 accepted")
}
