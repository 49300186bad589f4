package message

import "io"

// Parser says how messages are parsed. The zero value is what Parse and
// ParseBytes use. It is not changed by parsing and may be used by several
// goroutines at once.
type Parser struct {
	// Limits bounds what one message may cost.
	Limits Limits
	// Thorough also looks for the defects that the structure does not show,
	// in the values of fields, in the line ends of bodies and in their
	// transfer encodings. It reads the message a second time.
	Thorough bool
	// Strict makes the first defect an error of type Defect. It implies Thorough.
	Strict bool
	// Memory is how many octets of a message Read keeps in memory before it
	// takes a temporary file. Default 1 MiB.
	Memory int
}

// Parse parses the message in the first size octets of r with the zero Parser.
func Parse(r io.ReaderAt, size int64) (*Message, error) { return new(Parser).Parse(r, size) }

// ParseBytes parses the message b with the zero Parser. The message is a view
// of b, which must not change while the message is in use.
func ParseBytes(b []byte) (*Message, error) { return new(Parser).ParseBytes(b) }

// Parse parses the message in the first size octets of r, which is read from
// front to back. The message goes on reading from r when bodies are asked for.
//
// The error is that of r, or io.ErrUnexpectedEOF when r ends before size, or a
// Defect if p is strict; there is no message then.
func (p *Parser) Parse(r io.ReaderAt, size int64) (*Message, error) {
	m := newMessage(r, max(size, 0))
	s := newScanner(m, p.Limits, window{src: r, size: m.size})
	defer s.win.release()
	return p.parse(s)
}

// ParseBytes is Parse for a message in memory. The message is a view of b,
// which must not change while the message is in use.
func (p *Parser) ParseBytes(b []byte) (*Message, error) {
	m := newMessage(nil, int64(len(b)))
	m.data = b
	m.src = &m.data
	return p.parse(newScanner(m, p.Limits, window{buf: b, size: m.size}))
}

func (p *Parser) parse(s *scanner) (*Message, error) {
	s.msg.parser = *p
	if err := s.scan(); err != nil {
		return nil, err
	}
	if p.Thorough || p.Strict {
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	s.msg.defects = s.defects()
	if p.Strict && len(s.msg.defects) > 0 {
		return nil, s.msg.defects[0]
	}
	return s.msg, nil
}

// octets is a message in memory as an io.ReaderAt.
type octets []byte

func (o *octets) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(*o)) {
		return 0, io.EOF
	}
	n := copy(p, (*o)[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
