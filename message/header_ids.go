package message

import "strings"

// MessageID returns the message's identifier without its angle brackets; "" if there is
// none.
func (h Header) MessageID() string {
	v := h.Get("Message-ID")
	if ids := appendIDs(nil, v); len(ids) > 0 {
		return ids[0]
	}
	return trimID(v)
}

// MessageIDs returns the identifiers in all fields of that name, such as References
// and In-Reply-To, without their angle brackets. What stands between them is
// passed over (RFC 5322 section 4.5.4). In a field without any angle bracket,
// words with an "@" count, or the only word there is.
func (h Header) MessageIDs(name string) []string {
	var ids []string
	for f := range h.Values(name) {
		ids = appendIDs(ids, f.Value())
	}
	return ids
}

// appendIDs appends to ids the identifiers in v.
func appendIDs(ids []string, v string) []string {
	if strings.IndexByte(v, '<') < 0 {
		return bareIDs(ids, v)
	}
	for i := skipCFWS(v, 0); i < len(v); i = skipCFWS(v, i) {
		switch v[i] {
		case '<':
			end := strings.IndexByte(v[i:], '>')
			if end < 0 {
				end = len(v) - i
			}
			if id := trimFWS(strings.TrimLeft(v[i:i+end], "<")); id != "" {
				ids = append(ids, id)
			}
			i = min(i+end+1, len(v))
		case '"':
			i, _ = skipQuoted(v, i)
		default:
			i++
		}
	}
	return ids
}

// bareIDs appends to ids the identifiers in v, which has no angle brackets.
func bareIDs(ids []string, v string) []string {
	words := strings.Fields(v)
	for _, w := range words {
		if w = strings.TrimRight(w, ">"); len(words) == 1 && w != "" || strings.IndexByte(w, '@') > 0 {
			ids = append(ids, w)
		}
	}
	return ids
}

// trimID takes the angle brackets off an identifier, and what stands around them.
func trimID(s string) string {
	i := skipCFWS(s, 0)
	if i < len(s) && s[i] == '<' {
		s, _, _ = strings.Cut(s[i+1:], ">")
		i = 0
	}
	return trimFWS(s[i:])
}
