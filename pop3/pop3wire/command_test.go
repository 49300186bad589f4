package pop3wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

func TestSplitVerb(t *testing.T) {
	t.Parallel()
	for v := pop3wire.USER; int(v) < pop3wire.Verbs; v++ {
		for _, word := range []string{v.String(), strings.ToLower(v.String())} {
			got, args := pop3wire.SplitVerb([]byte(word))
			require.Equal(t, v, got, word)
			require.Nil(t, args, word)
			got, args = pop3wire.SplitVerb([]byte(word + " a b"))
			require.Equal(t, v, got, word)
			require.Equal(t, "a b", string(args), word)
		}
	}
	_, args := pop3wire.SplitVerb([]byte("STAT "))
	require.NotNil(t, args, "a blank with nothing behind it is an empty argument")
	for _, line := range []string{
		"", " ", " STAT", "STATS", "STA", "S", "STAT\t", "STAT\x00", "LI\u017fT", "\xd3TAT",
		"UTF-8", "GET / HTTP/1.1",
	} {
		v, _ := pop3wire.SplitVerb([]byte(line))
		require.Equal(t, pop3wire.Unknown, v, "%q", line)
	}
	require.Equal(t, "unknown", pop3wire.Verb(200).String())
}

// command is a typed command that can be parsed in place.
type command interface {
	pop3wire.Command
	Parse(args []byte) error
}

// parse reads a line without CRLF.
func parse(line []byte) (command, error) {
	v, args := pop3wire.SplitVerb(line)
	var c command
	switch v {
	case pop3wire.USER:
		c = new(pop3wire.User)
	case pop3wire.PASS:
		c = new(pop3wire.Pass)
	case pop3wire.LIST:
		c = new(pop3wire.List)
	case pop3wire.UIDL:
		c = new(pop3wire.Uidl)
	case pop3wire.RETR:
		c = new(pop3wire.Retr)
	case pop3wire.DELE:
		c = new(pop3wire.Dele)
	case pop3wire.TOP:
		c = new(pop3wire.Top)
	case pop3wire.AUTH:
		c = new(pop3wire.Auth)
	case pop3wire.APOP:
		c = new(pop3wire.Apop)
	case pop3wire.LANG:
		c = new(pop3wire.Lang)
	default:
		c = &pop3wire.Bare{Verb: v}
	}
	return c, c.Parse(args)
}

func TestCommands(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, public string }{
		{"STAT", "STAT"},
		{"NOOP", "NOOP"},
		{"RSET", "RSET"},
		{"QUIT", "QUIT"},
		{"CAPA", "CAPA"},
		{"STLS", "STLS"},
		{"UTF8", "UTF8"},
		{"LANG", "LANG"},
		{"LANG *", "LANG *"},
		{"LANG sr-Latn-RS", "LANG sr-Latn-RS"},
		{"APOP mrose c4c9334bac560ecc979e58001b3e22fb", "APOP mrose ****"},
		{"USER gr\u00fc\u00dfe", "USER gr\u00fc\u00dfe"},
		{"USER mrose", "USER mrose"},
		{"PASS secret", "PASS ****"},
		{"PASS two  words ", "PASS ****"},
		{"PASS gr\u00fc\u00dfe", "PASS ****"},
		{"LIST", "LIST"},
		{"LIST 2", "LIST 2"},
		{"UIDL", "UIDL"},
		{"UIDL 9223372036854775807", "UIDL 9223372036854775807"},
		{"RETR 1", "RETR 1"},
		{"DELE 12", "DELE 12"},
		{"TOP 1 0", "TOP 1 0"},
		{"TOP 3 10", "TOP 3 10"},
		{"AUTH PLAIN", "AUTH PLAIN"},
		{"AUTH PLAIN =", "AUTH PLAIN ****"},
		{"AUTH SCRAM-SHA-256 dGVzdA==", "AUTH SCRAM-SHA-256 ****"},
	} {
		if strings.Contains(tt.line, "9223372036854775807") && ^uint(0)>>32 == 0 {
			continue // int has 32 bits here
		}
		c, err := parse([]byte(tt.line))
		require.NoError(t, err, tt.line)
		got, err := c.Append([]byte("before"))
		require.NoError(t, err, tt.line)
		require.Equal(t, "before"+tt.line+"\r\n", string(got))
		require.Equal(t, tt.public, string(c.AppendPublic(nil)))
		require.Equal(t, tt.public, string(pop3wire.AppendPublic(nil, []byte(tt.line))))
	}
}

func TestCommandsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, text string }{
		{"STAT ", "command takes no argument"},
		{"QUIT now", "command takes no argument"},
		{"USER", "bad user name"},
		{"USER ", "bad user name"},
		{"USER a b", "bad user name"},
		{"USER gr\xfc\xdf", "bad user name"},
		{"USER \xed\xa0\x80", "bad user name"},
		{"USER a\x7f", "bad user name"},
		{"APOP", "user name and digest required"},
		{"APOP mrose", "user name and digest required"},
		{"APOP mrose ", "user name and digest required"},
		{"APOP  c4c9334bac560ecc979e58001b3e22fb", "user name and digest required"},
		{"APOP mrose c4c9334bac560ecc979e58001b3e22fb ", "user name and digest required"},
		{"APOP mrose C4C9334BAC560ECC979E58001B3E22FB", "user name and digest required"},
		{"APOP mrose c4c9334bac560ecc979e58001b3e22f", "user name and digest required"},
		{"APOP mrose c4c9334bac560ecc979e58001b3e22fg", "user name and digest required"},
		{"UTF8 ", "command takes no argument"},
		{"UTF8 USER", "command takes no argument"},
		{"LANG ", "bad language range"},
		{"LANG de ", "bad language range"},
		{"LANG d3", "bad language range"},
		{"LANG de-", "bad language range"},
		{"LANG -de", "bad language range"},
		{"LANG de_DE", "bad language range"},
		{"LANG englishes", "bad language range"},
		{"LANG de-*", "bad language range"},
		{"PASS", "bad password"},
		{"PASS ", "bad password"},
		{"PASS a\tb", "bad password"},
		{"PASS \xff", "bad password"},
		{"LIST ", "bad message number"},
		{"LIST 0", "bad message number"},
		{"LIST 1 2", "bad message number"},
		{"UIDL x", "bad message number"},
		{"RETR", "message number required"},
		{"RETR ", "message number required"},
		{"RETR -1", "bad message number"},
		{"RETR +1", "bad message number"},
		{"RETR 1 ", "bad message number"},
		{"RETR  1", "bad message number"},
		{"RETR 99999999999999999999", "bad message number"},
		{"RETR 9223372036854775808", "bad message number"},
		{"RETR 0x1", "bad message number"},
		{"DELE", "message number required"},
		{"TOP", "message number and number of lines required"},
		{"TOP 1", "message number and number of lines required"},
		{"TOP 0 0", "bad message number"},
		{"TOP 1 ", "bad number of lines"},
		{"TOP 1 -1", "bad number of lines"},
		{"TOP 1 1 1", "bad number of lines"},
		{"AUTH", "bad mechanism name"},
		{"AUTH ", "bad mechanism name"},
		{"AUTH A.B", "bad mechanism name"},
		{"AUTH " + strings.Repeat("A", 21), "bad mechanism name"},
		{"AUTH PLAIN ", "bad initial response"},
		{"AUTH PLAIN a b", "bad initial response"},
	} {
		_, err := parse([]byte(tt.line))
		var syntax *pop3wire.SyntaxError
		require.ErrorAs(t, err, &syntax, tt.line)
		require.Equal(t, tt.text, syntax.Text, tt.line)
	}
}

func TestNamesAreUTF8(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6856-2.2-7")
	for _, line := range []string{"USER gr\xfc", "USER \xed\xa0\x80", "APOP \xff c4c9334bac560ecc979e58001b3e22fb", "PASS \xc0\xaf"} {
		_, err := parse([]byte(line))
		require.Error(t, err, "%q", line)
	}
}

// What a caller passes must not become a second line, nor a second argument.
func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	const crlf = "\r\nDELE 1"
	for _, c := range []pop3wire.Command{
		pop3wire.User{},
		pop3wire.User{Name: "a" + crlf},
		pop3wire.User{Name: "a b"},
		pop3wire.User{Name: "a\x00"},
		pop3wire.Pass{},
		pop3wire.Pass{Password: "a" + crlf},
		pop3wire.Pass{Password: "a\n"},
		pop3wire.Pass{Password: "a\x00"},
		pop3wire.List{N: -1},
		pop3wire.Uidl{N: -1},
		pop3wire.Retr{},
		pop3wire.Dele{N: -7},
		pop3wire.Top{Lines: 1},
		pop3wire.Top{N: 1, Lines: -1},
		pop3wire.Auth{},
		pop3wire.Auth{Mechanism: "PLAIN" + crlf},
		pop3wire.Auth{Mechanism: "PLAIN", Initial: []byte(crlf)},
		pop3wire.Apop{},
		pop3wire.Apop{Name: "a" + crlf},
		pop3wire.Apop{Name: "a b"},
		pop3wire.Lang{Range: "de" + crlf},
		pop3wire.Lang{Range: "de en"},
		pop3wire.Bare{Verb: pop3wire.RETR},
		pop3wire.Bare{},
	} {
		got, err := c.Append([]byte("before"))
		var syntax *pop3wire.SyntaxError
		require.ErrorAs(t, err, &syntax, "%#v", c)
		require.Equal(t, "before", string(got), "%#v", c)
	}
}

func TestAppendLimit(t *testing.T) {
	t.Parallel()
	fits := strings.Repeat("x", pop3wire.MaxCommand-len("USER \r\n"))
	line, err := pop3wire.User{Name: fits}.Append(nil)
	require.NoError(t, err)
	require.Len(t, line, pop3wire.MaxCommand)
	line, err = pop3wire.User{Name: fits + "x"}.Append(nil)
	require.ErrorIs(t, err, pop3wire.ErrTooLong)
	require.Empty(t, line)
	_, err = pop3wire.Pass{Password: fits + "x"}.Append(nil)
	require.ErrorIs(t, err, pop3wire.ErrTooLong)
	_, err = pop3wire.Auth{Mechanism: "PLAIN", Initial: []byte(fits)}.Append(nil)
	require.ErrorIs(t, err, pop3wire.ErrTooLong)
}

// A line that went wrong may hold a password, so that nothing of it is shown.
func TestAppendPublicHidesWhatWentWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, want string }{
		{"PASS", "PASS ****"},
		{"pass hunter2", "PASS ****"},
		{"PAS hunter2", "unknown (11 octets)"},
		{"AHVzZXIAaHVudGVyMg==", "unknown (20 octets)"},
		{"USER bob hunter2", "USER (16 octets)"},
		{"LIST hunter2", "LIST (12 octets)"},
		{"AUTH PLAIN hunter2 x", "AUTH (20 octets)"},
		{"NOOP hunter2", "NOOP (12 octets)"},
		{"APOP bob hunter2", "APOP (16 octets)"},
		{"LANG hunter2!", "LANG (13 octets)"},
		{"XTND hunter2", "XTND (12 octets)"},
	} {
		require.Equal(t, tt.want, string(pop3wire.AppendPublic(nil, []byte(tt.line))))
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	line := []byte("TOP 12 34")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, args := pop3wire.SplitVerb(line)
		var c pop3wire.Top
		if c.Parse(args) != nil || c.N != 12 || c.Lines != 34 {
			panic("bad TOP")
		}
	}))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		var c pop3wire.Retr
		if c.Parse([]byte("x")) == nil {
			panic("bad number accepted")
		}
	}))
}

func FuzzCommand(tf *testing.F) {
	f := storm.New(tf)
	for _, line := range []string{
		"STAT", "USER bob", "PASS a b ", "LIST", "LIST 7", "UIDL 7", "RETR 1", "DELE 007", "TOP 1 10",
		"AUTH PLAIN", "AUTH PLAIN =", "AUTH X-Y dGVzdA==", "STAT ", "TOP 1", "PASS \x80",
		"APOP mrose c4c9334bac560ecc979e58001b3e22fb", "UTF8", "LANG", "LANG *", "LANG en-boont", "USER \u00fc",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := parse(line)
		pop3wire.AppendPublic(nil, line)
		if err != nil {
			return
		}
		out, err := c.Append(nil)
		if err != nil { // an unknown verb, or too long
			return
		}
		body, ok := bytes.CutSuffix(out, []byte("\r\n"))
		if !ok || len(out) > pop3wire.MaxCommand || bytes.ContainsAny(body, "\r\n") {
			t.Fatalf("%q becomes %q", line, out)
		}
		again, err := parse(body)
		if err != nil {
			t.Fatalf("%q becomes %q: %v", line, out, err)
		}
		if back, err := again.Append(nil); err != nil || !bytes.Equal(back, out) {
			t.Fatalf("%q becomes %q, and that %q", line, out, back)
		}
		if _, isPass := c.(*pop3wire.Pass); isPass && string(pop3wire.AppendPublic(nil, line)) != "PASS ****" {
			t.Fatalf("%q is shown", line)
		}
	})
}
