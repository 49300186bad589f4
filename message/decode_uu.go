package message

import "bytes"

// uuDecoder undoes uuencode, as POSIX has it, a line at a time. What stands before
// the line that begins a file and behind the one that ends it is passed over, as
// are lines whose first character cannot be a length. The zero value is ready.
type uuDecoder struct {
	name  string // of the file
	begun bool
	ended bool
	bad   bool // something was not as it should be
}

func (d *uuDecoder) decode(dst, src []byte, last bool) (out, used int) {
	out, used = decodeLines(dst, src, last, d.line)
	if last && used == len(src) && !d.ended {
		d.bad = true
	}
	return out, used
}

// line decodes one line.
func (d *uuDecoder) line(dst, line []byte) int {
	line = trimEOL(line)
	switch {
	case d.ended:
		return 0
	case !d.begun:
		d.name, d.begun = uuBegin(line)
		return 0
	case string(line) == "end":
		d.ended = true
		return 0
	case len(line) == 0:
		return 0
	}
	n := int(line[0]-' ') & 0x3F
	if line[0] < ' ' || line[0] > '`' {
		d.bad = true
		return 0
	}
	// Blanks at the end are zeros that were lost on the way. Of more than that is
	// missing, no more is made than is there: output never exceeds input.
	text := line[1:]
	if have := (len(text)*3 + 3) / 4; n > have {
		if have+3 < n {
			d.bad = true
		}
		n = min(n, have)
	}
	for i := 0; i < n; i += 3 {
		q := uuBits(text, 0)<<18 | uuBits(text, 1)<<12 | uuBits(text, 2)<<6 | uuBits(text, 3)
		for j, c := range [3]byte{byte(q >> 16), byte(q >> 8), byte(q)} {
			if i+j < n {
				dst[i+j] = c
			}
		}
		text = text[min(4, len(text)):]
	}
	return n
}

// uuBits returns the six bits of the character text[i].
func uuBits(text []byte, i int) uint32 {
	if i >= len(text) {
		return 0
	}
	return uint32(text[i]-' ') & 0x3F
}

// uuBegin reports whether line begins a file, and returns the name of the file:
// "begin 644 name".
func uuBegin(line []byte) (name string, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("begin "))
	n := 0
	for n < len(rest) && '0' <= rest[n] && rest[n] <= '7' {
		n++
	}
	if !ok || n < 3 || n > 4 || n == len(rest) || rest[n] != ' ' {
		return "", false
	}
	name = string(trimFWS(rest[n:]))
	return name, name != ""
}
