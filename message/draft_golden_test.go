package message

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden are drafts whose every octet is reviewed, and judged by other programs.
var golden = map[string]*Draft{
	"plain": {From: me, To: []Mailbox{{"Bob", "bob@example.org"}}, Subject: "hello", Text: "Hello, world.\n"},
	"letters": {
		From: []Mailbox{{"Alice Håkansson", "alice@example.org"}}, To: []Mailbox{{"Bob Ångström", "bob@example.org"}, {"Doe, Jo", "jo@example.net"}},
		Cc: []Mailbox{{"", `"odd one"@example.com`}}, Bcc: []Mailbox{{"", "nobody@example.org"}}, ReplyTo: []Mailbox{{"日本", "jp@example.org"}},
		Subject: "Re: Grüße aus dem Posthaus: 郵便局からのご挨拶 und alles Gute, Alice", Text: "Lieber Bob,\n\nGrüße \nFrom me\n.\n", InReplyTo: []string{"1@example.org"}, References: []string{"0@example.org", "1@example.org"},
	},
	"everything": {
		From: []Mailbox{{"Alice", "alice@example.org"}, {"Bob", "bob@example.org"}}, Sender: Mailbox{"Carol \"C\"", "carol@example.org"}, To: me, Subject: strings.Repeat("subject ", 20),
		Text: strings.Repeat("A line of text that goes on and on. ", 9), HTML: "<p>日本語<img src=\"cid:logo@example.org\"></p>\n",
		Inline: []Attachment{FromBytes("logo.svg", "image/svg+xml", []byte("<svg xmlns=\"http://www.w3.org/2000/svg\"/>")).WithContentID("logo@example.org")},
		Attachments: []Attachment{
			FromBytes("Fahrplan für März und viele andere schöne Monate mit sehr langen Namen.csv", "text/csv; charset=utf-8", []byte("Ort;Zeit\nKöln;8:15\n")),
			FromBytes("data.bin", "", bytes.Repeat([]byte{0, 1, 2, 255}, 100)),
			FromBytes("empty \"one\".txt", "text/plain", nil),
		},
		Extra: []ExtraField{{"List-Unsubscribe", "<https://example.org/unsubscribe/" + strings.Repeat("x", 60) + ">, <mailto:unsubscribe@example.org>"}},
	},
	"forward": {
		From: me, To: me, Subject: "Fwd: hello", Text: "see below\n",
		Attachments: []Attachment{FromBytes("", "message/rfc822", []byte("From: a@example.org\nTo: b@example.org\nSubject: hello\nDate: Sat, 21 Nov 2026 12:00:00 +0000\nMessage-ID: <1@example.org>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\nhello\n"))},
	},
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, d := range golden {
		s := write(t, d)
		file := filepath.Join("testdata", "draft", name+".eml")
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(s), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), s, file)
	}
}

// TestOtherProgramsAgree has Python, GMime and Perl read what we compose, where there
// is a script that knows how.
func TestOtherProgramsAgree(t *testing.T) {
	t.Parallel()
	script := filepath.Join("..", "..", "shared", "interop", "mime", "check-composed.py")
	if _, err := os.Stat(script); err != nil {
		t.Skip("no oracle: ", err)
	}
	for _, oracle := range [][]string{
		{"/usr/bin/python3", "-c", "import gi; gi.require_version('GMime', '3.0')"},
		{"perl", "-MEmail::MIME", "-MJSON", "-e", "1"},
	} {
		if err := exec.CommandContext(t.Context(), oracle[0], oracle[1:]...).Run(); err != nil {
			t.Skip("no oracle: ", oracle, err)
		}
	}
	folder := t.TempDir()
	var files []string
	for name, d := range golden {
		file := filepath.Join(folder, name+".eml")
		require.NoError(t, os.WriteFile(file, []byte(write(t, d)), 0o600))
		want, err := json.Marshal(map[string]any{"subject": strings.Join(strings.Fields(d.Subject), " "), "from": pairs(d.From), "to": pairs(d.To)})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file+".json", want, 0o600))
		files = append(files, file)
	}
	out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", append([]string{script}, files...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func pairs(list []Mailbox) [][2]string {
	p := make([][2]string, len(list))
	for i, m := range list {
		p[i] = [2]string{m.Name, m.Addr}
	}
	return p
}
