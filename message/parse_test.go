package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// shape writes a message's parts in one line: type{children}, a leaf with its
// body.
func shape(m *Message) string {
	var b strings.Builder
	var write func(p *Part)
	write = func(p *Part) {
		b.WriteString(p.MediaType())
		if p.children == 0 {
			body, _ := p.AppendBody(nil)
			fmt.Fprintf(&b, " %q", body)
			return
		}
		b.WriteString("{")
		for c := range p.Children() {
			if c.number > 1 {
				b.WriteString(", ")
			}
			write(c)
		}
		b.WriteString("}")
	}
	write(m.Root())
	return b.String()
}

func kinds(m *Message) (list []DefectKind) {
	for _, d := range m.Defects() {
		list = append(list, d.Kind)
	}
	return list
}

// TestStructure says how each message, most of them broken, is taken apart.
func TestStructure(t *testing.T) {
	t.Parallel()
	const mixed = "Content-Type: multipart/mixed; boundary=aa\n\n"
	for _, test := range []struct {
		name, message, shape string
		defects              []DefectKind
	}{
		{"nothing", "", `text/plain ""`, nil},
		{"a header only", "Subject: x\n", `text/plain ""`, nil},
		{"a header without its line end", "Content-Type: text/html", `text/html ""`, nil},
		{"a body only", "\nbody", `text/plain "body"`, nil},
		{"no boundary line", "Subject: x\n\n--aa\n", `text/plain "--aa\r\n"`, nil},
		{"no empty line before the first boundary line", "Content-Type: multipart/mixed; boundary=aa\nSubject: x\n--ab\n--aa\n\none\n--aa--\n", `multipart/mixed{text/plain "one"}`, []DefectKind{BadHeaderLine, BadHeaderLine}},
		{"two parts", mixed + "before\n--aa\n\none\n--aa\nContent-Type: text/html\n\ntwo\n\n--aa--\nbehind\n", `multipart/mixed{text/plain "one", text/html "two\r\n"}`, nil},
		{"a part without a body", mixed + "--aa\nContent-Type: text/html\n--aa--\n", `multipart/mixed{text/html ""}`, nil},
		{"a part with nothing", mixed + "--aa\n--aa\n\nx\n--aa\n--aa--\n", `multipart/mixed{text/plain "x"}`, nil},
		{"an empty part", mixed + "--aa\n\n--aa\n\n\n--aa--\n", `multipart/mixed{text/plain "", text/plain ""}`, nil},
		{"blanks behind the boundary", mixed + "--aa \t\n\nx\n--aa-- \n", `multipart/mixed{text/plain "x"}`, nil},
		{"a boundary is the beginning of a line", mixed + "--aa\n\nx\n--aab\n--a\n --aa\n--aa--b\n--aa--", `multipart/mixed{text/plain "x\r\n--aab\r\n--a\r\n --aa\r\n--aa--b"}`, []DefectKind{FalseBoundary}},
		{"more behind the closing line", mixed + "--aa\n\nx\n--aa--\n--aa\n\ny\n--aa--\n", `multipart/mixed{text/plain "x"}`, nil},
		{"no closing line", mixed + "--aa\n\nx\n--aa\n\ny", `multipart/mixed{text/plain "x", text/plain "y"}`, []DefectKind{MissingCloseBoundary}},
		{"cut in a header", mixed + "--aa\n\nx\n--aa\nContent-Ty", `multipart/mixed{text/plain "x", text/plain "Content-Ty"}`, []DefectKind{BadHeaderLine, MissingCloseBoundary}},
		{
			"an inner multipart not closed",
			mixed + "--aa\nContent-Type: multipart/alternative; boundary=bb\n\n--bb\n\none\n--aa\n\ntwo\n--aa--\n",
			`multipart/mixed{multipart/alternative{text/plain "one"}, text/plain "two"}`,
			[]DefectKind{MissingCloseBoundary},
		},
		{
			"an inner header cut by an outer boundary",
			mixed + "--aa\nContent-Type: message/rfc822\n\nSubject: x\n--aa\n\ntwo\n--aa--\n",
			`multipart/mixed{message/rfc822{text/plain ""}, text/plain "two"}`,
			nil,
		},
		{
			"inner and outer boundary the same",
			mixed + "--aa\nContent-Type: multipart/alternative; boundary=aa\n\n--aa\n\none\n--aa--\n--aa\n\ntwo\n--aa--\n",
			`multipart/mixed{multipart/alternative{text/plain "one"}, text/plain "two"}`,
			[]DefectKind{DuplicateBoundary},
		},
		{"no boundary parameter", "Content-Type: multipart/mixed\n\n--aa\n\nx\n--aa--\n", `multipart/mixed "--aa\r\n\r\nx\r\n--aa--\r\n"`, []DefectKind{MissingBoundary}},
		{"an empty boundary", "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n----\n", `multipart/mixed "--\r\n\r\nx\r\n----\r\n"`, []DefectKind{MissingBoundary}},
		{"a closing line only", mixed + "--aa--\n", `multipart/mixed "--aa--\r\n"`, []DefectKind{EmptyMultipart}},
		{"a boundary of blanks and dashes", "Content-Type: multipart/mixed; boundary=\"- -\"\n\n--- -\n\nx\n--- ---\n", `multipart/mixed{text/plain "x"}`, nil},
		{"a quoted boundary with a quoted pair", "Content-Type: multipart/mixed; boundary=\"a\\a\"\n\n--aa\n\nx\n--aa--\n", `multipart/mixed{text/plain "x"}`, nil},
		{"a boundary in RFC 2231", "Content-Type: multipart/mixed; boundary*0=a; boundary*1=a\n\n--aa\n\nx\n--aa--\n", `multipart/mixed{text/plain "x"}`, nil},
		{"an encoded multipart", "Content-Transfer-Encoding: base64\n" + mixed + "--aa\n\nx\n--aa--\n", `multipart/mixed{text/plain "x"}`, []DefectKind{BadTransferEncoding}},
		{"a digest", "Content-Type: multipart/digest; boundary=aa\n\n--aa\n\nSubject: one\n\n1\n--aa\nContent-Type: text/plain\n\n2\n--aa--\n", `multipart/digest{message/rfc822{text/plain "1"}, text/plain "2"}`, nil},
		{"a message", "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\n\nx\n", `message/rfc822{message/rfc822{text/plain "x\r\n"}}`, nil},
		{"an encoded message", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nCng=\n", `message/rfc822 "\nx"`, []DefectKind{BadTransferEncoding}},
		{"no colon", "this is bad\nContent-Type: text/html\nso is this\n\nx", `text/html "x"`, []DefectKind{BadHeaderLine, BadHeaderLine}},
		{"no colon in a part", mixed + "--aa\nContent-Type: text/html\nbad\n\none\n--aa\n\ntwo\n--aa--\n", `multipart/mixed{text/html "one", text/plain "two"}`, []DefectKind{BadHeaderLine}},
		{"a parameter not indented", mixed + "--aa\nContent-Type: text/html;\nname=\"x\"\n\none\n--aa--\n", `multipart/mixed{text/html "one"}`, []DefectKind{BadHeaderLine}},
		{"text in place of a part's header", mixed + "--aa\none\ntwo\n--aa\nthree\n\nfour\n--aa--\n", `multipart/mixed{text/plain "one\r\ntwo", text/plain "three\r\n\r\nfour"}`, []DefectKind{BadHeaderLine, BadHeaderLine}},
		{"text in place of a header", "one\n\n two", `text/plain "one\r\n\r\n two"`, []DefectKind{BadHeaderLine}},
		{"text in place of a header, and no more", "one", `text/plain "one"`, []DefectKind{BadHeaderLine}},
		{"text in place of a message's header", mixed + "--aa\nContent-Type: message/rfc822\n\n one\ntwo\n--aa--\n", `multipart/mixed{message/rfc822{text/plain " one\r\ntwo"}}`, []DefectKind{BadHeaderLine}},
		{"a byte order mark", "\ufeffContent-Type: text/html\n\nx", `text/html "x"`, []DefectKind{BadHeaderLine}},
		{"a byte order mark before text", "\ufeffx", `text/plain "\ufeffx"`, []DefectKind{BadHeaderLine}},
		{"a byte order mark behind the beginning", "X: y\n\ufeffContent-Type: text/html\n\nx", `text/plain "x"`, []DefectKind{BadHeaderLine}},
		{"a boundary not indented", "Content-Type: multipart/mixed;\ncharset=x;\nboundary=aa\n\n--aa\n\none\n--aa--\n", `multipart/mixed{text/plain "one"}`, []DefectKind{BadHeaderLine, BadHeaderLine}},
		{"no parameter behind a semicolon", "Content-Type: multipart/mixed; boundary=aa;\n=bb\n\n--aa\n\none\n--aa--\n", `multipart/mixed{text/plain "one"}`, []DefectKind{BadHeaderLine}},
		{"no semicolon before a parameter", "Content-Type: multipart/mixed\nboundary=aa\n\nx", `multipart/mixed "x"`, []DefectKind{MissingBoundary, BadHeaderLine}},
		{"no field before a parameter", "boundary=aa\nX: y;\nboundary=aa\n\nx", `text/plain "x"`, []DefectKind{BadHeaderLine, BadHeaderLine}},
		{"a mailbox file's From line", "From me Thu Jan  1\nContent-Type: text/html\n\nx", `text/html "x"`, []DefectKind{BadHeaderLine}},
		{"a blank in a field's name", "some thing: x\nContent-Type : text/html\n\nx", `text/html "x"`, []DefectKind{BadHeaderLine}},
		{"8-bit in a field's name", "Grö\xdfe: x\nContent-Type: text/html\n\nx", `text/html "x"`, []DefectKind{BadHeaderLine}},
		{"a continuation first", " x\nContent-Type: text/html\n\nx", `text/html "x"`, []DefectKind{BadHeaderLine}},
		{"a line of blanks in the header", "Subject: x\n \nContent-Type: text/html\n\nx", `text/html "x"`, nil},
		{"CR CR LF", "Content-Type: text/html\r\nSubject: x\r\n\r\nx", `text/html "x"`, nil},
		{"Content-Type twice", "Content-Type: text/html\nContent-Type: text/plain\n\nx", `text/html "x"`, []DefectKind{DuplicateField}},
		{"From twice", "From: a@example.org\nfrom: b@example.org\n\nx", `text/plain "x"`, []DefectKind{DuplicateField}},
		{"a Content-Type without subtype", "Content-Type: html\n\nx", `text/plain "x"`, []DefectKind{BadContentType}},
		{"an unknown encoding", "Content-Transfer-Encoding: x-foo\n\nx=20", `text/plain "x=20"`, []DefectKind{BadTransferEncoding}},
		{"an encoding with a parameter", "Content-Transfer-Encoding: quoted-printable; x=y\n\nx=20y", `text/plain "x y"`, []DefectKind{BadTransferEncoding}},
		{"an encoding with a comment", "Content-Transfer-Encoding: (x) Quoted-Printable (y)\n\nx=20y", `text/plain "x y"`, nil},
		{"a long line in the preamble", mixed + strings.Repeat("-", 10000) + "\n--aa\n\nx\n--aa--\n", `multipart/mixed{text/plain "x"}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := crlf(test.message)
			m := checkAll(t, b, Parser{}, 16, 1500)
			require.Equal(t, test.shape, shape(m))
			require.Equal(t, test.defects, kinds(m))

			// The same with LF only.
			m = checkAll(t, []byte(strings.ReplaceAll(string(b), "\r\n", "\n")), Parser{}, 16, 1500)
			require.Equal(t, strings.ReplaceAll(test.shape, `\r\n`, `\n`), shape(m))
		})
	}
}

func TestMixedLineEnds(t *testing.T) {
	t.Parallel()
	b := []byte("Content-Type: multipart/mixed; boundary=aa\r\r\nSubject: x\n\r\r\n--aa\n\r\none\n--aa\r\n\ntwo\r\n--aa--\n")
	m := checkAll(t, b, Parser{}, 16)
	require.Equal(t, `multipart/mixed{text/plain "one", text/plain "two"}`, shape(m))
	require.Equal(t, []Defect{{BareLF, 55, "TEXT"}}, m.Defects())
}

func TestPath(t *testing.T) {
	t.Parallel()
	m, err := ParseBytes(crlf("Content-Type: multipart/mixed; boundary=aa\n\n" +
		"--aa\n\none\n" +
		"--aa\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=bb\n\n" +
		"--bb\n\ntwo\n" +
		"--bb\nContent-Type: multipart/mixed; boundary=cc\n\n--cc\n\nthree\n--cc--\n" +
		"--bb--\n" +
		"--aa\nContent-Type: message/rfc822\n\nSubject: x\n\nfour\n" +
		"--aa--\n"))
	require.NoError(t, err)
	var paths []string
	for p := range m.Parts() {
		paths = append(paths, p.Path())
	}
	require.Equal(t, []string{"TEXT", "1", "2", "2.TEXT", "2.1", "2.2", "2.2.1", "3", "3.1"}, paths)
	for _, path := range []string{"", "0", "4", "x", "1.1", "1.TEXT", "2.3", "3.TEXT", "3.2", "3.1.1", "TEXT.1", "-1", "2..1"} {
		require.Nil(t, m.Part(path), "%q", path)
	}
	m, err = ParseBytes([]byte("\r\nx"))
	require.NoError(t, err)
	require.Same(t, m.Root(), m.Part("1"))
}

// TestDefects says where each defect is found, and that a strict parser refuses
// the message for it.
func TestDefects(t *testing.T) {
	t.Parallel()
	const base64 = "Content-Transfer-Encoding: base64\r\n\r\n"
	for _, test := range []struct {
		message string
		want    Defect
	}{
		{"A: b\r\nbad\r\n\r\n", Defect{BadHeaderLine, 6, "1"}},
		{"To: a@b\r\nto: a@b\r\n\r\n", Defect{DuplicateField, 9, "1"}},
		{"A: b\nC: d\n\n\n", Defect{BareLF, 4, "1"}},
		{"A: b\r\n\r\nx\ny", Defect{BareLF, 9, "1"}},
		{"A: b\r\n\r\n\n", Defect{BareLF, 8, "1"}},
		{"A: b\rc\r\n\r\n", Defect{BareCR, 4, "1"}},
		{"A: b\r\n\r\nx\r", Defect{BareCR, 9, "1"}},
		{"A: b\r\n\r\n\r\r\n", Defect{BareCR, 8, "1"}},
		{"A: b\r\n\r\nx\x00y", Defect{NUL, 9, "1"}},
		{"A: \x00\r\n\r\n", Defect{NUL, 3, "1"}},
		{"A: b\r\n\r\n" + strings.Repeat("x", 999), Defect{LongLine, 8, "1"}},
		{"A: \xff\r\n\r\n", Defect{BadHeaderText, 3, "1"}},
		{"A: b\r\n\r\nx\xc3\xa4", Defect{EightBitBody, 9, "1"}},
		{"Content-Type: text/plain; x\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Disposition: a; x=a b\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Disposition: ;x=a\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Type: text/plain" + strings.Repeat(";\r\n x=y", 201) + "\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Type: text/plain; charset=utf-8; CHARSET=us-ascii\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Type: text/plain; charset=utf-8; charset*=us-ascii''us-ascii\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Type: text/plain; name*0=a; name*1=b; name*1=c\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Type: text/plain; name*0=a; name*=utf-8''c\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Type: text/plain; name*0=a; name*999=b\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"Content-Disposition: attachment; filename=\"x=?=?utf-8?q?a?=\"\r\n\r\n", Defect{BadParameters, 0, "1"}},
		{"A: b\r\n\t\r\n \r\n\r\n", Defect{BlankHeaderLine, 6, "1"}},
		{"From : a@b\r\n\r\n", Defect{BlankBeforeColon, 0, "1"}},
		{"To:\r\n\r\n", Defect{BadAddress, 0, "1"}},
		{"Sender: a@b, c@d\r\n\r\n", Defect{BadAddress, 0, "1"}},
		{"Sender: a: b@c;\r\n\r\n", Defect{BadAddress, 0, "1"}},
		{"Content-Type: multipart/mixed; boundary=aa\r\n\r\n--aa\r\n\r\nx\r\n--aa--\r\n--aa--b\r\n--aa \r\n\r\ny\r\n--aa--", Defect{BoundaryBehindClose, 74, "TEXT"}},
		{"Content-Type: multipart/mixed; boundary=aa\r\n\r\n--aa\r\n\r\nx\r\n--aa--\r\n" + strings.Repeat("y", maxDelimiterLine) + "--aa", Defect{LongLine, 65, "TEXT"}},
		{"Content-Type: text/plain; charset=foo\r\n\r\n", Defect{UnknownCharset, 41, "1"}},
		{base64 + "QQ", Defect{BadBase64, 37, "1"}},
		{base64 + "QQ=", Defect{BadBase64, 37, "1"}},
		{base64 + "QQ==QQ==", Defect{BadBase64, 37, "1"}},
		{base64 + "QUJD-", Defect{BadBase64, 37, "1"}},
		{base64 + "=", Defect{BadBase64, 37, "1"}},
		{"Content-Transfer-Encoding: quoted-printable\r\n\r\n=4", Defect{BadQuotedPrintable, 47, "1"}},
		{"From: a\r\n\r\n", Defect{BadAddress, 0, "1"}},
		{"Date: now\r\n\r\n", Defect{BadDate, 0, "1"}},
	} {
		b := []byte(test.message)
		m := checkAll(t, b, Parser{Thorough: true}, 64)
		require.Equal(t, []Defect{test.want}, m.Defects(), "%.60q", test.message)
		_, err := (&Parser{Strict: true}).ParseBytes(b)
		require.Equal(t, test.want, err, "%.60q", test.message)
	}
}

func TestStrictTakesGoodMail(t *testing.T) {
	t.Parallel()
	m, err := (&Parser{Strict: true}).ParseBytes(typicalMessage())
	require.NoError(t, err)
	require.Empty(t, m.Defects())
	for _, header := range []string{
		"Content-Disposition: attachment; filename=\"a =?.txt\"; filename*=utf-8''%C3%A4.txt", "Bcc:", "To: a:;", "Sender: a@b",
	} {
		_, err = (&Parser{Strict: true}).ParseBytes([]byte(header + "\r\n\r\n"))
		require.NoError(t, err, header)
	}
	// A binary body has no lines.
	_, err = (&Parser{Strict: true}).ParseBytes([]byte("Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\r\n\n\r\xff"))
	require.NoError(t, err)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	parts := func(n int) string {
		return "Content-Type: multipart/mixed; boundary=aa\n\n" + strings.Repeat("--aa\n\nx\n", n) + "--aa--\n"
	}
	for _, test := range []struct {
		name    string
		message string
		limits  Limits
		parts   int
		defects []DefectKind
	}{
		{"depth reached", nestedMessage(4), Limits{Depth: 4}, 5, nil},
		{"depth crossed", nestedMessage(5), Limits{Depth: 4}, 5, []DefectKind{TooDeep}},
		{"default depth reached", nestedMessage(100), Limits{}, 101, nil},
		{"default depth crossed", nestedMessage(101), Limits{}, 101, []DefectKind{TooDeep}},
		{"parts reached", parts(4), Limits{Parts: 5}, 5, nil},
		{"parts crossed", parts(6), Limits{Parts: 5}, 6, []DefectKind{TooManyParts}},
		{"default parts reached", parts(9_999), Limits{}, 10_000, nil},
		{"default parts crossed", parts(10_001), Limits{}, 10_001, []DefectKind{TooManyParts}},
		{"header reached", "Subject: 89\n\nx", Limits{HeaderBytes: 15}, 1, nil},
		{"header crossed", "Subject: 890\n\nx", Limits{HeaderBytes: 13}, 1, []DefectKind{HeaderTooLong}},
		{"default header reached", "A: " + strings.Repeat("x", 1<<20-7) + "\n\nx", Limits{}, 1, nil},
		{"default header crossed", "A: " + strings.Repeat("x", 1<<20-4) + "\n\nx", Limits{}, 1, []DefectKind{HeaderTooLong}},
		{"fields reached", "A: b\nC: d\n\nx", Limits{Fields: 2}, 1, nil},
		{"fields crossed", "A: b\nC: d\nContent-Type: multipart/mixed; boundary=x\n\nx", Limits{Fields: 2}, 1, []DefectKind{TooManyFields}},
		{"default fields reached", strings.Repeat("A: b\n", 10_000) + "\nx", Limits{}, 1, nil},
		{"default fields crossed", strings.Repeat("A: b\n", 10_001) + "\nx", Limits{}, 1, []DefectKind{TooManyFields}},
		{"defects", "Subject: x\n" + strings.Repeat("bad\n", 5), Limits{Defects: 3}, 1, []DefectKind{BadHeaderLine, BadHeaderLine, BadHeaderLine}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := crlf(test.message)
			m := checkAll(t, b, Parser{Limits: test.limits}, 64)
			require.Len(t, m.parts, test.parts)
			require.Equal(t, test.defects, kinds(m))
		})
	}
}

// TestAllHeadersTogether crosses the limits for all headers of a message.
func TestAllHeadersTogether(t *testing.T) {
	t.Parallel()
	message := crlf("Content-Type: multipart/mixed; boundary=aa\n\n" + strings.Repeat("--aa\nA: 45678\n\nx\n", 40) + "--aa--\n")
	m := checkAll(t, message, Parser{Limits: Limits{Fields: 3}}, 64)
	require.Equal(t, TooManyFields, m.Defects()[0].Kind)
	require.Len(t, m.fields, 24)
	m = checkAll(t, message, Parser{Limits: Limits{HeaderBytes: 50}}, 64)
	require.Equal(t, HeaderTooLong, m.Defects()[0].Kind)
	total := 0
	for p := range m.Parts() {
		total += len(p.Header().Raw())
	}
	require.InDelta(t, 400, total, 12)
}

// nestedMessage nests that many multiparts and messages in turn around a leaf.
func nestedMessage(depth int) string {
	var b, tail strings.Builder
	closing := make([]string, 0, depth)
	for i := range depth {
		if i%2 == 0 {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
			closing = append(closing, fmt.Sprintf("--b%d--\n", i))
		} else {
			b.WriteString("Content-Type: message/rfc822\n\n")
		}
	}
	b.WriteString("\nleaf\n")
	for i := len(closing) - 1; i >= 0; i-- {
		tail.WriteString(closing[i])
	}
	return b.String() + tail.String()
}

func TestNested(t *testing.T) {
	t.Parallel()
	inner := "Subject: inner\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: inm=6Fst\r\n\r\nx"
	b := []byte("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	b = append(b, base64Lines([]byte(inner))...)
	parser := Parser{Limits: Limits{Depth: 3}}
	m, err := parser.ParseBytes(b)
	require.NoError(t, err)
	m, err = m.Root().Nested()
	require.NoError(t, err)
	require.Equal(t, "inner", m.Header().Subject())
	m, err = m.Root().Nested()
	require.NoError(t, err)
	require.Equal(t, "inmost", m.Header().Subject())
	m, err = m.Root().Nested()
	require.Nil(t, m)
	require.Equal(t, Defect{TooDeep, 0, "1"}, err)
}

// failingAt fails when an octet behind n is read.
type failingAt struct {
	io.ReaderAt
	n int64
}

var errDisk = errors.New("disk on fire")

func (f failingAt) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.n {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	b := typicalMessage()
	size := int64(len(b))
	_, err := Parse(failingAt{bytes.NewReader(b), size - 1}, size)
	require.ErrorIs(t, err, errDisk)
	_, err = Parse(bytes.NewReader(b), size+1)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	m, err := Parse(bytes.NewReader(b), size)
	require.NoError(t, err)
	m.src = failingAt{bytes.NewReader(b), 1000}
	leaf := m.Part("2")
	_, err = io.ReadAll(leaf.Open())
	require.ErrorIs(t, err, errDisk)
	_, err = io.Copy(io.Discard, leaf.Open())
	require.ErrorIs(t, err, errDisk)
	_, err = io.ReadAll(leaf.Text())
	require.ErrorIs(t, err, errDisk)
	_, err = leaf.AppendBody(nil)
	require.ErrorIs(t, err, errDisk)
	_, err = leaf.AppendText(nil)
	require.ErrorIs(t, err, errDisk)
	_, err = leaf.Nested()
	require.ErrorIs(t, err, errDisk)
}

// fewReads fails from the nth read on.
type fewReads struct {
	io.ReaderAt
	left *int
}

func (f fewReads) ReadAt(p []byte, off int64) (int, error) {
	if *f.left--; *f.left < 0 {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

// TestReadErrorsThorough has each read fail of those that a thorough parse makes.
func TestReadErrorsThorough(t *testing.T) {
	t.Parallel()
	b := append(typicalMessage(), "an epilogue\r\n"...)
	parser := Parser{Thorough: true}
	for n := 0; ; n++ {
		left := n
		m, err := parser.Parse(fewReads{bytes.NewReader(b), &left}, int64(len(b)))
		if left >= 0 {
			require.NoError(t, err)
			require.Greater(t, n, 20)
			return
		}
		require.ErrorIs(t, err, errDisk)
		require.Nil(t, m)
	}
}

// TestWindow parses a message with many lines that might be boundaries.
func TestWindow(t *testing.T) {
	t.Parallel()
	b := append(typicalMessage(), bytes.Repeat([]byte("-- \r\n--x\r\n"), 20_000)...)
	want, err := ParseBytes(b)
	require.NoError(t, err)
	m, err := Parse(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	require.Equal(t, outlines(want), outlines(m))
	require.NoError(t, iotest.TestReader(m.Part("1.1").Open(), mustBody(t, want.Part("1.1"))))
	require.NoError(t, iotest.TestReader(m.Part("1.2").Text(), mustBody(t, want.Part("1.2"))))
}

func mustBody(t *testing.T, p *Part) []byte {
	b, err := p.AppendBody(nil)
	require.NoError(t, err)
	return b
}
