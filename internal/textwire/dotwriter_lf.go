package textwire

import "bytes"

// WriteLF adds text whose lines end in LF or in CRLF, as mail is stored on Unix: an
// LF without CR becomes CRLF. It does in one pass what Write does after that was
// done in another, and returns the number of octets that Write would have been
// given; Size counts these. The mode must be Transparent.
func (d *DotWriter) WriteLF(p []byte) (octets int64, err error) {
	if len(p) == 0 || d.err != nil {
		return 0, d.err
	}
	before := d.size
	if d.cr {
		// Held back by what came before; an LF completes it.
		if n := d.afterCR(p[0]); n > 0 {
			p = p[n:]
			d.size++
		}
	}
	for len(p) > 0 && d.err == nil {
		dst := d.w.room(minRoom)
		taken, made, dots := d.appendLF(dst, p)
		p = p[taken:]
		d.size += int64(made - dots)
		d.w.advance(made)
		d.err = d.w.err
	}
	if d.cr && d.err == nil {
		d.size++ // it counts from the moment it is taken, as in Write
	}
	return d.size - before, d.err
}

// minRoom is the least free space in which appendLF makes progress: a dot, an
// octet and a line end.
const minRoom = 4

// appendLF writes what fits of p into dst. A CR that ends p is held back.
func (d *DotWriter) appendLF(dst, p []byte) (taken, made, dots int) {
	for taken < len(p) && len(dst)-made >= minRoom {
		if d.bol && p[taken] == '.' {
			dst[made] = '.'
			made, dots = made+1, dots+1
		}
		line := p[taken:]
		end := bytes.IndexByte(line, '\n')
		if end >= 0 {
			line = line[:end]
		}
		n := copy(dst[made:len(dst)-2], line)
		taken, made = taken+n, made+n
		d.bol = d.bol && n == 0
		switch {
		case n < len(line):
			return taken, made, dots
		case end < 0:
			if line[n-1] == '\r' {
				d.cr = true
				made--
			}
			return taken, made, dots
		}
		if taken == 0 || p[taken-1] != '\r' {
			dst[made] = '\r'
			made++
		}
		dst[made] = '\n'
		taken, made = taken+1, made+1
		d.bol = true
	}
	return taken, made, dots
}
