package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
)

// checkQP encodes text and checks the rules of RFC 2045 section 6.7.
func checkQP(t testing.TB, text string) {
	encoded := string(appendQP(nil, text))
	for line := range strings.SplitSeq(encoded, "\r\n") {
		if len(line) > maxEncodedLine || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") || strings.HasPrefix(line, "From ") || !isQP(line) {
			t.Fatalf("line %q", line)
		}
	}
	decoded, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(encoded)))
	good(t, err)
	sameOctets(t, canonical(text), decoded, "what was encoded")
}

// isQP reports whether there are in a line only the octets that may be, and signs of
// equality only as a soft line end and before two digits.
func isQP(line string) bool {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '=' && i < len(line)-1:
			if i+2 >= len(line) || strings.IndexByte("0123456789ABCDEF", line[i+1]) < 0 || strings.IndexByte("0123456789ABCDEF", line[i+2]) < 0 {
				return false
			}
			i += 2
		case c != '\t' && (c < ' ' || c > '~'):
			return false
		}
	}
	return true
}

func TestEncodeQuotedPrintable(t *testing.T) {
	t.Parallel()
	t.Run("octets", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc2045-6.7-2", "rfc2045-6.7-4", "rfc2045-6.7-6", "rfc2045-6.7-13", "rfc2045-6.7-15")
		for text, want := range map[string]string{
			"":                      "",
			"=":                     "=3D",
			"é":                     "=C3=A9",
			"a \nb\t":               "a=20\r\nb=09",
			"a\rb\x00":              "a=0Db=00",
			"From here, From there": "=46rom here, From there",
			"Fromage":               "Fromage",
		} {
			require.Equal(t, want, string(appendQP(nil, text)), "%q", text)
		}
	})
	t.Run("lines", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc2045-6.7-8", "rfc2045-6.7-9", "rfc2045-6.7-14", "rfc2045-6.7-5")
		for _, text := range texts {
			checkQP(t, text)
		}
		x := func(n int) string { return strings.Repeat("x", n) }
		for text, want := range map[string]string{
			"\n":              "\r\n",
			x(76):             x(76),
			x(77):             x(75) + "=\r\nxx",
			x(76) + "\n":      x(76) + "\r\n",
			x(74) + "é":       x(74) + "=\r\n=C3=A9",
			x(73) + "=":       x(73) + "=3D",
			x(73) + "=\n":     x(73) + "=3D\r\n",
			x(74) + "=":       x(74) + "=\r\n=3D",
			x(75) + " ":       x(75) + "=\r\n=20",
			x(75) + "From y":  x(75) + "=\r\n=46rom y",
			x(75) + " y":      x(75) + "=\r\n y",
			x(72) + "= From ": x(72) + "=3D=\r\n From=20",
		} {
			require.Equal(t, want, string(appendQP(nil, text)), "%q", text)
		}
	})
}

func FuzzEncodeQuotedPrintable(tf *testing.F) {
	f := storm.New(tf)
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkQP(t, text) })
}

func TestEncodeBase64(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2045-6.8-3")
	for n := range 4 * rawLine {
		src := []byte(strings.Repeat("\x00\xff\xaa", n))[:n]
		encoded := string(appendBase64(nil, src))
		for line := range strings.SplitSeq(encoded, "\r\n") {
			require.LessOrEqual(t, len(line), maxEncodedLine)
		}
		require.Equal(t, base64.StdEncoding.EncodeToString(src), strings.ReplaceAll(encoded, "\r\n", ""))
	}
}

// FuzzDraft writes a message with text in every place that takes it, and reads it with
// the standard library.
func FuzzDraft(tf *testing.F) {
	f := storm.New(tf)
	f.Add("Grüße aus dem Posthaus", "Jürgen, Köln", "Fahrplan für März.csv", "text\n")
	f.Add(" =?utf-8?q?x?= ", `"quoted" \ name`, "a'b%20*=.txt", "From me \n\r.")
	f.Add(strings.Repeat("語", 99), strings.Repeat("x ", 99), strings.Repeat("é", 99), strings.Repeat("é", 999))
	f.Add("\t", "\t x", "\t", "\x00")
	f.Add(" =?utf-8?qf-8??Content-Transff-8?qf-8??Conte?=nt-Transfer-er-Encoding: x?= ", `"quoned" \\ n]me`, "a'b%b)20*", "From me \n .")
	f.Add(")", "\u2029\t x @\u2028", "\t; format=", "Mon, 01 Jan 2020 12:00HELO a\r\n:00 +0000\x1d")
	f.Fuzz(func(t *testing.T, subject, name, file, text string) {
		d := &Draft{
			From: []Mailbox{{name, "me@example.org"}}, To: []Mailbox{{name, "a@b"}, {subject, `"o o"@b`}}, Subject: subject, Text: text,
			Attachments: []Attachment{FromBytes(file, "text/plain", []byte(text))}, Extra: []ExtraField{{"X-Text", subject}},
		}
		c, err := composeAt(d)
		if err != nil {
			var refused *DraftError
			if !errors.As(err, &refused) {
				t.Fatal(err)
			}
			if refused.Reason == "not an encoded word" {
				return
			}
			for _, s := range []string{subject, name, file} {
				if strings.ContainsAny(s, "\r\n\x00") || !utf8.ValidString(s) || len(s) > 998 || strings.ContainsAny(file, `/\`) {
					return
				}
				if hasControl(strings.ReplaceAll(s, "\t", "")) {
					return
				}
			}
			if utf8.ValidString(text) {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		var b strings.Builder
		_, err = c.WriteTo(&b)
		good(t, err)
		checkWire(t, b.String(), c)

		m, err := mail.ReadMessage(strings.NewReader(b.String()))
		good(t, err)
		words := new(mime.WordDecoder)
		got, err := words.DecodeHeader(m.Header.Get("Subject"))
		good(t, err)
		same(t, subject, got, "subject")
		to, err := m.Header.AddressList("To")
		good(t, err)
		same(t, 2, len(to), "recipients")
		same(t, [3]string{name, "a@b", subject}, [3]string{to[0].Name, to[0].Address, to[1].Name}, "recipients")
		_, leaves := readLeaves(t, b.String())
		same(t, file, leaves[len(leaves)-1].filename, "name of the file")
		same(t, text, leaves[len(leaves)-1].content, "content of the file")
		if text != "" {
			require.Equal(t, canonical(text), leaves[0].content)
		}

		ours, err := (&Parser{Strict: true}).ParseBytes([]byte(b.String()))
		require.NoError(t, err)
		blanks := strings.NewReplacer("\t", " ", "\u2028", " ", "\u2029", " ") // as our parser shows them
		require.Equal(t, blanks.Replace(subject), ours.Header().Subject())
		from, err := ours.Header().Addresses("From")
		require.NoError(t, err)
		require.Equal(t, []Mailbox{{blanks.Replace(name), "me@example.org"}}, from)
	})
}

// FuzzMailbox: what Append writes is read as the same mailbox, and as no other, by our
// parser and by net/mail.
func FuzzMailbox(tf *testing.F) {
	f := storm.New(tf)
	f.Add("Jo Doe", "jo@example.org")
	f.Add(`"`, `"jo\ doe"@[192.0.2.1]`)
	f.Add("é, (x) <y@z>", "a.b@c")
	f.Fuzz(func(t *testing.T, name, addr string) {
		b, err := Mailbox{name, addr}.Append(nil)
		if err != nil {
			same(t, 0, len(b), "octets of a mailbox that was refused")
			return
		}
		same(t, -1, bytes.IndexByte(b, '\n'), "line end")
		parsed, err := ParseMailbox(string(b))
		good(t, err)
		same(t, Mailbox{cleanText(name), addr}, parsed, "what was written")
		if a, err := mail.ParseAddress(string(b)); err == nil && !strings.ContainsAny(addr, `"[`) {
			same(t, Mailbox{name, addr}, Mailbox{a.Name, a.Address}, "what was written, read by net/mail")
		}
	})
}

func BenchmarkCompose(b *testing.B) {
	d := &Draft{
		From: []Mailbox{{"Alice Håkansson", "alice@example.org"}}, To: []Mailbox{{"Bob", "bob@example.org"}},
		Subject: "Grüße aus dem Posthaus", Text: strings.Repeat("Eine Zeile mit Umläuten und so weiter.\n", 50),
	}
	b.ReportAllocs()
	for b.Loop() {
		n, err := d.WriteTo(io.Discard)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
}

func BenchmarkComposeAttachment10M(b *testing.B) {
	for _, mediaType := range []string{"application/octet-stream", "message/rfc822"} {
		b.Run(mediaType, func(b *testing.B) {
			content := []byte(strings.Repeat(strings.Repeat("x", 74)+"\r\n", 10<<20/76))
			d := &Draft{From: me, Attachments: []Attachment{FromBytes("x", mediaType, content)}}
			b.ReportAllocs()
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if _, err := d.WriteTo(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeQuotedPrintable(b *testing.B) {
	for name, line := range map[string]string{"ASCII": strings.Repeat("word ", 14) + "end\n", "German": strings.Repeat("für ", 16) + "alle\n"} {
		b.Run(name, func(b *testing.B) {
			text := strings.Repeat(line, 10_000)
			dst := make([]byte, 0, 3*len(text))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				dst = appendQP(dst[:0], text)
			}
		})
	}
}
