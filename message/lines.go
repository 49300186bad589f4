package message

import (
	"bytes"
	"io"
	"slices"
)

// Lines returns how many lines the body has as it stands, with a last one that
// has no line end. It reads the body, once for each call.
func (p *Part) Lines() (int64, error) {
	c := lineCounter{at: []int64{p.body, p.end}}
	if err := c.run(p.msg); err != nil {
		return 0, err
	}
	return c.between(p.body, p.end), nil
}

// allLines returns the lines of the bodies of all parts, in one pass over the message
// however deep they lie in one another.
func (m *Message) allLines() ([]int64, error) {
	c := lineCounter{at: make([]int64, 0, 2*len(m.parts))}
	for i := range m.parts {
		c.at = append(c.at, m.parts[i].body, m.parts[i].end)
	}
	slices.Sort(c.at)
	c.at = slices.Compact(c.at)
	if err := c.run(m); err != nil {
		return nil, err
	}
	lines := make([]int64, len(m.parts))
	for i := range m.parts {
		lines[i] = c.between(m.parts[i].body, m.parts[i].end)
	}
	return lines, nil
}

// lineCounter counts the line ends before some places of a message.
type lineCounter struct {
	at    []int64 // the places, in order
	ends  []int64 // how many line ends there are between the first and each
	inner []bool  // the place is not behind a line end
}

// run goes over the octets from the first place to the last.
func (c *lineCounter) run(m *Message) error {
	c.ends = make([]int64, len(c.at))
	c.inner = make([]bool, len(c.at))
	var buf []byte
	if m.data == nil {
		pooled := windows.Get().(*[]byte)
		defer windows.Put(pooled)
		buf = *pooled
	}
	for i := 1; i < len(c.at); i++ {
		c.ends[i] = c.ends[i-1]
		for from, to := c.at[i-1], c.at[i]; from < to; {
			var b []byte
			if m.data != nil {
				b = m.data[from:to]
			} else {
				b = buf[:min(int64(len(buf)), to-from)]
				if err := m.readAt(b, from); err != nil {
					return err
				}
			}
			c.ends[i] += int64(bytes.Count(b, []byte{'\n'}))
			c.inner[i] = b[len(b)-1] != '\n'
			from += int64(len(b))
		}
	}
	return nil
}

// between returns how many lines there are from one place to another.
func (c *lineCounter) between(from, to int64) int64 {
	i, _ := slices.BinarySearch(c.at, from)
	j, _ := slices.BinarySearch(c.at, to)
	n := c.ends[j] - c.ends[i]
	if from < to && c.inner[j] {
		n++
	}
	return n
}

// readAt fills b from that offset of the message.
func (m *Message) readAt(b []byte, off int64) error {
	n, err := m.src.ReadAt(b, off)
	switch {
	case n == len(b):
		return nil
	case err == nil, err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}
