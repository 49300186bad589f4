package message

import "strings"

const (
	// foldAt is where a line of a header is folded if it can be. RFC 2047 section 2
	// allows no more to a line with an encoded-word in it, and RFC 5322 section 2.1.1
	// two more to any other.
	foldAt = 76
	// maxLine is what RFC 5322 section 2.1.1 allows to any line, without its CRLF.
	maxLine = 998
)

// fieldWriter writes header fields and folds them between tokens. Its text was checked
// by checkText before.
type fieldWriter struct {
	b    []byte
	line int  // where the current line begins in b
	bare bool // nothing but the name is on the current line
	long bool // a line has more than maxLine octets
	utf8 bool // text outside ASCII is written as it is, as RFC 6532 has it, instead of in encoded-words
}

func (f *fieldWriter) begin(name string) {
	f.line, f.bare = len(f.b), true
	f.b = append(append(f.b, name...), ':')
}

// token writes what is never folded, behind a blank or a fold.
func (f *fieldWriter) token(s string) {
	if !f.bare && f.column()+1+len(s) > foldAt {
		f.fold()
	}
	f.b = append(append(f.b, ' '), s...)
	f.bare = false
}

// glue writes s directly behind the last token. It is one octet, for which token leaves
// no room on purpose: RFC 5322 allows two more than foldAt.
func (f *fieldWriter) glue(s string) { f.b = append(f.b, s...) }

func (f *fieldWriter) column() int { return len(f.b) - f.line }

func (f *fieldWriter) fold() {
	f.endLine()
	f.line = len(f.b)
}

func (f *fieldWriter) endLine() {
	f.long = f.long || f.column() > maxLine
	f.b = append(f.b, '\r', '\n')
}

func (f *fieldWriter) end() { f.endLine() }

// raw writes a whole field whose value is printable ASCII, exactly as it is but for
// folds in front of its blanks. A field that fits in a line is left alone.
func (f *fieldWriter) raw(name, value string) {
	f.begin(name)
	room := foldAt + 2
	if strings.Contains(value, "=?") {
		room = foldAt // there may be an encoded-word in it
		end := strings.IndexAny(value+" ", " \t")
		if strings.HasPrefix(value, "=?") && f.column()+1+end > room {
			f.fold() // behind a long name
		}
	}
	f.b = append(f.b, ' ')
	if f.column()+len(value) <= room {
		f.b = append(f.b, value...)
		f.end()
		return
	}
	for len(value) > 0 {
		blanks := 0
		for blanks < len(value) && isWSP(value[blanks]) {
			blanks++
		}
		end := blanks
		for end < len(value) && !isWSP(value[end]) {
			end++
		}
		if blanks > 0 && f.column()+end > foldAt {
			f.fold()
		}
		f.b = append(f.b, value[:end]...)
		value = value[end:]
	}
	f.end()
}

// appendCRLF appends text with every line end, LF or CRLF, as CRLF.
func appendCRLF(dst []byte, text string) []byte {
	for {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(append(dst, strings.TrimSuffix(text[:i], "\r")...), "\r\n"...)
		text = text[i+1:]
	}
}
