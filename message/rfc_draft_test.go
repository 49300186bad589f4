package message

import (
	"fmt"
	"io"
	"maps"
	"mime"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// grammar is what a Draft may write into its fields: RFC 5322 section 3 without the
// obsolete forms.
var grammar = func() map[string]*regexp.Regexp {
	const (
		atom     = "[A-Za-z0-9!#$%&'*+/=?^_{|}~`-]+"
		dotAtom  = atom + `(?:\.` + atom + `)*`
		quoted   = `"(?:[\t !#-\[\]-~]|\\[\t -~])*"`
		domain   = `(?:` + dotAtom + `|\[[!-Z^-~]*\])`
		phrase   = `(?:` + atom + `|` + quoted + `)(?: +(?:` + atom + `|` + quoted + `))*`
		addrSpec = `(?:` + dotAtom + `|` + quoted + `)@` + domain
		mailbox  = `(?:(?:` + phrase + ` +)?<` + addrSpec + `>|` + addrSpec + `)`
		list     = mailbox + `(?:, +` + mailbox + `)*`
		msgID    = `<` + dotAtom + `@` + domain + `>`
		date     = `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}`
	)
	g := make(map[string]*regexp.Regexp)
	for name, rule := range map[string]string{
		"From": list, "Sender": mailbox, "Reply-To": list, "To": list + "|undisclosed-recipients:;", "Cc": list,
		"Date": date, "Message-ID": msgID, "In-Reply-To": msgID + `(?: ` + msgID + `)*`, "References": msgID + `(?: ` + msgID + `)*`,
	} {
		g[name] = regexp.MustCompile(`^(?:` + rule + `)$`)
	}
	return g
}()

// fields returns the fields of what a Draft wrote, unfolded: "Name: value".
func fields(s string) []string {
	header, _, _ := strings.Cut(s, "\r\n\r\n")
	return strings.Split(strings.NewReplacer("\r\n ", " ", "\r\n\t", "\t").Replace(header), "\r\n")
}

// fieldOf returns the unfolded value of a field, "" if there is none.
func fieldOf(s, name string) string {
	for _, f := range fields(s) {
		if value, ok := strings.CutPrefix(f, name+": "); ok {
			return value
		}
	}
	return ""
}

// partOf returns a part that there must be.
func partOf(t testing.TB, m *Message, path string) *Part {
	t.Helper()
	p := m.Part(path)
	require.NotNil(t, p, path)
	return p
}

// TestRFC5322Draft checks what is demanded of who writes a header.
func TestRFC5322Draft(t *testing.T) {
	t.Parallel()
	t.Run("fields are in the grammar, without obsolete forms", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-1.2.3-2", "rfc5322-1.2.3-5", "rfc5322-2.2-3", "rfc5322-3.1-1", "rfc5322-3.1-3")
		drafts := []*Draft{{From: me}, {From: []Mailbox{{"J. Q. Public", "a.b@c.d"}, {`a "b" \`, `"x y"@[192.0.2.1]`}, {"x,y", "a@b"}}, Sender: Mailbox{"(x)", "a@b"}}}
		for d := range maps.Values(golden) {
			drafts = append(drafts, d)
		}
		checked := make(map[string]bool)
		for _, d := range drafts {
			for _, f := range fields(write(t, d)) {
				name, value, _ := strings.Cut(f, ": ")
				if rule := grammar[name]; rule != nil {
					require.Regexp(t, rule, value, name)
					checked[name] = true
				}
			}
		}
		require.Len(t, checked, len(grammar), "each rule was put to use")
	})
	t.Run("the day of the week is that of the date", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-3.3-5")
		for day := range 400 {
			date := time.Date(2027, 12, day, 23, 59, 59, 0, time.FixedZone("", -(11*60+30)*60))
			value := fieldOf(write(t, &Draft{From: me, Date: date}), "Date")
			read, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", value)
			require.NoError(t, err)
			require.True(t, read.Equal(date))
			require.Equal(t, date.Weekday().String()[:3], value[:3])
		}
	})
	t.Run("an address is a dot-atom if it can be", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-3.4.1-1")
		m, err := ParseMailbox(`"jo.doe"@example.org`)
		require.NoError(t, err)
		require.Equal(t, "jo.doe@example.org", m.Addr)
		_, err = Mailbox{Addr: `"jo.doe"@example.org`}.Append(nil)
		require.Error(t, err)
	})
	t.Run("no line has more than 998 octets", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-3.5-1")
		written := 0
		for n := 980; n < 1020; n++ {
			var b strings.Builder
			if _, err := (&Draft{From: me, Extra: []ExtraField{{"X", strings.Repeat("x", n)}}}).WriteTo(&b); err != nil {
				continue
			}
			written++
			for line := range strings.SplitSeq(b.String(), "\r\n") {
				require.LessOrEqual(t, len(line), 998)
			}
		}
		require.Equal(t, 998-980-len("X: ")+1, written)
	})
	t.Run("trace fields stay in their order", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-3.6-2")
		extra := []ExtraField{{"Resent-Date", "2"}, {"Resent-From", "2"}, {"Received", "b"}, {"Resent-Date", "1"}, {"Resent-From", "1"}, {"Received", "a"}}
		s := write(t, &Draft{From: me, Extra: extra})
		var got []ExtraField
		for f := range ParseHeader([]byte(s)).All() {
			if strings.HasPrefix(f.Name(), "Re") {
				got = append(got, ExtraField{f.Name(), f.Value()})
			}
		}
		require.Equal(t, extra, got)
	})
	t.Run("message-ids are unique", func(t *testing.T) {
		rfc.Covers(t, "rfc5322-3.6.4-4", "rfc5322-3.6.4-6")
		d := &Draft{From: me, Date: time.Unix(1<<30, 0)}
		seen := make(map[string]bool)
		for range 1000 {
			c, err := d.Compose()
			require.NoError(t, err)
			require.False(t, seen[c.MessageID()], "twice")
			seen[c.MessageID()] = true
			require.True(t, strings.HasSuffix(c.MessageID(), "@example.org"), "in the author's domain")
		}
	})
}

// TestRFC2045Draft checks what MIME demands of who writes a body.
func TestRFC2045Draft(t *testing.T) {
	t.Parallel()
	file := FromBytes("x.bin", "", []byte{0, 1, 2, 0xFF})
	t.Run("every message says that it is MIME", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-4-2")
		for _, d := range []*Draft{{From: me}, {From: me, Text: "x", HTML: "x"}, {From: me, Attachments: []Attachment{file}}, {From: me, Subject: "x"}} {
			require.Equal(t, 1, strings.Count(write(t, d), "\r\nMIME-Version: 1.0\r\n"))
		}
	})
	t.Run("parameters that are required", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-5-4", "rfc2046-5.1-1", "rfc2046-5.1-2", "rfc2046-5.1.1-3")
		s := write(t, &Draft{From: me, Text: "x", HTML: "y", Attachments: []Attachment{file}})
		_, err := (&Parser{Strict: true}).ParseBytes([]byte(s)) // which misses no closing boundary
		require.NoError(t, err)
		structure, leaves := readLeaves(t, s)
		require.Equal(t, "mixed(alternative(plain html) octet-stream)", structure)
		require.Equal(t, []string{"us-ascii", "us-ascii", ""}, []string{leaves[0].params["charset"], leaves[1].params["charset"], leaves[2].params["charset"]})
	})
	t.Run("the label is that of the encoding", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.2-4", "rfc2045-6.2-5", "rfc2045-6.4-7")
		inner := FromBytes("", "message/rfc822", []byte("Content-Transfer-Encoding: 8bit\r\n\r\né"))
		for _, text := range []string{"plain", "é plain text", "日本"} {
			s := write(t, &Draft{From: me, Text: text, Attachments: []Attachment{inner, file}})
			m, err := (&Parser{Strict: true}).ParseBytes([]byte(s)) // no multipart is encoded, no 7bit is 8bit
			require.NoError(t, err)
			got, err := partOf(t, m, "1").AppendBody(nil)
			require.NoError(t, err)
			require.Equal(t, text, string(got))
			require.Equal(t, Encoding8Bit, m.Root().Encoding())
			require.Equal(t, Encoding8Bit, partOf(t, m, "2").Encoding())
		}
	})
	t.Run("line ends in base64 are CRLF", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.5-1", "rfc2045-6.8-5")
		for _, text := range []string{"日本\n日本\n", "日本\r\n日本\r\n"} {
			_, leaves := readLeaves(t, write(t, &Draft{From: me, Text: text}))
			require.Equal(t, "base64", leaves[0].cte)
			require.Equal(t, "日本\r\n日本\r\n", leaves[0].content)
		}
	})
	t.Run("octets that quoted-printable escapes", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.7-3", "rfc2045-6.7-18", "rfc2045-A-1")
		for c := range 256 {
			want := string(rune(c))
			if c != '\t' && c < ' ' || c == '=' || c > '~' {
				want = fmt.Sprintf("=%02X", c)
			}
			if c != '\n' {
				require.Equal(t, "a"+want+"b", string(appendQP(nil, "a"+string([]byte{byte(c)})+"b")))
			}
		}
		require.Equal(t, "a=20\r\nb=09", string(appendQP(nil, "a \nb\t")))
	})
	t.Run("the first bit is the highest", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.8-2")
		_, body, _ := strings.Cut(write(t, &Draft{From: me, Attachments: []Attachment{FromBytes("", "", []byte{0x80, 0, 1})}}), "base64")
		require.Contains(t, body, "\r\ngAAB\r\n")
	})
	t.Run("no quoted-printable can hold a boundary", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.7-10")
		m, err := ParseBytes([]byte(write(t, &Draft{From: me, Text: "é and --RANDOM00000000000000000002_1", HTML: "x"})))
		require.NoError(t, err)
		require.Contains(t, m.Root().Params().Get("boundary"), "=_", "there is no such escape")
	})
	t.Run("no blank stands behind a boundary", func(t *testing.T) {
		rfc.Covers(t, "rfc2045-6.7-19", "rfc2045-A-5", "rfc2046-5.1.1-13", "rfc2046-A-1")
		s := write(t, &Draft{From: me, Text: "x", HTML: "x", Attachments: []Attachment{file}})
		require.Equal(t, 6, strings.Count(s, "\r\n--=_"))
		require.NotRegexp(t, `--=_[^\r\n]*[ \t]\r\n`, s)
	})
}

// TestRFC2046Draft checks what MIME demands of who puts a message together.
func TestRFC2046Draft(t *testing.T) {
	t.Parallel()
	t.Run("line ends in text are CRLF", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-4.1.1-2")
		_, body, _ := strings.Cut(write(t, &Draft{From: me, Text: "é, a text\r\nof two lines\r\n"}), "\r\n\r\n")
		require.Equal(t, "=C3=A9, a text\r\nof two lines\r\n", body)
	})
	t.Run("the charset is named, and is that of the text", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-4.1.2-7", "rfc2046-4.1.2-9", "rfc2046-4.1.2-10", "rfc2047-1-1")
		for text, want := range map[string]string{"": "us-ascii", "x": "us-ascii", "é": "utf-8", "日本": "utf-8"} {
			s := write(t, &Draft{From: me, Text: text})
			require.Equal(t, "text/plain; charset="+want, fieldOf(s, "Content-Type"))
		}
	})
	t.Run("no part holds the boundary", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.1-8", "rfc2046-5.1.1-14")
		boundary := "--=_RANDOM00000000000000000002_1"
		for _, d := range []*Draft{{From: me, Text: boundary, HTML: "x"}, {From: me, Text: "x", HTML: boundary + " behind"}} {
			s := write(t, d)
			m, err := (&Parser{Strict: true}).ParseBytes([]byte(s))
			require.NoError(t, err)
			require.Equal(t, 3, strings.Count(s, "\r\n--"+m.Root().Params().Get("boundary")))
			text, err := partOf(t, m, "1").AppendBody(nil)
			require.NoError(t, err)
			html, err := partOf(t, m, "2").AppendBody(nil)
			require.NoError(t, err)
			require.Equal(t, []string{d.Text, d.HTML}, []string{string(text), string(html)})
		}
	})
	t.Run("boundaries are unique", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.1.1-10")
		seen := make(map[string]bool)
		for range 100 {
			r, err := (&Draft{From: me, Text: "x", HTML: "x"}).Reader()
			require.NoError(t, err)
			s, err := io.ReadAll(r)
			require.NoError(t, err)
			require.NoError(t, r.Close())
			m, err := ParseBytes(s)
			require.NoError(t, err)
			seen[m.Root().Params().Get("boundary")] = true
		}
		require.Len(t, seen, 100)
	})
	t.Run("the plainest alternative is the first", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.1.4-4")
		structure, _ := readLeaves(t, write(t, &Draft{From: me, Text: "x", HTML: "y"}))
		require.Equal(t, "alternative(plain html)", structure)
	})
	t.Run("pieces and references are 7bit", func(t *testing.T) {
		rfc.Covers(t, "rfc2046-5.2.2-1", "rfc2046-5.2.3-3")
		for _, mediaType := range []string{"message/partial; id=x; number=1", "message/external-body; access-type=URL"} {
			_, err := (&Draft{From: me, Attachments: []Attachment{FromBytes("", mediaType, []byte("é"))}}).Compose()
			require.ErrorIs(t, err, err8Bit, mediaType)
			s := write(t, &Draft{From: me, Attachments: []Attachment{FromBytes("", mediaType, []byte("e"))}})
			require.NotContains(t, s, "Content-Transfer-Encoding")
		}
	})
	t.Run("tables are not sent as flowed text", func(t *testing.T) {
		rfc.Covers(t, "rfc3676-5-1")
		m, err := ParseBytes([]byte(write(t, &Draft{From: me, Text: "a    1\nbbb  2\n"})))
		require.NoError(t, err)
		flowed, _ := m.Root().Flowed()
		require.False(t, flowed)
	})
}

// TestRFC2047Draft checks what is demanded of who writes encoded words.
func TestRFC2047Draft(t *testing.T) {
	t.Parallel()
	subject := func(s string) string { return fieldOf(write(t, &Draft{From: me, Subject: s}), "Subject") }
	t.Run("a word has no blanks in it", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-2-1", "rfc2047-4-3", "rfc2047-4.2-3", "rfc2047-4.2-1")
		for _, s := range []string{"ümlaute and so on and ümlaute", "a\ttab", "日本 語"} {
			require.Regexp(t, `^=\?utf-8\?[bq]\?[^ \t?]+\?= ?[a-z ]*$`, subject(s))
		}
		require.Contains(t, subject("a word and a ümlaut"), "=C3=BC")
	})
	t.Run("the encoding is the shorter one", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-4-1")
		require.Contains(t, subject("Grüße-an-alle-im-Posthaus"), "?q?")
		require.Contains(t, subject("日本"), "?b?")
	})
	t.Run("no specials in a phrase", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-4-4")
		name := "ü" + strings.Repeat("abcdefgh", 12) + `()<>@,;:\".[]` // Q is the shorter
		b, err := Mailbox{name, "a@b"}.Append(nil)
		require.NoError(t, err)
		words, _, _ := strings.Cut(string(b), " <")
		require.Contains(t, words, "?q?")
		require.NotContains(t, strings.ReplaceAll(words, "=?utf-8?q?", ""), "(")
		require.NotRegexp(t, `[()<>@,;:\\".\[\]]`, words)
	})
	t.Run("not in a Received", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-5-6")
		_, err := (&Draft{From: me, Extra: []ExtraField{{"received", "from ümlaut"}}}).Compose()
		require.ErrorContains(t, err, "outside ASCII")
	})
	t.Run("each word stands for itself", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-5-8", "rfc2047-5-9", "rfc2047-5-10", "rfc2047-5-11", "rfc2047-5-13")
		for pad := range 30 {
			for _, r := range []string{"日本", "p=ü-and-so-on-"} {
				s := strings.Repeat("p", pad) + strings.Repeat(r, 40)
				var joined strings.Builder
				for w := range strings.FieldsSeq(subject(s)) {
					one, err := new(mime.WordDecoder).Decode(w)
					require.NoError(t, err, w)
					require.True(t, utf8.ValidString(one), w)
					require.NotEmpty(t, one)
					joined.WriteString(one)
				}
				require.Equal(t, s, joined.String())
			}
		}
	})
	t.Run("nothing that is not printable", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-5-14")
		for c := rune(0); c < ' '; c++ {
			_, err := (&Draft{From: me, Subject: "ü" + string(c)}).Compose()
			require.Equal(t, c == '\t', err == nil, "%q", c)
		}
	})
	t.Run("what looks like a word is one", func(t *testing.T) {
		rfc.Covers(t, "rfc2047-7-1", "rfc2047-7-2")
		for _, s := range []string{"=?x?=", "=?utf-8?q?word?=", "=?="} {
			require.Equal(t, s, DecodeText(subject(s)))
			require.NotEqual(t, s, subject(s))
			b, err := Mailbox{s, "a@b"}.Append(nil)
			require.NoError(t, err)
			require.NotContains(t, string(b), s)
			_, err = (&Draft{From: me, Extra: []ExtraField{{"X", "a " + s}}}).Compose()
			require.Equal(t, s == "=?utf-8?q?word?=", err == nil, s)
		}
	})
}

// TestRFC2231Draft checks what is demanded of who writes parameters.
func TestRFC2231Draft(t *testing.T) {
	t.Parallel()
	disposition := func(name string) string {
		s := write(t, &Draft{From: me, Attachments: []Attachment{FromBytes(name, "", nil)}})
		_, value, _ := strings.Cut(s, "Content-Disposition: attachment;")
		value, _, _ = strings.Cut(value, "\r\n\r\n")
		return strings.TrimSpace(strings.ReplaceAll(value, "\r\n", ""))
	}
	t.Run("only where there is need of it", func(t *testing.T) {
		rfc.Covers(t, "rfc2231-2-1")
		require.Equal(t, "filename=a.csv", disposition("a.csv"))
		require.Equal(t, `filename="a b.csv"`, disposition("a b.csv"))
	})
	t.Run("the charset is named", func(t *testing.T) {
		rfc.Covers(t, "rfc2231-4-2")
		require.Equal(t, "filename*=utf-8''%C3%A4", disposition("ä"))
	})
	t.Run("the first of several pieces says it", func(t *testing.T) {
		rfc.Covers(t, "rfc2231-4.1-1", "rfc2231-4.1-2")
		require.Regexp(t, `^filename\*0\*=utf-8''[^; ]+; filename\*1\*=[^; ']+; filename\*2\*=`, disposition(strings.Repeat("ä", 30)))
	})
}

// TestRFC6532Draft checks what is demanded of who writes UTF-8 into headers.
func TestRFC6532Draft(t *testing.T) {
	t.Parallel()
	t.Run("SMTPUTF8 is asked for", func(t *testing.T) {
		rfc.Covers(t, "rfc6532-3.7-1")
		d := &Draft{From: []Mailbox{{"", "ä@b"}}}
		_, err := d.Compose()
		require.ErrorIs(t, err, ErrNeedsSMTPUTF8)
		d.SMTPUTF8 = true
		c, err := d.Compose()
		require.NoError(t, err)
		require.True(t, c.NeedsSMTPUTF8())
	})
	t.Run("such a message inside is 8bit", func(t *testing.T) {
		rfc.Covers(t, "rfc6532-3.7-2", "rfc6532-3.7-3")
		d := &Draft{From: me, Text: "x", Attachments: []Attachment{FromBytes("", "message/global", []byte("Subject: ä\r\n\r\n"))}}
		c, err := composeAt(d)
		require.NoError(t, err)
		require.True(t, c.Needs8BitMIME(), "no 7-bit server is given it")
		m, err := ParseBytes([]byte(write(t, d)))
		require.NoError(t, err)
		require.Equal(t, Encoding8Bit, partOf(t, m, "2").Encoding())
	})
}

// TestRFC6533Draft: a report in UTF-8 that is attached is 8bit.
func TestRFC6533Draft(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6533-6.3-1", "rfc6533-6.4-1", "rfc6533-6.5-1")
	for _, kind := range []string{"headers", "delivery-status", "disposition-notification"} {
		d := &Draft{From: me, Attachments: []Attachment{FromBytes("", "message/global-"+kind, []byte("X: ä"))}}
		c, err := composeAt(d)
		require.NoError(t, err, kind)
		require.True(t, c.Needs8BitMIME())
		m, err := ParseBytes([]byte(write(t, d)))
		require.NoError(t, err)
		require.Equal(t, Encoding8Bit, partOf(t, m, "1").Encoding(), kind)
	}
}

// TestRFC6854Draft checks that no group stands for an author.
func TestRFC6854Draft(t *testing.T) {
	t.Parallel()
	group, one := Mailbox{Addr: "Us:a@b,c@d;"}, Mailbox{Addr: "Us:a@b;"}
	two := []Mailbox{{"", "a@b"}, {"", "c@d"}}
	t.Run("no group", func(t *testing.T) {
		rfc.Covers(t, "rfc6854-2.1-2", "rfc6854-2.1-3", "rfc6854-3-1")
		for _, d := range []*Draft{{From: []Mailbox{group}}, {From: []Mailbox{one}}, {From: two, Sender: group}, {From: two, Sender: one}} {
			_, err := d.Compose()
			require.Error(t, err)
		}
	})
	t.Run("Sender and From", func(t *testing.T) {
		rfc.Covers(t, "rfc6854-2.1-1", "rfc6854-2.1-4", "rfc6854-2.1-5")
		_, err := (&Draft{From: two}).Compose()
		require.ErrorContains(t, err, "Sender")
		s := write(t, &Draft{From: two, Sender: two[0]})
		require.Equal(t, []string{"a@b, c@d", "a@b"}, []string{fieldOf(s, "From"), fieldOf(s, "Sender")})
		require.Empty(t, fieldOf(write(t, &Draft{From: two[:1], Sender: two[0]}), "Sender"))
		s = write(t, &Draft{From: two[:1], Sender: two[1]})
		require.Equal(t, []string{"a@b", "c@d"}, []string{fieldOf(s, "From"), fieldOf(s, "Sender")})
	})
}

// TestRFC2049Draft: what is not plain ASCII is labelled.
func TestRFC2049Draft(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2049-2-2")
	s := write(t, &Draft{From: me, Text: "é and a text that is plain", HTML: "x", Attachments: []Attachment{FromBytes("", "image/png", []byte{0xFF})}})
	_, leaves := readLeaves(t, s)
	for i, want := range []mimePart{{mediaType: "text/plain", cte: "quoted-printable"}, {mediaType: "text/html"}, {mediaType: "image/png", cte: "base64"}} {
		require.Equal(t, want.mediaType+want.cte, leaves[i].mediaType+leaves[i].cte)
	}
	require.Equal(t, "utf-8", leaves[0].params["charset"])
	require.Contains(t, s, "\r\nMIME-Version: 1.0\r\n")
}
