package message

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Part is one part of a message: the message itself, an entity of a
// multipart, or the message in a message/rfc822. It is a view of its Message.
type Part struct {
	msg *Message
	raw []byte // the header as it stands

	start, body, end int64 // offsets of the header, of the body, and behind it

	mediaType string
	fields    [2]int32 // of the header, in Message.fields
	ctype     int32    // the Content-Type in header, or -1; likewise the next two
	cte       int32
	disp      int32
	index     int32 // in Message.parts
	parent    int32 // in Message.parts, or -1
	next      int32 // in Message.parts, of the part behind the last inside this one
	number    int32 // among its siblings, from 1
	children  int32
	once      uint32 // the known fields met in the header, a bit each
	encoding  Encoding
	kind      kind
	opaque    bool // the header was cut because of a limit
}

// kind is how a part was taken apart.
type kind uint8

const (
	leaf kind = iota
	multipart
	nested // a message in a part
)

// classify finds out from its header what p is and how to take it apart.
// It returns the boundary of a multipart.
func (s *scanner) classify(p *Part) (boundary []byte) {
	p.mediaType = "text/plain"
	if p.parent >= 0 && s.msg.parts[p.parent].mediaType == "multipart/digest" {
		p.mediaType = "message/rfc822" // RFC 2046 section 5.1.5
	}
	fields := p.Header().fields
	var params []byte
	if p.ctype >= 0 {
		f := fields[p.ctype]
		if t, rest, ok := parseMediaType(p.raw[f.value:f.end]); ok {
			p.mediaType, params = t, rest
		} else {
			p.mediaType = "text/plain" // RFC 2045 section 5.2
			s.note(BadContentType, p.start+int64(f.start), p.index)
		}
	}
	if p.cte >= 0 {
		f := fields[p.cte]
		var ok bool
		if p.encoding, ok = parseEncoding(p.raw[f.value:f.end]); !ok {
			// QUIRK: RFC 2045 section 6.4 says that the part is an application/octet-stream
			// if the encoding is not known. We leave the declared type in sight, and
			// have the defect and Part.Encoding tell, because the type is often still
			// right.
			s.note(BadTransferEncoding, p.start+int64(f.start), p.index)
		}
	}
	k := kindOf(p.mediaType)
	if k == leaf || p.opaque {
		return nil
	}
	if p.encoding == EncodingBase64 || p.encoding == EncodingQuotedPrintable {
		if p.mediaType != "message/global" { // RFC 6532 section 3.5
			s.note(BadTransferEncoding, p.start, p.index)
		}
		if k == nested {
			return nil
		}
	}
	if s.depth > s.limits.Depth {
		s.note(TooDeep, p.start, p.index)
		return nil
	}
	if k == multipart {
		if boundary = boundaryOf(params); boundary == nil {
			s.note(MissingBoundary, p.start, p.index)
			return nil
		}
	}
	p.kind = k
	return boundary
}

// boundaryOf returns the boundary among the parameters of a Content-Type, nil if there is
// none that can be used.
func boundaryOf(params []byte) []byte {
	b := bytes.TrimRight(paramOf(params, "boundary"), " \t")
	if len(b) == 0 || len(b) > maxBoundary {
		return nil
	}
	return b
}

func kindOf(mediaType string) kind {
	switch {
	case strings.HasPrefix(mediaType, "multipart/"):
		return multipart
	case mediaType == "message/rfc822", mediaType == "message/global": // RFC 6532 section 3.7
		return nested
	}
	return leaf
}

// Path names the part as IMAP does (RFC 9051 section 6.4.5.1): "1.2" is the second
// part of the first part. The parts of a message in part 3 begin with "3.";
// a body that is not a multipart is part 1 of its message. A multipart
// that is the body of a message has no number, but it is the text of that
// message: "TEXT" at the top, "3.TEXT" in part 3.
func (p *Part) Path() string {
	var numbers []int32 // from the inside out
	for q := p; q != nil; q = q.Parent() {
		if q.kind != multipart || !q.isBody() {
			numbers = append(numbers, q.number)
		}
	}
	var path []byte
	for _, n := range slices.Backward(numbers) {
		path = append(strconv.AppendInt(path, int64(n), 10), '.')
	}
	if p.kind == multipart && p.isBody() {
		return string(path) + "TEXT"
	}
	return string(path[:len(path)-1])
}

// isBody reports whether the part is the whole of a message.
func (p *Part) isBody() bool {
	return p.parent < 0 || p.msg.parts[p.parent].kind == nested
}

// Parent returns the part that p lies in; nil for the message itself.
func (p *Part) Parent() *Part {
	if p.parent < 0 {
		return nil
	}
	return &p.msg.parts[p.parent]
}

// Children returns the parts of a multipart in their order, or the one message
// in a message/rfc822.
func (p *Part) Children() iter.Seq[*Part] {
	return func(yield func(*Part) bool) {
		for i := p.index + 1; i < p.next; i = p.msg.parts[i].next {
			if !yield(&p.msg.parts[i]) {
				return
			}
		}
	}
}

// child returns the nth part inside p, counted from 1, or nil.
func (p *Part) child(n int) *Part {
	for c := range p.Children() {
		if int(c.number) == n {
			return c
		}
	}
	return nil
}

// Header returns the part's header.
func (p *Part) Header() Header {
	return Header{p.raw, p.msg.fields[p.fields[0]:p.fields[1]:p.fields[1]]}
}

// MediaType returns type and subtype of the Content-Type in lower case, or what
// counts when there is none or a broken one: "text/plain", and in a
// multipart/digest "message/rfc822".
func (p *Part) MediaType() string { return p.mediaType }

// Params returns the parameters of the Content-Type, also of one whose type cannot be read.
func (p *Part) Params() Params { return parseParams(unfold(p.params())) }

// params returns the parameters of the Content-Type as they stand.
func (p *Part) params() []byte {
	if p.ctype < 0 {
		return nil
	}
	value := trimFWS(p.Header().field(int(p.ctype)).body())
	if end := skipPlainType(value); end > 0 {
		return value[end:]
	}
	if _, params, ok := parseLooseType(value); ok {
		return params
	}
	// What stands in front of them cannot be read, or is missing.
	if n := bytes.IndexAny(value, ";="); n >= 0 && value[n] == ';' {
		return value[n:]
	}
	return value
}

// Charset returns the charset parameter in lower case as it stands; "" if there is none.
func (p *Part) Charset() string { return ascii.ToLower(string(paramOf(p.params(), "charset"))) }

// Disposition returns the type of the Content-Disposition in lower case, such as
// "inline" or "attachment"; "" if there is none. What is not known is to be
// treated as an attachment (RFC 2183 section 2.8).
func (p *Part) Disposition() string {
	d, _ := p.disposition()
	return d
}

// DispositionParams returns the parameters of the Content-Disposition.
func (p *Part) DispositionParams() Params {
	_, params := p.disposition()
	return params
}

func (p *Part) disposition() (string, Params) {
	if p.disp < 0 {
		return "", nil
	}
	return parseDisposition(p.Header().field(int(p.disp)).body())
}

// Filename returns the name that the sender gave the part, "" if none. Of
// several it is the first there is of: filename* of the Content-Disposition (RFC 2231),
// its filename, name* of the Content-Type, its name. Encoded words in a plain
// one are decoded.
//
// It is what the sender wrote. It may hold slashes, dots and anything else, and must
// not become a path unseen (RFC 2183 section 2.3).
func (p *Part) Filename() string {
	if name := p.DispositionParams().text("filename"); name != "" {
		return name
	}
	return p.Params().text("name")
}

// ContentID returns the Content-ID without its angle brackets; "" if there is none.
func (p *Part) ContentID() string {
	return trimID(p.Header().Get("Content-ID"))
}

// Encoding returns the transfer encoding of the body.
func (p *Part) Encoding() Encoding { return p.encoding }

// Offsets returns where in the message the part's header starts, where its body
// starts, and where it ends. A header ends with an empty line that belongs to
// neither; the line end before a boundary line belongs to the boundary.
func (p *Part) Offsets() (header, body, end int64) { return p.start, p.body, p.end }

// Raw returns the part exactly as it stands, header and body: what a
// multipart/signed signs.
func (p *Part) Raw() *io.SectionReader {
	return io.NewSectionReader(p.msg.src, p.start, p.end-p.start)
}

// RawBody returns the body exactly as it stands, with its transfer encoding.
func (p *Part) RawBody() *io.SectionReader {
	return io.NewSectionReader(p.msg.src, p.body, p.end-p.body)
}

// Nested parses the decoded body of p as a message of its own, with the same
// Parser. It is meant for a message/rfc822 in base64 or quoted-printable, which
// RFC 2045 section 6.4 forbids and Parse therefore leaves alone. The
// decoded body is held in memory; offsets in the message count from its start.
// Of Limits.Depth there is left what p itself has not used up.
func (p *Part) Nested() (*Message, error) {
	depth := 0
	for q := p; q != nil; q = q.Parent() {
		depth++
	}
	parser := p.msg.parser
	parser.Limits = parser.Limits.withDefaults()
	if parser.Limits.Depth -= depth; parser.Limits.Depth <= 0 {
		return nil, Defect{TooDeep, p.start, p.Path()}
	}
	b, err := p.AppendBody(nil)
	if err != nil {
		return nil, err
	}
	return parser.ParseBytes(b)
}
