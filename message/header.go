package message

import (
	"iter"
	"time"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Header is a header as it stands in a message: its fields in their order,
// octet for octet. Values are decoded when they are asked for. The zero
// Header is empty.
//
// Names of fields are compared without regard to the case of ASCII letters.
type Header struct {
	raw    []byte
	fields []field // what lies where in raw
}

// field is a field of a header by its offsets in Header.raw. Without a name (name
// == start) it is a line that is no field.
type field struct {
	start uint32
	name  uint32 // end of the name
	value uint32 // start of the value, behind the colon
	end   uint32 // behind the last line end
}

func (f field) named() bool { return f.name > f.start }

// ParseHeader reads a header alone, such as what POP3's TOP n 0 sends. It ends at
// an empty line, if there is one, or at the default Limits; what follows is not
// looked at. The Header is a view of b.
func ParseHeader(b []byte) Header {
	m := &Message{data: b, size: int64(len(b))}
	s := newScanner(m, Limits{}, window{buf: b, size: m.size})
	p := s.newPart()
	_ = s.header(p) // reading memory cannot fail
	return Header{p.raw, m.fields}
}

// Raw returns the header exactly as it stands, without the empty line behind
// it. It is not to be changed.
func (h Header) Raw() []byte { return h.raw }

// Len returns how many fields there are, lines that are no fields included.
func (h Header) Len() int { return len(h.fields) }

// All returns all fields in their order, and among them, as fields without a
// name, the lines that are no fields.
func (h Header) All() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for i := range h.fields {
			if !yield(h.field(i)) {
				return
			}
		}
	}
}

// Values returns the fields of that name in their order.
func (h Header) Values(name string) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for i := h.next(name, 0); i >= 0; i = h.next(name, i+1) {
			if !yield(h.field(i)) {
				return
			}
		}
	}
}

// Lookup returns the first field of that name, and whether there is one.
func (h Header) Lookup(name string) (Field, bool) {
	i := h.next(name, 0)
	if i < 0 {
		return Field{}, false
	}
	return h.field(i), true
}

// next returns the index of the first field at or after i that has that name; -1
// if there is none.
func (h Header) next(name string, i int) int {
	for ; i < len(h.fields); i++ {
		if f := h.fields[i]; f.named() && ascii.EqualFold(h.raw[f.start:f.name], name) {
			return i
		}
	}
	return -1
}

// Get returns the value of the first field of that name as it is written, on one
// line; "" if there is none. Nothing in it is decoded, and it need not be UTF-8.
func (h Header) Get(name string) string {
	f, _ := h.Lookup(name)
	return f.Value()
}

// Text returns the value of the first field of that name as text for people,
// valid UTF-8 on one line; "" if there is none. See Field.Text.
func (h Header) Text(name string) string {
	f, _ := h.Lookup(name)
	return f.Text()
}

// Subject returns Text("Subject").
func (h Header) Subject() string { return h.Text("Subject") }

// Addresses returns the mailboxes in all fields of that name, those in groups
// included. The error tells of the first thing that is not as RFC 5322 section 3.4
// has it; the mailboxes are what could be read in spite of it.
func (h Header) Addresses(name string) ([]Mailbox, error) {
	return gather(h, name, ParseAddressList)
}

// Groups is Addresses with the groups kept apart.
func (h Header) Groups(name string) ([]Group, error) {
	return gather(h, name, ParseGroups)
}

// gather parses all fields of that name. It returns the first error.
func gather[T any](h Header, name string, parse func(string) ([]T, error)) (list []T, first error) {
	for i := h.next(name, 0); i >= 0; i = h.next(name, i+1) {
		part, err := parse(h.field(i).Value())
		if list == nil {
			list = part
		} else {
			list = append(list, part...)
		}
		if first == nil {
			first = err
		}
	}
	return list, first
}

// Date returns what the Date field says. The error is that of ParseDate; without
// the field it is ErrNoDate.
func (h Header) Date() (time.Time, error) {
	f, ok := h.Lookup("Date")
	if !ok {
		return time.Time{}, ErrNoDate
	}
	return ParseDate(f.Value())
}

func (h Header) field(i int) Field {
	f := h.fields[i]
	return Field{h.raw[f.start:f.end:f.end], f.name - f.start, f.value - f.start}
}

// Field is one field of a header. It is a view of the header.
type Field struct {
	raw         []byte
	name, value uint32
}

// Name returns the name as it is written; "" for a line that is no field.
func (f Field) Name() string { return string(f.raw[:f.name]) }

// Raw returns the field exactly as it stands, with its folding and its line
// end. It is not to be changed.
func (f Field) Raw() []byte { return f.raw }

// body returns the value as it stands.
func (f Field) body() []byte { return f.raw[f.value:] }

// Value returns the value as it is written, on one line and without the blanks
// around it. Nothing in it is decoded, and it need not be UTF-8.
func (f Field) Value() string { return unfold(f.body()) }

// Text returns the value as text for people: on one line, with encoded words
// decoded (RFC 2047), valid UTF-8 and without control characters. See DecodeText.
func (f Field) Text() string { return DecodeText(f.Value()) }
