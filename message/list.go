package message

import (
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// ListURLs returns the URLs in the first field of that name, one of those that
// mailing lists add: List-Help, List-Unsubscribe, List-Subscribe, List-Post,
// List-Owner, List-Archive (RFC 2369). The sender prefers them in that order.
// Comments are passed over. The URLs end at the first that is not in angle brackets, or
// that no comma follows: "NO" in a List-Post gives none (RFC 2369 section 3.4). Blanks
// inside the brackets were added by folding and are dropped (RFC 2369 section 2). What
// holds a control character is no URL.
//
// They come from a stranger: a program follows them only when it must, and
// then only the schemes that it knows.
func (h Header) ListURLs(name string) []string {
	var urls []string
	v := h.Get(name)
	for i := skipCFWS(v, 0); i < len(v) && v[i] == '<'; {
		n := strings.IndexByte(v[i:], '>')
		if n < 0 {
			break
		}
		if url := bracketed(v[i+1 : i+n]); url != "" {
			urls = append(urls, url)
		}
		if i = skipCFWS(v, i+n+1); i == len(v) || v[i] != ',' {
			break
		}
		i = skipCFWS(v, i+1)
	}
	return urls
}

// ListID returns the identifier of the mailing list that the message came over,
// without its angle brackets, and what the list calls itself; both "" without a
// List-Id (RFC 2919 section 3). Identifiers are equal whatever the case of their letters.
//
//	list-id-header = "List-ID:" [phrase] "<" list-id ">" CRLF
func (h Header) ListID() (id, name string) {
	v := h.Get("List-Id")
	open := strings.LastIndexByte(v, '<')
	if open < 0 {
		return bracketed(v), ""
	}
	id, _, _ = strings.Cut(v[open+1:], ">")
	return bracketed(id), phraseText(trimFWS(v[:open]))
}

// OneClick reports whether the message may be unsubscribed from by a POST to the
// https URL among ListURLs("List-Unsubscribe") (RFC 8058 section 3.1). That is
// safe only when a DKIM signature covers both fields.
func (h Header) OneClick() bool {
	return ascii.EqualFold(dropFWS(h.Get("List-Unsubscribe-Post")), "list-unsubscribe=one-click")
}

// bracketed returns the URL or identifier that stands between angle brackets: without its
// blanks, and "" if it holds a control character.
func bracketed(s string) string {
	s = dropFWS(s)
	if hasControl(s) {
		return ""
	}
	return s
}

// dropFWS removes all blanks and line ends from s.
func dropFWS(s string) string {
	i := strings.IndexAny(s, " \t\r\n")
	if i < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if !isFWS(s[i]) {
			b = append(b, s[i])
		}
	}
	return string(b)
}
