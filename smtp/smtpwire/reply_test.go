package smtpwire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
)

func TestReplyAppend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		reply Reply
		want  string
	}{
		{"plain", Reply{Code: 220, Lines: []string{"mx.example.org ESMTP"}}, "220 mx.example.org ESMTP\r\n"},
		{"enhanced", Reply{Code: 250, Enhanced: EnhancedCode{2, 1, 5}, Lines: []string{"ok"}}, "250 2.1.5 ok\r\n"},
		{"enhanced on each line", Reply{Code: 550, Enhanced: EnhancedCode{5, 7, 1}, Lines: []string{"no", "never"}}, "550-5.7.1 no\r\n550 5.7.1 never\r\n"},
		{"several lines", Reply{Code: 250, Lines: []string{"mx", "SIZE 1", "HELP"}}, "250-mx\r\n250-SIZE 1\r\n250 HELP\r\n"},
		{"no text", Reply{Code: 334}, "334 \r\n"},
		{"no text, enhanced", Reply{Code: 250, Enhanced: EnhancedCode{2, 0, 0}}, "250 2.0.0\r\n"},
		{"line feeds", Reply{Code: 554, Enhanced: EnhancedCode{5, 7, 1}, Lines: []string{"a\r\nb\n"}}, "554-5.7.1 a\r\n554-5.7.1 b\r\n554 5.7.1\r\n"},
		{"controls and 8 bit", Reply{Code: 451, Lines: []string{"a\rb\x00c\x1bé\t."}}, "451 a?b?c???\t.\r\n"},
		{"UTF-8", Reply{Code: 250, Lines: []string{"Grün <ü@e.org>"}, UTF8: true}, "250 Grün <ü@e.org>\r\n"},
		{"not UTF-8", Reply{Code: 250, Lines: []string{"\xff\u0085\r"}, UTF8: true}, "250 ???\r\n"},
		{"code out of range", Reply{Code: 25, Lines: []string{"x"}}, "451 x\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.name {
			case "several lines":
				rfc.Covers(t, "rfc5321-4.2.1-4")
			case "code out of range":
				rfc.Covers(t, "rfc5321-4.3.2-2", "rfc5321-4.2-9")
			}
			require.Equal(t, tt.want, string(tt.reply.Append(nil)))
		})
	}
}

// TestReplyLineLimit: no line is longer than 512 octets, and nothing is lost.
func TestReplyLineLimit(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"words":   strings.Repeat("word ", 300),
		"no gaps": strings.Repeat("x", 1700),
		"UTF-8":   "x" + strings.Repeat("ü", 800),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc5321-4.5.3.1.5-1")
			b := Reply{Code: 550, Enhanced: EnhancedCode{5, 999, 999}, Lines: []string{text}, UTF8: name == "UTF-8"}.Append(nil)
			var got strings.Builder
			lines := strings.SplitAfter(string(b), "\r\n")
			for i, line := range lines[:len(lines)-1] {
				require.LessOrEqual(t, len(line), 512)
				_, more, rest, err := ParseReplyLine([]byte(strings.TrimSuffix(line, "\r\n")))
				require.NoError(t, err)
				require.Equal(t, i < len(lines)-2, more)
				_, rest, ok := ParseEnhanced(rest)
				require.True(t, ok)
				got.Write(rest)
			}
			require.Equal(t, text, got.String())
		})
	}
	challenge := strings.Repeat("x", 5000)
	require.Equal(t, "334 "+challenge+"\r\n", string(Reply{Code: 334, Lines: []string{challenge}}.Append(nil)))
}

func TestParseReplyLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		code int
		more bool
		text string
	}{
		{"250 ok", 250, false, "ok"},
		{"250-ok", 250, true, "ok"},
		{"250", 250, false, ""},
		{"250 ", 250, false, ""},
		{"250-", 250, true, ""},
		{"599 x", 0, false, ""},
		{"199 x", 0, false, ""},
		{"600 x", 0, false, ""},
		{"25", 0, false, ""},
		{"2500 x", 0, false, ""},
		{"25x x", 0, false, ""},
		{"250\tx", 0, false, ""},
		{"", 0, false, ""},
	} {
		code, more, text, err := ParseReplyLine([]byte(tt.line))
		require.Equal(t, tt.code, code, tt.line)
		require.Equal(t, tt.more, more, tt.line)
		require.Equal(t, tt.text, string(text), tt.line)
		require.Equal(t, tt.code == 0, err != nil, tt.line)
	}
}

func TestParseEnhanced(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, code, rest string
	}{
		{"2.1.0 ok", "2.1.0", "ok"},
		{"5.7.123", "5.7.123", ""},
		{"4.999.999  x", "4.999.999", " x"},
		{"3.1.0 x", "", "3.1.0 x"},
		{"2.1 x", "", "2.1 x"},
		{"2.1.x", "", "2.1.x"},
		{"2.1.0x", "", "2.1.0x"},
		{"2.1000.0 x", "", "2.1000.0 x"},
		{"2.1.1000 x", "", "2.1.1000 x"},
		{"2..0 x", "", "2..0 x"},
		{"", "", ""},
	} {
		code, rest, ok := ParseEnhanced([]byte(tt.text))
		require.Equal(t, tt.code, code.String(), tt.text)
		require.Equal(t, tt.rest, string(rest), tt.text)
		require.Equal(t, tt.code != "", ok, tt.text)
	}
}

func TestParseEHLO(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.1.1-6")
	e := ParseEHLO([]string{
		"PIPELINING", "size 35882577", "AUTH plain LOGIN", "8BITMIME ", "AUTH=PLAIN", "", "-X", "X-\u00fc", "STARTTLS", "size 1", "DSN  a  b", "X \x01",
	})
	require.Equal(t, Extensions{
		"PIPELINING": "", "SIZE": "35882577", "AUTH": "plain LOGIN", "8BITMIME": "", "STARTTLS": "", "DSN": "a  b",
	}, e)
	limit, ok := e.Size()
	require.True(t, ok)
	require.EqualValues(t, 35882577, limit)
	require.Equal(t, []string{"PLAIN", "LOGIN"}, e.Mechanisms())
	_, ok = e.Lookup("starttls")
	require.True(t, ok)
	_, ok = e.Lookup("CHUNKING")
	require.False(t, ok)

	for params, want := range map[string]int64{"": 0, "x": 0, "99999999999999999999": 1<<63 - 1} {
		limit, ok = Extensions{"SIZE": params}.Size()
		require.True(t, ok)
		require.Equal(t, want, limit)
	}
	_, ok = Extensions{}.Size()
	require.False(t, ok)
}

func FuzzReply(tf *testing.F) {
	f := storm.New(tf)
	f.Add(250, uint16(2), uint16(1), uint16(0), "ok\nthen")
	f.Add(550, uint16(0), uint16(0), uint16(0), strings.Repeat("x ", 600))
	var wire []byte
	f.Fuzz(func(t *testing.T, code int, a, b, c uint16, text string) {
		wire = Reply{Code: code, Enhanced: EnhancedCode{a % 6, b % 1000, c % 1000}, Lines: []string{text}, UTF8: code%2 == 1}.Append(wire[:0])
		valid := code%100/10 <= 5 || code < 200 || code > 599
		for rest := wire; len(rest) > 0; {
			line, behind, ok := bytes.Cut(rest, []byte("\r\n"))
			if !ok || bytes.ContainsAny(line, "\r\n\x00") || code != 334 && len(line) > 510 {
				t.Fatalf("line %q", line)
			}
			_, more, _, err := ParseReplyLine(line)
			if valid && (err != nil || more != (len(behind) > 0)) {
				t.Fatalf("line %q, %d octets behind it: %t, %v", line, len(behind), more, err)
			}
			rest = behind
		}
	})
}

func FuzzParseReplyLine(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{"250-2.1.0 ok", "354 go", "220", "5"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		code, _, text, err := ParseReplyLine(line)
		if err != nil {
			return
		}
		if code < 200 || code > 559 || !bytes.HasSuffix(line, text) {
			t.Fatalf("%d %q of %q", code, text, line)
		}
		if c, rest, ok := ParseEnhanced(text); ok && (c.IsZero() || !bytes.HasSuffix(text, rest)) {
			t.Fatalf("%v %q of %q", c, rest, text)
		}
	})
}
