package message

import (
	"slices"
	"strings"
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

// commonTypes saves allocating the media types that most mail is made of. They are
// listed by their length.
var commonTypes = func() (byLength [80][]string) {
	for _, t := range []string{
		"text/plain", "text/html", "text/calendar", "text/csv", "text/rfc822-headers",
		"multipart/mixed", "multipart/alternative", "multipart/related", "multipart/signed", "multipart/report", "multipart/digest",
		"message/rfc822", "message/delivery-status", "message/global",
		"image/png", "image/jpeg", "image/gif", "image/svg+xml",
		"application/pdf", "application/octet-stream", "application/zip", "application/msword", "application/pgp-signature",
		"application/pkcs7-signature", "application/x-pkcs7-signature", "application/json", "application/xml",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	} {
		byLength[len(t)] = append(byLength[len(t)], t)
	}
	return byLength
}()

// parseMediaType reads the value of a Content-Type as far as the parameters, in
// lower case, and returns what follows. Comments and blanks around the slash are
// passed over.
//
//	content := "Content-Type" ":" type "/" subtype *(";" parameter)
func parseMediaType(value []byte) (mediaType string, rest []byte, ok bool) {
	value = trimFWS(value)
	end := skipPlainType(value)
	if end == 0 {
		return parseLooseType(value)
	}
	return foldType(value[:end]), value[end:], true
}

// skipPlainType returns the index behind the type that value begins with; 0 if there is none, or
// one with comments or blanks in it.
func skipPlainType(value []byte) int {
	end, slash := 0, -1
	for end < len(value) && (isToken(value[end]) || value[end] == '/' && slash < 0) {
		if value[end] == '/' {
			slash = end
		}
		end++
	}
	if slash <= 0 || slash == end-1 {
		return 0
	}
	return end
}

// parseLooseType is parseMediaType for a type with comments or blanks in it.
func parseLooseType(value []byte) (mediaType string, rest []byte, ok bool) {
	s := unfold(value)
	var words [3]string // type, slash, subtype
	i := skipCFWS(s, 0)
	for w := range words {
		end := i
		for end < len(s) && isToken(s[end]) == (w != 1) && (w != 1 || s[end] == '/' && end == i) {
			end++
		}
		if end == i {
			return "", nil, false
		}
		words[w] = s[i:end]
		i = skipCFWS(s, end)
	}
	return foldType([]byte(words[0] + "/" + words[2])), []byte(s[i:]), true
}

// foldType returns the media type t in lower case.
func foldType(t []byte) string {
	if len(t) < len(commonTypes) {
		for _, common := range commonTypes[len(t)] {
			if string(t) == common || equalFold(t, common) {
				return common
			}
		}
	}
	return toLower(string(t))
}

// parseDisposition reads the value of a Content-Disposition.
//
//	disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm)
func parseDisposition(value []byte) (string, Params) {
	s := unfold(value)
	start := skipCFWS(s, 0)
	end := start
	for end < len(s) && isToken(s[end]) {
		end++
	}
	if next := skipCFWS(s, end); next < len(s) && s[next] == '=' {
		end = start // the type is missing
	}
	return toLower(s[start:end]), parseParams(s[end:])
}

// piece is one parameter as it is written.
type piece struct {
	name     string // in lower case, without the marks
	value    string // without quotes
	section  int    // of RFC 2231 section 3; -1 if there is none
	extended bool   // of RFC 2231 section 4
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
		if !found && equalFold(key, name) {
			value, found = text, true
		}
	}
	return value, true
}

// plainValue returns the token or what is in the quoted string at b[i], and the index behind
// it. It reports false if there is none, or one that means something else than is written.
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

// readPieces appends all pieces, and reports whether all was as it should be.
func readPieces(pieces []piece, s string) ([]piece, bool) {
	r := pieceReader{s: s}
	for p, ok := r.next(); ok; p, ok = r.next() {
		pieces = append(pieces, p)
	}
	return pieces, !r.bad && commentsClosed(s)
}

// commentsClosed reports whether no comment in s goes to its end without being closed.
func commentsClosed(s string) bool {
	closed := true
	for i := 0; i < len(s) && closed; {
		switch s[i] {
		case '"':
			i, closed = skipQuoted(s, i)
		case '(':
			i, closed = skipComment(s, i)
		default:
			i++
		}
	}
	return closed
}

// pieceReader takes parameters apart.
type pieceReader struct {
	s     string
	i     int
	count int  // of pieces so far
	bad   bool // something was not as it should be
}

// next returns the next piece, if there is one.
//
//	parameter := attribute "=" value
//	value     := token / quoted-string
func (r *pieceReader) next() (p piece, ok bool) {
	s := r.s
	for r.i = skipCFWS(s, r.i); r.i < len(s); r.i = skipCFWS(s, r.i) {
		if s[r.i] == ';' {
			r.i++
			continue
		}
		if r.count == maxParams {
			r.bad, r.i = true, len(s)
			return p, false
		}
		end := r.i
		for end < len(s) && isToken(s[end]) {
			end++
		}
		eq := skipCFWS(s, end)
		if end == r.i || eq == len(s) || s[eq] != '=' {
			r.bad = true
			r.i = skipTo(s, min(max(eq, r.i+1), len(s)), ';')
			continue
		}
		p.section = -1
		p.setName(s[r.i:end])
		var good bool
		p.value, r.i, good = readValue(s, eq+1)
		r.bad = r.bad || !good
		r.count++
		return p, true
	}
	return p, false
}

// setName takes the marks of RFC 2231 off a name: "*" and a number for a piece of
// a value, "*" at the end for a value with a charset.
func (p *piece) setName(s string) {
	p.name = toLower(s)
	base, marks, found := strings.Cut(p.name, "*")
	if !found || base == "" {
		return
	}
	section, extended := strings.CutSuffix(marks, "*")
	switch n, ok := sectionNumber(section); {
	case marks == "":
		p.name, p.extended = base, true
	case ok:
		p.name, p.section, p.extended = base, n, extended
	}
}

// sectionNumber reads the number of a piece; none that counts has more than three digits.
func sectionNumber(s string) (n int, ok bool) {
	n, end := digitsAt(s, 0)
	return n, 0 < end && end == len(s) && end <= 3
}

// readValue reads the value at s[i] and returns the index behind it. A value that
// ought to be quoted and is not goes as far as the next ";", unless another
// parameter begins before.
func readValue(s string, i int) (value string, end int, ok bool) {
	i = skipCFWS(s, i)
	if i < len(s) && s[i] == '"' {
		end, closed := skipQuoted(s, i)
		if !closed {
			return unquote(s[i+1:]), len(s), false
		}
		next := skipCFWS(s, end)
		ok = next == len(s) || s[next] == ';'
		return unquote(s[i+1 : end-1]), skipTo(s, next, ';'), ok
	}
	end = i
	for end < len(s) && isToken(s[end]) {
		end++
	}
	next := skipCFWS(s, end)
	if next == len(s) || s[next] == ';' {
		return s[i:end], next, end > i
	}
	if next > end {
		name := next
		for name < len(s) && isToken(s[name]) {
			name++
		}
		if name > next && name < len(s) && s[name] == '=' {
			return s[i:end], next, false
		}
	}
	end = skipTo(s, i, ';')
	return trimFWS(s[i:end]), end, false
}

// skipTo returns the index of the next c in s at or after i, or the end of s.
func skipTo(s string, i int, c byte) int {
	if n := strings.IndexByte(s[i:], c); n >= 0 {
		return i + n
	}
	return len(s)
}

// join makes one parameter of the pieces of that name, and reports whether none is missing
// and none is there twice.
func join(name string, pieces []piece) (Param, bool) {
	var plain, whole piece
	var sections []piece // by their number; without a name, one that is missing
	twice := false
	first := func(place *piece, p piece) {
		if twice = twice || place.name != ""; place.name == "" {
			*place = p
		}
	}
	for _, p := range pieces {
		switch {
		case p.name != name:
		case p.section >= maxParams:
			twice = true // so many there can never be
		case p.section >= 0:
			sections = append(sections, make([]piece, max(0, p.section+1-len(sections)))...)
			first(&sections[p.section], p)
		case p.extended:
			first(&whole, p)
		default:
			first(&plain, p)
		}
	}
	if whole.name != "" {
		twice = twice || len(sections) > 0
		sections = []piece{whole}
	}
	if len(sections) > 0 && plain.name != "" {
		twice = twice || name != "filename" && name != "name"
	}
	missing := func(p piece) bool { return p.name == "" }
	complete := !twice && !slices.ContainsFunc(sections, missing)
	if len(sections) > 0 && missing(sections[0]) && plain.name != "" {
		return Param{Name: name, Value: plain.value}, false
	}
	// Some number the pieces from one on.
	for len(sections) > 0 && missing(sections[0]) {
		sections = sections[1:]
	}
	if n := slices.IndexFunc(sections, missing); n >= 0 {
		sections = sections[:n]
	}
	value, ok := joinSections(sections)
	if plain.name != "" && (!ok || value == "") {
		return Param{Name: name, Value: plain.value}, complete
	}
	extended := slices.ContainsFunc(sections, func(p piece) bool { return p.extended })
	return Param{Name: name, Value: value, extended: extended}, complete
}

// joinSections joins the pieces, and reports whether their charset is known. Without
// one it is guessed.
//
//	extended-initial-value := [charset] "'" [language] "'" extended-other-values
func joinSections(sections []piece) (string, bool) {
	if len(sections) == 0 {
		return "", true
	}
	var octets []byte
	var label string
	for i, p := range sections {
		value := p.value
		if i == 0 && p.extended {
			if cs, rest, ok := strings.Cut(value, "'"); ok {
				if _, text, ok := strings.Cut(rest, "'"); ok {
					label, value = cs, text
				}
			}
		}
		if p.extended {
			octets = appendPercent(octets, value)
		} else {
			octets = append(octets, value...)
		}
	}
	cs, ok := findCharset(label)
	return string(cs.appendText(nil, octets)), ok
}

// appendPercent undoes the encoding of RFC 2231 section 4. A broken escape stands for itself.
func appendPercent(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if v, ok := unhex(s[i+1:]); ok {
				c = v
				i += 2
			}
		}
		dst = append(dst, c)
	}
	return dst
}
