package message

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bodyMessage builds a message of parts written as type{children}, a leaf as
// type, type;attachment or type;name=x.
func bodyMessage(spec string) string {
	var b strings.Builder
	level := 0
	write := func(head string) {
		if level > 0 {
			fmt.Fprintf(&b, "\n--b%d\n", level)
		}
		mediaType, rest, _ := strings.Cut(head, ";")
		fmt.Fprintf(&b, "Content-Type: %s; boundary=b%d\n", mediaType, level+1)
		switch {
		case rest == "attachment":
			b.WriteString("Content-Disposition: attachment\n")
		case rest != "":
			fmt.Fprintf(&b, "Content-Disposition: inline; file%s\nContent-ID: <%s>\n", rest, rest)
		}
		b.WriteString("\n")
	}
	for spec != "" {
		i := strings.IndexAny(spec, "{,}")
		if i < 0 {
			i = len(spec)
		}
		if head := strings.TrimSpace(spec[:i]); head != "" {
			write(head)
		}
		if spec = spec[i:]; spec == "" {
			break
		}
		switch spec[0] {
		case '{':
			level++
		case '}':
			fmt.Fprintf(&b, "\n--b%d--\n", level)
			level--
		}
		spec = spec[1:]
	}
	return b.String()
}

func paths(parts []*Part) string {
	var list []string
	for _, p := range parts {
		list = append(list, p.Path())
	}
	return strings.Join(list, " ")
}

// TestBodies says what is text, HTML and attachment (RFC 8621 section 4.1.4).
func TestBodies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ message, text, html, attachments string }{
		{"text/plain", "1", "1", ""},
		{"text/html", "1", "1", ""},
		{"image/png", "1", "1", ""},
		{"application/pdf", "", "", "1"},
		{"text/plain;attachment", "", "", "1"},
		{"multipart/mixed{text/plain, image/png, text/plain, application/pdf}", "1 2 3", "1 2 3", "4"},
		{"multipart/mixed{text/plain, text/plain;name=x, image/png;name=y}", "1 3", "1 3", "2"},
		{"multipart/alternative{text/plain, text/html}", "1", "2", ""},
		{"multipart/alternative{text/plain, text/calendar, text/html}", "1", "3", "2"},
		{"multipart/alternative{text/html}", "1", "1", ""},
		{"multipart/alternative{text/plain}", "1", "1", ""},
		{"multipart/alternative{text/plain, image/png}", "1", "1", "2"},
		{"multipart/related{text/html, image/png;name=x, text/plain}", "1", "1", "2 3"},
		{"multipart/alternative{text/plain, multipart/related{text/html, image/png;name=x}}", "1", "2.1", "2.2"},
		{"multipart/mixed{multipart/alternative{text/plain, multipart/mixed{text/html, image/png, text/plain}}, text/plain}", "1.1 2", "1.2.1 1.2.2 2", "1.2.2 1.2.3"},
		{"multipart/mixed{multipart/alternative{text/plain, multipart/mixed{text/html, image/png, application/pdf}}, text/plain}", "1.1 2", "1.2.1 1.2.2 2", "1.2.2 1.2.3"},
		{"multipart/mixed{message/rfc822}", "", "", "1"},
		{"multipart/mixed", "", "", "TEXT"},
	} {
		m := parseString(t, bodyMessage(test.message))
		b := m.Bodies()
		got := []string{paths(b.Text), paths(b.HTML), paths(b.Attachments)}
		require.Equal(t, []string{test.text, test.html, test.attachments}, got, test.message)
	}

	m := parseString(t, bodyMessage("multipart/related{text/html, image/png;name=x}"))
	require.Equal(t, "2", m.Bodies().Inline("name=x").Path())
	require.Equal(t, "2", m.Bodies().Inline("name%3Dx").Path())
	require.Nil(t, m.Bodies().Inline("%"))
	require.Nil(t, m.Bodies().Inline(""))
	require.Nil(t, m.Bodies().Inline("y"))

	m = parseString(t, "Content-Type: message/rfc822\n\n"+bodyMessage("multipart/alternative{text/plain, text/html}"))
	require.Equal(t, "1", paths(m.Bodies().Attachments))
	require.Equal(t, "1.1", paths(m.Root().Bodies().Text))
	require.Equal(t, "1.2", paths(m.Root().Bodies().HTML))
}

// checkBodiesOf checks that no leaf is lost.
func checkBodiesOf(t testing.TB, m *Message) {
	b := m.Bodies()
	seen := make([]bool, len(m.parts))
	for _, list := range [][]*Part{b.Text, b.HTML, b.Attachments} {
		for _, p := range list {
			seen[p.index] = true
		}
	}
	for _, p := range messageParts(m, 0) {
		if isLeaf := p.kind != multipart || p.children == 0; isLeaf != seen[p.index] {
			t.Fatalf("part %s: a leaf %v, in a list %v", p.Path(), isLeaf, seen[p.index])
		}
	}
}
