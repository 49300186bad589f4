package message

// maxEncodedLine is how long a line of quoted-printable or base64 may be
// (RFC 2045 section 6.7, RFC 2045 section 6.8).
const maxEncodedLine = 76

// qpSafe says which octets stand for themselves in quoted-printable:
// RFC 2045 section 6.7 (2) and (3).
var qpSafe = func() (safe [256]bool) {
	for c := ' '; c <= '~'; c++ {
		safe[c] = c != '='
	}
	safe['\t'] = true
	return safe
}()

// appendQP appends text in quoted-printable: line ends, LF or CRLF, as CRLF; a CR alone
// as data.
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
	for line != "" {
		if len(dst) == start && qpFrom(line) {
			// Programs that keep mail in one file alter a line that begins so.
			dst, line = append(dst, "=46"...), line[1:]
			continue
		}
		room := maxEncodedLine - (len(dst) - start)
		n := qpRun(line, room)
		full := n == room && n < len(line)
		if full {
			n = max(n-1, 0) // a line that goes on needs room for the "=" that says so
		}
		dst, line = append(dst, line[:n]...), line[n:]
		room -= n
		switch {
		case line == "":
		case !full && (room > 3 || room == 3 && len(line) == 1):
			c := line[0]
			dst, line = append(dst, '=', upperHex[c>>4], upperHex[c&15]), line[1:]
		default:
			dst = append(dst, '=', '\r', '\n')
			start = len(dst)
		}
	}
	return dst
}

// qpRun says how many octets at the beginning of line stand for themselves, up to room.
func qpRun(line string, room int) int {
	n := min(len(line), room)
	for i := range n {
		if !qpSafe[line[i]] {
			return i
		}
	}
	// RFC 2045 section 6.7 (3): no blank at the end of a line.
	if n > 0 && n == len(line) && isWSP(line[n-1]) {
		n--
	}
	return n
}

func qpFrom(line string) bool { return len(line) >= 5 && line[:5] == "From " }
