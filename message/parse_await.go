package message

import (
	"bytes"
	"hash/maphash"
)

// awaited are the open multiparts whose closing boundary line has not come yet. They are a
// stack, and a hash table over it: the cost of a line that might be a boundary line
// does not depend on how many there are.
type awaited struct {
	stack   []awaitedPart
	few     [64]int32 // the table: of each hash the innermost, by its place from 1 on; 0 if there is none
	many    []int32   // the table in place of few, when that is too small
	longest int       // the longest boundary met
	dashed  bool      // a boundary was met that ends in two hyphens
}

type awaitedPart struct {
	boundary []byte
	hash     uint64
	part     int32
	around   int32 // the next in its place of the table, around this one
}

// boundarySeed keeps who writes messages from choosing boundaries of one hash.
var boundarySeed = maphash.MakeSeed()

func boundaryHash(b []byte) uint64 { return maphash.Bytes(boundarySeed, b) }

// closeDelimiter stands behind the boundary in the line that closes a multipart.
var closeDelimiter = []byte("--")

func (a *awaited) none() bool { return len(a.stack) == 0 }

// innermost returns the innermost part that is awaited; -1 if there is none.
func (a *awaited) innermost() int32 {
	if len(a.stack) == 0 {
		return -1
	}
	return a.stack[len(a.stack)-1].part
}

// push awaits the boundary lines of a part inside all the others. It reports whether no
// other has the same boundary.
func (a *awaited) push(part int32, boundary []byte) (unique bool) {
	p := awaitedPart{boundary: boundary, hash: boundaryHash(boundary), part: part}
	_, found := a.find(boundary, p.hash)
	if n := len(a.stack); n >= len(a.few) && n >= len(a.many) {
		a.grow()
	}
	if n := len(a.stack); n == cap(a.stack) {
		a.stack = append(make([]awaitedPart, 0, 4*n+4), a.stack...)
	}
	a.stack = append(a.stack, p)
	a.enter(len(a.stack))
	a.longest = max(a.longest, len(boundary))
	a.dashed = a.dashed || bytes.HasSuffix(boundary, closeDelimiter)
	return !found
}

// pop no longer awaits the boundary lines of the innermost part.
func (a *awaited) pop() {
	last := &a.stack[len(a.stack)-1]
	*a.entry(last.hash) = last.around
	a.stack = a.stack[:len(a.stack)-1]
}

// entry returns the entry of the table for that hash.
func (a *awaited) entry(hash uint64) *int32 {
	if a.many != nil {
		return &a.many[hash%uint64(len(a.many))]
	}
	return &a.few[hash%uint64(len(a.few))]
}

// enter enters the part at that place into the table, inside all that are in it.
func (a *awaited) enter(place int) {
	p := &a.stack[place-1]
	e := a.entry(p.hash)
	p.around, *e = *e, int32(place)
}

// grow makes the table anew, four times as large as there are parts.
func (a *awaited) grow() {
	a.many = make([]int32, 4*len(a.stack))
	for i := range a.stack {
		a.enter(i + 1)
	}
}

// find returns the innermost part with that boundary.
func (a *awaited) find(boundary []byte, hash uint64) (part int32, ok bool) {
	for place := *a.entry(hash); place > 0; {
		p := &a.stack[place-1]
		if p.hash == hash && bytes.Equal(p.boundary, boundary) {
			return p.part, true
		}
		place = p.around
	}
	return -1, false
}

// match reports whether line is a boundary line of a part that is awaited. Mostly it is
// one of the innermost.
//
// QUIRK: RFC 2046 section 5.1.1 says that a boundary is to be compared with the
// beginning of the line. We compare it with the whole line, but for blanks at
// its end, because one boundary is often the beginning of another.
//
//	delimiter       := CRLF "--" boundary
//	close-delimiter := delimiter "--"
//	transport-padding := *LWSP-char
func (a *awaited) match(line []byte) (part int32, closing, ok bool) {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' || len(a.stack) == 0 {
		return -1, false, false
	}
	b := line[2:]
	for len(b) > 0 && isFWS(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	if len(b) == 0 || len(b) > a.longest+2 {
		return -1, false, false
	}
	inner := &a.stack[len(a.stack)-1]
	if rest, ok := bytes.CutPrefix(b, inner.boundary); ok && len(rest) == 0 {
		return inner.part, false, true
	} else if ok && !a.dashed && string(rest) == "--" {
		return inner.part, true, true
	}
	if part, ok = a.find(b, boundaryHash(b)); ok {
		return part, false, true
	}
	if b, ok = bytes.CutSuffix(b, closeDelimiter); ok {
		part, ok = a.find(b, boundaryHash(b))
	}
	return part, true, ok
}

// begins reports whether line begins as a boundary line of the innermost part.
func (a *awaited) begins(line []byte) bool {
	return len(a.stack) > 0 && bytes.HasPrefix(line, closeDelimiter) && bytes.HasPrefix(line[2:], a.stack[len(a.stack)-1].boundary)
}
