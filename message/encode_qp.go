package message

// maxEncodedLine is how long a line of quoted-printable or base64 may be (RFC 2045 sections 6.7 and 6.8).
const maxEncodedLine = 76

// qpSafe says which octets stand for themselves in quoted-printable: RFC 2045 section 6.7 (2) and (3).
func qpSafe(c byte) bool { return c >= ' ' && c <= '~' && c != '=' || c == '\t' }

// appendQP appends text in quoted-printable: line ends, LF or CRLF, as CRLF; a CR alone as data.
func appendQP(dst []byte, text string) []byte {
	for {
		end, next := lineEnd(text)
		dst = appendQPLine(dst, text[:end])
		if next == end {
			return dst
		}
		dst = append(dst, '\r', '\n')
		text = text[next:]
	}
}

// appendQPLine appends one line without its end, in several if it is long.
func appendQPLine(dst []byte, line string) []byte {
	start := len(dst)
	for i := 0; i < len(line); i++ {
		c := line[i]
		last := i == len(line)-1
		size := 1
		if !qpSafe(c) || last && isWSP(c) || c == 'F' && len(dst) == start && qpFrom(line[i:]) {
			// RFC 2045 section 6.7 (3): no blank at the end of a line. Programs that keep mail in one file alter a
			// line that begins with "From ".
			size = 3
		}
		// A line that goes on needs room for the "=" that says so.
		room := maxEncodedLine - (len(dst) - start)
		if size > room || size == room && !last {
			dst = append(dst, '=', '\r', '\n')
			start = len(dst)
			i--
			continue
		}
		if size == 1 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '=', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

func qpFrom(line string) bool { return len(line) >= 5 && line[:5] == "From " }
