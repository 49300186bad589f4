package message

import (
	"bytes"
	"hash/crc32"
	"strconv"
	"strings"
)

// yencDecoder undoes yEnc (yenc-draft 1.3) a line at a time. What stands before
// =ybegin and behind =yend is passed over. The zero value is ready.
type yencDecoder struct {
	name  string // of the file
	begun bool
	ended bool
	bad   bool // something was not as it should be, sizes and sums included

	total  int64 // octets decoded
	sum    uint32
	escape bool // the octet before was "="
	inside bool // of a line that is taken in pieces
}

func (d *yencDecoder) decode(dst, src []byte, last bool) (out, used int) {
	out, used = decodeLines(dst, src, last, d.line)
	if last && used == len(src) && !d.ended {
		d.bad = true
	}
	return out, used
}

// line decodes one line or a piece of one.
func (d *yencDecoder) line(dst, line []byte) int {
	start := !d.inside
	d.inside = line[len(line)-1] != '\n'
	line = trimEOL(line)
	switch {
	case d.ended:
		return 0
	case !d.begun:
		if start {
			d.name, d.begun = yencBegin(line)
		}
		return 0
	case start && bytes.HasPrefix(line, []byte("=y")) && !d.escape:
		if bytes.HasPrefix(line, []byte("=yend")) {
			d.end(string(line))
		}
		return 0
	}
	n := 0
	for _, c := range line {
		switch {
		case d.escape:
			c -= 64
			d.escape = false
		case c == '=':
			d.escape = true
			continue
		}
		dst[n] = c - 42
		n++
	}
	d.total += int64(n)
	d.sum = crc32.Update(d.sum, crc32.IEEETable, dst[:n])
	return n
}

// end takes what =yend says: the size, and the sum of this part or of the file.
func (d *yencDecoder) end(line string) {
	d.ended = true
	size, err := strconv.ParseInt(yencWord(line, " size="), 10, 64)
	d.bad = d.bad || err != nil || size != d.total
	sum := yencWord(line, " pcrc32=")
	if sum == "" {
		sum = yencWord(line, " crc32=")
	}
	if n, err := strconv.ParseUint(sum, 16, 32); err == nil && uint32(n) != d.sum {
		d.bad = true
	}
}

// yencBegin reports whether line is =ybegin, and returns the name of the file,
// which goes to the end of the line.
func yencBegin(line []byte) (name string, ok bool) {
	if !bytes.HasPrefix(line, []byte("=ybegin ")) || yencWord(string(line), " size=") == "" {
		return "", false
	}
	_, after, _ := bytes.Cut(line, []byte(" name="))
	return string(trimFWS(after)), true
}

// yencWord returns the word in line behind that mark.
func yencWord(line, mark string) string {
	_, word, _ := strings.Cut(line, mark)
	if i := strings.IndexAny(word, " \t"); i >= 0 {
		word = word[:i]
	}
	return word
}
