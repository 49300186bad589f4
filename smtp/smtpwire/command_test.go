package smtpwire

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
)

// command is what all typed commands have in common.
type command interface {
	Parse(args string) error
	Append(dst []byte) ([]byte, error)
	AppendPublic(dst []byte) []byte
}

var (
	_ command = (*Hello)(nil)
	_ command = (*Mail)(nil)
	_ command = (*Rcpt)(nil)
	_ command = (*Auth)(nil)
	_ command = (*Vrfy)(nil)
	_ command = (*Expn)(nil)
	_ command = (*Bdat)(nil)
	_ command = (*Etrn)(nil)
	_ command = (*Xclient)(nil)
	_ command = (*Help)(nil)
	_ command = (*Noop)(nil)
)

func address(t testing.TB, s string) Address {
	t.Helper()
	a, err := ParseAddress(s)
	require.NoError(t, err)
	return a
}

func newCommand(v Verb) command {
	switch v {
	case HELO:
		return &Hello{Verb: HELO}
	case LHLO:
		return &Hello{Verb: LHLO}
	case EHLO:
		return &Hello{Verb: EHLO}
	case MAIL:
		return &Mail{}
	case RCPT:
		return &Rcpt{UTF8: true}
	case AUTH:
		return &Auth{}
	case VRFY:
		return &Vrfy{}
	case EXPN:
		return &Expn{}
	case BDAT:
		return &Bdat{}
	case ETRN:
		return &Etrn{}
	case XCLIENT:
		return &Xclient{}
	case HELP:
		return &Help{}
	case NOOP:
		return &Noop{}
	default:
		return nil
	}
}

func TestMail(t *testing.T) {
	t.Parallel()
	bob := address(t, "bob@example.org")
	for _, tt := range []struct {
		name, args string
		want       Mail
		out        string // "": as args
	}{
		{"plain", "FROM:<bob@example.org>", Mail{From: bob, Size: -1}, ""},
		{"null path", "FROM:<>", Mail{Size: -1}, ""},
		{"lower case", "from:<bob@example.org> size=5 body=8bitmime", Mail{From: bob, Size: 5, Body: Body8BitMIME}, "FROM:<bob@example.org> SIZE=5 BODY=8BITMIME"},
		{"SIZE", "FROM:<bob@example.org> SIZE=0", Mail{From: bob, Size: 0}, ""},
		{"SIZE beyond int64", "FROM:<bob@example.org> SIZE=99999999999999999999", Mail{From: bob, Size: 1<<63 - 1}, "FROM:<bob@example.org> SIZE=9223372036854775807"},
		{"7BIT", "FROM:<bob@example.org> BODY=7BIT", Mail{From: bob, Size: -1, Body: Body7Bit}, ""},
		{"AUTH", "FROM:<bob@example.org> AUTH=e+3Dmc2@example.com", Mail{From: bob, Size: -1, Auth: address(t, "e=mc2@example.com"), HasAuth: true}, ""},
		{"AUTH unknown", "FROM:<bob@example.org> AUTH=<>", Mail{From: bob, Size: -1, HasAuth: true}, ""},
		{"others", "FROM:<bob@example.org> X-Y=1 Z", Mail{From: bob, Size: -1, Params: []Param{{"X-Y", "1"}, {"Z", ""}}}, ""},
		{"two blanks", "FROM:<bob@example.org>  X-Y=1  Z", Mail{From: bob, Size: -1, Params: []Param{{"X-Y", "1"}, {"Z", ""}}}, "FROM:<bob@example.org> X-Y=1 Z"},
		{"source route", "FROM:<@a.example,@[192.0.2.1]:bob@example.org>", Mail{From: bob, Size: -1}, "FROM:<bob@example.org>"},
		{"bracket in quotes", `FROM:<"a>b SIZE=1"@c>`, Mail{From: address(t, `"a>b SIZE=1"@c`), Size: -1}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.name {
			case "AUTH":
				rfc.Covers(t, "rfc4954-5-4", "rfc5321-4.1.2-2")
			case "source route":
				rfc.Covers(t, "rfc5321-3.3-2", "rfc5321-C-1")
			}
			var m Mail
			require.NoError(t, m.Parse(tt.args))
			require.Equal(t, tt.want, m)
			line, err := m.Append([]byte("x"))
			require.NoError(t, err)
			want := tt.out
			if want == "" {
				want = tt.args
			}
			require.Equal(t, "xMAIL "+want+"\r\n", string(line))
			require.Equal(t, "xMAIL "+want, string(m.AppendPublic([]byte("x"))))
		})
	}
}

func TestRcpt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, args, to string
		params         []Param
		out            string
	}{
		{"plain", "TO:<bob@example.org>", "bob@example.org", nil, ""},
		{"lower case", "to:<bob@example.org>", "bob@example.org", nil, "TO:<bob@example.org>"},
		{"postmaster", "TO:<Postmaster>", "Postmaster", nil, ""},
		{"postmaster folded", "TO:<postMASTER> X=1", "postMASTER", []Param{{"X", "1"}}, ""},
		{"postmaster with domain", "TO:<Postmaster@e.org>", "Postmaster@e.org", nil, ""},
		{"source route", "TO:<@a,@b:bob@example.org>", "bob@example.org", nil, "TO:<bob@example.org>"},
		{"literal", "TO:<bob@[IPv6:2001:db8::1]> X", "bob@[IPv6:2001:db8::1]", []Param{{"X", ""}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "source route" {
				rfc.Covers(t, "rfc5321-3.6.1-2", "rfc5321-3.3-3", "rfc5321-C-2", "rfc5321-F.2-4")
			}
			var r Rcpt
			require.NoError(t, r.Parse(tt.args))
			require.Equal(t, tt.to, r.To.String())
			require.Equal(t, tt.params, r.Params)
			line, err := r.Append([]byte("x"))
			require.NoError(t, err)
			want := tt.out
			if want == "" {
				want = tt.args
			}
			require.Equal(t, "xRCPT "+want+"\r\n", string(line))
			require.Equal(t, "xRCPT "+want, string(r.AppendPublic([]byte("x"))))
		})
	}
}

func TestHello(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.5.3.1.2-1")
	longest := strings.Repeat(strings.Repeat("a", 63)+".", 4)[:255]
	for _, name := range []string{longest, "a", "mail.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]", "my_pc", "192.0.2.1", "_x"} {
		var h Hello
		require.NoError(t, h.Parse(name))
		line, err := h.Append(nil)
		require.NoError(t, err)
		require.Equal(t, "EHLO "+name+"\r\n", string(line))
		for _, verb := range []Verb{HELO, LHLO} {
			h.Verb = verb
			require.Equal(t, verb.String()+" "+name, string(h.AppendPublic(nil)))
		}
	}
}

func TestAuth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args   string
		want   Auth
		public string
	}{
		{"LOGIN", Auth{Mechanism: "LOGIN"}, "AUTH LOGIN"},
		{"PLAIN AGEAYg==", Auth{Mechanism: "PLAIN", Initial: []byte("\x00a\x00b"), HasInitial: true}, "AUTH PLAIN ***"},
		{"EXTERNAL =", Auth{Mechanism: "EXTERNAL", HasInitial: true}, "AUTH EXTERNAL ***"},
		{"SCRAM-SHA-256", Auth{Mechanism: "SCRAM-SHA-256"}, "AUTH SCRAM-SHA-256"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			var a Auth
			require.NoError(t, a.Parse(tt.args))
			require.Equal(t, tt.want, a)
			line, err := a.Append(nil)
			require.NoError(t, err)
			require.Equal(t, "AUTH "+tt.args+"\r\n", string(line))
			require.Equal(t, tt.public, string(a.AppendPublic(nil)))
		})
	}
	var a Auth
	require.NoError(t, a.Parse("plain AGEAYg=="))
	require.Equal(t, "PLAIN", a.Mechanism)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		verb Verb
		args string
		code int
		enh  EnhancedCode
	}{
		{"control in the address", MAIL, "FROM:<\"a\x01b\"@c>", 501, badSender},
		{"no argument", MAIL, "", 501, badArgument},
		{"other keyword", MAIL, "TO:<a@b>", 501, badArgument},
		{"blank before the colon", MAIL, "FROM :<a@b>", 501, badArgument},
		{"blank behind the colon", MAIL, "FROM: <a@b>", 501, badSender},
		{"parameter before the address", MAIL, "BODY=8BITMIME FROM:<a@b>", 501, badArgument},
		{"no brackets", MAIL, "FROM:a@b", 501, badSender},
		{"unclosed", MAIL, "FROM:<a@b", 501, badSender},
		{"no domain", MAIL, "FROM:<a>", 501, badSender},
		{"postmaster as sender", MAIL, "FROM:<Postmaster>", 501, badSender},
		{"text behind the path", MAIL, "FROM:<a@b>SIZE=1", 501, badSender},
		{"UTF-8", MAIL, "FROM:<ü@b>", 550, needsUTF8},
		{"not even UTF-8", MAIL, "FROM:<\xff@b> SMTPUTF8", 501, badSender},
		{"SIZE empty", MAIL, "FROM:<a@b> SIZE=", 501, badArgument},
		{"SIZE without a value", MAIL, "FROM:<a@b> SIZE", 501, badArgument},
		{"SIZE negative", MAIL, "FROM:<a@b> SIZE=-1", 501, badArgument},
		{"SIZE signed", MAIL, "FROM:<a@b> SIZE=+1", 501, badArgument},
		{"SIZE of 21 digits", MAIL, "FROM:<a@b> SIZE=000000000000000000001", 501, badArgument},
		{"SIZE twice", MAIL, "FROM:<a@b> SIZE=1 SIZE=1", 501, badArgument},
		{"BODY unknown", MAIL, "FROM:<a@b> BODY=9BIT", 501, badArgument},
		{"BODY twice", MAIL, "FROM:<a@b> BODY=7BIT BODY=7BIT", 501, badArgument},
		{"AUTH not xtext", MAIL, "FROM:<a@b> AUTH=a+3db@c", 501, badArgument},
		{"AUTH cut short", MAIL, "FROM:<a@b> AUTH=a@b+3", 501, badArgument},
		{"AUTH no address", MAIL, "FROM:<a@b> AUTH=bob", 501, badArgument},
		{"AUTH twice", MAIL, "FROM:<a@b> AUTH=<> AUTH=<>", 501, badArgument},
		{"other twice", MAIL, "FROM:<a@b> X=1 x=2", 501, badArgument},
		{"bad keyword", MAIL, "FROM:<a@b> -X", 501, badArgument},
		{"control in a value", MAIL, "FROM:<a@b> X=\x01", 501, badArgument},
		{"equals in a value", MAIL, "FROM:<a@b> X=a=b", 501, badArgument},
		{"tab between", MAIL, "FROM:<a@b>\tSIZE=1", 501, badSender},
		{"null path", RCPT, "TO:<>", 501, badMailbox},
		{"blank behind the colon", RCPT, "TO: <a@b>", 501, badMailbox},
		{"other name without domain", RCPT, "TO:<bob>", 501, badMailbox},
		{"route without mailbox", RCPT, "TO:<@a:>", 501, badMailbox},
		{"route over no host", RCPT, "TO:<@-:a@b>", 501, badMailbox},
		{"route without colon", RCPT, "TO:<@a>", 501, badMailbox},
		{"route cut short", RCPT, "TO:<@a,b:c@d>", 501, badMailbox},
		{"UTF-8", RCPT, "TO:<a@\u00fc>", 553, needsUTF8},
		{"bad parameter", RCPT, "TO:<a@b> =", 501, badArgument},
		{"no brackets", RCPT, "TO:a@b", 501, badMailbox},
		{"no name", EHLO, "", 501, badArgument},
		{"two names", EHLO, "a b", 501, badArgument},
		{"UTF-8", EHLO, "bücher", 501, badArgument},
		{"header injection", EHLO, "a)(b", 501, badArgument},
		{"bad literal", EHLO, "[1.2.3]", 501, badArgument},
		{"long", HELO, strings.Repeat("a.", 128) + "_", 501, badArgument},
		{"no mechanism", AUTH, "", 501, badArgument},
		{"long mechanism", AUTH, "ABCDEFGHIJKLMNOPQRSTU", 501, badArgument},
		{"bad mechanism", AUTH, "PL\u017fIN", 501, badArgument},
		{"no base64", AUTH, "PLAIN !", 501, badSyntax},
		{"no padding", AUTH, "PLAIN AGEAYg", 501, badSyntax},
		{"trailing bits", AUTH, "PLAIN AGEAYh==", 501, badSyntax},
		{"blank in base64", AUTH, "PLAIN AGEA Yg==", 501, badSyntax},
		{"empty initial response", AUTH, "PLAIN ", 501, badSyntax},
		{"no argument", VRFY, "", 501, badArgument},
		{"control", NOOP, "\x01", 501, badArgument},
		{"8 bit", HELP, "\xff", 501, badArgument},
	} {
		t.Run(tt.verb.String()+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.name {
			case "control in the address":
				rfc.Covers(t, "rfc5321-4.1.2-8")
			case "AUTH no address":
				rfc.Covers(t, "rfc4954-8-2")
			case "parameter before the address":
				rfc.Covers(t, "rfc6152-3-1")
			}
			cmd := newCommand(tt.verb)
			if r, ok := cmd.(*Rcpt); ok {
				r.UTF8 = false
			}
			err := cmd.Parse(tt.args)
			var se *SyntaxError
			require.ErrorAs(t, err, &se)
			require.Equal(t, tt.code, se.Code)
			require.Equal(t, tt.enh, se.Enhanced)
			require.NotContains(t, se.Text, tt.args+"\n")
			require.Equal(t, Reply{Code: se.Code, Enhanced: se.Enhanced, Lines: []string{se.Text}}, se.Reply())
			require.Contains(t, err.Error(), se.Text)
		})
	}
}

// TestAppendRefuses: nothing a caller can put into a field reaches the wire as a
// parameter, a command or a line of its own.
func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	bob := address(t, "bob@example.org")
	utf8 := address(t, "ü@example.org")
	postmaster := Address{local: "postmaster"}
	for _, tt := range []struct {
		name string
		cmd  command
		what string
	}{
		{"UTF-8 sender", &Mail{From: utf8, Size: -1}, "MAIL: sender"},
		{"sender without a domain", &Mail{From: postmaster, Size: -1}, "MAIL: sender"},
		{"body out of range", &Mail{From: bob, Body: 9}, "MAIL: BODY"},
		{"AUTH in UTF-8", &Mail{From: bob, Auth: utf8}, "MAIL: AUTH"},
		{"keyword with blank", &Mail{From: bob, Params: []Param{{"A B", ""}}}, "MAIL: parameter"},
		{"value with blank", &Mail{From: bob, Params: []Param{{"A", "b c"}}}, "MAIL: parameter"},
		{"value with CRLF", &Rcpt{To: bob, Params: []Param{{"A", "b\r\nc"}}}, "RCPT: parameter"},
		{"empty keyword", &Rcpt{To: bob, Params: []Param{{"", "b"}}}, "RCPT: parameter"},
		{"null recipient", &Rcpt{}, "RCPT: recipient"},
		{"UTF-8 recipient", &Rcpt{To: utf8}, "RCPT: recipient"},
		{"EHLO with CRLF", &Hello{Name: "a\r\nMAIL FROM:<>"}, "EHLO: name"},
		{"EHLO in UTF-8", &Hello{Name: "bücher.example"}, "EHLO: name"},
		{"HELO with blank", &Hello{Verb: HELO, Name: "a b"}, "HELO: name"},
		{"HELO empty", &Hello{Verb: HELO}, "HELO: name"},
		{"AUTH with blank", &Auth{Mechanism: "PLAIN x"}, "AUTH: mechanism"},
		{"AUTH in lower case", &Auth{Mechanism: "plain"}, "AUTH: mechanism"},
		{"VRFY empty", &Vrfy{}, "VRFY: argument"},
		{"VRFY with CRLF", &Vrfy{Text: "a\r\nb"}, "VRFY: argument"},
		{"HELP with LF", &Help{"a\nb"}, "HELP: argument"},
		{"NOOP with NUL", &Noop{"a\x00"}, "NOOP: argument"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "EHLO in UTF-8" {
				rfc.Covers(t, "rfc6531-3.7.1-1")
			}
			line, err := tt.cmd.Append([]byte("before"))
			var unsafe *UnsafeError
			require.ErrorAs(t, err, &unsafe)
			require.Equal(t, "smtpwire: "+tt.what+" cannot be sent", err.Error())
			require.Equal(t, "before", string(line))
			require.NotContains(t, string(tt.cmd.AppendPublic(nil)), "\n")
		})
	}
}

func TestXtext(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3461-4-1")
	for text, want := range map[string]string{"": "", "a@b": "a@b", "a+b=c d\x00é": "a+2Bb+3Dc+20d+00+C3+A9"} {
		require.Equal(t, want, string(AppendXtext(nil, text)))
		got, ok := ParseXtext(want)
		require.True(t, ok)
		require.Equal(t, text, got)
	}
	for _, bad := range []string{"+", "+2", "+2b", "+G0", "a=b", "a b", "é"} {
		_, ok := ParseXtext(bad)
		require.False(t, ok, bad)
	}
}

// TestParseAllocs: the commands of each message are parsed without allocating.
func TestParseAllocs(t *testing.T) {
	var m Mail
	var r Rcpt
	var h Hello
	var b Bdat
	line := []byte("MAIL FROM:<bob@example.org> SIZE=1024 BODY=8BITMIME X=1")
	require.NoError(t, m.Parse("FROM:<> X=1"))
	require.NoError(t, r.Parse("TO:<a@b> X=1"))
	dst := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if v, _ := SplitVerb(line); v != MAIL {
			t.Fatal(v)
		}
		err := errors.Join(
			m.Parse("FROM:<bob@example.org> SIZE=1024 BODY=8BITMIME X=1"),
			r.Parse(`TO:<@a.example:"alice b"@[192.0.2.1]> NOTIFY=NEVER`),
			h.Parse("mail.example.org"),
			m.Parse("FROM:<bob@example.org> SIZE=1024 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=QQ314159 BY=125;R MT-PRIORITY=3 HOLDFOR=5"),
			r.Parse("TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@example.org RRVS=2014-04-03T23:01:00Z"),
			b.Parse("86 LAST"))
		if err != nil {
			t.Fatal(err)
		}
		dst, _ = m.Append(dst[:0])
		dst, _ = r.Append(dst)
		dst, _ = b.Append(dst)
		dst = Reply{Code: 250, Enhanced: EnhancedCode{2, 1, 0}, Lines: replyOK}.Append(dst)
	}))
}

var replyOK = []string{"ok"}

// FuzzCommand: what parses can be written, and reads the same again; what can be
// written is one line.
func FuzzCommand(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{
		"MAIL FROM:<@a,@b:\"x y\"@[IPv6:::1]> SIZE=1 BODY=7BIT AUTH=a+2Bb@c X=y",
		"RCPT TO:<postmaster> NOTIFY=NEVER", "EHLO my_host", "HELO [192.0.2.1]",
		"AUTH PLAIN AGEAYg==", "AUTH EXTERNAL =", "NOOP x", "HELP", "VRFY <bob>", "MAIL FROM:<>",
		"MAIL FROM:<ü@é.org> SMTPUTF8 REQUIRETLS PRDR RET=FULL ENVID=a+2Bb BY=-5;NT MT-PRIORITY=-3 HOLDFOR=5 AUTH=<>",
		"MAIL FROM:<> BODY=BINARYMIME HOLDUNTIL=2026-11-25T00:00:00.5Z X=ü SMTPUTF8",
		"RCPT TO:<ü@é.org> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;ü\\x{20}@é.org RRVS=2014-04-03T23:01:00-08:00;C X",
		"LHLO a", "BDAT 86 LAST", "EXPN list SMTPUTF8", "EXPN a SMTPUTF8 SMTPUTF8", "ETRN @a.b", "XCLIENT NAME=a+20b ADDR=[UNAVAILABLE]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		verb, args := SplitVerb(line)
		cmd := newCommand(verb)
		if cmd == nil || cmd.Parse(string(args)) != nil {
			return
		}
		first, err := cmd.Append(nil)
		require.NoError(t, err)
		checkOneLine(t, first, mayBeUTF8(cmd))
		again, args := SplitVerb(first[:len(first)-2])
		require.Equal(t, verb, again)
		second := newCommand(verb)
		require.NoError(t, second.Parse(string(args)), "%q", first)
		require.Equal(t, cmd, second)
		line, err = second.Append(nil)
		require.NoError(t, err)
		require.Equal(t, first, line)
	})
}

// mayBeUTF8 reports whether a command may be written outside ASCII.
func mayBeUTF8(cmd command) bool {
	switch c := cmd.(type) {
	case *Mail:
		return c.UTF8
	case *Rcpt:
		return c.UTF8
	case *Vrfy, *Expn:
		return true
	}
	return false
}

// checkOneLine holds that what was written is a single line of text.
func checkOneLine(t *testing.T, line []byte, mayBeUTF8 bool) {
	t.Helper()
	body, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || !isTextUTF8(body) || !mayBeUTF8 && !isASCII(body) {
		t.Fatalf("not one line of text: %q", line)
	}
}

// FuzzParams: whatever a caller puts into the fields, what is written is one line, and
// reads as what was meant.
func FuzzParams(tf *testing.F) {
	f := storm.New(tf)
	f.Add("ENV", "rfc822;a@b", "2026-11-25T00:00:00Z", "X", "y", int64(5), uint8(0))
	f.Add("a+20b", "utf-8;ü\\x{20}", "2014-04-03T23:01:00-08:00", "SIZE", "1 X=<", int64(-5), uint8(255))
	f.Add("a\r\nRSET", "rfc822;+0A", "z", "A B", "\r\n", int64(1<<62), uint8(0x55))
	f.Fuzz(func(t *testing.T, id, original, stamp, keyword, value string, number int64, bits uint8) {
		bit := func(i int) bool { return bits&(1<<i) != 0 }
		m := Mail{
			Size: number, Body: Body(bits & 7), UTF8: bit(3), RequireTLS: bit(4), PRDR: bit(5), HasAuth: bit(6),
			Return: Return(bits & 3), EnvelopeID: EnvelopeID(id), DeliverBy: DeliverBy{int(number), ByMode(bits >> 4 & 3), bit(6)},
			Priority: int(number), HoldFor: int(number >> 8), HoldUntil: Timestamp(stamp), Params: []Param{{keyword, value}},
		}
		m.Auth, _ = ParseAddress(value)
		m.HasAuth = m.HasAuth || !m.Auth.IsZero()
		m.HasPriority = m.HasPriority || m.Priority != 0
		if m.Size < 0 {
			m.Size = -1
		}
		again := &Mail{}
		if bit(7) { // one thing at a time, so that something is accepted
			m = Mail{Size: -1, UTF8: m.UTF8, EnvelopeID: m.EnvelopeID, Params: m.Params}
		}
		checkWritten(t, &m, again, m.UTF8)
		r := Rcpt{To: Address{local: "Postmaster"}, Notify: Notify(bits), Original: OriginalRecipient(original), ValidSince: ValidSince{Timestamp(stamp), NoSupport(bits & 3)}, UTF8: bit(3)}
		if bit(7) {
			r = Rcpt{To: r.To, Original: r.Original, UTF8: r.UTF8}
		}
		if isASCII(original) || r.UTF8 { // else it is escaped
			checkWritten(t, &r, &Rcpt{UTF8: r.UTF8}, r.UTF8)
		}
		checkWritten(t, &Vrfy{value, bit(0)}, &Vrfy{}, true)
		checkWritten(t, &Etrn{byte(number), value}, &Etrn{}, false)
		checkWritten(t, &Xclient{[]XclientAttribute{{keyword, value}}}, &Xclient{}, false)
	})
}

// checkWritten holds that what cmd writes, if anything, is one line that reads as cmd.
func checkWritten(t *testing.T, cmd, again command, mayBeUTF8 bool) {
	t.Helper()
	line, err := cmd.Append(nil)
	if err != nil {
		require.Empty(t, line)
		return
	}
	checkOneLine(t, line, mayBeUTF8)
	_, args, _ := strings.Cut(strings.TrimSuffix(string(line), "\r\n"), " ")
	require.NoError(t, again.Parse(args), "%q", line)
	require.Equal(t, cmd, again)
}

func BenchmarkParse(b *testing.B) {
	var m Mail
	var r Rcpt
	line := []byte("MAIL FROM:<bob@example.org> SIZE=1024 BODY=8BITMIME")
	b.ReportAllocs()
	for b.Loop() {
		SplitVerb(line)
		_ = m.Parse("FROM:<bob@example.org> SIZE=1024 BODY=8BITMIME")
		_ = r.Parse("TO:<alice@example.com>")
	}
}
