package message

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// ErrBadIndex is the error of Load for an index that AppendIndex did not write,
// or not of a message of that size.
var ErrBadIndex = errors.New("message: bad index")

// indexVersion is raised whenever the form of an index changes.
const indexVersion = 1

// AppendIndex appends to dst the index of the message: all that Load needs to
// make the Message again without parsing it, for a store to keep beside the
// mail. It is the headers of all parts and some 30 octets a part and 5 a field. The
// numbers of lines are in it, for which the message is read once. Its form is of this
// package alone, and a later version may refuse it: parse again then. Defects are
// not in it.
func (m *Message) AppendIndex(dst []byte) ([]byte, error) {
	lines := m.lines
	if lines == nil {
		var err error
		if lines, err = m.allLines(); err != nil {
			return dst, err
		}
	}
	dst = append(dst, indexVersion)
	dst = binary.AppendUvarint(dst, uint64(m.size))
	dst = binary.AppendUvarint(dst, uint64(len(m.parts)))
	dst = binary.AppendUvarint(dst, uint64(len(m.fields)))
	for i := range m.parts {
		dst = m.parts[i].appendIndex(dst, lines[i])
	}
	return dst, nil
}

func (p *Part) appendIndex(dst []byte, lines int64) []byte {
	for _, n := range []int64{
		int64(p.next - p.index), p.start, p.body - p.start, p.end - p.body, lines, int64(p.encoding), int64(p.kind),
		int64(len(p.Header().fields)), int64(p.ctype + 1), int64(p.cte + 1), int64(p.disp + 1),
	} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	dst = appendCounted(dst, p.mediaType)
	dst = appendCounted(dst, p.raw)
	at := uint32(0)
	for _, f := range p.Header().fields {
		for _, n := range []uint32{f.start - at, f.name - f.start, f.value - f.name, f.end - f.value} {
			dst = binary.AppendUvarint(dst, uint64(n))
		}
		at = f.end
	}
	return dst
}

func appendCounted[T string | []byte](dst []byte, s T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Load makes the Message again of which AppendIndex wrote the index. It reads
// nothing from r, the message, until a body is asked for; headers are views of the
// index, which must not change while the message is in use. Parser is what the
// message was parsed with.
//
// An index that was damaged gives ErrBadIndex or a message whose answers are wrong, but
// nothing worse: it may come from a store that others can write to.
func (p *Parser) Load(index []byte, r io.ReaderAt, size int64) (*Message, error) {
	d := indexReader{b: index}
	if d.n(math.MaxUint8) != indexVersion || int64(d.n(math.MaxInt64)) != size {
		return nil, ErrBadIndex
	}
	// A part takes 12 octets at least and a field 4: no more memory is taken than there
	// can be need for.
	parts, fields := int(d.n(uint64(len(index)/12))), int(d.n(uint64(len(index)/4)))
	m := &Message{src: r, size: size, parser: *p}
	m.parts = make([]Part, 0, parts)
	m.fields = make([]field, 0, fields)
	m.lines = make([]int64, 0, parts)
	for range parts {
		if !d.part(m, parts, fields) {
			return nil, ErrBadIndex
		}
	}
	if d.bad || len(d.b) > 0 || parts == 0 {
		return nil, ErrBadIndex
	}
	return m, nil
}

// Load is Parser.Load with the zero Parser.
func Load(index []byte, r io.ReaderAt, size int64) (*Message, error) {
	return new(Parser).Load(index, r, size)
}

// indexReader takes an index apart.
type indexReader struct {
	b   []byte
	bad bool
}

// n reads a number, which must not be over limit.
func (d *indexReader) n(limit uint64) uint64 {
	n, used := binary.Uvarint(d.b)
	if used <= 0 || n > limit {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[used:]
	return n
}

// counted reads octets with their number in front.
func (d *indexReader) counted() []byte {
	n := d.n(uint64(len(d.b)))
	if n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

// part reads the next part into m, which will have that many parts and fields. It
// reports whether that part could be in a message.
func (d *indexReader) part(m *Message, parts, fields int) bool {
	index := len(m.parts)
	p := Part{msg: m, index: int32(index), parent: -1, number: 1}
	p.next = p.index + int32(d.n(uint64(parts-index)))
	p.start = int64(d.n(uint64(m.size)))
	p.body = p.start + int64(d.n(uint64(m.size-p.start)))
	p.end = p.body + int64(d.n(uint64(m.size-p.body)))
	m.lines = append(m.lines, int64(d.n(uint64(p.end-p.body))))
	p.encoding = Encoding(d.n(uint64(EncodingUnknown)))
	p.kind = kind(d.n(uint64(nested)))
	count := d.n(uint64(fields - len(m.fields)))
	p.ctype = int32(d.n(count)) - 1
	p.cte = int32(d.n(count)) - 1
	p.disp = int32(d.n(count)) - 1
	p.mediaType = foldType(d.counted())
	d.header(m, &p, int(count))
	if d.bad || !p.join(m, parts) {
		return false
	}
	m.parts = append(m.parts, p)
	return true
}

// header reads the header of p, which has so many fields.
func (d *indexReader) header(m *Message, p *Part, count int) {
	raw := d.counted()
	p.raw = raw
	first := len(m.fields)
	at := uint32(0)
	for range count {
		f := field{start: at + uint32(d.n(uint64(len(raw))-uint64(at)))}
		f.name = f.start + uint32(d.n(uint64(len(raw))-uint64(f.start)))
		f.value = f.name + uint32(d.n(uint64(len(raw))-uint64(f.name)))
		f.end = f.value + uint32(d.n(uint64(len(raw))-uint64(f.value)))
		m.fields = append(m.fields, f)
		at = f.end
	}
	p.fields = [2]int32{int32(first), int32(len(m.fields))}
}

// join finds what p, the next part of m, lies in, and reports whether it can.
func (p *Part) join(m *Message, parts int) bool {
	inside := int(p.next - p.index - 1) // how many parts are
	if p.kind != leaf && p.kind != kindOf(p.mediaType) {
		return false
	}
	if inside < 0 || p.kind == leaf && inside > 0 || p.kind == nested && inside == 0 {
		return false
	}
	if p.index == 0 {
		return int(p.next) == parts
	}
	up := &m.parts[p.index-1]
	for up.next == p.index {
		up = up.Parent()
	}
	up.children++
	p.parent, p.number = up.index, up.children
	return p.next <= up.next && (up.kind == multipart || p.number == 1)
}
