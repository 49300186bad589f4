package bombs

import (
	"fmt"
	"strings"
)

// mixed is the header of a multipart.
const mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

// structures are bombs of parts and of lines that might part them.
var structures = []Bomb{
	{"nested multiparts not closed", opened},
	{"nested messages", around("", "Content-Type: message/rfc822\r\n\r\n", "")},
	{"empty parts", around(mixed, "--b\r\n", "")},
	{"small parts", around(mixed, "--b\r\n\r\n", "")},
	{"lines that might be boundaries of many open multiparts", func(n int) string {
		return opened(n/2) + "\r\n" + repeatTo(n/2, "--b\r\n")
	}},
	{"dashes", around(mixed+"--b\r\n\r\n", "-", "")},
	{"dashes and letters", around(mixed+"--b\r\n\r\n", "a-", "")},
	{"long lines that might be boundaries", around("Content-Type: multipart/mixed; boundary="+strings.Repeat("b", 900)+"\r\n\r\n", "--"+strings.Repeat("b", 899)+"\r\n", "")},
	{"parts of text in place of a header", around(mixed, "--b\r\na\r\na\r\n", "")},
	{"closed multiparts", around(mixed, "--b\r\nContent-Type: multipart/a; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n", "")},
	{"boundary lines behind the closing one", around(mixed+"--b\r\n\r\n--b--\r\n", "--b\r\n", "")},
	{"fields in parts", around(mixed, "--b\r\n"+strings.Repeat("a:\r\n", 1000), "")},
	{"one line", around("", "a", "")},
	{"boundary lines in a header", func(n int) string {
		return "Content-Type: multipart/mixed" + repeatTo(n/2, ";a=b") + "\r\n" + repeatTo(n/2, "--\r\n")
	}},
}

// opened gives multiparts in one another, none of which is closed.
func opened(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%07d\r\n\r\n--b%07d\r\n", i, i)
	}
	return b.String()
}
