package textwire

import "bytes"

// Mode says what becomes of octets that break the rule that CR and LF appear
// only as CRLF, and of NUL.
type Mode uint8

const (
	// Strict makes a bare CR, a bare LF or a NUL a *FramingError.
	Strict Mode = iota

	// Transparent lets such octets pass unaltered, as a POP3 client has to
	// with mail that is stored already. They still begin and end nothing.
	Transparent

	// Normalize, for writers only, turns a CR or LF alone into CRLF before
	// stuffing and makes a NUL a *FramingError.
	Normalize
)

func (m Mode) String() string {
	switch m {
	case Strict:
		return "strict"
	case Transparent:
		return "transparent"
	case Normalize:
		return "normalize"
	}
	return "invalid"
}

// A stop is why run goes no further.
type stop uint8

const (
	stopDry  stop = iota // all is used up, within a line
	stopLine             // all is used up, and a new line begins
	stopDot              // next is a dot that begins a line
	stopCR               // next is a CR, and last: what it is, its successor tells
	stopBad              // next is an octet that Strict refuses
)

// run returns the length of the longest beginning of b that passes a stuffer
// or an un-stuffer unaltered, and what comes after it. The first octet of b
// is not taken for the beginning of a line, nor what came before for a CR.
//
// All searches go over long stretches: LF by LF for the lines, or many lines at once
// where they are of one length; then, if strict, once for NUL and once for the number
// of CRs. Each LF having been seen to follow a CR, as many CRs as LFs means that none is
// bare.
func run(b []byte, strict bool) (int, stop) {
	n, lines, why := 0, 0, stopDry
	var alike pattern
	for why == stopDry {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			if n = len(b); n > 0 && b[n-1] == '\r' {
				n, why = n-1, stopCR
			}
			break
		}
		lf := n + i
		n = lf + 1
		if lf == 0 || b[lf-1] != '\r' {
			if strict {
				return firstBad(b), stopBad
			}
			continue
		}
		more := alike.repeats(i+1, b[n:])
		n += more * (i + 1)
		lines += 1 + more
		if n == len(b) {
			why = stopLine
		} else if b[n] == '.' {
			why = stopDot
		}
	}
	if strict && (bytes.IndexByte(b[:n], 0) >= 0 || bytes.Count(b[:n], []byte{'\r'}) != lines) {
		return firstBad(b), stopBad
	}
	return n, why
}

// pattern finds lines of one length in a row, as those of encoded attachments, whose ends
// are where they are expected: to look at those alone is several times as fast as to
// search for them.
type pattern struct {
	length int  // of the line before, CRLF included
	broken bool // an end was where it was expected, and not the only one
}

// repeats is told the length of a line, and returns how many more of just that length b
// begins with: each ends in CRLF, has no LF before it, and does not begin with a dot.
func (p *pattern) repeats(length int, b []byte) (n int) {
	same := length == p.length && !p.broken
	p.length = length
	if !same {
		return 0
	}
	at := 0
	for ; len(b)-at >= length && b[at+length-1] == '\n' && b[at+length-2] == '\r' && b[at] != '.'; at += length {
		n++
	}
	if bytes.Count(b[:at], []byte{'\n'}) != n {
		p.broken = true // never again, or all this could be in vain time after time
		return 0
	}
	return n
}

// firstBad returns the index of the first octet of b, which has one, that
// Strict refuses. A CR that ends b is not among them.
func firstBad(b []byte) int {
	for i, c := range b {
		switch {
		case c == 0,
			c == '\n' && (i == 0 || b[i-1] != '\r'),
			c == '\r' && i+1 < len(b) && b[i+1] != '\n':
			return i
		}
	}
	return len(b)
}
