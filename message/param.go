package message

import (
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Param is a parameter of a Content-Type or Content-Disposition.
type Param struct {
	// Name is in lower case and without the marks of RFC 2231.
	Name string
	// Value is the value as it is written, without quotes. Of a parameter in the
	// form of RFC 2231 it is the text, as UTF-8, joined from all its pieces.
	Value string

	extended bool // it has a charset, or could have one, in the form of RFC 2231
}

// Params are parameters in their order. No name is there twice: of several
// that are plain the first counts, and one in the form of RFC 2231 counts before
// a plain one, unless its charset is not known. Of one in pieces those from the first on
// count up to the first that is missing.
type Params []Param

// Get returns the value of the parameter of that name, which is in lower case;
// "" if there is none.
func (p Params) Get(name string) string { return p.find(name).Value }

func (p Params) find(name string) Param {
	for _, q := range p {
		if q.Name == name {
			return q
		}
	}
	return Param{}
}

// text returns the value of the parameter of that name as text for people.
// Encoded words have no place in parameters (RFC 2047 section 5), but are
// common there.
func (p Params) text(name string) string {
	q := p.find(name)
	if q.extended {
		return cleanText(q.Value)
	}
	return DecodeText(q.Value)
}

// parseParams reads parameters as far as they can be read.
func parseParams(s string) Params {
	params, _ := readParams(s)
	return params
}

// paramOf returns the value of the parameter of that name alone; nil if there is none, or
// none with a value. The parameters are as they stand in the field.
func paramOf(params []byte, name string) []byte {
	value, plain := plainParam(params, name)
	if plain {
		return value
	}
	var few [2]piece
	pieces := few[:0]
	r := pieceReader{s: unfold(params)}
	for p, ok := r.next(); ok; p, ok = r.next() {
		if p.name == name {
			pieces = append(pieces, p)
		}
	}
	p, _ := join(name, pieces)
	return []byte(p.Value)
}

// plainParam is paramOf for parameters as most are, whose values mean what is written. It
// reports false for all others.
func plainParam(params []byte, name string) (value []byte, plain bool) {
	found, count := false, 0
	for i := skipFWS(params, 0); i < len(params); i = skipFWS(params, i) {
		if params[i] == ';' {
			i++
			continue
		}
		end := skipPlain(params, i)
		key := params[i:end]
		i = skipFWS(params, end)
		if count++; count > maxParams || len(key) == 0 || i == len(params) || params[i] != '=' {
			return nil, false
		}
		text, end, ok := plainValue(params, skipFWS(params, i+1))
		if i = skipFWS(params, end); !ok || i < len(params) && params[i] != ';' {
			return nil, false
		}
		if !found && ascii.EqualFold(key, name) {
			value, found = text, true
		}
	}
	return value, true
}

// plainValue returns the token or what is in the quoted string at b[i], and the index
// behind it. It reports false if there is none, or one that means something else than
// is written.
func plainValue(b []byte, i int) (value []byte, end int, plain bool) {
	if i == len(b) || b[i] != '"' {
		end = skipPlain(b, i)
		return b[i:end], end, end > i
	}
	for end = i + 1; end < len(b) && b[end] != '\\' && classes[b[end]]&classFold == 0; end++ {
		if b[end] == '"' {
			return b[i+1 : end], end + 1, true
		}
	}
	return nil, end, false
}

// skipPlain returns the index behind the token at b[i] that has no mark of RFC 2231 in it.
func skipPlain(b []byte, i int) int {
	for i < len(b) && isToken(b[i]) && b[i] != '*' {
		i++
	}
	return i
}

// readParams is parseParams; it also reports whether all was as it should be.
func readParams(s string) (Params, bool) {
	var few [8]piece
	pieces, ok := readPieces(few[:0], s)
	if len(pieces) == 0 {
		return nil, ok
	}
	params := make(Params, 0, len(pieces))
	for i, p := range pieces {
		if params.find(p.name).Name == "" {
			joined, complete := join(p.name, pieces[i:])
			params = append(params, joined)
			ok = ok && complete
		}
		ok = ok && !hasEncodedWord(p.value)
	}
	return params, ok
}

// hasEncodedWord reports whether there is an encoded word in s.
func hasEncodedWord(s string) bool {
	for i := strings.Index(s, "=?"); i >= 0; {
		if _, end := cutWord(s, i); end > 0 {
			return true
		}
		i += 2
		n := strings.Index(s[i:], "=?")
		if n < 0 {
			break
		}
		i += n
	}
	return false
}
