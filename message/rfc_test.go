package message

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// parseString parses a message written with LF for CRLF.
func parseString(t *testing.T, s string) *Message {
	t.Helper()
	m, err := ParseBytes(crlf(s))
	require.NoError(t, err)
	return m
}

// TestRFC2045 checks what MIME demands of who reads a body.
func TestRFC2045(t *testing.T) {
	t.Parallel()
	t.Run("comments mean nothing", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-1-3")
		m := parseString(t, "Content-Type: (a) text/html (b); (c) charset (d) = (e) utf-8 (f)\nContent-Transfer-Encoding: (g) base64 (h)\n\nQUJD\n")
		require.Equal(t, `text/html "ABC"`, shape(m))
		require.Equal(t, "utf-8", m.Root().Charset())
	})
	t.Run("the order of fields means nothing", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-3-2")
		m := parseString(t, "Content-Transfer-Encoding: base64\nSubject: x\nContent-Type: text/html\n\nQUJD\n")
		require.Equal(t, `text/html "ABC"`, shape(m))
	})
	t.Run("unknown parameters mean nothing", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-5-3", "rfc2046-1-3")
		m := parseString(t, "Content-Type: multipart/mixed; x-new=\"a;b\"; boundary=aa; y=z\n\n--aa\n\nx\n--aa--\n")
		require.Equal(t, `multipart/mixed{text/plain "x"}`, shape(m))
	})
	t.Run("blanks at the end of a line are deleted", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.7-7")
		m := parseString(t, "Content-Transfer-Encoding: quoted-printable\n\na \t\nb=20 \nc =\nd ")
		require.Equal(t, `text/plain "a\r\nb \r\nc d"`, shape(m))
	})
	t.Run("other characters are ignored in base64", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.8-4")
		m := parseString(t, "Content-Transfer-Encoding: base64\n\nQ!U\nJ-D *R_EVG\n")
		require.Equal(t, `text/plain "ABCDEF"`, shape(m))
	})
}

// TestRFC2046 checks what MIME demands of who takes a multipart apart.
func TestRFC2046(t *testing.T) {
	t.Parallel()
	t.Run("what is before the first and behind the last boundary is ignored", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.1.1-9")
		m := parseString(t, "Content-Type: multipart/mixed; boundary=aa\n\nbefore\n--aa\n\nx\n--aa--\nbehind\n--aa\n\ny\n--aa--\n")
		require.Equal(t, `multipart/mixed{text/plain "x"}`, shape(m))
	})
	t.Run("outer boundaries count at any level", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.1.2-2")
		m := parseString(t, "Content-Type: multipart/mixed; boundary=aa\n\n--aa\nContent-Type: multipart/mixed; boundary=bb\n\n"+
			"--bb\nContent-Type: multipart/mixed; boundary=cc\n\n--cc\n\nx\n--aa\n\ny\n--aa--\n")
		require.Equal(t, `multipart/mixed{multipart/mixed{multipart/mixed{text/plain "x"}}, text/plain "y"}`, shape(m))
	})
	t.Run("an unknown multipart is taken apart", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.1.3-1", "rfc2046-5.1.7-1")
		m := parseString(t, "Content-Type: multipart/x-new; boundary=aa\n\n--aa\n\nx\n--aa--\n")
		require.Equal(t, `multipart/x-new{text/plain "x"}`, shape(m))
	})
	t.Run("an unknown message is a leaf", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.2.4-1")
		m := parseString(t, "Content-Type: message/x-new\n\nSubject: x\n\ny")
		require.Equal(t, `message/x-new "Subject: x\r\n\r\ny"`, shape(m))
	})
}

// TestRFC2047 checks what is demanded of who reads encoded words.
func TestRFC2047(t *testing.T) {
	t.Parallel()
	t.Run("both encodings of any charset", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-4-2")
		for _, in := range []string{"=?koi8-r?q?=F0?=", "=?KOI8-R?B?8A==?=", "=?windows-1251?Q?=CF?=", "=?utf-8?b?0J8=?="} {
			require.Equal(t, "П", DecodeText(in), in)
		}
	})
	t.Run("words are read without a MIME-Version", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-6.1-9")
		require.Equal(t, "ö", parseString(t, "Subject: =?utf-8?q?=C3=B6?=\n\n").Header().Subject())
	})
	t.Run("a word in a phrase", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-6.1-5", "rfc2047-6.1-6")
		list, err := ParseAddressList("=?utf-8?q?=C3=B6?= =?a =?utf-8?q?=C3=A4?= <a@b>")
		require.NoError(t, err)
		require.Equal(t, []Mailbox{{"ö =?a ä", "a@b"}}, list)
	})
	t.Run("a word in a comment", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-6.1-7", "rfc2047-6.1-8")
		list, err := ParseAddressList("a@b (=?utf-8?q?=C3=B6?= =?x)")
		require.NoError(t, err)
		require.Equal(t, []Mailbox{{"ö =?x", "a@b"}}, list)
	})
	t.Run("a broken word hinders nothing", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-6.3-1")
		m := parseString(t, "Subject: =?utf-8?q?a =?utf-8?x?b?= =?utf-8?q?=C3=B6?=\n\nbody")
		require.Equal(t, "=?utf-8?q?a =?utf-8?x?b?= ö", m.Header().Subject())
		require.Equal(t, `text/plain "body"`, shape(m))
	})
}

// TestRFC5322 checks what is demanded of who reads a header.
func TestRFC5322(t *testing.T) {
	t.Parallel()
	t.Run("obsolete syntax is read", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-4-1", "rfc5322-4-2")
		m := parseString(t, "From : John Q. Public <j . q @ example . test>\nTo: a@b , , c@d\nDate: 21 Nov 97 09(c): 55 -0600\n\n")
		from, err := m.Header().Addresses("From")
		require.NoError(t, err)
		require.Equal(t, []Mailbox{{"John Q. Public", "j.q@example.test"}}, from)
		to, err := m.Header().Addresses("To")
		require.NoError(t, err)
		require.Equal(t, []Mailbox{{"", "a@b"}, {"", "c@d"}}, to)
		date, err := m.Header().Date()
		require.NoError(t, err)
		require.Equal(t, "1997-11-21T09:55:00-06:00", date.Format(time.RFC3339))
	})
	t.Run("zones that say nothing", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-4.3-1", "rfc5322-4.3-2")
		for _, zone := range []string{"A", "M", "N", "Z", "XYZ"} {
			date, err := ParseDate("6 Jul 2026 10:00:00 " + zone)
			require.NoError(t, err)
			require.Equal(t, "2026-07-06T10:00:00Z", date.Format(time.RFC3339), zone)
		}
	})
	t.Run("a route is ignored", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-4.4-1")
		list, err := ParseAddressList("Jo <@relay.test,@two.test:jo@example.test>")
		require.Equal(t, []Mailbox{{"Jo", "jo@example.test"}}, list)
		require.ErrorContains(t, err, "route")
	})
	t.Run("several destination fields are one", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-4.5.3-1")
		list, err := parseString(t, "To: a@b\nCc: x@y\nTo: c@d\n\n").Header().Addresses("To")
		require.NoError(t, err)
		require.Equal(t, []Mailbox{{"", "a@b"}, {"", "c@d"}}, list)
	})
}

// TestRFC2183And2231 checks what is demanded of who reads parameters.
func TestRFC2183And2231(t *testing.T) {
	t.Parallel()
	t.Run("a file name of an unknown disposition", func(t *testing.T) {
		rfc.Covers(t, "rfc2183-2.8-2", "rfc2183-2.8-4")
		p := parseString(t, "Content-Disposition: x-new; x-param=\"y;z\"; filename=f\n\n").Root()
		require.Equal(t, "x-new", p.Disposition())
		require.Equal(t, "f", p.Filename())
	})
	t.Run("pieces in any order", func(t *testing.T) {
		rfc.Covers(t, "rfc2231-3-4")
		p := parseString(t, "Content-Disposition: attachment; filename*1=b; filename*2*=%C3%B6; filename*0*=utf-8''a\n\n").Root()
		require.Equal(t, "abö", p.Filename())
	})
}

// TestRFC2183Bodies checks what is demanded of who shows a message.
func TestRFC2183Bodies(t *testing.T) {
	t.Parallel()
	shown := func(disposition string) bool {
		m := parseString(t, "Content-Disposition: "+disposition+"\n\nx")
		return len(m.Bodies().Text) == 1 && len(m.Bodies().Attachments) == 0
	}
	t.Run("inline is shown", func(t *testing.T) {
		rfc.Covers(t, "rfc2183-2.1-1", "rfc2183-4-1")
		require.True(t, shown("inline"))
		require.False(t, shown("attachment"))
	})
	t.Run("an attachment is not", func(t *testing.T) {
		rfc.Covers(t, "rfc2183-2.2-1", "rfc2183-3-1")
		require.False(t, shown("attachment; filename=x"))
	})
	t.Run("what is not known is an attachment", func(t *testing.T) {
		rfc.Covers(t, "rfc2183-2.8-3")
		require.False(t, shown("x-new"))
	})
	t.Run("parts of a multipart have their own", func(t *testing.T) {
		rfc.Covers(t, "rfc2183-2.9-1", "rfc2183-2.9-2")
		m := parseString(t, "Content-Type: multipart/mixed; boundary=aa\nContent-Disposition: inline\n\n--aa\n\nx\n--aa\nContent-Disposition: attachment\n\ny\n--aa--\n")
		b := m.Bodies()
		require.Equal(t, []string{"1", "2"}, []string{paths(b.Text), paths(b.Attachments)})
	})
}

// TestRFC2046Alternative checks that of alternatives one is shown.
func TestRFC2046Alternative(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2046-5.1.4-1", "rfc2046-5.1.4-6")
	b := parseString(t, bodyMessage("multipart/alternative{text/plain, text/html, application/x-new}")).Bodies()
	require.Equal(t, []string{"1", "2"}, []string{paths(b.Text), paths(b.HTML)})
}

// TestRFC3676 checks what is demanded of who reads format=flowed.
func TestRFC3676(t *testing.T) {
	t.Parallel()
	unflow := func(s string) string { return string(Unflow(nil, crlf(s), false)) }
	t.Run("DelSp counts with flowed plain text only", func(t *testing.T) {
		rfc.Covers(t, "rfc3676-4-2")
		for _, mediaType := range []string{"text/html; format=flowed; delsp=yes", "text/plain; delsp=yes", "text/plain; format=fixed; delsp=yes"} {
			_, delSp := parseString(t, "Content-Type: "+mediaType+"\n\n").Root().Flowed()
			require.False(t, delSp, mediaType)
		}
	})
	t.Run("a signature ends a paragraph", func(t *testing.T) {
		rfc.Covers(t, "rfc3676-4.1-1")
		require.Equal(t, "a \n-- \nb\n", unflow("a \n-- \nb\n"))
	})
	t.Run("the depth of quotes wins", func(t *testing.T) {
		rfc.Covers(t, "rfc3676-4.5-4", "rfc3676-4.1-2")
		require.Equal(t, "> a \n>> b\nc\n", unflow("> a \n>> b\nc\n"))
	})
	t.Run("quotes are joined without their marks", func(t *testing.T) {
		rfc.Covers(t, "rfc3676-4.5-3")
		require.Equal(t, "> a b\n", unflow("> a \n> b\n"))
	})
}

// TestRFC2047Charsets checks what every reader must be able to show.
func TestRFC2047Charsets(t *testing.T) {
	t.Parallel()
	t.Run("US-ASCII", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-7-5")
		require.Equal(t, "a b", DecodeText("=?US-ASCII?q?a_b?="))
	})
	t.Run("ISO-8859", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-7-6")
		for i := 1; i <= 16; i++ {
			if i != 12 { // there is none
				require.Equal(t, "a b", DecodeText("=?ISO-8859-"+strconv.Itoa(i)+"?q?a_b?="))
			}
		}
	})
	t.Run("text that is no word", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-6.1-3")
		require.Equal(t, "=?a =?utf-8?q b?=", DecodeText("=?a =?utf-8?q b?="))
	})
	t.Run("nothing that has effects on a terminal", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-5-15")
		require.Equal(t, "a\uFFFD[2Jb c", DecodeText("=?utf-8?q?a=1B[2Jb=0Ac?="))
	})
}

// TestRFC5322Obsolete checks that all obsolete tokens are honoured.
func TestRFC5322Obsolete(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5322-1.2.3-4", "rfc5322-3.1-4")
	list, err := ParseAddressList("Jo Q. Public <jo . q(c)@ example (d) . test>")
	require.NoError(t, err)
	require.Equal(t, []Mailbox{{"Jo Q. Public", "jo.q@example.test"}}, list)
}

// TestReading checks what is demanded of who reads, besides what the tests above do.
func TestReading(t *testing.T) {
	t.Parallel()
	t.Run("blanks behind a boundary", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.7-19", "rfc2045-A-5", "rfc2046-5.1.1-12", "rfc2046-5.1.1-13", "rfc2046-A-1")
		m := parseString(t, "Content-Type: multipart/mixed; boundary=aa\n\n--aa \t \n\nx\n--aa  \n\ny\n--aa-- \t\nbehind\n--aa\n\nz\n")
		require.Equal(t, `multipart/mixed{text/plain "x", text/plain "y"}`, shape(m))
		require.Empty(t, m.Defects())
	})
	t.Run("an image and a message with an image are two things", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.1-5", "rfc2046-5.1-6")
		m := parseString(t, "Content-Type: multipart/mixed; boundary=aa\n\n--aa\nContent-Type: image/jpeg\n\nx\n"+
			"--aa\nContent-Type: message/rfc822\n\nContent-Type: image/jpeg\n\nx\n--aa--\n")
		require.Equal(t, `multipart/mixed{image/jpeg "x", message/rfc822{image/jpeg "x"}}`, shape(m))
		b := m.Bodies()
		require.Equal(t, "1", paths(b.Text))
		require.Equal(t, "message/rfc822", b.Attachments[0].MediaType())
		require.Len(t, b.Attachments, 1)
	})
	t.Run("a message that was cut off", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.1.2-1")
		m := parseString(t, "Content-Type: multipart/mixed; boundary=aa\n\n--aa\n\nx\n--aa\n\ny")
		require.Equal(t, `multipart/mixed{text/plain "x", text/plain "y"}`, shape(m))
		require.Equal(t, []DefectKind{MissingCloseBoundary}, kinds(m))
	})
	t.Run("encodings that are broken", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.2-2", "rfc2045-6.7-12")
		for text, want := range map[string][]DefectKind{
			"base64\n\nQUJD": nil, "base64\n\nQUJ": {BadBase64}, "base64\n\nQ!UJD": {BadBase64},
			"quoted-printable\n\n=41=\n": nil, "quoted-printable\n\n=4": {BadQuotedPrintable}, "quoted-printable\n\n=ZZ": {BadQuotedPrintable},
		} {
			m, err := (&Parser{Thorough: true}).ParseBytes(crlf("Content-Transfer-Encoding: " + text))
			require.NoError(t, err)
			require.Equal(t, want, kinds(m), text)
		}
	})
	t.Run("a date that there is not", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-3.3-4")
		for _, s := range []string{"30 Feb 2026 10:00 +0000", "29 Feb 2027 10:00 +0000", "31 Apr 2026 10:00 +0000", "0 May 2026 10:00 +0000", "1 May 2026 24:00 +0000", "1 May 2026 10:60 +0000", "1 May 2026 10:00:61 +0000"} {
			_, err := ParseDate(s)
			require.Error(t, err, s)
		}
		_, err := ParseDate("29 Feb 2028 23:59:60 +0059")
		require.NoError(t, err)
	})
	t.Run("to whom a reply goes", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-3.6.2-4", "rfc5322-3.6.6-7", "rfc5322-3.6.6-8", "rfc6854-2.1-6")
		h := parseString(t, "Resent-From: x@y\nResent-Sender: x@y\nResent-Reply-To: x@y\nResent-To: x@y\nFrom: a@b\nSender: s@b\n\n").Header()
		require.Equal(t, `(NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "s" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL)`, string(h.AppendEnvelope(nil)))
	})
	t.Run("what is a word and what is not", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-7-3", "rfc2047-7-4")
		for in, want := range map[string]string{
			"=?koi8-r?q?=F0?= =?koi8-r?b?8A==?=": "ПП", "=?iso-8859-1?B?5A==?=": "ä", "=?iso-8859-1?Q?=E4?=": "ä",
			"=?utf-8?x?a?=": "=?utf-8?x?a?=", "=?utf-8?q?a": "=?utf-8?q?a", "=??q?a?=": "=??q?a?=", "? =?= ?=": "? =?= ?=",
		} {
			require.Equal(t, want, DecodeText(in))
		}
		list, err := ParseAddressList("=?utf-8?q?=C3=A4?= <=?utf-8?q?x?=@b>")
		require.Error(t, err)
		require.Equal(t, []Mailbox{{"ä", "=?utf-8?q?x?=@b"}}, list)
	})
	t.Run("inline parts in their order", func(t *testing.T) {
		rfc.Covers(t, "rfc2183-2.1-2")
		require.Equal(t, "1 2 3", paths(parseString(t, bodyMessage("multipart/mixed{text/plain, image/png, text/plain}")).Bodies().Text))
	})
	t.Run("the name among other parameters", func(t *testing.T) {
		rfc.Covers(t, "rfc2183-3-2")
		p := parseString(t, "Content-Type: image/jpeg; name=other.jpg\nContent-Disposition: attachment; size=9;\n filename=genome.jpg;\n modification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"\n\n").Root()
		require.Equal(t, "genome.jpg", p.Filename())
	})
	t.Run("IMAP is told whole parameters", func(t *testing.T) {
		rfc.Covers(t, "rfc2231-6-1")
		m := parseString(t, "Content-Type: text/plain; name*0*=us-ascii''%61; name*1=b\n\n")
		got, err := m.AppendStructure(nil, false)
		require.NoError(t, err)
		require.Contains(t, string(got), `("NAME" "ab")`)
	})
	t.Run("the depth of quotes ends a paragraph", func(t *testing.T) {
		rfc.Covers(t, "rfc3676-4.5-5", "rfc3676-4.5-6")
		require.Equal(t, "a \n> b \nc\n", string(Unflow(nil, []byte("a \n> b \nc\n"), false)))
		require.Equal(t, ">> a \n> b c\n", string(Unflow(nil, []byte(">> a \n> b \n> c\n"), false)))
	})
}
