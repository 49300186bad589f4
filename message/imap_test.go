package message

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/internal/storm"
)

func TestAppendEnvelope(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ header, want string }{
		{"", `(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)`},
		{
			"Date: Mon, 6 Jul 2026 10:00:00 +0200\nSubject: a \"b\" \\\nFrom: Jo Doe <jo@example.org>\nTo: \"jo, b\"@x, Friends: =?utf-8?q?=C3=B6?= <a@b>;, c@d\nTo: e@f (g)\nMessage-ID: <1@x>\n",
			`("Mon, 6 Jul 2026 10:00:00 +0200" "a \"b\" \\" (("Jo Doe" NIL "jo" "example.org")) (("Jo Doe" NIL "jo" "example.org")) (("Jo Doe" NIL "jo" "example.org")) ` +
				`((NIL NIL "jo, b" "x")(NIL NIL "Friends" NIL)("=?utf-8?q?=C3=B6?=" NIL "a" "b")(NIL NIL NIL NIL)(NIL NIL "c" "d")("g" NIL "e" "f")) NIL NIL NIL "<1@x>")`,
		},
		// RFC 9051 section 7.5.2: an empty field is there, an empty list is not.
		{"Date:\nSubject: \nFrom:\nSender: \nTo:\nIn-Reply-To:\n \nMessage-ID:\n", `("" "" NIL NIL NIL NIL NIL NIL "" "")`},
		{"Subject: ö\x00\nCc: undisclosed-recipients:;\nSender: root\n", "(NIL {2}\r\nö NIL ((NIL NIL \"root\" \"\")) NIL NIL ((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL)"},
	} {
		require.Equal(t, test.want, string(ParseHeader(crlf(test.header)).AppendEnvelope(nil)), test.header)
	}
}

func TestAppendStructure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ message, body, structure string }{
		{"\n", `("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0)`, `("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0 NIL NIL NIL NIL)`},
		{
			"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: x-new\nContent-ID: <1@x>\nContent-Language: en, de (x)\n\na\nb",
			`("TEXT" "HTML" ("CHARSET" "utf-8") "<1@x>" NIL "X-NEW" 4 2)`,
			`("TEXT" "HTML" ("CHARSET" "utf-8") "<1@x>" NIL "X-NEW" 4 2 NIL NIL ("en" "de") NIL)`,
		},
		{
			"Content-Type: multipart/mixed; boundary=aa\n\n--aa\n\nx\n--aa\nContent-Type: image/png; name=a; x=y\nContent-Disposition: inline; filename=a\nContent-Description: b\n\nx\n--aa--\n",
			`(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("IMAGE" "PNG" ("NAME" "a" "X" "y") NIL "b" "7BIT" 1) "MIXED")`,
			`(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1 NIL NIL NIL NIL)("IMAGE" "PNG" ("NAME" "a" "X" "y") NIL "b" "7BIT" 1 NIL ("INLINE" ("FILENAME" "a")) NIL NIL) "MIXED" ("BOUNDARY" "aa") NIL NIL NIL)`,
		},
		{
			"Content-Type: message/rfc822\n\nSubject: y\nContent-Type: multipart/mixed; boundary=aa\n\n--aa\n\nx\n--aa--\n",
			`("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 77 (NIL "y" NIL NIL NIL NIL NIL NIL NIL NIL) (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) "MIXED") 7)`, "",
		},
		{"Content-Type: multipart/mixed\n\nx", `("APPLICATION" "OCTET-STREAM" NIL NIL NIL "7BIT" 1)`, ""},
		{"Content-Type: multipart/mixed; boundary=x\n\nx", `("APPLICATION" "OCTET-STREAM" ("BOUNDARY" "x") NIL NIL "7BIT" 1)`, ""},
		{"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nCng=", `("APPLICATION" "OCTET-STREAM" NIL NIL NIL "BASE64" 4)`, ""},
	} {
		m := parseString(t, test.message)
		got, err := m.AppendStructure(nil, false)
		require.NoError(t, err)
		require.Equal(t, test.body, string(got), test.message)
		if test.structure != "" {
			got, err = m.AppendStructure(nil, true)
			require.NoError(t, err)
			require.Equal(t, test.structure, string(got), test.message)
		}
	}
}

const sectionMessage = "Subject: a\nTo: b\nContent-Type: multipart/mixed; boundary=aa\n\n--aa\nContent-ID: c\n\nx\n--aa\nContent-Type: message/rfc822\n\nSubject: d\nFrom: e\n\nz\n--aa--\n"

func TestSection(t *testing.T) {
	t.Parallel()
	m := parseString(t, sectionMessage)
	for spec, want := range map[string]string{
		"":                               sectionMessage,
		"HEADER":                         sectionMessage[:strings.Index(sectionMessage, "--aa\n")],
		"TEXT":                           sectionMessage[strings.Index(sectionMessage, "--aa\n"):],
		"HEADER.FIELDS (to subject)":     "Subject: a\nTo: b\n\n",
		"header.fields.not (To Subject)": "Content-Type: multipart/mixed; boundary=aa\n\n",
		"1":                              "x",
		"1.MIME":                         "Content-ID: c\n\n",
		"2":                              "Subject: d\nFrom: e\n\nz",
		"2.HEADER":                       "Subject: d\nFrom: e\n\n",
		"2.TEXT":                         "z",
		"2.1":                            "z",
		"2.1.MIME":                       "Subject: d\nFrom: e\n\n",
		"2.HEADER.FIELDS (From)":         "From: e\n\n",
	} {
		r, ok := m.Section(spec)
		require.True(t, ok, spec)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, string(crlf(want)), string(b), spec)
	}
	for _, spec := range []string{"3", "1.HEADER", "1.TEXT", "1.1", "MIME", "x", "1TEXT", "1.", ".1", "0", "1..2", "HEADER.FIELDS", "HEADER.FIELDS To", "HEADER.FIELDS ()", "HEADER (To)", "1.MIME (To)", "1.2.3.MIME"} {
		_, ok := m.Section(spec)
		require.False(t, ok, spec)
	}
}

// TestIMAPTest runs the scripts of a suite for IMAP servers as far as they are
// about sections and decoded bodies.
func TestIMAPTest(t *testing.T) {
	t.Parallel()
	root := sharedData(t, "mime", "imaptest")
	s := newScore(t, nil)
	answer := regexp.MustCompile(`(?s)\n\* (\d+) fetch \((body|binary)\[([^\]]*)\](?:<(\d+)>)? (?:\{\{\{\n(.*?)\n\}\}\}|"([^"]*)"|(NIL))\)`)
	for _, file := range filesBelow(t, root, ".mbox") {
		script, err := os.ReadFile(strings.TrimSuffix(file, ".mbox"))
		require.NoError(t, err)
		box, err := os.ReadFile(file)
		require.NoError(t, err)
		var messages []*Message
		for _, text := range strings.Split("\n"+string(box), "\nFrom ")[1:] {
			_, text, _ = strings.Cut(text, "\n")
			m, err := ParseBytes(crlf(text + "\n"))
			require.NoError(t, err)
			messages = append(messages, m)
		}
		for _, a := range answer.FindAllStringSubmatch(string(script), -1) {
			n, _ := strconv.Atoi(a[1])
			key := filepath.Base(file) + " " + a[1] + " " + a[2] + " " + a[3]
			got := "no section"
			if r, ok := messages[n-1].Section(a[3]); ok {
				b, err := io.ReadAll(r)
				require.NoError(t, err)
				if p := messages[n-1].Part(a[3]); a[2] == "binary" && p != nil {
					b, err = p.AppendBody(nil)
					require.NoError(t, err)
				}
				got = strings.ReplaceAll(string(b), "\r\n", "\n")
			}
			s.field(key, strings.TrimRight(a[5]+a[6], "\n"), strings.TrimRight(got, "\n"))
		}
	}
	s.finish()
}

// FuzzIMAP checks that what is answered can be read again.
func FuzzIMAP(tf *testing.F) {
	f := storm.New(tf)
	f.Add(crlf(sectionMessage), []byte("2.HEADER.FIELDS (From)"))
	f.Add(crlf(nestedMessage(3)), []byte("1.1.MIME"))
	f.Fuzz(func(t *testing.T, b, spec []byte) {
		parser := Parser{Limits: Limits{Depth: 8, Parts: 20, HeaderBytes: 300, Fields: 12}}
		m, err := parser.ParseBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := m.Section(string(spec)); ok {
			if text, err := io.ReadAll(r); err != nil || len(spec) == 0 && !bytes.Equal(text, b) {
				t.Fatalf("section %q: %v", spec, err)
			}
		}
		for _, extension := range []bool{false, true} {
			answer, err := m.AppendStructure(nil, extension)
			if rest, ok := skipIMAP(answer); err != nil || !ok || len(rest) > 0 {
				t.Fatalf("%v, %q", err, answer)
			}
		}
		for p := range m.Parts() {
			if answer := p.Header().AppendEnvelope(nil); len(answer) > 0 {
				if rest, ok := skipIMAP(answer); !ok || len(rest) > 0 {
					t.Fatalf("%q", answer)
				}
			}
		}
	})
}

// skipIMAP passes over a parenthesized list.
func skipIMAP(b []byte) (rest []byte, ok bool) {
	depth := 0
	for len(b) > 0 {
		switch c := b[0]; c {
		case '(':
			depth++
			b = b[1:]
		case ')':
			depth--
			if b = b[1:]; depth == 0 {
				return b, true
			}
		case ' ':
			b = b[1:]
		case '"':
			end, closed := skipQuoted(string(b), 0)
			if !closed || bytes.ContainsAny(b[:end], "\r\n\x00") {
				return b, false
			}
			b = b[end:]
		case '{':
			n, at := digitsAt(string(b), 1)
			if at+3+n > len(b) || string(b[at:at+3]) != "}\r\n" || bytes.IndexByte(b[at:at+3+n], 0) >= 0 {
				return b, false
			}
			b = b[at+3+n:]
		default:
			n := 0
			for n < len(b) && (isDigit(b[n]) || isLetter(b[n])) {
				n++
			}
			if n == 0 {
				return b, false
			}
			b = b[n:]
		}
	}
	return b, false
}

// TestIMAPTestSort sorts the messages of that suite by subject, date, addresses and size,
// and looks for addresses in them, as its scripts say.
func TestIMAPTestSort(t *testing.T) {
	t.Parallel()
	root := sharedData(t, "mime", "imaptest")
	s := newScore(t, nil)
	sorted := regexp.MustCompile(`(?m)^ok sort \(([a-z ]+)\) us-ascii all\n\* sort ([0-9 ]+)$`)
	found := regexp.MustCompile(`(?m)^ok search (from|to|cc|bcc|subject) "?([^"\n]+)"?\n\* search ?([0-9 ]*)$`)
	for _, file := range filesBelow(t, root, ".mbox") {
		script, err := os.ReadFile(strings.TrimSuffix(file, ".mbox"))
		require.NoError(t, err)
		messages := sortable(t, file)
		for _, answer := range sorted.FindAllStringSubmatch(string(script), -1) {
			list := slices.Clone(messages)
			slices.SortStableFunc(list, func(a, b sortKeys) int { return a.compare(b, strings.Fields(answer[1])) })
			var order []string
			for _, m := range list {
				order = append(order, strconv.Itoa(m.number))
			}
			s.field(filepath.Base(file)+" "+answer[1], answer[2], strings.Join(order, " "))
		}
		for _, answer := range found.FindAllStringSubmatch(string(script), -1) {
			var order []string
			for _, m := range messages {
				if strings.Contains(m.texts[answer[1]], ascii.ToLower(answer[2])) {
					order = append(order, strconv.Itoa(m.number))
				}
			}
			s.field(filepath.Base(file)+" "+answer[1]+" "+answer[2], answer[3], strings.Join(order, " "))
		}
	}
	s.finish()
}

// sortKeys is what RFC 5256 section 3 sorts a message by, and what can be found in it.
type sortKeys struct {
	number, size int
	arrived      time.Time
	date         time.Time
	keys, texts  map[string]string
}

func (a sortKeys) compare(b sortKeys, criteria []string) int {
	sign := 1
	for _, by := range criteria {
		order := 0
		switch by {
		case "reverse":
			sign = -1
			continue
		case "arrival":
			order = a.arrived.Compare(b.arrived)
		case "size":
			order = a.size - b.size
		case "date":
			order = a.date.Compare(b.date)
		default:
			order = strings.Compare(a.keys[by], b.keys[by])
		}
		if order != 0 {
			return sign * order
		}
		sign = 1
	}
	return 0
}

// sortable reads the messages in a file.
func sortable(t *testing.T, file string) (list []sortKeys) {
	box, err := os.ReadFile(file)
	require.NoError(t, err)
	for i, text := range strings.Split("\n"+string(box), "\nFrom ")[1:] {
		from, text, _ := strings.Cut(text, "\n")
		m, err := ParseBytes(crlf(text))
		require.NoError(t, err)
		k := sortKeys{number: i + 1, size: len(text), keys: make(map[string]string), texts: make(map[string]string)}
		_, from, _ = strings.Cut(from, " ")
		k.arrived, err = ParseDate(from)
		require.NoError(t, err)
		if k.date, err = m.Header().Date(); err != nil {
			k.date = k.arrived
		}
		subject := m.Header().Subject()
		base, _ := BaseSubject(subject)
		k.keys["subject"], k.texts["subject"] = strings.ToUpper(base), ascii.ToLower(subject)
		for _, name := range []string{"from", "to", "cc", "bcc"} {
			groups, _ := m.Header().Groups(name)
			for n, g := range groups {
				local := g.Name
				k.texts[name] += "\n" + ascii.ToLower(g.Name)
				for _, a := range g.Members {
					if local == "" {
						local, _, _ = strings.Cut(a.Addr, "@")
					}
					k.texts[name] += "\n" + ascii.ToLower(a.Name+" <"+a.Addr+">")
				}
				if n == 0 {
					k.keys[name] = strings.ToUpper(local)
				}
			}
		}
		list = append(list, k)
	}
	return list
}
