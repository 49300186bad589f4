package interop

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/mail"

	"github.com/posthouse/posthouse/message"
)

// reading is what a parser finds in a message. Text has its lines end in LF, and none of
// the blanks at its end.
type reading struct {
	Subject     string
	From, To    []message.Mailbox
	Date        int64 // seconds since 1970
	Text, HTML  string
	Attachments []attached
}

type attached struct {
	Name, Type string
	Content    []byte
}

// letters are well-formed messages of all kinds. What is broken is read in other ways
// by each parser, and is compared in package message with what its authors wish to see.
var letters = map[string]string{
	"plain": "From: Alice <alice@example.test>\nTo: bob@example.test\nDate: Thu, 1 Jan 2026 12:34:56 +0530\nSubject: hello\n\nHello,\n\n.dot\nBob\n",
	"folded": "From: \"Doe, Jane (x)\" <jane@example.test>\nTo: Bob\n <bob@example.test>,\n\tcarol@example.test\nDate: 1 Jan 2026 12:34:56 GMT\n" +
		"Subject: a subject\n that goes on\n\tand on\n\ntext\n",
	"group":         "From: a@example.test\nTo: friends: Bob <bob@example.test>, carol@example.test;, dave@example.test\nDate: 1 Jan 2026 00:00:00 -0000\nSubject: group\n\ntext\n",
	"encoded words": "From: =?utf-8?q?J=C3=BCrgen_M=2E?= <j@example.test>\nTo: =?iso-8859-1?Q?Andr=E9?= <a@example.test>\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: =?utf-8?b?R3LDvMOf?= =?utf-8?b?ZQ==?= and =?koi8-r?B?8NLJ18XU?=\n\ntext\n",
	"quoted-printable": "From: a@example.test\nTo: b@example.test\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: qp\nMIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\n" +
		"Content-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe, and a line that=\n goes on=20\n=3D end\n",
	"8-bit": "From: a@example.test\nTo: b@example.test\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: 8\nMIME-Version: 1.0\nContent-Type: text/plain; charset=windows-1252\n" +
		"Content-Transfer-Encoding: 8bit\n\n\x93quoted\x94 \x80\n",
	"html": "From: a@example.test\nTo: b@example.test\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: html\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n" +
		"Content-Transfer-Encoding: base64\n\nPHA+R3LDvMOfZTwvcD4=\n",
	"alternative": "From: a@example.test\nTo: b@example.test\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: alternative\nMIME-Version: 1.0\nContent-Type: multipart/alternative;\n boundary=\"=_a/b\"\n\n" +
		"preamble\n--=_a/b\nContent-Type: text/plain\n\nplain\n--=_a/b\nContent-Type: text/html\n\n<p>html</p>\n--=_a/b--\nepilogue\n",
	"attachments": "From: a@example.test\nTo: b@example.test\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: attachments\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n" +
		"--x\nContent-Type: text/plain; charset=utf-8\n\ntext\n--x\nContent-Type: application/pdf; name=one.pdf\nContent-Disposition: attachment; filename=\"one two.pdf\"\n" +
		"Content-Transfer-Encoding: base64\n\nAAECAwQF\nBgcICQ==\n--x\nContent-Type: application/octet-stream\nContent-Disposition: attachment;\n filename*0*=utf-8''gr%C3%BC;\n filename*1*=%C3%9Fe.bin\n" +
		"Content-Transfer-Encoding: base64\n\n/w==\n--x--\n",
	"nested": "From: a@example.test\nTo: b@example.test\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: nested\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=outer\n\n" +
		"--outer\nContent-Type: multipart/alternative; boundary=inner\n\n--inner\n\nplain\n--inner\nContent-Type: text/html\n\n<i>html</i>\n--inner--\n\n" +
		"--outer\nContent-Type: image/png\nContent-Disposition: attachment; filename=p.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--outer--\n",
}

// TestParsers has mailparser and go-message read the same messages as we do: the letters
// here, and those that package message composes.
func TestParsers(t *testing.T) {
	t.Parallel()
	all := map[string][]byte{}
	for name, text := range letters {
		all[name] = []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	}
	for _, name := range []string{"plain", "everything"} {
		b, err := os.ReadFile(filepath.Join("../../message/testdata/draft", name+".eml"))
		if err != nil {
			t.Fatal(err)
		}
		all["draft "+name] = b
	}
	for parser, read := range map[string]func(t *testing.T, text []byte) (reading, error){"go-message": readGoMessage, "mailparser": readMailparser} {
		t.Run(parser, func(t *testing.T) {
			t.Parallel()
			for name, text := range all {
				t.Run(name, func(t *testing.T) {
					ours, err := readPosthouse(text)
					if err != nil {
						t.Fatal(err)
					}
					theirs, err := read(t, text)
					if err != nil {
						t.Fatal(err)
					}
					if !reflect.DeepEqual(ours, theirs) {
						t.Errorf("\n   we read %+v\nthey read %+v", ours, theirs)
					}
				})
			}
		})
	}
}

func readPosthouse(text []byte) (reading, error) {
	m, err := message.ParseBytes(text)
	if err != nil {
		return reading{}, err
	}
	h := m.Header()
	r := reading{Subject: h.Subject()}
	r.From, err = h.Addresses("From")
	if err != nil {
		return r, err
	}
	if r.To, err = h.Addresses("To"); err != nil {
		return r, err
	}
	date, err := h.Date()
	if err != nil {
		return r, err
	}
	r.Date = date.Unix()
	for p := range m.Parts() {
		attachment := p.Disposition() == "attachment" || p.Filename() != ""
		switch {
		case strings.HasPrefix(p.MediaType(), "multipart/"):
		case attachment || !strings.HasPrefix(p.MediaType(), "text/"):
			b, err := p.AppendBody(nil)
			if err != nil {
				return r, err
			}
			r.Attachments = append(r.Attachments, attached{p.Filename(), p.MediaType(), b})
		default:
			b, err := p.AppendText(nil)
			if err != nil {
				return r, err
			}
			r.add(p.MediaType(), b)
		}
	}
	return r, nil
}

// add adds a text.
func (r *reading) add(mediaType string, b []byte) {
	text := strings.TrimRight(strings.ReplaceAll(string(b), "\r\n", "\n"), " \n")
	if mediaType == "text/html" {
		r.HTML += text
	} else {
		r.Text += text
	}
}

func readGoMessage(_ *testing.T, text []byte) (r reading, err error) {
	m, err := mail.CreateReader(bytes.NewReader(text))
	if err != nil {
		return r, err
	}
	var date time.Time
	var from, to []*mail.Address
	var errs [4]error
	r.Subject, errs[0] = m.Header.Subject()
	from, errs[1] = m.Header.AddressList("From")
	to, errs[2] = m.Header.AddressList("To")
	date, errs[3] = m.Header.Date()
	if err := errors.Join(errs[:]...); err != nil {
		return r, err
	}
	r.Date = date.Unix()
	for _, a := range from {
		r.From = append(r.From, message.Mailbox{Name: a.Name, Addr: a.Address})
	}
	for _, a := range to {
		r.To = append(r.To, message.Mailbox{Name: a.Name, Addr: a.Address})
	}
	for {
		p, err := m.NextPart()
		if err == io.EOF {
			return r, nil
		}
		if err != nil && !gomessage.IsUnknownCharset(err) {
			return r, err
		}
		b, err := io.ReadAll(p.Body)
		if err != nil {
			return r, err
		}
		switch h := p.Header.(type) {
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			mediaType, _, _ := h.ContentType()
			r.Attachments = append(r.Attachments, attached{name, mediaType, b})
		case *mail.InlineHeader:
			mediaType, _, _ := h.ContentType()
			if strings.HasPrefix(mediaType, "text/") {
				r.add(mediaType, b)
			} else {
				_, params, _ := h.ContentDisposition()
				r.Attachments = append(r.Attachments, attached{params["filename"], mediaType, b})
			}
		}
	}
}

// readMailparser runs mailparser for one message.
func readMailparser(t *testing.T, text []byte) (r reading, err error) {
	needNode(t, "mailparser")
	cmd := exec.Command("node", "node/parse.js")
	cmd.Stdin = strings.NewReader(base64.StdEncoding.EncodeToString(text) + "\n")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	if err := json.NewDecoder(bufio.NewReader(bytes.NewReader(out))).Decode(&r); err != nil {
		return r, err
	}
	if len(r.Attachments) == 0 {
		r.Attachments = nil
	}
	plain, html := r.Text, r.HTML
	r.Text, r.HTML = "", ""
	r.add("text/plain", []byte(plain))
	r.add("text/html", []byte(html))
	return r, nil
}
