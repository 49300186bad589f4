package message

import (
	"encoding/base64"
	"unicode/utf8"
)

// An encoded-word is "=?utf-8?q?...?=", of which 12 octets are not text.
const (
	maxWord      = 75 // RFC 2047 section 2
	wordOverhead = len("=?utf-8?q?") + len("?=")
	// minWordRoom is the room that any one character needs: four octets in Q.
	minWordRoom = wordOverhead + 4*3
)

// encoded writes text in encoded-words, as Q or as B, whichever is shorter. No word
// splits a character (RFC 2047 section 5), and the words are only separated by what a
// reader drops.
//
//	encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
func (f *fieldWriter) encoded(text string) {
	useQ := qLen(text) <= base64.StdEncoding.EncodedLen(len(text))
	for len(text) > 0 {
		room := min(foldAt-f.column()-1, maxWord)
		if room < minWordRoom {
			if f.bare {
				f.fold() // behind a long name: RFC 2047 section 2 allows no more than 76 octets to the line
			}
			room = maxWord
		}
		n := fitWord(text, room-wordOverhead, useQ)
		f.token(string(appendWord(nil, text[:n], useQ)))
		text = text[n:]
	}
}

// fitWord says how many octets of text fit into room octets when encoded: whole
// characters, and at least one.
//
// QUIRK: RFC 2047 section 5 has each encoded-word stand for itself. GMime joins adjacent ones before it undoes base64,
// and stops at padding: so only the last has padding, if that can be.
func fitWord(text string, room int, useQ bool) int {
	used, unpadded := 0, 0
	for i, r := range text {
		if i > 0 && i%3 == 0 {
			unpadded = i
		}
		n := utf8.RuneLen(r)
		if useQ {
			used += qLen(text[i : i+n])
		} else {
			used = base64.StdEncoding.EncodedLen(i + n)
		}
		switch {
		case used <= room || i == 0:
			continue
		case !useQ && unpadded > 0:
			return unpadded
		default:
			return i
		}
	}
	return len(text)
}

func appendWord(dst []byte, text string, useQ bool) []byte {
	if !useQ {
		dst = append(dst, "=?utf-8?b?"...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(text))
		return append(dst, "?="...)
	}
	dst = append(dst, "=?utf-8?q?"...)
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ':
			dst = append(dst, '_')
		case isQSafe(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '=', upperHex[c>>4], upperHex[c&15])
		}
	}
	return append(dst, "?="...)
}

const upperHex = "0123456789ABCDEF"

func qLen(text string) int {
	n := len(text)
	for i := range len(text) {
		if c := text[i]; c != ' ' && !isQSafe(c) {
			n += 2
		}
	}
	return n
}

// isQSafe says which octets stand for themselves: those of RFC 2047 section 5 (3), for
// words in a phrase, which will do anywhere.
func isQSafe(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/'
}
