package message

import "strings"

// AppendStructure appends to dst what IMAP answers to FETCH BODYSTRUCTURE, or,
// without extension, to FETCH BODY, from the opening parenthesis to the closing
// one (RFC 9051 section 7.5.2). It reads the message once, for the numbers of
// lines, if there is text in it or a message; after Load it reads nothing.
//
// A multipart or message that is not taken apart, because it has no part or no
// boundary, is encoded or lies too deep, is told as application/octet-stream: to
// say its type would promise what is inside.
func (m *Message) AppendStructure(dst []byte, extension bool) ([]byte, error) {
	lines := m.lines
	if lines == nil {
		var err error
		if lines, err = m.allLines(); err != nil {
			return dst, err
		}
	}
	w := structureWriter{imapWriter{dst}, m, lines, extension}
	return w.message(), nil
}

type structureWriter struct {
	imapWriter
	m         *Message
	lines     []int64
	extension bool
}

// message writes all parts. Behind the last part inside it, a part is ended.
func (w *structureWriter) message() []byte {
	parts := w.m.parts
	for i := range parts {
		w.begin(&parts[i])
		for p := &parts[i]; p != nil && p.next == int32(i+1); p = p.Parent() {
			w.end(p)
		}
	}
	return w.b
}

// begin writes what comes before the parts inside p.
func (w *structureWriter) begin(p *Part) {
	w.open()
	if p.kind == multipart && p.children > 0 {
		return
	}
	mediaType, subtype, _ := strings.Cut(p.mediaType, "/")
	if kindOf(p.mediaType) != p.kind || p.kind == multipart {
		mediaType, subtype = "application", "octet-stream"
	}
	w.upper(mediaType)
	w.space()
	w.upper(subtype)
	w.space()
	w.params(p.Params())
	w.space()
	w.field(p.Header(), "Content-ID")
	w.space()
	w.field(p.Header(), "Content-Description")
	w.space()
	w.encoding(p)
	w.space()
	w.number(p.end - p.body)
	if p.kind == nested {
		inner := p.child(1)
		w.space()
		w.b = inner.Header().AppendEnvelope(w.b)
		w.space()
	}
}

// end writes what comes behind the parts inside p.
func (w *structureWriter) end(p *Part) {
	switch {
	case p.kind == multipart && p.children > 0:
		_, subtype, _ := strings.Cut(p.mediaType, "/")
		w.space()
		w.upper(subtype)
		if w.extension {
			w.space()
			w.params(p.Params())
		}
	case p.kind == nested || strings.HasPrefix(p.mediaType, "text/"):
		w.space()
		w.number(w.lines[p.index])
		fallthrough
	default:
		if w.extension {
			w.space()
			w.field(p.Header(), "Content-MD5")
		}
	}
	if w.extension {
		w.space()
		w.disposition(p)
		w.space()
		w.languages(p)
		w.space()
		w.field(p.Header(), "Content-Location")
	}
	w.close()
}

// encoding writes the transfer encoding as the message has it.
func (w *structureWriter) encoding(p *Part) {
	name := p.encoding.String()
	if p.encoding == EncodingUnknown {
		if word := p.Header().Get("Content-Transfer-Encoding"); word != "" {
			name = word
		}
	}
	w.upper(name)
}

// params writes parameters, as text if they are in the form of RFC 2231.
//
//	body-fld-param = "(" string SP string *(SP string SP string) ")" / nil
func (w *structureWriter) params(params Params) {
	if len(params) == 0 {
		w.raw("NIL")
		return
	}
	for i, p := range params {
		w.between(i)
		w.upper(p.Name)
		w.space()
		w.text(p.Value)
	}
	w.close()
}

// disposition writes the Content-Disposition.
//
//	body-fld-dsp = "(" string SP body-fld-param ")" / nil
func (w *structureWriter) disposition(p *Part) {
	d, params := p.disposition()
	if d == "" {
		w.raw("NIL")
		return
	}
	w.open()
	w.upper(d)
	w.space()
	w.params(params)
	w.close()
}

// languages writes the Content-Language (RFC 3282 section 2).
//
//	body-fld-lang = nstring / "(" string *(SP string) ")"
func (w *structureWriter) languages(p *Part) {
	var list []string
	v := p.Header().Get("Content-Language")
	for i := skipCFWS(v, 0); i < len(v); i = skipCFWS(v, i) {
		end := i
		for end < len(v) && isToken(v[end]) {
			end++
		}
		if end > i {
			list = append(list, v[i:end])
		}
		i = max(end, i+1)
	}
	switch len(list) {
	case 0:
		w.raw("NIL")
	case 1:
		w.text(list[0])
	default:
		for i, tag := range list {
			w.between(i)
			w.text(tag)
		}
		w.close()
	}
}
