package message

import (
	"io"
	"iter"
	"strconv"
	"strings"
)

// Message is a parsed message. It is an index over the octets it was parsed
// from and reads from them again when a body is asked for. It never changes and
// may be used by several goroutines at once.
type Message struct {
	src     io.ReaderAt
	data    octets // the message, if it was parsed from memory
	size    int64
	parser  Parser  // that made it
	parts   []Part  // each followed by those inside it; never empty
	fields  []field // of all headers
	defects []Defect
	lines   []int64 // of the bodies of parts, if they are known
}

// newMessage returns a Message with room for the parts and fields that most have: one
// allocation is cheaper than three.
func newMessage(src io.ReaderAt, size int64) *Message {
	m := &struct {
		Message
		parts  [4]Part
		fields [36]field
	}{Message: Message{src: src, size: size}}
	m.Message.parts, m.Message.fields = m.parts[:0], m.fields[:0]
	return &m.Message
}

// Root returns the part that is the message itself.
func (m *Message) Root() *Part { return &m.parts[0] }

// Header returns the header of the message.
func (m *Message) Header() Header { return m.parts[0].Header() }

// Parts returns all parts in their order in the message, the message itself
// first, each followed by those inside it.
func (m *Message) Parts() iter.Seq[*Part] {
	return func(yield func(*Part) bool) {
		for i := range m.parts {
			if !yield(&m.parts[i]) {
				return
			}
		}
	}
}

// Part returns the part with that path, nil if there is none; see Part.Path.
func (m *Message) Part(path string) *Part {
	body := m.Root() // the body of the message looked into, or the part found so far
	whole := true    // it is a body: whether it has a number of its own is still open
	for path != "" {
		var seg string
		seg, path, _ = strings.Cut(path, ".")
		if !whole && body.kind == nested {
			body, whole = body.child(1), true
		}
		if seg == "TEXT" && path == "" && whole && body.kind == multipart {
			return body
		}
		n, err := strconv.Atoi(seg)
		switch {
		case err != nil:
			return nil
		case body.kind == multipart:
			body = body.child(n)
		case !whole || n != 1:
			return nil
		}
		if whole = false; body == nil {
			return nil
		}
	}
	if whole {
		return nil
	}
	return body
}

// Defects returns what is wrong with the message, in the order of the message. Not
// more than Limits.Defects are recorded.
func (m *Message) Defects() []Defect { return m.defects }

// Size returns the size of the message in octets.
func (m *Message) Size() int64 { return m.size }
