package message

import (
	"bytes"
	"io"
	"slices"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Encoding is the transfer encoding of a body (RFC 2045 section 6).
type Encoding uint8

const (
	// Encoding7Bit is the default: short lines of ASCII.
	Encoding7Bit Encoding = iota
	Encoding8Bit
	EncodingBinary
	EncodingQuotedPrintable
	EncodingBase64
	// EncodingUU is uuencode and EncodingYEnc is yEnc, which have no place in MIME but
	// are met.
	EncodingUU
	EncodingYEnc
	// EncodingUnknown is a Content-Transfer-Encoding that is none of the others. It is
	// not undone.
	EncodingUnknown
)

// String returns the encoding as it is written in a Content-Transfer-Encoding.
func (e Encoding) String() string {
	switch e {
	case Encoding7Bit:
		return "7bit"
	case Encoding8Bit:
		return "8bit"
	case EncodingBinary:
		return "binary"
	case EncodingQuotedPrintable:
		return "quoted-printable"
	case EncodingBase64:
		return "base64"
	case EncodingUU:
		return "x-uuencode"
	case EncodingYEnc:
		return "x-yenc"
	}
	return "unknown"
}

// parseEncoding reads the value of a Content-Transfer-Encoding; comments are passed
// over. It also reports whether it is one, and no more than that: what follows a
// semicolon is passed over too, since many programs take the field for one with
// parameters.
//
//	mechanism := "7bit" / "8bit" / "binary" / "quoted-printable" / "base64" / ...
func parseEncoding(value []byte) (e Encoding, ok bool) {
	value, _, parameters := bytes.Cut(value, []byte{';'})
	value = trimFWS(value)
	if bytes.IndexByte(value, '(') >= 0 {
		s := string(value)
		i := skipCFWS(s, 0)
		end := i
		for end < len(s) && isToken(s[end]) {
			end++
		}
		if skipCFWS(s, end) == len(s) {
			value = value[i:end]
		}
	}
	for e := Encoding7Bit; e < EncodingUnknown; e++ {
		if ascii.EqualFold(value, e.String()) {
			return e, !parameters
		}
	}
	switch ascii.ToLower(string(value)) {
	case "uuencode", "x-uue", "uue":
		return EncodingUU, !parameters
	case "yenc":
		return EncodingYEnc, !parameters
	}
	return EncodingUnknown, false
}

const bodyChunk = 32 << 10

// body reads a part's body and undoes its transfer encoding.
type body struct {
	src      io.ReaderAt
	off, end int64  // what of src is not in raw yet
	raw      []byte // octets to decode
	buf      []byte // where raw lies, if src is not memory
	out      []byte // octets decoded and not delivered
	outBuf   []byte
	encoding Encoding
	base64   base64Decoder
	qp       qpDecoder
	uu       uuDecoder
	yenc     yencDecoder
	err      error // sticky; io.EOF when all is decoded
}

// Open returns a reader of the body with its transfer encoding undone. Bad
// encodings are read as well as can be and give no error; a Parser with Thorough
// set reports them. The reader is also an io.WriterTo. It may be dropped at
// any point.
func (p *Part) Open() io.Reader { return p.open() }

func (p *Part) open() *body {
	b := &body{src: p.msg.src, off: p.body, end: p.end, encoding: p.encoding}
	if p.kind != leaf {
		b.encoding = EncodingBinary // RFC 2045 section 6.4
	}
	if p.msg.data != nil {
		b.raw = p.msg.data[p.body:p.end]
		b.off = b.end
	}
	return b
}

// unencoded returns the body if it lies in memory without any transfer encoding.
func (p *Part) unencoded() ([]byte, bool) {
	switch p.encoding {
	case EncodingBase64, EncodingQuotedPrintable, EncodingUU, EncodingYEnc:
		if p.kind == leaf {
			return nil, false
		}
	}
	if p.msg.data == nil {
		return nil, false
	}
	return p.msg.data[p.body:p.end], true
}

// AppendBody appends to dst the body with its transfer encoding undone, as Open
// reads it. The error is that of reading the message; from memory there is none.
func (p *Part) AppendBody(dst []byte) ([]byte, error) { return p.open().appendTo(dst) }

func (b *body) appendTo(dst []byte) ([]byte, error) {
	if b.off == b.end {
		return b.appendMemory(dst), nil
	}
	for b.err == nil {
		if cap(dst)-len(dst) < minDecode {
			dst = slices.Grow(dst, b.room())
		}
		n, _ := b.decode(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
	}
	if b.err != io.EOF {
		return dst, b.err
	}
	return dst, nil
}

// appendMemory is appendTo for a body that is in raw as a whole.
func (b *body) appendMemory(dst []byte) []byte {
	src, at := b.raw, len(dst)
	switch b.encoding {
	case EncodingBase64:
		dst = slices.Grow(dst, base64Room(len(src)))[:at+base64Room(len(src))]
		at += b.base64.decode(dst[at:], src)
		return dst[:at+b.base64.finish(dst[at:])]
	case EncodingQuotedPrintable, EncodingUU, EncodingYEnc:
		decode := b.qp.decode
		switch b.encoding {
		case EncodingUU:
			decode = b.uu.decode
		case EncodingYEnc:
			decode = b.yenc.decode
		}
		dst = slices.Grow(dst, len(src))[:at+len(src)]
		n, _ := decode(dst[at:], src, true)
		return dst[:at+n]
	}
	return append(dst, src...)
}

// room is how much buffer all that is left may need.
func (b *body) room() int {
	left := b.end - b.off + int64(len(b.raw))
	if b.encoding == EncodingBase64 {
		left = left / 4 * 3
	}
	return int(left) + minDecode
}

// minDecode is the smallest buffer that decode is given, so that it can always go on.
const minDecode = 4096

func (b *body) Read(p []byte) (int, error) {
	if len(b.out) == 0 {
		if len(p) == 0 {
			return 0, nil
		}
		if len(p) >= minDecode {
			return b.decode(p)
		}
		if b.outBuf == nil {
			b.outBuf = make([]byte, minDecode)
		}
		n, err := b.decode(b.outBuf)
		if n == 0 {
			return 0, err
		}
		b.out = b.outBuf[:n]
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

func (b *body) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b.out)
	total := int64(n)
	b.out = b.out[n:]
	buf := make([]byte, min(bodyChunk, b.room()))
	for err == nil {
		if n, err = b.decode(buf); err != nil {
			break
		}
		n, err = w.Write(buf[:n])
		total += int64(n)
	}
	if err == io.EOF {
		err = nil
	}
	return total, err
}

// decode decodes into dst, which has minDecode octets at least. It returns octets
// or an error, not both, and io.EOF when there is no more.
func (b *body) decode(dst []byte) (n int, err error) {
	for n == 0 && b.err == nil {
		if b.err = b.fill(); b.err != nil {
			break
		}
		last := b.off == b.end
		in := b.raw
		used := 0
		switch b.encoding {
		case EncodingBase64:
			if most := (len(dst) - 8) / 3 * 4; len(in) > most {
				in, last = in[:most], false
			}
			n, used = b.base64.decode(dst, in), len(in)
			if last {
				n += b.base64.finish(dst[n:])
			}
		case EncodingQuotedPrintable:
			if len(in) > len(dst) {
				in, last = in[:len(dst)], false
			}
			n, used = b.qp.decode(dst, in, last)
		case EncodingUU, EncodingYEnc:
			if len(in) > len(dst) {
				in, last = in[:len(dst)], false
			}
			if b.encoding == EncodingUU {
				n, used = b.uu.decode(dst, in, last)
			} else {
				n, used = b.yenc.decode(dst, in, last)
			}
		default:
			n = copy(dst, in)
			last = last && n == len(in)
			used = n
		}
		b.raw = b.raw[used:]
		if last {
			b.err = io.EOF
		}
	}
	if n > 0 {
		return n, nil
	}
	return 0, b.err
}

// fill reads on when what is left in raw may be too little to go on with.
func (b *body) fill() error {
	if b.off == b.end || len(b.raw) > qpTail {
		return nil
	}
	if b.buf == nil {
		b.buf = make([]byte, min(bodyChunk, b.end-b.off))
	}
	rest := copy(b.buf, b.raw)
	room := b.buf[rest:]
	if left := b.end - b.off; int64(len(room)) > left {
		room = room[:left]
	}
	n, err := b.src.ReadAt(room, b.off)
	b.off += int64(n)
	b.raw = b.buf[:rest+n]
	switch {
	case n == len(room):
		return nil
	case err == nil, err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}
