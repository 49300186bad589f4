package bombs

import (
	"fmt"
	"strings"
)

// fields are bombs of header fields, but those of addresses.
var fields = []Bomb{
	{"fields", around("", "a:\r\n", "")},
	{"lines that are no fields", around("", "a\n", "")},
	{"continuations", around("a: b\r\n", " \r\n", "")},
	{"parameters", around("Content-Type: a/b", ";a=b", end)},
	{"RFC 2231 continuations", func(n int) string {
		var b strings.Builder
		b.WriteString("Content-Type: multipart/mixed")
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, ";\r\n a*%d=x", i)
		}
		return b.String() + "\r\n\r\n"
	}},
	{"comments in parameters", around("Content-Type: multipart/mixed", ";a(", end)},
	{"comments behind values", around("Content-Type: multipart/mixed", `;a="x"(`, end)},
	{"comments before the type", around("Content-Type: ", "(", end)},
	{"blanks before a comment", around("Content-Type: x", " ", "y(z)\r\n\r\n")},
	{"encoded words", around("Subject: ", "=?utf-8?q?a?= ", end)},
	{"encoded words not closed", around("Subject: ", "=?utf-8?q?a", end)},
	{"encoded words of one letter", around("Subject: ", "=?a?q?", "?=\r\n\r\n")},
	{"encoded words of many charsets", around("Subject: ", "=?utf-8?q?a?= =?big5?q?a?= =?x?q?a?= ", end)},
	{"trace fields", func(n int) string {
		return "Received: from a (" + repeatTo(n/2, "helo ") + ") " + repeatTo(n/2, "for < ") + "\r\n\r\n"
	}},
	{"identifiers in angles", around("Message-ID: ", "<<> ", end)},
	{"quotes in keywords", around("Keywords: ", `"\(`, end)},
	{"subjects", around("Subject: ", `[fwd: [a] re: [b]`, end)},
	{"dates", around("Date: 6 Jul 2026 ", `(`, end)},
	{"digits in a date", around("Date: 6 Jul ", `1`, end)},
	{"message identifiers", around("References: ", `<("`, end)},
	{"trace fields of comments", around("Received: ", "from (;", end)},
	{"list fields", around("List-Id: ", "<\"(", end)},
	{"keywords", around("Keywords: ", "a,", end)},
}
