package message

import "encoding/base64"

// rawLine is how many octets one full line of base64 stands for.
const rawLine = maxEncodedLine / 4 * 3

// appendBase64 appends src in lines of 76 octets (RFC 2045 section 6.8), with CRLF between them. If more is to follow in another
// call, src must fill its lines; the CRLF before that is the caller's.
func appendBase64(dst, src []byte) []byte {
	for len(src) > rawLine {
		dst = base64.StdEncoding.AppendEncode(dst, src[:rawLine])
		dst = append(dst, '\r', '\n')
		src = src[rawLine:]
	}
	return base64.StdEncoding.AppendEncode(dst, src)
}
