package message

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

// TestParseAddressList has the forms of RFC 5322, obsolete ones, and broken ones
// as they are met. The string reason is empty where the list is as it should be.
func TestParseAddressList(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in     string
		want   []Mailbox
		reason string
	}{
		{``, nil, ""},
		{` , ,`, nil, ""},
		{`jo@example.org`, []Mailbox{{"", "jo@example.org"}}, ""},
		{`<jo@example.org>`, []Mailbox{{"", "jo@example.org"}}, ""},
		{`Jo Doe <jo@example.org>, ann@example.org`, []Mailbox{{"Jo Doe", "jo@example.org"}, {"", "ann@example.org"}}, ""},
		{`"Doe, Jo" <jo@example.org>`, []Mailbox{{"Doe, Jo", "jo@example.org"}}, ""},
		{`"Joe \"Q\" \\ Doe" <jo@example.org>`, []Mailbox{{`Joe "Q" \ Doe`, "jo@example.org"}}, ""},
		{`J. R. "R." Tolkien <t@example.org>`, []Mailbox{{"J. R. R. Tolkien", "t@example.org"}}, ""},
		{`Pete(A nice \) chap) <pete(his account)@silly.test(his host)>`, []Mailbox{{"Pete", "pete@silly.test"}}, ""},
		{`jo@example.org (Jo (the one) Doe)`, []Mailbox{{"Jo (the one) Doe", "jo@example.org"}}, ""},
		{`(Jo) <jo@example.org>`, []Mailbox{{"Jo", "jo@example.org"}}, ""},
		{`"jo doe"@example.org`, []Mailbox{{"", `"jo doe"@example.org`}}, ""},
		{`"jo"@example.org`, []Mailbox{{"", `jo@example.org`}}, ""},
		{`"a@legit"@evil.test`, []Mailbox{{"", `"a@legit"@evil.test`}}, ""},
		{`"a\"b"@example.org`, []Mailbox{{"", `"a\"b"@example.org`}}, ""},
		{`""@example.org`, []Mailbox{{"", `""@example.org`}}, ""},
		{`jo@[192.0.2.1]`, []Mailbox{{"", `jo@[192.0.2.1]`}}, ""},
		{`jo@[ 192.0.2.1 ], a@[IPv6:\2001:db8::1]`, []Mailbox{{"", `jo@[192.0.2.1]`}, {"", `a@[IPv6:2001:db8::1]`}}, ""},
		{`jo . doe @ example . org`, []Mailbox{{"", "jo.doe@example.org"}}, ""},
		{`jürgen@köln.test`, []Mailbox{{"", "jürgen@köln.test"}}, ""},
		{`=?utf-8?q?J=C3=B6?= =?utf-8?q?_Doe?= <jo@example.org>`, []Mailbox{{"Jö Doe", "jo@example.org"}}, ""},
		{`"=?utf-8?q?J=C3=B6?=" <jo@example.org>`, []Mailbox{{"Jö", "jo@example.org"}}, ""},
		{`=?utf-8?q?Doe,_Jo_<x>?= <jo@example.org>`, []Mailbox{{"Doe, Jo <x>", "jo@example.org"}}, ""},
		{"J\xf6 <jo@example.org>", []Mailbox{{"Jö", "jo@example.org"}}, ""},
		{`A Group:Ed Jones <joe@a.test>,joe@b.test;, x@c.test`, []Mailbox{{"Ed Jones", "joe@a.test"}, {"", "joe@b.test"}, {"", "x@c.test"}}, ""},
		{`Undisclosed recipients:;`, nil, ""},
		{"a@b.test,\r\n\tc@d.test", []Mailbox{{"", "a@b.test"}, {"", "c@d.test"}}, ""},

		{`<>`, nil, "no address"},
		{`a@legit.test <jo@example.org>`, []Mailbox{{"a@legit.test", "jo@example.org"}}, "unexpected octet"},
		{`x@((.a@b, x@(.a@b, a@((b@c`, []Mailbox{{"", `".a"@b`}, {"", "b@c"}}, "unexpected octet"},
		{`[x] <jo@example.org>`, []Mailbox{{"[x]", "jo@example.org"}}, "unexpected octet"},
		{`.x <jo@example.org>`, []Mailbox{{".x", "jo@example.org"}}, "unexpected octet"},
		{"jo@\u202Egro.test", []Mailbox{{"", "jo@\u202Egro.test"}}, "invisible character"},
		{"j\u200Bo@example.org", []Mailbox{{"", "j\u200Bo@example.org"}}, "invisible character"},
		{"Jo <\"j\uFEFFo\"@example.org>", []Mailbox{{"Jo", "j\uFEFFo@example.org"}}, "invisible character"},
		{`<@relay.test,@two.test:jo@example.org>`, []Mailbox{{"", "jo@example.org"}}, "route"},
		{`a@b.test; c@d.test`, []Mailbox{{"", "a@b.test"}, {"", "c@d.test"}}, "semicolon outside a group"},
		{`a@b.test c@d.test`, []Mailbox{{"", "a@b.test"}, {"", "c@d.test"}}, "text behind an address"},
		{`Doe, John <jo@example.org>`, []Mailbox{{"Doe, John", "jo@example.org"}}, "no domain"},
		{`root, <jo@example.org>`, []Mailbox{{"", "root"}, {"", "jo@example.org"}}, "no domain"},
		{`MAILER-DAEMON (Mail)`, []Mailbox{{"", "MAILER-DAEMON"}}, "no domain"},
		{`undisclosed recipients`, nil, "no domain"},
		{`Jo <jo>`, []Mailbox{{"Jo", "jo"}}, "no domain"},
		{`Jo <>`, nil, "no address"},
		{`Jo Doe jo@example.org`, []Mailbox{{"Jo Doe", "jo@example.org"}}, "text in front of an address"},
		{`jo@example.org <jo@example.org>`, []Mailbox{{"jo@example.org", "jo@example.org"}}, "unexpected octet"},
		{`j.d.@docomo.test`, []Mailbox{{"", `"j.d."@docomo.test`}}, "unexpected dot"},
		{`j.d.  @docomo.test`, []Mailbox{{"", `"j.d."@docomo.test`}}, "unexpected dot"},
		{`.j..d@docomo.test`, []Mailbox{{"", `".j..d"@docomo.test`}}, "unexpected dot"},
		{`jo@example.org.`, []Mailbox{{"", `jo@example.org`}}, "unexpected dot"},
		{`jo@example.., a@b.test`, []Mailbox{{"", "a@b.test"}}, "no address"},
		{`jo@example..org, a@b.test`, []Mailbox{{"", "a@b.test"}}, "no address"},
		{`a@b@c.test, d@e.test`, []Mailbox{{"", "d@e.test"}}, "no address"},
		{`@, <@>, a@b.test`, []Mailbox{{"", "a@b.test"}}, "no address"},
		{`jo@, a@b.test`, []Mailbox{{"", "jo"}, {"", "a@b.test"}}, "no domain"},
		{"\xff@b.test, a@b.test", []Mailbox{{"", "a@b.test"}}, "no address"},
		{"\u009b@b.test, a@\u0085.test, a@b.test", []Mailbox{{"", "a@b.test"}}, "no address"},
		{"\"a\x00\"@b.test, a@b.test", []Mailbox{{"", "a@b.test"}}, "no address"},
		{`"Jo <jo@example.org>, a@b.test`, []Mailbox{{`"Jo`, "jo@example.org"}, {"", "a@b.test"}}, "unexpected octet"},
		{`Jo ( <jo@example.org>, (x a@b.test`, []Mailbox{{"Jo (", "jo@example.org"}, {"x", "a@b.test"}}, "unexpected octet"},
		{`Jo <jo@example.org, a@b.test`, []Mailbox{{"Jo", "jo@example.org"}, {"", "a@b.test"}}, "no closing angle bracket"},
		{`Jo <<jo@example.org>>, a@b.test`, []Mailbox{{"Jo", "jo@example.org"}, {"", "a@b.test"}}, "unexpected octet"},
		{`Jo <jo@example.org> Doe, a@b.test`, []Mailbox{{"Jo", "jo@example.org"}, {"", "a@b.test"}}, "text behind an address"},
		{`<jo doe@example.org>, a@b.test`, []Mailbox{{"", "a@b.test"}}, "no address"},
		{`jo@-example.org, a@b.test-`, []Mailbox{{"", "jo@-example.org"}, {"", "a@b.test-"}}, "hyphen at the edge"},
		{"jo@[1.2.3\x00.4], a@[b\\[], jo@[\\]], jo@[\\<], jo@[b\\,c], a@b.test", []Mailbox{{"", "a@b.test"}}, "no address"},
		{`jo@[1.2.3.4, a@[b\], c@d.test`, []Mailbox{{"", "c@d.test"}}, "unexpected octet"},
		{"jo@example.org\r\n", []Mailbox{{"", "jo@example.org"}}, "line end that is no folding"},
		{"jo@example.org\r, a@b.test", []Mailbox{{"", "jo@example.org"}, {"", "a@b.test"}}, "line end that is no folding"},
		{"(a\n b) jo@example.org", []Mailbox{{"a  b", "jo@example.org"}}, "line end that is no folding"},
		{"\"a\r\nBcc: x\" <jo@example.org>", []Mailbox{{"a  Bcc: x", "jo@example.org"}}, "line end that is no folding"},
		// Two addresses and no comma between them.
		{`A <a@b.test> B <c@d.test>`, []Mailbox{{"A", "a@b.test"}, {"B", "c@d.test"}}, "no comma"},
		{`<a@b.test><c@d.test> e@f.test, x@y.test`, []Mailbox{{"", "a@b.test"}, {"", "c@d.test"}, {"", "e@f.test"}, {"", "x@y.test"}}, "no comma"},
		{`<a@b.test> (A) "C" <c@d.test>; <e@f.test> <`, []Mailbox{{"A", "a@b.test"}, {"C", "c@d.test"}, {"", "e@f.test"}}, "no comma"},
		{`<a@b.test> c@d.test e@f.test`, []Mailbox{{"", "a@b.test"}, {"", "c@d.test"}, {"", "e@f.test"}}, "no comma"},
		{`@a,@b:c@d.test, e@f.test`, []Mailbox{{"", "c@d.test"}, {"", "e@f.test"}}, "no address"},
		{`<@a:@b:c@d.test>, e@f.test`, []Mailbox{{"", "c@d.test"}, {"", "e@f.test"}}, "route"},
		{`<@a@b>, <@a: @b>, e@f.test`, []Mailbox{{"", "e@f.test"}}, "route"},
		{`Jo <mailto:a@b.test>, <MAILTO: c@d.test>, <mailto:>, e@f.test`, []Mailbox{{"Jo", "a@b.test"}, {"", "c@d.test"}, {"", "e@f.test"}}, "URL"},
		{"\"a\x00b\" <c@d.test>", []Mailbox{{"a\uFFFDb", "c@d.test"}}, "unexpected octet"},
		{`group: a@b.test`, []Mailbox{{"", "a@b.test"}}, "group without its end"},
		{`: a@b.test`, []Mailbox{{"", "a@b.test"}}, "group without a name"},

		// What is encoded in an address stays encoded.
		{`=?utf-8?q?=40evil=00?=@good.test`, []Mailbox{{"", "=?utf-8?q?=40evil=00?=@good.test"}}, "encoded word in an address"},
		{`=?x?q?jo=40evil.test=3e=20?=foo@good.test`, []Mailbox{{"", "=?x?q?jo=40evil.test=3e=20?=foo@good.test"}}, "encoded word in an address"},
		{`jo@=?utf-8?b?QA==?=`, nil, "encoded word in an address"},
		{`jo@good.test.=?utf-8?q?a@evil.test?=`, nil, "encoded word in an address"},
		{"=?utf-8?q?\t@evil.test?=, a@b", []Mailbox{{"", "a@b"}}, "encoded word in an address"},
		{`<jo@=?utf-8?q?>@evil.test?=>, a@b`, []Mailbox{{"", "a@b"}}, "encoded word in an address"},
		{`=?utf-8?q?a@evil.test?=@good.test`, []Mailbox{{"", `"=?utf-8?q?a@evil.test?="@good.test`}}, "encoded word in an address"},
	} {
		got, err := ParseAddressList(test.in)
		require.Equal(t, test.want, got, "%s", test.in)
		if test.reason == "" {
			require.NoError(t, err, "%s", test.in)
		} else {
			require.ErrorContains(t, err, test.reason, "%s", test.in)
		}
	}
}

func TestParseGroups(t *testing.T) {
	t.Parallel()
	got, err := ParseGroups(`a@b.test, Friends: c@d.test, "E" <e@f.test>; g@h.test, =?utf-8?q?L=C3=B6?=:;`)
	require.NoError(t, err)
	require.Equal(t, []Group{
		{"", []Mailbox{{"", "a@b.test"}}},
		{"Friends", []Mailbox{{"", "c@d.test"}, {"E", "e@f.test"}}},
		{"", []Mailbox{{"", "g@h.test"}}},
		{"Lö", []Mailbox{}},
	}, got)
	got, err = ParseGroups(`a@b.test`)
	require.NoError(t, err)
	require.Equal(t, []Group{{"", []Mailbox{{"", "a@b.test"}}}}, got)
	got, err = ParseGroups(``)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestParseMailbox(t *testing.T) {
	t.Parallel()
	got, err := ParseMailbox(`"Doe, Jo" <jo@example.org>`)
	require.NoError(t, err)
	require.Equal(t, Mailbox{"Doe, Jo", "jo@example.org"}, got)
	for _, in := range []string{``, `jo`, `a@b, c@d`, `g: a@b;`, `a@b c`, `<@r:a@b>`, "a@b\x00", `jo@`} {
		got, err := ParseMailbox(in)
		require.Error(t, err, "%s", in)
		require.Zero(t, got)
	}
}

// FuzzAddressList checks that no address holds what it must not, and that
// addresses that were parsed parse again to themselves.
func FuzzAddressList(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{
		`Jo "Q" Doe <jo@example.org>, (c) a.b@c, "x y"@[1.2.3.4]; g: h@i, <@r:j@k>;`,
		`a.b@c-d.test, e--f@g, -@h-, i@j.,k?@l`, `=?utf-8?q?a@b?=@c <d>, "un <e@f>`, `a@b c@d (x, e@f`, `:;:;<<>>@@..""`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkPlain(t, s)
		list, _ := ParseAddressList(s)
		for _, m := range list {
			if m.Addr == "" || !utf8.ValidString(m.Addr) || hasControl(m.Addr) {
				t.Fatalf("address %q", m.Addr)
			}
			same(t, cleanText(m.Name), m.Name, "name")
			if strings.Contains(m.Addr, "@") {
				again, _ := ParseAddressList(m.Addr)
				sameList(t, []Mailbox{{"", m.Addr}}, again, "read again")
				again, _ = ParseAddressList("x, <" + m.Addr + ">")
				sameList(t, []Mailbox{{"", "x"}, {"", m.Addr}}, again, "read again")
			}
		}
		groups, _ := ParseGroups(s)
		rest := list
		for _, g := range groups {
			for _, m := range g.Members {
				if len(rest) == 0 || rest[0] != m {
					t.Fatalf("%q is not %q", groups, list)
				}
				rest = rest[1:]
			}
		}
		same(t, 0, len(rest), "mailboxes in no group")
	})
}

// checkPlain checks that an address that is not taken apart is what it would be if it were.
func checkPlain(t *testing.T, s string) {
	fast := addressParser{s: s}
	addr := fast.plain(',')
	if addr == "" {
		return
	}
	slow := addressParser{s: s, encoded: true}
	want, ok := slow.addrSpec(slow.collect(nil, false))
	same(t, true, ok && slow.err == nil, s)
	same(t, want, addr, s)
	same(t, slow.i, fast.i, s)
}
