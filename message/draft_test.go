package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	stdmultipart "mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// composeAt composes a draft with a known clock and known boundaries.
func composeAt(d *Draft) (*Composition, error) {
	made := 0
	c := composer{
		draft: d,
		now:   func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 999, time.FixedZone("", 3600)) },
		random: func() string {
			made++
			return fmt.Sprintf("RANDOM%020d", made)
		},
	}
	return c.compose()
}

// write composes a draft and checks what every message has to keep to.
func write(t testing.TB, d *Draft) string {
	t.Helper()
	c, err := composeAt(d)
	require.NoError(t, err)
	var b strings.Builder
	n, err := c.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, int64(b.Len()), n)
	checkWire(t, b.String(), c)
	return b.String()
}

func checkWire(t testing.TB, s string, c *Composition) {
	header, _, found := strings.Cut(s, "\r\n\r\n")
	if !found || !strings.HasSuffix(s, "\r\n") {
		t.Fatalf("not ended: %q", s)
	}
	for line := range strings.SplitSeq(s, "\r\n") {
		if len(line) > maxLine || strings.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("line %q", line)
		}
	}
	for line := range strings.SplitSeq(header, "\r\n") {
		if strings.Trim(line, " \t") == "" {
			t.Fatalf("a folded line of blanks: %q", line)
		}
		if strings.Contains(line, "=?") {
			for w := range strings.FieldsSeq(line) {
				if strings.HasPrefix(w, "=?") && strings.HasSuffix(w, "?=") && (len(w) > 75 || len(line) > 76) {
					t.Fatalf("too long for encoded words: %q", line)
				}
			}
		}
		// Only what cannot be folded makes a long line.
		if name, value, _ := strings.Cut(line, " "); len(line) > 78 && !strings.Contains(name, ":") && strings.Contains(strings.Trim(value, " "), " ") {
			t.Fatalf("%q could be folded", line)
		}
	}
	if !c.Needs8BitMIME() {
		same(t, true, isASCII([]byte(s)), "no 8-bit octets")
	}
	if !c.NeedsSMTPUTF8() {
		same(t, true, isASCII([]byte(header)), "no 8-bit octets in the header")
	}
}

// mimePart is a leaf as the standard library reads it.
type mimePart struct {
	mediaType, disposition, filename, cid, cte, content string
	params                                              map[string]string
}

// readLeaves reads a message with net/mail and mime/multipart, and gives its structure
// and its leaves.
func readLeaves(t testing.TB, s string) (structure string, leaves []mimePart) {
	m, err := mail.ReadMessage(strings.NewReader(s))
	good(t, err)
	return readEntity(t, m.Header.Get, m.Body)
}

func readEntity(t testing.TB, get func(string) string, body io.Reader) (structure string, leaves []mimePart) {
	mediaType, params, err := mime.ParseMediaType(get("Content-Type"))
	good(t, err)
	if subtype, ok := strings.CutPrefix(mediaType, "multipart/"); ok {
		var parts []string
		r := stdmultipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				break
			}
			good(t, err)
			s, l := readEntity(t, p.Header.Get, p)
			parts, leaves = append(parts, s), append(leaves, l...)
		}
		return subtype + "(" + strings.Join(parts, " ") + ")", leaves
	}
	l := mimePart{mediaType: mediaType, params: params, cte: get("Content-Transfer-Encoding"), cid: get("Content-ID")}
	if d := get("Content-Disposition"); d != "" {
		disposition, dp, err := mime.ParseMediaType(d)
		good(t, err)
		l.disposition, l.filename = disposition, dp["filename"]
	}
	switch l.cte {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	good(t, err)
	l.content = string(b)
	_, structure, _ = strings.Cut(mediaType, "/")
	return structure, []mimePart{l}
}

var me = []Mailbox{{Addr: "me@example.org"}}

func TestDraftStructure(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2046-5.1.1-4", "rfc2046-5.1.1-11", "rfc2046-5.1.4-3")
	svg := FromBytes("a.svg", "image/svg+xml", []byte("<svg/>")).WithContentID("a@example.org")
	csv := FromBytes("a.csv", "text/csv", []byte("1;2\n"))
	for _, row := range []struct {
		draft Draft
		want  string
	}{
		{Draft{}, "plain"},
		{Draft{Text: "x"}, "plain"},
		{Draft{HTML: "x"}, "html"},
		{Draft{Text: "x", HTML: "x"}, "alternative(plain html)"},
		{Draft{HTML: "x", Inline: []Attachment{svg}}, "related(html svg+xml)"},
		{Draft{Text: "x", HTML: "x", Inline: []Attachment{svg, svg}}, "related(alternative(plain html) svg+xml svg+xml)"},
		{Draft{Text: "x", Inline: []Attachment{svg}}, "mixed(plain svg+xml)"},
		{Draft{Text: "x", Attachments: []Attachment{csv}}, "mixed(plain csv)"},
		{Draft{Attachments: []Attachment{csv, csv}}, "mixed(csv csv)"},
		{Draft{Text: "x", HTML: "x", Attachments: []Attachment{csv}}, "mixed(alternative(plain html) csv)"},
		{Draft{HTML: "x", Inline: []Attachment{svg}, Attachments: []Attachment{csv}}, "mixed(related(html svg+xml) csv)"},
		{Draft{Text: "x", HTML: "x", Inline: []Attachment{svg}, Attachments: []Attachment{csv}}, "mixed(related(alternative(plain html) svg+xml) csv)"},
	} {
		row.draft.From = me
		s := write(t, &row.draft)
		structure, leaves := readLeaves(t, s)
		require.Equal(t, row.want, structure)
		for _, l := range leaves {
			switch l.mediaType {
			case "image/svg+xml":
				require.Equal(t, mimePart{mediaType: l.mediaType, params: map[string]string{}, cte: "base64", disposition: "inline", filename: "a.svg", cid: "<a@example.org>", content: "<svg/>"}, l)
			case "text/csv":
				require.Equal(t, mimePart{mediaType: l.mediaType, params: map[string]string{}, cte: "base64", disposition: "attachment", filename: "a.csv", content: "1;2\n"}, l)
			}
		}
		// Our own reader finds nothing amiss.
		m, err := (&Parser{Strict: true}).ParseBytes([]byte(s))
		require.NoError(t, err)
		require.Empty(t, m.Defects())
	}
}

func TestRelatedNamesItsRoot(t *testing.T) {
	t.Parallel()
	svg := FromBytes("a.svg", "image/svg+xml", nil).WithContentID("a@example.org")
	m, err := ParseBytes([]byte(write(t, &Draft{From: me, HTML: "x", Inline: []Attachment{svg}})))
	require.NoError(t, err)
	require.Equal(t, "text/html", m.Root().Params().Get("type"))
	m, err = ParseBytes([]byte(write(t, &Draft{From: me, HTML: "x", Text: "x", Inline: []Attachment{svg}})))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", m.Root().Params().Get("type"))
}

// texts are hard to carry.
var texts = []string{
	"", "x", "x\n", "x\r\n", "\n", "\n\n\n", "a\nb", "a\r\nb\r\n",
	"trailing blank \n", "trailing tab\t\nand at the end ", "From me\n>From you\nFrom", " leading\n", ".\n..\n",
	"a\rb", "\r", "x\r", "nul \x00 bell \x07", "=3D =\n=", "é", "Grüße\n", strings.Repeat("é", 100), "日本語\n", "𝄞" + strings.Repeat("x", 75),
	strings.Repeat("x", 78) + "\n", strings.Repeat("x", 79) + "\n", strings.Repeat("x", 5000), strings.Repeat("é", 5000),
	strings.Repeat("word ", 400), strings.Repeat(" ", 200), strings.Repeat("=", 75) + " ", strings.Repeat("x", 75) + "=", strings.Repeat("x", 76) + "\n",
	"--=_RANDOM00000000000000000002_1\n", strings.Repeat("\t\n", 50), "\u2028\u0085",
}

func canonical(s string) string { return string(appendCRLF(nil, s)) }

func TestTextArrivesExactly(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2046-5.1.1-5", "rfc2046-5.1.1-6", "rfc2046-5.1.1-7", "rfc2046-4.1.1-1", "rfc2045-6.8-6")
	for _, text := range texts {
		_, leaves := readLeaves(t, write(t, &Draft{From: me, Text: text}))
		want := canonical(text)
		if want != "" && !strings.HasSuffix(want, "\r\n") {
			want += "\r\n" // the message's last line has to end
		}
		got := leaves[0].content
		if leaves[0].cte != "" && !strings.HasSuffix(got, "\r\n") && want != "" {
			got += "\r\n"
		}
		require.Equal(t, want, got, "alone")

		other := "x"
		if text == "" {
			continue
		}
		_, leaves = readLeaves(t, write(t, &Draft{From: me, Text: text, HTML: other}))
		require.Len(t, leaves, 2)
		require.Equal(t, canonical(text), leaves[0].content, "in a multipart")
		_, leaves = readLeaves(t, write(t, &Draft{From: me, Text: other, HTML: text}))
		require.Equal(t, canonical(text), leaves[1].content, "in a multipart")
	}
}

func TestTextEncoding(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2046-4.1.2-13", "rfc2046-4.1.2-17", "rfc2046-4.1.2-6", "rfc2046-4.1.1-5", "rfc5322-2.3-2")
	for _, row := range []struct{ text, cte, charset string }{
		{"", "", "us-ascii"},
		{"plain\r\ntext\n", "", "us-ascii"},
		{"a tab\tinside\n", "", "us-ascii"},
		{strings.Repeat("x", 78), "", "us-ascii"},
		{strings.Repeat("x", 79), "quoted-printable", "us-ascii"},
		{"blank \nend", "quoted-printable", "us-ascii"},
		{"From here", "quoted-printable", "us-ascii"},
		{"bell\x07", "quoted-printable", "us-ascii"},
		{"eine Zeile mit Umläuten", "quoted-printable", "utf-8"},
		{"日本語のテキスト", "base64", "utf-8"},
		{strings.Repeat("é", 100), "base64", "utf-8"},
	} {
		_, leaves := readLeaves(t, write(t, &Draft{From: me, Text: row.text}))
		require.Equal(t, row.cte, leaves[0].cte, "%q", row.text)
		require.Equal(t, row.charset, leaves[0].params["charset"], "%q", row.text)
	}
}

func TestDraftRefuses(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5322-2.2-1", "rfc5322-2.2-2", "rfc5322-2.3-1", "rfc5322-3.6.8-2", "rfc2045-5.1-1")
	csv := FromBytes("a.csv", "text/csv", nil)
	with := func(change func(d *Draft)) *Draft {
		d := &Draft{From: []Mailbox{{Addr: "me@example.org"}}}
		change(d)
		return d
	}
	attach := func(a Attachment) *Draft { return with(func(d *Draft) { d.Attachments = []Attachment{csv, a} }) }
	message := func(s string) *Draft { return attach(FromBytes("m", "message/rfc822", []byte(s))) }
	for _, row := range []struct {
		name, field string
		draft       *Draft
	}{
		{"no author", "From", &Draft{}},
		{"several authors, no sender", "Sender", with(func(d *Draft) { d.From = append(d.From, d.From...) })},
		{"CRLF in the subject", "Subject", with(func(d *Draft) { d.Subject = "x\r\nBcc: a@b" })},
		{"LF in the subject", "Subject", with(func(d *Draft) { d.Subject = "x\n" })},
		{"CR in the subject", "Subject", with(func(d *Draft) { d.Subject = "\rx" })},
		{"NUL in the subject", "Subject", with(func(d *Draft) { d.Subject = "x\x00" })},
		{"DEL in the subject", "Subject", with(func(d *Draft) { d.Subject = "x\x7f" })},
		{"subject not UTF-8", "Subject", with(func(d *Draft) { d.Subject = "x\xff" })},
		{"CRLF in a name", "To", with(func(d *Draft) { d.To = []Mailbox{{"x\r\nBcc: a@b", "a@b"}} })},
		{"CRLF in an address", "Cc", with(func(d *Draft) { d.Cc = []Mailbox{{"", "a@b\r\nBcc: c@d"}} })},
		{"CRLF in a quoted local part", "Bcc", with(func(d *Draft) { d.Bcc = []Mailbox{{"", "\"a\r\nX: y\"@b"}} })},
		{"two addresses for one", "To", with(func(d *Draft) { d.To = []Mailbox{{"", "a@b, c@d"}} })},
		{"angle brackets", "To", with(func(d *Draft) { d.To = []Mailbox{{"", "<a@b>"}} })},
		{"a closing angle bracket", "To", with(func(d *Draft) { d.To = []Mailbox{{"x", "a@b> <c@d"}} })},
		{"comment", "To", with(func(d *Draft) { d.To = []Mailbox{{"", "a@b (c)"}} })},
		{"group", "ReplyTo", with(func(d *Draft) { d.ReplyTo = []Mailbox{{"", "g:a@b;"}} })},
		{"no domain", "To", with(func(d *Draft) { d.To = []Mailbox{{"", "a"}} })},
		{"no address", "To", with(func(d *Draft) { d.To = []Mailbox{{"a", ""}} })},
		{"blank in an address", "To", with(func(d *Draft) { d.To = []Mailbox{{"", "a @b"}} })},
		{"sender without address", "Sender", with(func(d *Draft) { d.Sender = Mailbox{Name: "x"} })},
		{"address outside ASCII", "To", with(func(d *Draft) { d.To = []Mailbox{{"", "jürgen@example.org"}} })},
		{"domain outside ASCII", "From", with(func(d *Draft) { d.From = []Mailbox{{"", "a@bücher.example"}} })},
		{"giant address", "To", with(func(d *Draft) { d.To = []Mailbox{{"", strings.Repeat("x", 990) + "@b"}} })},
		{"text not UTF-8", "Text", with(func(d *Draft) { d.Text = "\xff" })},
		{"HTML not UTF-8", "HTML", with(func(d *Draft) { d.HTML = "\xff" })},
		{"year 10000", "Date", with(func(d *Draft) { d.Date = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) })},
		{"year 1899", "Date", with(func(d *Draft) { d.Date = time.Date(1899, 1, 1, 0, 0, 0, 0, time.UTC) })},
		{"message-id in brackets", "MessageID", with(func(d *Draft) { d.MessageID = "<a@b>" })},
		{"message-id without domain", "MessageID", with(func(d *Draft) { d.MessageID = "a" })},
		{"CRLF in a message-id", "MessageID", with(func(d *Draft) { d.MessageID = "a@b\r\nX: y" })},
		{"message-id with a blank", "InReplyTo", with(func(d *Draft) { d.InReplyTo = []string{"a b@c"} })},
		{"message-id with a control character", "References", with(func(d *Draft) { d.SMTPUTF8, d.References = true, []string{"a\u0085@c"} })},
		{"MessageID outside ASCII", "MessageID", with(func(d *Draft) { d.MessageID = "ö@b" })},
		{"InReplyTo outside ASCII", "InReplyTo", with(func(d *Draft) { d.InReplyTo = []string{"ö@b"} })},
		{"References outside ASCII", "References", with(func(d *Draft) { d.References = []string{"a@b", "ö@b"} })},
		{"ContentID outside ASCII", "Inline", with(func(d *Draft) { d.Inline = []Attachment{csv.WithContentID("ö@b")} })},
		{"halves of a character in two names", "To", with(func(d *Draft) { d.To = []Mailbox{{"\xc3", "a@b"}, {"\xb6", "c@d"}} })},
		{"empty message-id", "References", with(func(d *Draft) { d.References = []string{""} })},
		{"giant message-id", "References", with(func(d *Draft) { d.References = []string{strings.Repeat("x", 901)} })},
		{"own field", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"BCC", "a@b"}} })},
		{"recipients of a copy that is resent", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"resent-bcc", "a@b"}} })},
		{"MIME field", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"Content-Type", "text/plain"}} })},
		{"no field name", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"", "x"}} })},
		{"blank in a field name", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"X Y", "x"}} })},
		{"colon in a field name", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"X:Y", "x"}} })},
		{"CRLF in a field name", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"X\r\nY", "x"}} })},
		{"field name outside ASCII", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"Bçc", "x"}} })},
		{"giant field name", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{strings.Repeat("x", 77), "x"}} })},
		{"CRLF in a field", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"X", "x\r\n y"}} })},
		{"trace outside ASCII", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"Received", "from ä"}} })},
		{"no encoded word", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"X", "a =?b?= c"}} })},
		{"word too long for any line", "Extra", with(func(d *Draft) { d.Extra = []ExtraField{{"X", strings.Repeat("x", 999)}} })},
		{"CRLF in a file name", "Attachments", attach(FromBytes("a\r\nb", "", nil))},
		{"path for a file name", "Attachments", attach(FromBytes("../a", "", nil))},
		{"path for a file name", "Attachments", attach(FromBytes(`c:\a`, "", nil))},
		{"giant file name", "Attachments", attach(FromBytes(strings.Repeat("x", 1025), "", nil))},
		{"bad media type", "Attachments", attach(FromBytes("", "text", nil))},
		{"CRLF in a media type", "Attachments", attach(FromBytes("", "text/plain; x=\"\r\ny\"", nil))},
		{"giant media type", "Attachments", attach(FromBytes("", "text/"+strings.Repeat("x", 999), nil))},
		{"giant name of a parameter", "Attachments", attach(FromBytes("", "text/plain; "+strings.Repeat("x", 999)+"=y", nil))},
		{"bad parameter", "Attachments", attach(FromBytes("", "text/plain; x", nil))},
		{"multipart as a file", "Attachments", attach(FromBytes("", "multipart/mixed; boundary=x", nil))},
		{"no content", "Attachments", attach(Attachment{Name: "x"})},
		{"inline without ContentID", "Inline", with(func(d *Draft) { d.Inline = []Attachment{csv} })},
		{"bad ContentID", "Inline", with(func(d *Draft) { d.Inline = []Attachment{csv.WithContentID("a b@c")} })},
		{"ContentID without domain", "Inline", with(func(d *Draft) { d.Inline = []Attachment{csv.WithContentID("logo")} })},
		{"message with a bare CR", "Attachments", message("X: y\r\n\r\na\rb\r\n")},
		{"message with a last CR", "Attachments", message("X: y\r\n\r\na\r")},
		{"message with NUL", "Attachments", message("X: y\r\n\r\n\x00\r\n")},
		{"message with a long line", "Attachments", message("X: y\n\n" + strings.Repeat("x", 999) + "\n")},
		{"8-bit delivery status", "Attachments", attach(FromBytes("", "message/delivery-status", []byte("é")))},
		{"message that cannot be read", "Attachments", attach(Attachment{MediaType: "message/rfc822", Open: func() (io.ReadCloser, error) { return nil, io.EOF }})},
		{"message that fails", "Attachments", attach(Attachment{MediaType: "message/rfc822", Open: func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)), nil }})},
	} {
		var b bytes.Buffer
		n, err := row.draft.WriteTo(&b)
		var refused *DraftError
		require.ErrorAs(t, err, &refused, row.name)
		require.Equal(t, row.field, refused.Field, row.name)
		require.Zero(t, n, row.name)
		require.Empty(t, b.String(), row.name)
		require.NotErrorIs(t, err, io.EOF, row.name)
		require.NotRegexp(t, `[\x00-\x1f\x7f]`, err.Error(), row.name)
		if strings.HasSuffix(row.name, "outside ASCII") && row.field != "Extra" {
			require.ErrorIs(t, err, ErrNeedsSMTPUTF8)
		}
		r, err := row.draft.Reader()
		require.Error(t, err)
		require.Nil(t, r)
	}
}

func TestDraftHeader(t *testing.T) {
	t.Parallel()
	t.Run("sender only if it says something", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5322-3.6.2-1", "rfc5322-3.6.2-2", "rfc5322-3.6.2-3", "rfc5322-3.6-4")
		two := []Mailbox{{Addr: "a@example.org"}, {Addr: "b@example.org"}}
		_, err := composeAt(&Draft{From: two})
		require.Error(t, err)
		require.Contains(t, write(t, &Draft{From: two, Sender: two[0]}), "\r\nSender: a@example.org\r\n")
		require.NotContains(t, write(t, &Draft{From: two[:1], Sender: two[0]}), "\r\nSender:")
		s := write(t, &Draft{From: two[:1], Sender: two[1]})
		require.Contains(t, s, "\r\nFrom: a@example.org\r\nSender: b@example.org\r\n")
	})
	t.Run("what is absent is made", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5322-3.6.4-1", "rfc5322-3.6-5", "rfc5322-3.6.4-3", "rfc5322-3.6.4-5", "rfc5322-3.3-2")
		d := &Draft{From: me}
		a, err := d.Compose()
		require.NoError(t, err)
		b, err := d.Compose()
		require.NoError(t, err)
		require.NotEqual(t, a.MessageID(), b.MessageID())
		require.Regexp(t, `^[a-z2-7]{26}@example\.org$`, a.MessageID())
		require.WithinDuration(t, time.Now(), a.Date(), time.Minute)
		s := write(t, d)
		require.Contains(t, s, "Date: Sat, 21 Nov 2026 12:00:00 +0100\r\n")
		require.Contains(t, s, "\r\nMessage-ID: <random00000000000000000001@example.org>\r\n")
		require.Contains(t, s, "\r\nMIME-Version: 1.0\r\n")
		require.Contains(t, s, "\r\nTo: undisclosed-recipients:;\r\n")
		require.NotContains(t, s, "Subject")
	})
	t.Run("what is given is kept", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5322-3.3-3", "rfc5322-3.6.8-1", "rfc2045-4-1", "rfc5322-3.6-7")
		s := write(t, &Draft{
			From: me, To: me, MessageID: "my.id@[192.0.2.1]", Date: time.Date(2000, 2, 29, 1, 2, 3, 4, time.UTC),
			InReplyTo: []string{"a@b"}, References: []string{"a@b", "odd$id"}, Extra: []ExtraField{{"X-A", " 1 "}, {"x-b", ""}, {"X-A", "=?x?q?y?="}},
		})
		require.Contains(t, s, "Date: Tue, 29 Feb 2000 01:02:03 +0000\r\n")
		require.Contains(t, s, "\r\nMessage-ID: <my.id@[192.0.2.1]>\r\nIn-Reply-To: <a@b>\r\nReferences: <a@b> <odd$id>\r\nX-A: 1\r\nx-b: \r\nX-A: =?x?q?y?=\r\nMIME-Version: 1.0\r\n")
	})
	t.Run("an id where the domain is a literal", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, write(t, &Draft{From: []Mailbox{{Addr: "a@[192.0.2.1]"}}}), "Message-ID: <random00000000000000000001@[192.0.2.1]>")
	})
	t.Run("Bcc is never written", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5321-B-2")
		d := &Draft{From: me, To: []Mailbox{{"", "a@b"}, {"", "x@y"}}, Cc: []Mailbox{{"A", "a@b"}}, Bcc: []Mailbox{{"Secret", "secret@c"}}}
		s := write(t, d)
		require.NotContains(t, strings.ToLower(s), "secret")
		require.NotContains(t, strings.ToLower(s), "bcc")
		require.Equal(t, []string{"a@b", "x@y", "secret@c"}, d.Recipients())
		c, err := d.Compose()
		require.NoError(t, err)
		require.Equal(t, d.Recipients(), c.Recipients())
	})
	t.Run("folding", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5322-2.1.1-1", "rfc5322-2.2.3-1", "rfc5322-3.2.2-1")
		ids := make([]string, 300)
		for i := range ids {
			ids[i] = fmt.Sprintf("%040d@example.org", i)
		}
		unsubscribe := "<https://example.org/" + strings.Repeat("u", 100) + ">,   <mailto:u@example.org>"
		list := make([]Mailbox, 100)
		for i := range list {
			list[i] = Mailbox{Name: strings.Repeat("Name, ", i%4), Addr: fmt.Sprintf("user%d@example.org", i)}
		}
		d := &Draft{
			From: me, To: list, Cc: list[:1], Subject: strings.Repeat("word ", 50) + strings.Repeat("x", 200) + " end", References: ids,
			Extra: []ExtraField{{"List-Unsubscribe", unsubscribe}, {"X-Fits", strings.Repeat("y ", 34) + "yz"}, {"X-Blanks", strings.Repeat(" \t", 60) + "x" + strings.Repeat("    ", 30) + "y"}},
		}
		s := write(t, d)
		m, err := mail.ReadMessage(strings.NewReader(s))
		require.NoError(t, err)
		require.Equal(t, "<"+strings.Join(ids, "> <")+">", m.Header.Get("References"))
		got, err := m.Header.AddressList("To")
		require.NoError(t, err)
		for i, a := range got {
			require.Equal(t, list[i], Mailbox{a.Name, a.Address})
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		require.NoError(t, err)
		require.Equal(t, d.Subject, subject)
		require.Contains(t, s, "\r\nList-Unsubscribe: "+strings.Replace(unsubscribe, ",", ",\r\n", 1)+"\r\n")
		require.Contains(t, s, "\r\nX-Fits: "+strings.Repeat("y ", 34)+"yz\r\n")
		require.Contains(t, s, "\r\nX-Blanks: x\r\n"+strings.Repeat("    ", 30)+"y\r\n")
	})
}

func TestEncodedWords(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2047-2-2", "rfc2047-5-1", "rfc2047-5-12")
	for subject, want := range map[string]string{
		"plain words":            "plain words",
		"Re: Grüße an alle":      "Re: =?utf-8?b?R3LDvMOfZQ==?= an alle",
		"für dich und für mich":  "=?utf-8?b?ZsO8ciBkaWNoIHVuZCBmw7xy?= mich",
		"日本":                     "=?utf-8?b?5pel5pys?=",
		" leading":               "=?utf-8?q?_leading?=",
		"two  blanks":            "=?utf-8?q?two__blanks?=",
		"a\ttab":                 "=?utf-8?q?a=09tab?=",
		"no =?utf-8?q?word?= us": "no =?utf-8?b?PT91dGYtOD9xP3dvcmQ/PQ==?= us",
		" ":                      "=?utf-8?q?_?=",
	} {
		s := write(t, &Draft{From: me, Subject: subject})
		require.Contains(t, s, "\r\nSubject: "+want+"\r\n")
	}
	// No word splits a character, wherever the line is full.
	for pad := range 80 {
		for _, r := range []string{"é", "語", "𝄞", "é ", "x語"} {
			subject := strings.Repeat("p", pad) + strings.Repeat(r, 60)
			m, err := mail.ReadMessage(strings.NewReader(write(t, &Draft{From: me, Subject: subject})))
			require.NoError(t, err)
			var b strings.Builder
			for _, w := range strings.Fields(m.Header.Get("Subject")) {
				one, err := new(mime.WordDecoder).Decode(w)
				if err != nil {
					one = w
				}
				require.True(t, utf8.ValidString(one), "half a character: %q", one)
				b.WriteString(one)
			}
			require.Equal(t, subject, b.String())
		}
	}
}

// TestLongNameBeforeEncodedWord: an encoded-word was written behind the longest of names,
// in a line of 153 octets.
func TestLongNameBeforeEncodedWord(t *testing.T) {
	t.Parallel()
	for n := 1; n <= maxFieldName-1; n++ {
		name := "X" + strings.Repeat("-", n)
		for _, value := range []string{"é", "日本語", strings.Repeat("é", 99), "a é b", strings.Repeat("x", 80) + " é"} {
			s := write(t, &Draft{From: me, Extra: []ExtraField{{name, value}}})
			m, err := ParseBytes([]byte(s))
			require.NoError(t, err)
			require.Equal(t, DecodeText(value), m.Header().Text(name))
		}
	}
	for n := range 80 { // between two words of one's own
		write(t, &Draft{From: me, Extra: []ExtraField{{"X-Text", strings.Repeat("x", n) + " =?utf-8?q?" + strings.Repeat("x", 20) + "?="}}})
	}
}

// TestLongAddressWithoutName: the first token was folded, and half of the line end was
// left.
func TestLongAddressWithoutName(t *testing.T) {
	t.Parallel()
	addr := strings.Repeat("a", 64) + "@example.org"
	b, err := Mailbox{Addr: addr}.Append(nil)
	require.NoError(t, err)
	require.Equal(t, addr, string(b))
}

// TestDateInOddZone: the seconds of a zone were dropped, and the date said another time.
func TestDateInOddZone(t *testing.T) {
	t.Parallel()
	for _, east := range []int{19*60 + 32, -90, 24 * 3600, -100 * 3600} {
		date := time.Date(1930, 1, 1, 0, 0, 0, 0, time.FixedZone("", east))
		m, err := ParseBytes([]byte(write(t, &Draft{From: me, Date: date})))
		require.NoError(t, err)
		got, err := m.Header().Date()
		require.NoError(t, err)
		require.True(t, got.Equal(date), "%v, not %v", got, date)
	}
}

// TestRecipientsOfALongList: comparing each with all others took minutes.
func TestRecipientsOfALongList(t *testing.T) {
	t.Parallel()
	d := &Draft{}
	for i := range 200_000 {
		d.To = append(d.To, Mailbox{Addr: fmt.Sprintf("user%06d@example.org", i%100_000)})
	}
	require.Len(t, d.Recipients(), 100_000)
}

func TestMailboxAppend(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2047-5-3", "rfc2047-5-4", "rfc2047-5-5", "rfc5322-3.4.1-2")
	for _, row := range []struct {
		box  Mailbox
		want string
	}{
		{Mailbox{"", "jo@example.org"}, "jo@example.org"},
		{Mailbox{"Jo Doe", "jo@example.org"}, "Jo Doe <jo@example.org>"},
		{Mailbox{"Doe, Jo", "jo@example.org"}, `"Doe, Jo" <jo@example.org>`},
		{Mailbox{`J. "Q" \o/`, "jo@example.org"}, `"J. \"Q\" \\o/" <jo@example.org>`},
		{Mailbox{"Jürgen", "jo@example.org"}, "=?utf-8?q?J=C3=BCrgen?= <jo@example.org>"},
		{Mailbox{" x", "jo@example.org"}, "=?utf-8?q?_x?= <jo@example.org>"},
		{Mailbox{"=?x?q?y?=", "jo@example.org"}, "=?utf-8?b?PT94P3E/eT89?= <jo@example.org>"},
		{Mailbox{"x", `"jo doe"@example.org`}, `x <"jo doe"@example.org>`},
		{Mailbox{strings.Repeat("long, name ", 9), "jo@[192.0.2.1]"}, "=?utf-8?q?long=2C_name_long=2C_name_long=2C_name_long=2C_name_long=2C_nam?= =?utf-8?q?e_long=2C_name_long=2C_name_long=2C_name_long=2C_name_?= <jo@[192.0.2.1]>"},
	} {
		got, err := row.box.Append([]byte("To: "))
		require.NoError(t, err)
		require.Equal(t, "To: "+row.want, string(got))
	}
	for _, box := range []Mailbox{{"x\n", "a@b"}, {"x\xff", "a@b"}, {"", "a@b\r\nc"}, {"", ""}, {"", "jürgen@b"}} {
		got, err := box.Append([]byte("To: "))
		require.Error(t, err)
		require.Equal(t, "To: ", string(got))
	}
}

func TestSMTPUTF8(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6532-3.6-1", "rfc6532-4-1")
	d := &Draft{
		From: []Mailbox{{"Jürgen, der Größte", "jürgen@bücher.example"}}, To: []Mailbox{{"Jürgen Müller", "a@b"}}, SMTPUTF8: true,
		Subject: "Grüße " + strings.Repeat("ü", 600), Extra: []ExtraField{{"X-Note", "ümlaut"}},
		Attachments: []Attachment{FromBytes("ä.txt", "", nil)},
	}
	c, err := composeAt(d)
	require.NoError(t, err)
	require.True(t, c.NeedsSMTPUTF8())
	require.True(t, c.Needs8BitMIME())
	s := write(t, d)
	require.Contains(t, s, "\r\nFrom: \"Jürgen, der Größte\" <jürgen@bücher.example>\r\nTo: Jürgen Müller <a@b>\r\nSubject: Grüße")
	require.Contains(t, s, "\r\nX-Note: ümlaut\r\n")
	require.Contains(t, s, "filename*=utf-8''%C3%A4.txt")
	require.Contains(t, s, "@bücher.example>\r\n")

	// Allowed, but not needed.
	d.From, d.To = me, me
	c, err = composeAt(d)
	require.NoError(t, err)
	require.False(t, c.NeedsSMTPUTF8())
	write(t, d)
	d.Bcc = []Mailbox{{"", "ö@b"}}
	c, err = composeAt(d)
	require.NoError(t, err)
	require.True(t, c.NeedsSMTPUTF8(), "the envelope needs it")
	d.Bcc, d.References = nil, []string{"ö@b"}
	c, err = composeAt(d)
	require.NoError(t, err)
	require.True(t, c.NeedsSMTPUTF8(), "a message-id needs it")
}
