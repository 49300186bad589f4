package message

import (
	"bufio"
	"bytes"
	"io"
)

// checkEpilogue looks for boundary lines of p behind its closing one: there are no parts
// there, and programs are met that see some (RFC 2046 section 5.1.1).
func (s *scanner) checkEpilogue(p *Part) error {
	at := p.body
	for c := range p.Children() {
		at = c.end
	}
	_, params, _ := parseMediaType(p.Header().field(int(p.ctype)).body())
	delimiter := append([]byte("--"), boundaryOf(params)...)
	lines := bufio.NewReaderSize(io.NewSectionReader(s.msg.src, at, p.end-at), int(min(maxDelimiterLine, p.end-at)))
	closed, begins := false, true
	for {
		line, err := lines.ReadSlice('\n')
		rest, ok := bytes.CutPrefix(line, delimiter)
		rest = trimFWS(rest)
		switch closing := string(rest) == "--"; {
		case !begins || !ok || len(rest) > 0 && !closing:
		case closed:
			s.note(BoundaryBehindClose, at, p.index)
			return nil
		default:
			closed = closing
		}
		at += int64(len(line))
		switch begins = err == nil; err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// checkBody undoes the transfer encoding of a leaf to see whether that goes
// well, and looks at its charset.
func (s *scanner) checkBody(p *Part) error {
	switch p.encoding {
	case EncodingBase64, EncodingQuotedPrintable, EncodingUU, EncodingYEnc:
		b := p.open()
		buf := windows.Get().(*[]byte)
		defer windows.Put(buf)
		for b.err == nil {
			_, _ = b.decode(*buf)
		}
		if b.err != io.EOF {
			return b.err
		}
		if b.base64.bad {
			s.note(BadBase64, p.body, p.index)
		}
		if b.qp.bad {
			s.note(BadQuotedPrintable, p.body, p.index)
		}
		if b.uu.bad || b.yenc.bad {
			s.note(BadUUOrYEnc, p.body, p.index)
		}
	}
	if len(p.mediaType) > 5 && p.mediaType[:5] == "text/" && p.ctype >= 0 {
		if _, ok := findCharset(p.Params().Get("charset")); !ok {
			s.note(UnknownCharset, p.body, p.index)
		}
	}
	return nil
}
