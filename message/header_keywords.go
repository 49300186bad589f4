package message

import "strings"

// Keywords returns the phrases in all Keywords fields as text for people (RFC 5322
// section 3.6.5).
//
//	keywords = "Keywords:" phrase *("," phrase) CRLF
func (h Header) Keywords() []string {
	var list []string
	for f := range h.Values("Keywords") {
		list = appendPhrases(list, f.Value())
	}
	return list
}

// appendPhrases appends to list the phrases of s as text, which commas part. One in a
// quoted string, or in a comment, parts nothing; a quote that is not closed means nothing.
func appendPhrases(list []string, s string) []string {
	start, unclosed := 0, false
	for i := 0; i <= len(s); {
		switch {
		case i == len(s) || s[i] == ',':
			if word := phraseText(trimFWS(s[start:i])); word != "" {
				list = append(list, word)
			}
			i++
			start = i
		case (s[i] == '"' || s[i] == '(') && !unclosed:
			skip := skipQuoted
			if s[i] == '(' {
				skip = skipComment
			}
			end, closed := skip(s, i)
			if unclosed = !closed; unclosed {
				end = i + 1
			}
			i = end
		default:
			i++
		}
	}
	return list
}

// phraseText returns the phrase s as text for people.
func phraseText(s string) string {
	if strings.HasPrefix(s, `"`) {
		if end, closed := skipQuoted(s, 0); closed && end == len(s) {
			s = unquote(s[1 : end-1])
		}
	}
	return DecodeText(s)
}
