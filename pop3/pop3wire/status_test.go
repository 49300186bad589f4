package pop3wire_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

func TestParseStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		want pop3wire.Status
	}{
		{"+OK", pop3wire.Status{OK: true}},
		{"+OK ", pop3wire.Status{OK: true}},
		{"+OK 2 320", pop3wire.Status{OK: true, Text: "2 320"}},
		{"-ERR", pop3wire.Status{}},
		{"-ERR no such message", pop3wire.Status{Text: "no such message"}},
		{"-ERR [IN-USE] Do you have another POP session running?", pop3wire.Status{Code: "IN-USE", Text: "Do you have another POP session running?"}},
		{"-ERR [SYS/TEMP]", pop3wire.Status{Code: "SYS/TEMP"}},
		{"-ERR [sys/temp/disk]full", pop3wire.Status{Code: "sys/temp/disk", Text: "full"}},
		{"-ERR [see the manual]", pop3wire.Status{Text: "[see the manual]"}},
		{"-ERR [] x", pop3wire.Status{Text: "[] x"}},
		{"-ERR [A//B] x", pop3wire.Status{Text: "[A//B] x"}},
		{"-ERR [/A] x", pop3wire.Status{Text: "[/A] x"}},
		{"-ERR [AUTH", pop3wire.Status{Text: "[AUTH"}},
		{"+OK two  blanks ", pop3wire.Status{OK: true, Text: "two  blanks "}},
	} {
		got, err := pop3wire.ParseStatus([]byte(tt.line))
		require.NoError(t, err, tt.line)
		require.Equal(t, tt.want, got, tt.line)
	}
	for _, line := range []string{"", "+", "+ ", "+O", "+ok", "+OKx", "+OK\tx", "-ERRx", "-err", "OK", " +OK", "250 ok"} {
		_, err := pop3wire.ParseStatus([]byte(line))
		require.Error(t, err, "%q", line)
	}
}

func TestStatusAppend(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-3-9", "rfc1939-3-10", "rfc1939-3-11")
	for _, tt := range []struct {
		name string
		s    pop3wire.Status
		want string
	}{
		{"bare", pop3wire.Status{OK: true}, "+OK"},
		{"text", pop3wire.Status{OK: true, Text: "hello"}, "+OK hello"},
		{"code", pop3wire.Status{Code: "SYS/PERM"}, "-ERR [SYS/PERM]"},
		{"both", pop3wire.Status{Code: "AUTH", Text: "no"}, "-ERR [AUTH] no"},
		{"no second line", pop3wire.Status{Text: "a\r\n+OK b\x00\x7f\u00e9"}, "-ERR a??+OK b????"},
		{"no code by accident", pop3wire.Status{Text: "[AUTH] no"}, "-ERR (AUTH] no"},
		{"a bad code is left out", pop3wire.Status{Code: "A B", Text: "[x]"}, "-ERR (x]"},
		{"a code cannot end early", pop3wire.Status{Code: "A]\r\n", Text: "x"}, "-ERR x"},
	} {
		require.Equal(t, tt.want+"\r\n", string(tt.s.Append(nil)), tt.name)
	}
	long := pop3wire.Status{Code: "SYS/TEMP", Text: strings.Repeat("x", 1000)}.Append([]byte("before"))
	require.Len(t, long, len("before")+512)
	require.True(t, bytes.HasSuffix(long, []byte("xx\r\n")))
}

func TestAppendStatusUTF8(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"es Idioma cambiado", "+OK es Idioma cambiado"},
		{"gr\u00fc\u00df", "+OK gr\u00fc\u00df"},
		{"gr\xfc\xdf", "+OK gr??"},
		{"\u00fc\r\n\x00\x7f", "+OK \u00fc????"},
		{"[\u00fc]", "+OK (\u00fc]"},
	} {
		require.Equal(t, tt.want+"\r\n", string(pop3wire.AppendStatusUTF8(nil, true, "", tt.text)))
	}
	for pad := range 4 {
		line := pop3wire.AppendStatusUTF8(nil, true, "", strings.Repeat("x", pad)+strings.Repeat("\U0001F4EE", 200))
		require.True(t, utf8.Valid(line), "no character is cut in two")
		require.LessOrEqual(t, len(line), pop3wire.MaxStatus)
		require.Greater(t, len(line), pop3wire.MaxStatus-4)
	}
}

func TestStatusIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code, is string
		want     bool
	}{
		{"SYS/TEMP", "SYS/TEMP", true},
		{"sys/Temp", "SYS/TEMP", true},
		{"SYS/TEMP", "SYS", true},
		{"SYS/TEMP/DISK", "SYS/TEMP", true},
		{"SYS", "SYS/TEMP", false},
		{"SYSTEM", "SYS", false},
		{"\u017fYS", "SYS", false},
		{"", "", false},
		{"AUTH", "", false},
	} {
		require.Equal(t, tt.want, pop3wire.Status{Code: tt.code}.Is(tt.is), "%q is %q", tt.code, tt.is)
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	require.Equal(t, "+ \r\n", string(pop3wire.AppendChallenge(nil, nil)))
	require.Equal(t, "+ VXNlcm5hbWU6\r\n", string(pop3wire.AppendChallenge(nil, []byte("Username:"))))
	for _, tt := range []struct {
		line, want string
		ok         bool
	}{
		{"+ ", "", true},
		{"+", "", true},
		{"+ VXNlcm5hbWU6", "VXNlcm5hbWU6", true},
		{"+OK", "+OK", false},
		{"-ERR", "-ERR", false},
		{"", "", false},
	} {
		got, ok := pop3wire.ParseChallenge([]byte(tt.line))
		require.Equal(t, tt.ok, ok, tt.line)
		require.Equal(t, tt.want, string(got), tt.line)
	}
}

func FuzzStatus(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("+OK"))
	f.Add([]byte("-ERR [SYS/TEMP] x"))
	f.Add([]byte("-ERR [x y] z"))
	f.Add([]byte("+OK  [a]"))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := pop3wire.ParseStatus(line)
		if err != nil {
			return
		}
		// Append makes any status a legal line; a legal one it leaves alone.
		out, ok := bytes.CutSuffix(s.Append(nil), []byte("\r\n"))
		if !ok || len(out)+2 > pop3wire.MaxStatus || bytes.ContainsFunc(out, func(r rune) bool { return r < ' ' || r >= 0x7F }) {
			t.Fatalf("%q becomes %q", line, out)
		}
		again, err := pop3wire.ParseStatus(out)
		if err != nil || again.OK != s.OK || string(again.Append(nil)) != string(out)+"\r\n" {
			t.Fatalf("%q becomes %q, and that %+v, %v", line, out, again, err)
		}
	})
}
