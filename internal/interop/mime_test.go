package interop

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readers are the messages that no other reader asked takes in all fields as we do,
// and why we do.
var readers = map[string]string{
	"enmime/mail/qp-utf8-header-recursed.raw":               "a name with a broken encoded word, folded in it: the blanks around the fold are left to each",
	"flanker/messages/mailformed-headers.eml":               "a name in UTF-8 with an octet that is not: it is U+FFFD, and the rest can be read",
	"flanker/messages/spam/broken-headers.eml":              "ISO-8859-1 is read as windows-1252, as the WHATWG Encoding standard has it: 85 is an ellipsis",
	"inbucket/swaks-tests/utf8-subject.raw":                 "a name with a comma and without its quotes is one name",
	"mikel-mail/emails/plain_emails/mix_caps_content_type*": "an address without its angle brackets behind a name is found",
	"mime4j/testmsgs/multipartemptypart.msg":                "RFC 2046 section 5.1.1: each boundary line needs a line end of its own, so there is no part, and all is kept as one",
	"python-email/msg_15.txt":                               "RFC 2045 section 6.7: blanks at the end of a quoted-printable line are no part of it",
	"python-email/msg_39.txt":                               "the octets that are there of a base64 group which is cut short are kept",
	"spamassassin-t/nice/dkim/MultipleReceived_08":          "RFC 5322 section 3.4.1: a local part with two dots on end must be in quotes",
	"spamassassin-t/spam/01[56]":                            "a line of a blank is no empty line; the boundary line behind it ends the header, and the part is found",
	"stalwart-mail-parser/eml/malformed/017.eml":            "a boundary without its semicolon is found, and so the parts are",
	"spamassassin-public/easy-ham-1/00714.*":                "no address that we give holds a control character",
	"spamassassin-public/hard-ham-1/00149.*":                "octets that no charset is told for are windows-1252: 99 is a trade mark sign",
	"spamassassin-public/spam-1/00159.*":                    "RFC 5322 section 3.4.1: a local part of dots must be in quotes",
	"spamassassin-public/spam-2/00258.*":                    "RFC 2045 section 6.7: blanks at the end of a quoted-printable line are no part of it, in the last line too",
}

// TestMIMEReaders has Python's email, GMime and Perl's MIME::Parser read what mimetree
// reads. In each field of each message one of them at least must agree.
func TestMIMEReaders(t *testing.T) {
	folder := os.Getenv("MAIL_MIME")
	if folder == "" {
		t.Skip("MAIL_MIME is not set: no other readers to ask")
	}
	mimetree := build(t, "mimetree")
	corpus, err := filepath.Glob(filepath.Join(folder, "corpus", "*.eml"))
	if err != nil || len(corpus) == 0 {
		t.Fatal("no corpus", err)
	}
	data := filepath.Join("..", "..", "..", "shared", "data", "mime")
	messages := messagesBelow(t, data)
	if len(messages) < 1000 {
		t.Errorf("only %d messages", len(messages))
	}
	met := make(map[string]bool)
	for batch := range slices.Chunk(append(corpus, messages...), 50) {
		args := append([]string{filepath.Join(folder, "compare.py"), "--cmd", mimetree + " -json"}, batch...)
		out, _ := exec.Command("/usr/bin/python3", args...).Output() // it tells of differences by its status too
		lines := bytes.Split(out, []byte("\n"))
		for i, file := range batch {
			name, _ := filepath.Rel(data, file)
			switch known := knownReading(name); {
			case i < len(lines) && bytes.HasPrefix(lines[i], []byte("PASS ")):
			case i < len(lines) && bytes.HasPrefix(lines[i], []byte("FAIL ")) && known != "":
				met[known] = true
			case i < len(lines):
				t.Errorf("%s: %s", name, lines[i])
			default:
				t.Errorf("%s: no answer", name)
			}
		}
	}
	for name, why := range readers {
		if !met[name] {
			t.Errorf("%s is no difference: %s", name, why)
		}
	}
}

func knownReading(name string) string {
	for pattern := range readers {
		if ok, _ := path.Match(pattern, name); ok {
			return pattern
		}
	}
	return ""
}

// messagesBelow returns the files below root that are messages.
func messagesBelow(t *testing.T, root string) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && isMessage(name) {
			files = append(files, filepath.Join(root, name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// isMessage reports whether a file of the collections is a message.
func isMessage(name string) bool {
	for _, other := range []string{
		"SOURCE", "LICENSE", "NOTICE", "README", "/attachments/", "jakarta-mail/",
		"mimekit/tnef", "mimekit/yenc", "mimekit/text", "mimekit/mbox", "spamassassin-t/etc", "spamassassin-t/geodb",
		"spamassassin-t/dkim", "spamassassin-t/welcome", ".cf", "purpose", "nofws",
	} {
		if strings.Contains(name, other) {
			return false
		}
	}
	switch path.Ext(name) {
	case ".eml", ".raw", ".msg", ".txt":
		return true
	}
	return strings.HasPrefix(name, "spamassassin") || strings.HasPrefix(name, "flanker/messages/") || strings.HasPrefix(name, "mikel-mail/emails/")
}
