package message

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bombs are messages of about n octets made to cost more than their size. Each is
// parsed, and the values of its fields are read.
var bombs = []struct {
	name string
	make func(n int) string
}{
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
	{"TNEF attributes", func(n int) string {
		return "Content-Type: application/ms-tnef\r\n\r\n" + string(tnefSample()) + repeatTo(n, string(tnefAttr(2, tnefRendering, nil)))
	}},
	{"TNEF properties", func(n int) string {
		return "Content-Type: application/ms-tnef\r\n\r\n" + string(tnefSample()[:6]) + string(tnefAttr(1, tnefProps, []byte("\xff\xff\xff\xff"+repeatTo(n, "\x03\x00\x37\x00\x00\x00\x00\x00"))))
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

func repeatTo(n int, s string) string { return strings.Repeat(s, n/len(s)) }

// readAll parses b and reads all there is in it.
func readAll(t testing.TB, b []byte, parser Parser) {
	m, err := parser.ParseBytes(b)
	require.NoError(t, err)
	_, err = m.AppendStructure(nil, true)
	require.NoError(t, err)
	_, err = m.AppendIndex(nil)
	require.NoError(t, err)
	_, err = m.Preview(0)
	require.NoError(t, err)
	var buf []byte
	for p := range m.Parts() {
		h := p.Header()
		_, _, _ = p.Filename(), p.Charset(), p.Disposition()
		_, _ = BaseSubject(h.Subject())
		_, _ = h.MessageIDs("References"), h.MessageID()
		_, _ = h.Addresses("To")
		_, _ = h.Groups("To")
		_, _ = h.ListID()
		_, _ = h.ListURLs("List-Id"), h.Keywords()
		for range h.Received() {
		}
		_, _ = h.Date()
		if p.kind == leaf {
			buf, err = p.AppendText(buf[:0])
			require.NoError(t, err)
			_ = AppendHTMLText(nil, buf)
			_ = Unflow(nil, buf, true)
			_, _ = p.TNEF()
			_, err = p.Embedded()
			require.NoError(t, err)
		}
	}
}

// TestBombs checks that time and memory grow with the size of a message and no
// faster, with the limits that hold by default and with limits beyond reach. With
// -short it checks memory only, and the former.
func TestBombs(t *testing.T) {
	const small, times = 1 << 15, 16
	high := Limits{Depth: 1 << 20, Parts: 1 << 22, HeaderBytes: 1 << 24, Fields: 1 << 22, Defects: 10}
	// The collector would charge the large message for the small one's leavings, and
	// all of it to a machine that is busy with other things.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, bomb := range bombs {
		for name, parser := range map[string]Parser{"default": {}, "thorough": {Thorough: true}, "no limits": {Limits: high}} {
			if testing.Short() && name != "default" {
				continue
			}
			t.Run(bomb.name+"/"+name, func(t *testing.T) {
				one, many := []byte(bomb.make(small)), []byte(bomb.make(times*small))
				runtime.GC()
				timeOne, allocOne := cost(t, one, parser)
				timeMany, allocMany := cost(t, many, parser)
				// Linear is 16 times as much, quadratic 256.
				require.Less(t, allocMany, 3*times*(allocOne+1<<16), "memory")
				if testing.Short() {
					return
				}
				// A slow measurement counts if it is slow every time.
				for range 10 {
					if timeMany < 4*times*(timeOne+100*time.Microsecond) {
						return
					}
					again, _ := cost(t, one, parser)
					timeOne = max(timeOne, again)
					again, _ = cost(t, many, parser)
					timeMany = min(timeMany, again)
				}
				require.Fail(t, "time grows faster than size", "%v, then %v", timeOne, timeMany)
			})
		}
	}
}

// cost returns how long b takes to read, and what that allocates.
func cost(t *testing.T, b []byte, parser Parser) (time.Duration, uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	readAll(t, b, parser)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}

// TestBombMemory checks that the index of a message of 8 MiB takes no more than four times its
// size, whatever is in it, and twice as much for twice the message at most; what
// is allocated does not depend on how busy the machine is.
func TestBombMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads half a gigabyte")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, bomb := range bombs {
		half, whole := []byte(bomb.make(4<<20)), []byte(bomb.make(8<<20))
		one, two := parseAllocs(t, half), parseAllocs(t, whole)
		if two > 4*uint64(len(whole)) {
			t.Errorf("%s: %d octets allocated for %d", bomb.name, two, len(whole))
		}
		if float64(two) > 2.3*float64(one)+1<<16 {
			t.Errorf("%s: %d octets allocated, and %d for half", bomb.name, two, one)
		}
		runtime.GC()
	}
}

// parseAllocs returns how much parsing b allocates.
func parseAllocs(t *testing.T, b []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ParseBytes(b)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	return after.TotalAlloc - before.TotalAlloc
}

// TestOpenBoundaries measures 5,000 open multiparts before 200,000 lines that might be
// boundary lines, if the limits let so many be open. It is meant to be read, with -v.
func TestOpenBoundaries(t *testing.T) {
	if testing.Short() {
		t.Skip("a measurement")
	}
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%07d\r\n\r\n--b%07d\r\n", i, i)
	}
	b.WriteString("\r\n" + strings.Repeat("--z\r\n", 200_000))
	text := []byte(b.String())
	parser := Parser{Limits: Limits{Depth: 10_000, Defects: 1}} // a defect has a path as long as the depth
	took := time.Hour
	for range 20 {
		start := time.Now()
		m, err := parser.ParseBytes(text)
		took = min(took, time.Since(start))
		require.NoError(t, err)
		require.Len(t, m.parts, 5001)
	}
	t.Logf("%.0f MB/s at best", float64(len(text))/1e6/took.Seconds())
}
