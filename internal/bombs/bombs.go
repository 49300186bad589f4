// Package bombs has messages made to cost whoever reads them more than their size, for
// tests and measurements only.
package bombs

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Bomb is a kind of message made to cost more than its size.
type Bomb struct {
	Name string
	make func(n int) string
}

// Make returns the message, of about n octets.
func (b Bomb) Make(n int) []byte { return []byte(b.make(n)) }

// All are all bombs.
var All = []Bomb{
	{"nested multiparts not closed", func(n int) string {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%07d\r\n\r\n--b%07d\r\n", i, i)
		}
		return b.String()
	}},
	{"nested messages", func(n int) string {
		return repeatTo(n, "Content-Type: message/rfc822\r\n\r\n")
	}},
	{"empty parts", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeatTo(n, "--b\r\n")
	}},
	{"small parts", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeatTo(n, "--b\r\n\r\n")
	}},
	{"lines that might be boundaries of many open multiparts", func(n int) string {
		var b strings.Builder
		for i := 0; b.Len() < n/2; i++ {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%07d\r\n\r\n--b%07d\r\n", i, i)
		}
		return b.String() + "\r\n" + repeatTo(n/2, "--b\r\n")
	}},
	{"dashes", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + repeatTo(n, "-")
	}},
	{"dashes and letters", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + repeatTo(n, "a-")
	}},
	{"long lines that might be boundaries", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=" + strings.Repeat("b", 900) + "\r\n\r\n" + repeatTo(n, "--"+strings.Repeat("b", 899)+"\r\n")
	}},
	{"parts of text in place of a header", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeatTo(n, "--b\r\na\r\na\r\n")
	}},
	{"closed multiparts", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeatTo(n, "--b\r\nContent-Type: multipart/a; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n")
	}},
	{"boundary lines behind the closing one", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n" + repeatTo(n, "--b\r\n")
	}},
	{"fields", func(n int) string { return repeatTo(n, "a:\r\n") }},
	{"fields in parts", func(n int) string {
		return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeatTo(n, "--b\r\n"+strings.Repeat("a:\r\n", 1000))
	}},
	{"lines that are no fields", func(n int) string { return repeatTo(n, "a\n") }},
	{"continuations", func(n int) string { return "a: b\r\n" + repeatTo(n, " \r\n") }},
	{"one line", func(n int) string { return repeatTo(n, "a") }},
	{"parameters", func(n int) string { return "Content-Type: a/b" + repeatTo(n, ";a=b") + "\r\n\r\n" }},
	{"RFC 2231 continuations", func(n int) string {
		var b strings.Builder
		b.WriteString("Content-Type: multipart/mixed")
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, ";\r\n a*%d=x", i)
		}
		return b.String() + "\r\n\r\n"
	}},
	{"comments in parameters", func(n int) string { return "Content-Type: multipart/mixed" + repeatTo(n, ";a(") + "\r\n\r\n" }},
	{"comments behind values", func(n int) string { return "Content-Type: multipart/mixed" + repeatTo(n, `;a="x"(`) + "\r\n\r\n" }},
	{"comments before the type", func(n int) string { return "Content-Type: " + repeatTo(n, "(") + "\r\n\r\n" }},
	{"blanks before a comment", func(n int) string { return "Content-Type: x" + repeatTo(n, " ") + "y(z)\r\n\r\n" }},
	{"encoded words", func(n int) string { return "Subject: " + repeatTo(n, "=?utf-8?q?a?= ") + "\r\n\r\n" }},
	{"encoded words not closed", func(n int) string { return "Subject: " + repeatTo(n, "=?utf-8?q?a") + "\r\n\r\n" }},
	{"encoded words of one letter", func(n int) string { return "Subject: " + repeatTo(n, "=?a?q?") + "?=\r\n\r\n" }},
	{"encoded words of many charsets", func(n int) string {
		return "Subject: " + repeatTo(n, "=?utf-8?q?a?= =?big5?q?a?= =?x?q?a?= ") + "\r\n\r\n"
	}},
	{"addresses", func(n int) string { return "To: " + repeatTo(n, "a@b, ") + "\r\n\r\n" }},
	{"address fields", func(n int) string { return repeatTo(n, "To: a@b\r\n") }},
	{"groups", func(n int) string { return "To: " + repeatTo(n, "a:;") + "\r\n\r\n" }},
	{"colons", func(n int) string { return "To: " + repeatTo(n/2, "a ") + "@" + repeatTo(n/2, ":") + "\r\n\r\n" }},
	{"comments", func(n int) string { return "To: " + repeatTo(n, "(") + "\r\n\r\n" }},
	{"comments and addresses", func(n int) string { return "To: " + repeatTo(n, "(a)b@c") + "\r\n\r\n" }},
	{"quotes", func(n int) string { return "To: " + repeatTo(n, `"\`) + "\r\n\r\n" }},
	{"brackets", func(n int) string { return "To: " + repeatTo(n, `[`) + "\r\n\r\n" }},
	{"angles", func(n int) string { return "To: " + repeatTo(n, `<`) + "\r\n\r\n" }},
	{"words", func(n int) string { return "To: " + repeatTo(n, `a `) + "\r\n\r\n" }},
	{"ats", func(n int) string { return "To: " + repeatTo(n, `a@`) + "\r\n\r\n" }},
	{"dots", func(n int) string { return "To: a@b" + repeatTo(n, `.`) + "\r\n\r\n" }},
	{"routes", func(n int) string { return "To: " + repeatTo(n, `<@a`) + "\r\n\r\n" }},
	{"routes of a list", func(n int) string { return "To: " + repeatTo(n, `<@,`) + "\r\n\r\n" }},
	{"routes before one angle", func(n int) string { return "To: " + repeatTo(n, `<@,`) + ">\r\n\r\n" }},
	{"comments in angles", func(n int) string { return "To: " + repeatTo(n, `<(,`) + "\r\n\r\n" }},
	{"encoded words in addresses", func(n int) string { return "To: " + repeatTo(n, `=?a?q? `) + "?=\r\n\r\n" }},
	{"addresses without commas", func(n int) string { return "To: " + repeatTo(n, `<a@b>c@d e@f `) + "\r\n\r\n" }},
	{"routes in pieces", func(n int) string { return "To: <" + repeatTo(n, `@a:`) + "\r\n\r\n" }},
	{"routes in pieces and comments", func(n int) string { return "To: <" + repeatTo(n, `@a:(`) + "\r\n\r\n" }},
	{"URLs for addresses", func(n int) string { return "To: " + repeatTo(n, `<mailto:`) + "\r\n\r\n" }},
	{"literals", func(n int) string { return "To: " + repeatTo(n, `a@[\`) + "\r\n\r\n" }},
	{"trace fields", func(n int) string {
		return "Received: from a (" + repeatTo(n/2, "helo ") + ") " + repeatTo(n/2, "for < ") + "\r\n\r\n"
	}},
	{"identifiers in angles", func(n int) string { return "Message-ID: " + repeatTo(n, "<<> ") + "\r\n\r\n" }},
	{"quotes in keywords", func(n int) string { return "Keywords: " + repeatTo(n, `"\(`) + "\r\n\r\n" }},
	{"subjects", func(n int) string { return "Subject: " + repeatTo(n, `[fwd: [a] re: [b]`) + "\r\n\r\n" }},
	{"dates", func(n int) string { return "Date: 6 Jul 2026 " + repeatTo(n, `(`) + "\r\n\r\n" }},
	{"digits in a date", func(n int) string { return "Date: 6 Jul " + repeatTo(n, `1`) + "\r\n\r\n" }},
	{"message identifiers", func(n int) string { return "References: " + repeatTo(n, `<("`) + "\r\n\r\n" }},
	{"base64 junk", func(n int) string {
		return "Content-Transfer-Encoding: base64\r\n\r\n" + repeatTo(n, "a-")
	}},
	{"quoted-printable escapes", func(n int) string {
		return "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + repeatTo(n, "=")
	}},
	{"quoted-printable soft breaks", func(n int) string {
		return "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + repeatTo(n, "=\n")
	}},
	{"quoted-printable blanks", func(n int) string {
		return "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + repeatTo(n, " ")
	}},
	{"uuencode", func(n int) string {
		return "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n" + repeatTo(n, "M")
	}},
	{"uuencoded files", func(n int) string { return "\r\n" + repeatTo(n, "begin 644 a\r\n#0V%T\r\n") }},
	{"yEnc", func(n int) string {
		return "Content-Transfer-Encoding: x-yenc\r\n\r\n=ybegin size=1\r\n" + repeatTo(n, "=")
	}},
	{"flowed lines", func(n int) string {
		return "Content-Type: text/plain; format=flowed\r\n\r\n" + repeatTo(n, "> a \r\n> b")
	}},
	{"quotations", func(n int) string { return "\r\n" + repeatTo(n, "a:\r\n>\r\n") }},
	{"HTML that is not closed", func(n int) string { return htmlType + repeatTo(n, "<a b=\"<!--") }},
	{"HTML tags", func(n int) string { return htmlType + repeatTo(n, "<div><br>") }},
	{"HTML scripts", func(n int) string { return htmlType + repeatTo(n, "<script></") }},
	{"HTML attributes", func(n int) string { return htmlType + "<img " + repeatTo(n, "a=b ") }},
	{"HTML references", func(n int) string { return htmlType + repeatTo(n, "&aaaa") }},
	{"HTML comments", func(n int) string { return htmlType + repeatTo(n, "<!--a--!") }},
	{"HTML of unknown charset", func(n int) string { return "Content-Type: text/html\r\n\r\n" + repeatTo(n, "<meta charset=") }},
	{"HTML control characters", func(n int) string { return htmlType + repeatTo(n, "\x01") }},
	{"TNEF attributes", func(n int) string { return tnefHead + repeatTo(n, tnefAttribute(2, 0x9002, "")) }},
	{"TNEF properties", func(n int) string {
		return tnefHead + tnefAttribute(1, 0x9003, "\xff\xff\xff\xff"+repeatTo(n, "\x03\x00\x37\x00\x00\x00\x00\x00"))
	}},
	{"trace fields", func(n int) string { return "Received: " + repeatTo(n, "from (;") + "\r\n\r\n" }},
	{"list fields", func(n int) string { return "List-Id: " + repeatTo(n, "<\"(") + "\r\n\r\n" }},
	{"keywords", func(n int) string { return "Keywords: " + repeatTo(n, "a,") + "\r\n\r\n" }},
	{"boundary lines in a header", func(n int) string {
		return "Content-Type: multipart/mixed" + repeatTo(n/2, ";a=b") + "\r\n" + repeatTo(n/2, "--\r\n")
	}},
	{"UTF-7", func(n int) string {
		return "Content-Type: text/plain; charset=utf-7\r\n\r\n" + repeatTo(n, "+++3Q-")
	}},
	{"ISO-2022-KR", func(n int) string {
		return "Content-Type: text/plain; charset=iso-2022-kr\r\n\r\n" + repeatTo(n, "\x1b$\x0ea\x0f")
	}},
	{"charset switches", func(n int) string {
		return "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + repeatTo(n, "\x1b$B\x1b(B")
	}},
}

const htmlType = "Content-Type: text/html; charset=utf-8\r\n\r\n"

// tnefHead is a part with the signature of TNEF and a key.
const tnefHead = "Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22\x01\x00"

// tnefAttribute returns an attribute with its sum, which does not matter.
func tnefAttribute(level byte, id uint32, data string) string {
	b := binary.LittleEndian.AppendUint32([]byte{level}, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return string(b) + data + "\x00\x00"
}

func repeatTo(n int, s string) string { return strings.Repeat(s, n/len(s)) }
