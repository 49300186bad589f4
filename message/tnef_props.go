package message

import (
	"encoding/binary"

	"github.com/posthouse/posthouse/internal/ascii"
)

// The types of MAPI properties (MS-OXCDATA section 2.11.1).
const (
	mapiObject   = 0x000D
	mapiString8  = 0x001E
	mapiUnicode  = 0x001F
	mapiBinary   = 0x0102
	mapiMultiple = 0x1000
)

// mapiSizes are the sizes of values of a fixed size, filled up to four octets.
var mapiSizes = map[uint16]int{
	0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8, 0x0040: 8, 0x0048: 16,
}

// mapiValue is a property with its first value.
type mapiValue struct {
	kind uint16
	id   uint16
	data []byte
}

// props gives the properties in b to take, as far as they can be read.
//
//	MsgPropertyList = PropertyCount *MsgPropertyValue
func (t *tnefReader) props(b []byte, take func(mapiValue)) {
	d := mapiReader{b: b}
	for n := d.uint32(); n > 0 && !d.bad; n-- {
		if v := d.property(); !d.bad {
			take(v)
		}
	}
	t.whole = t.whole && !d.bad
}

// messageProp takes a property of the message.
func (t *tnefReader) messageProp(v mapiValue) {
	switch v.id {
	case 0x0037:
		t.subject = t.text16(v)
	case 0x1000:
		t.text = t.text16(v)
	case 0x1009:
		whole := false
		t.rtf, whole = rtf(v.data)
		t.whole = t.whole && whole
	case 0x1013:
		t.html = t.text16(v)
	}
}

// fileProp takes a property of the attachment that is being read.
func (t *tnefReader) fileProp(v mapiValue) {
	f := t.file()
	switch v.id {
	case 0x3707: // the long name wins over the title
		if name := t.text16(v); name != "" {
			f.Name = name
		}
	case 0x3704, 0x3001:
		if f.Name == "" {
			f.Name = t.text16(v)
		}
	case 0x370E:
		f.MediaType = ascii.ToLower(t.text16(v))
	case 0x3712:
		f.ContentID = trimID(t.text16(v))
	case 0x3701:
		f.Content = v.data
		if v.kind == mapiObject && len(v.data) >= 16 {
			// A GUID says what it is: that of IMessage is 00020307-...
			f.Embedded = binary.LittleEndian.Uint32(v.data) == 0x00020307
			f.Content = v.data[16:]
		}
	}
}

// text16 returns a value as text, whatever of the two kinds it is.
func (t *tnefReader) text16(v mapiValue) string {
	if v.kind == mapiUnicode {
		return utf16Text(v.data)
	}
	return t.string8(v.data)
}

// mapiReader takes properties apart.
type mapiReader struct {
	b   []byte
	bad bool
}

// next returns the next n octets and passes over what fills them up to four.
func (d *mapiReader) next(n uint32) []byte {
	if uint64(n) > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	v := d.b[:n]
	d.b = d.b[min(len(d.b), (int(n)+3)&^3):]
	return v
}

func (d *mapiReader) uint32() uint32 {
	if v := d.next(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

// property reads a property with its values. Of several the first counts.
//
//	MsgPropertyValue = MsgPropertyTag MsgPropertyData
func (d *mapiReader) property() (v mapiValue) {
	tag := d.uint32()
	v.kind, v.id = uint16(tag)&^mapiMultiple, uint16(tag>>16)
	if v.id >= 0x8000 { // it has a name
		d.next(16)
		if d.uint32() == 0 {
			d.next(4)
		} else {
			d.next(d.uint32())
		}
	}
	count := uint32(1)
	size, fixed := mapiSizes[v.kind]
	switch {
	case fixed && uint16(tag)&mapiMultiple == 0:
	case fixed, v.kind == mapiObject, v.kind == mapiString8, v.kind == mapiUnicode, v.kind == mapiBinary:
		count = d.uint32()
	default:
		d.bad = true // its size cannot be known
	}
	for i := uint32(0); i < count && !d.bad; i++ {
		n := uint32(size)
		if !fixed {
			n = d.uint32()
		}
		if data := d.next(n); i == 0 {
			v.data = data
		}
	}
	return v
}
