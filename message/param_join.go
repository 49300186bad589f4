package message

import (
	"slices"
	"strings"
)

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

// appendPercent undoes the encoding of RFC 2231 section 4. A broken escape stands for
// itself.
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
