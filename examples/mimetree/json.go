package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/message"
)

// tree is a message as the JSON form has it.
type tree struct {
	Program   string      `json:"oracle"`
	Subject   *string     `json:"subject"`
	From      [][2]string `json:"from"`
	To        [][2]string `json:"to"`
	Cc        [][2]string `json:"cc"`
	MessageID *string     `json:"message_id"`
	Date      *string     `json:"date"`
	Parts     []node      `json:"parts"`
	Defects   []string    `json:"defects"`
}

// node is a part. Its path counts from the message itself, which is 1.
type node struct {
	Path        string  `json:"path"`
	Type        string  `json:"type"`
	Filename    *string `json:"filename"`
	Charset     *string `json:"charset"`
	Disposition *string `json:"disposition"`
	Encoding    string  `json:"cte"`
	ContentID   *string `json:"cid"`
	Size        *int    `json:"size,omitempty"`
	SHA256      *string `json:"sha256,omitempty"`
}

func writeJSON(w io.Writer, m *message.Message) error {
	h := m.Header()
	t := tree{
		Program: "mimetree",
		From:    addresses(h, "From"),
		To:      addresses(h, "To"),
		Cc:      addresses(h, "Cc"),
		Defects: []string{},
	}
	if _, ok := h.Lookup("Subject"); ok {
		s := strings.Join(strings.Fields(h.Subject()), " ")
		t.Subject = &s
	}
	if id := h.MessageID(); id != "" {
		id = "<" + id + ">"
		t.MessageID = &id
	}
	if d, err := h.Date(); err == nil {
		s := d.Format("2006-01-02T15:04:05-07:00")
		t.Date = &s
	}
	if err := t.add(m.Root(), "1"); err != nil {
		return err
	}
	for _, d := range m.Defects() {
		t.Defects = append(t.Defects, d.Kind.String())
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(t)
}

func addresses(h message.Header, field string) [][2]string {
	if _, ok := h.Lookup(field); !ok {
		return nil
	}
	list, _ := h.Addresses(field)
	out := [][2]string{}
	for _, m := range list {
		out = append(out, [2]string{m.Name, m.Addr})
	}
	return out
}

// add adds p and the parts inside it.
func (t *tree) add(p *message.Part, path string) error {
	n := node{
		Path:        path,
		Type:        p.MediaType(),
		Filename:    optional(p.Filename()),
		Charset:     optional(p.Charset()),
		Disposition: optional(p.Disposition()),
		Encoding:    p.Encoding().String(),
		ContentID:   optional(p.ContentID()),
	}
	number := 0
	at := len(t.Parts)
	t.Parts = append(t.Parts, n)
	for c := range p.Children() {
		number++
		if err := t.add(c, path+"."+strconv.Itoa(number)); err != nil {
			return err
		}
	}
	if number > 0 {
		return nil
	}
	body, err := p.AppendBody(nil)
	if err != nil {
		return err
	}
	if strings.HasPrefix(n.Type, "text/") {
		// Text is compared whatever its line ends are.
		body = bytes.TrimRight(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), "\n")
	}
	sum := sha256.Sum256(body)
	size, hash := len(body), hex.EncodeToString(sum[:])
	t.Parts[at].Size, t.Parts[at].SHA256 = &size, &hash
	return nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
