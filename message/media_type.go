package message

import "github.com/posthouse/posthouse/internal/ascii"

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

// skipPlainType returns the index behind the type that value begins with; 0 if there is
// none, or one with comments or blanks in it.
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
			if string(t) == common || ascii.EqualFold(t, common) {
				return common
			}
		}
	}
	return ascii.ToLower(string(t))
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
	return ascii.ToLower(s[start:end]), parseParams(s[end:])
}
