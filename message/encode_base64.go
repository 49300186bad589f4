package message

import (
	"encoding/base64"
	"slices"
)

// rawLine is how many octets one full line of base64 stands for.
const rawLine = maxEncodedLine / 4 * 3

// appendBase64 appends src in lines of 76 octets (RFC 2045 section 6.8), with CRLF
// between them. If more is to follow in another call, src must fill its lines; the CRLF
// before that is the caller's.
func appendBase64(dst, src []byte) []byte {
	const line = maxEncodedLine + 2
	dst = slices.Grow(dst, (len(src)/rawLine+1)*line)
	for len(src) > rawLine {
		n := len(dst)
		dst = dst[:n+line]
		base64.StdEncoding.Encode(dst[n:], src[:rawLine])
		dst[n+maxEncodedLine], dst[n+maxEncodedLine+1] = '\r', '\n'
		src = src[rawLine:]
	}
	return base64.StdEncoding.AppendEncode(dst, src)
}
