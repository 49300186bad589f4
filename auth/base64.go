package auth

import (
	"bytes"
	"encoding/base64"
)

// MaxResponse is the length of the longest base64 line of an exchange, in
// octets without the CRLF (RFC 4954 section 4). A server must be able to read
// as much, whatever its limit for other lines.
const MaxResponse = 12288

// DecodeBase64 appends what line stands for to dst. It takes nothing but the
// canonical encoding of RFC 4648 section 4, as RFC 4954 section 4 demands: no
// character beyond the alphabet, not even a blank or an end of line, all the
// padding at the end, and no bits set in it. A single "=" stands for nothing,
// as the initial response "=" does. The result is never nil, so that
// it can be told from a response that was not given. The error is
// a [*MalformedError], and dst is then unchanged but for its spare capacity.
func DecodeBase64(dst, line []byte) ([]byte, error) {
	if dst == nil {
		dst = []byte{}
	}
	if len(line) > MaxResponse {
		return dst, malformed("base64 too long")
	}
	if string(line) == "=" {
		return dst, nil
	}
	return appendDecoded(dst, line)
}

// decodeText decodes base64 within a message of a mechanism, where "=" stands for
// nothing but itself.
func decodeText(text string) ([]byte, error) { return appendDecoded(nil, []byte(text)) }

func appendDecoded(dst, text []byte) ([]byte, error) {
	// The decoder skips CR and LF, even when it is strict.
	if bytes.IndexByte(text, '\r') >= 0 || bytes.IndexByte(text, '\n') >= 0 {
		return dst, malformed("not base64")
	}
	out, err := base64.StdEncoding.Strict().AppendDecode(dst, text)
	if err != nil {
		// Its error quotes an offset and nothing else, but is of no use to
		// anybody who does not see the line.
		return dst, malformed("not base64")
	}
	return out, nil
}

// AppendBase64 appends the encoding of data to dst. Nothing is encoded as
// nothing, which is right for a challenge and a response, but an initial
// response of no octets has to be sent as "=" (RFC 4954 section 4).
func AppendBase64(dst, data []byte) []byte {
	return base64.StdEncoding.AppendEncode(dst, data)
}
