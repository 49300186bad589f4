package textwire

import (
	"bytes"
	"io"
	"strings"
)

// The clear versions, octet by octet, that the fast ones are held against.

// lineOf returns the line that data begins with, and the error after it.
func lineOf(data []byte, limit int) (string, error) {
	for i, c := range data {
		switch {
		case i+1 >= limit:
			if c == 0 || c == '\n' && (i == 0 || data[i-1] != '\r') {
				if i < limit {
					return "", &FramingError{c, int64(i)}
				}
			}
			if c == '\n' && i < limit {
				return string(data[:i-1]), nil
			}
			return "", ErrLineTooLong
		case c == 0, c == '\n' && (i == 0 || data[i-1] != '\r'):
			return "", &FramingError{c, int64(i)}
		case c == '\n':
			return string(data[:i-1]), nil
		case c == '\r' && i+1 < len(data) && data[i+1] != '\n':
			return "", &FramingError{c, int64(i)}
		}
	}
	if len(data) == 0 && limit > 0 {
		return "", io.EOF
	}
	if limit <= 0 {
		return "", ErrLineTooLong
	}
	return "", io.ErrUnexpectedEOF
}

// sameError compares errors of this package, which are values or *FramingErrors.
func sameError(a, b error) bool {
	x, isFraming := a.(*FramingError)
	if !isFraming {
		return a == b
	}
	y, isFraming := b.(*FramingError)
	return isFraming && *x == *y
}

// unstuff returns the body that raw begins with, how many octets of raw it and
// its end take, and how it ends: io.EOF if it is whole.
func unstuff(raw []byte, mode Mode) (body []byte, used int, err error) {
	bol := true
	for i := 0; i < len(raw); {
		c, rest := raw[i], raw[i:]
		switch {
		case bol && bytes.HasPrefix(rest, []byte(".\r\n")):
			return body, i + 3, io.EOF
		case bol && (string(rest) == "." || string(rest) == ".\r"):
			return body, i, io.ErrUnexpectedEOF
		case bol && c == '.':
			i++
			bol = false
			continue
		case bytes.HasPrefix(rest, []byte("\r\n")):
			body = append(body, '\r', '\n')
			i += 2
			bol = true
			continue
		case string(rest) == "\r":
			return body, i, io.ErrUnexpectedEOF
		case mode == Strict && (c == 0 || c == '\r' || c == '\n'):
			return body, i, &FramingError{c, int64(len(body))}
		}
		body = append(body, c)
		i++
		bol = false
	}
	return body, len(raw), io.ErrUnexpectedEOF
}

// stuff returns body with dots and end, or what is written before the error.
func stuff(body string, mode Mode) (string, error) {
	var text strings.Builder
	var err error
	for i := 0; i < len(body) && err == nil; i++ {
		c := body[i]
		switch {
		case strings.HasPrefix(body[i:], "\r\n"):
			text.WriteString("\r\n")
			i++
		case c == 0 && mode != Transparent, (c == '\r' || c == '\n') && mode == Strict:
			err = &FramingError{c, int64(i)}
		case (c == '\r' || c == '\n') && mode == Normalize:
			text.WriteString("\r\n")
		default:
			text.WriteByte(c)
		}
	}
	lines := strings.SplitAfter(text.String(), "\r\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = "." + line
		}
	}
	if err != nil {
		return strings.Join(lines, ""), err
	}
	if lines[len(lines)-1] != "" {
		lines = append(lines, "\r\n")
	}
	return strings.Join(lines, "") + ".\r\n", nil
}

// segments is a source that gives each part in a Read of its own.
func segments(parts ...string) io.Reader {
	var s []io.Reader
	for _, part := range parts {
		s = append(s, strings.NewReader(part))
	}
	return io.MultiReader(s...)
}

// chopped is a source that gives data in pieces of the sizes given, over and
// over; a size of 0 stands for all the rest.
type chopped struct {
	data  []byte
	sizes []byte
	i     int
}

func (s *chopped) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := s.next(len(s.data))
	n = copy(p, s.data[:n])
	s.data = s.data[n:]
	return n, nil
}

// next returns the next size, at most n.
func (s *chopped) next(n int) int {
	if len(s.sizes) == 0 {
		return n
	}
	size := int(s.sizes[s.i%len(s.sizes)])
	s.i++
	if size == 0 {
		return n
	}
	return min(n, size)
}

// filling makes a Filler of a source.
type filling struct{ io.Reader }

func (f filling) Fill(get func() []byte, put func([]byte)) ([]byte, int, error) {
	buf := get()
	n, err := f.Read(buf)
	if n == 0 {
		put(buf)
		return nil, 0, err
	}
	return buf, n, err
}
