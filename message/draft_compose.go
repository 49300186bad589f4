package message

import (
	"maps"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// composer turns a Draft into a Composition.
type composer struct {
	draft  *Draft
	now    func() time.Time
	random func() string // at least 128 bits as letters and digits, another each time

	date     time.Time
	id       string
	boundary string // and a number
	utf8     bool   // an address is outside ASCII
	made     int    // multiparts

	out    fieldWriter // what is not yet in chunks
	chunks []chunk
}

// chunk is a run of octets, and behind it the content of an attachment.
type chunk struct {
	text []byte
	file *Attachment // nil: none
	enc  Encoding    // base64, 7bit or 8bit
}

// entity is the message, or a part of it.
type entity struct {
	mediaType string // without parameters
	params    []Param
	enc       Encoding
	text      string // of a leaf that is no file
	file      *Attachment
	inline    bool
	parts     []entity
}

func (c *composer) compose() (*Composition, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.fix()
	c.out.utf8 = c.utf8
	root, err := c.structure()
	if err != nil {
		return nil, err
	}
	c.header(&c.out)
	c.entity(&root)
	c.out.b = append(c.out.b, rootEnd(&root)...)
	if c.out.long {
		return nil, &DraftError{Field: "Extra", Reason: "line that cannot be folded"}
	}
	c.chunks = append(c.chunks, chunk{text: c.out.b})
	return &Composition{
		chunks: c.chunks, id: c.id, date: c.date, recipients: c.draft.Recipients(),
		utf8: c.utf8, eightBit: c.utf8 || root.enc == Encoding8Bit,
	}, nil
}

// rootEnd is what completes the last line of the message.
func rootEnd(root *entity) string {
	if len(root.parts) == 0 && (root.text == "" || root.enc != EncodingBase64 && strings.HasSuffix(root.text, "\n")) {
		return ""
	}
	return "\r\n"
}

// structure is mixed(related(alternative(text, HTML), inline files), files), each only
// if there is need of it.
func (c *composer) structure() (entity, error) {
	d := c.draft
	inline, err := files("Inline", d.Inline, true)
	if err != nil {
		return entity{}, err
	}
	attached, err := files("Attachments", d.Attachments, false)
	if err != nil {
		return entity{}, err
	}
	var root entity
	switch {
	case d.HTML == "":
		root = textEntity("text/plain", d.Text)
	case d.Text == "":
		root = textEntity("text/html", d.HTML)
	default:
		// RFC 2046 section 5.1.4: the best alternative is the last.
		root = c.multipart("alternative", textEntity("text/plain", d.Text), textEntity("text/html", d.HTML))
	}
	if len(inline) > 0 && d.HTML != "" {
		start := root.mediaType
		root = c.multipart("related", append([]entity{root}, inline...)...)
		root.params = append([]Param{{Name: "type", Value: start}}, root.params...) // RFC 2387 section 3.1
		inline = nil
	}
	attached = append(inline, attached...)
	if len(attached) == 0 {
		return root, nil
	}
	if d.Text == "" && d.HTML == "" {
		return c.multipart("mixed", attached...), nil
	}
	return c.multipart("mixed", append([]entity{root}, attached...)...), nil
}

func (c *composer) multipart(subtype string, parts ...entity) entity {
	c.made++
	e := entity{
		mediaType: "multipart/" + subtype,
		params:    []Param{{Name: "boundary", Value: c.boundary + "_" + strconv.Itoa(c.made)}},
		parts:     parts,
	}
	for _, p := range parts {
		if p.enc == Encoding8Bit {
			e.enc = Encoding8Bit // RFC 2045 section 6.4: a multipart has the encoding of what is in it
		}
	}
	return e
}

func textEntity(mediaType, text string) entity {
	s := surveyText(text)
	charset := "utf-8" // RFC 2049 section 2: what is not ASCII is labelled
	if s.ascii {
		charset = "us-ascii" // RFC 2046 section 4.1.2: the least that will do
	}
	return entity{mediaType: mediaType, params: []Param{{Name: "charset", Value: charset}}, enc: s.encoding(len(text)), text: text}
}

func files(field string, list []Attachment, inline bool) ([]entity, error) {
	entities := make([]entity, 0, len(list))
	for _, a := range list {
		e := entity{enc: EncodingBase64, file: &a, inline: inline}
		var params map[string]string
		e.mediaType, params, _ = mime.ParseMediaType(a.mediaType()) // it was checked
		for _, name := range slices.Sorted(maps.Keys(params)) {
			e.params = append(e.params, Param{Name: name, Value: params[name]})
		}
		if strings.HasPrefix(e.mediaType, "message/") {
			var err error
			if e.enc, err = surveyMessage(&a, e.mediaType); err != nil {
				return nil, &DraftError{Field: field, Value: a.Name, Reason: "message that cannot be attached", Err: err}
			}
		}
		entities = append(entities, e)
	}
	return entities, nil
}

// entity writes MIME's fields and the content.
func (c *composer) entity(e *entity) {
	f := &c.out
	f.begin("Content-Type")
	f.token(e.mediaType)
	for _, p := range e.params {
		f.param(p.Name, p.Value)
	}
	f.end()
	if e.enc != Encoding7Bit {
		f.raw("Content-Transfer-Encoding", e.enc.String())
	}
	if e.file != nil {
		c.disposition(e)
	}
	f.end()
	switch {
	case e.file != nil:
		c.chunks = append(c.chunks, chunk{text: f.b, file: e.file, enc: e.enc})
		f.b, f.line = nil, 0
	case len(e.parts) > 0:
		c.parts(e)
	case e.enc == EncodingBase64:
		// RFC 2045 section 6.8: line ends are CRLF before they are encoded.
		f.b = appendBase64(f.b, appendCRLF(nil, e.text))
	case e.enc == EncodingQuotedPrintable:
		f.b = appendQP(f.b, e.text)
	default:
		f.b = appendCRLF(f.b, e.text)
	}
}

// disposition writes the fields that only files have.
func (c *composer) disposition(e *entity) {
	f := &c.out
	f.begin("Content-Disposition")
	if e.inline {
		f.token("inline")
	} else {
		f.token("attachment")
	}
	if e.file.Name != "" {
		f.param("filename", e.file.Name)
	}
	f.end()
	if e.file.ContentID != "" {
		c.ids(f, "Content-ID", []string{e.file.ContentID})
	}
}

// parts writes the parts of a multipart between its boundaries. The line end before a
// boundary belongs to it, so that each part is exactly its content.
func (c *composer) parts(e *entity) {
	delimiter := "--" + e.params[len(e.params)-1].Value
	for i := range e.parts {
		if i > 0 {
			c.out.b = append(c.out.b, "\r\n"...)
		}
		c.out.b = append(append(c.out.b, delimiter...), "\r\n"...)
		c.entity(&e.parts[i])
	}
	c.out.b = append(append(append(c.out.b, "\r\n"...), delimiter...), "--"...)
}
