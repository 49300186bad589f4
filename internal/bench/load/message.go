package load

import "strings"

// Message returns a message of about size octets in lines of 78. With dots,
// every second line begins with one.
func Message(size int, dots bool) []byte {
	b := make([]byte, 0, size+78)
	b = append(b, "Subject: load\r\n\r\n"...)
	line := strings.Repeat("x", 76) + "\r\n"
	for i := 0; len(b) < size; i++ {
		if dots && i%2 == 1 {
			b = append(b, '.')
			b = append(b, line[1:]...)
			continue
		}
		b = append(b, line...)
	}
	return b
}

// Stuffed returns a message as DATA and RETR send it: with its dots doubled,
// and its end.
func Stuffed(message []byte) []byte {
	text := strings.ReplaceAll("\n"+string(message), "\n.", "\n..")
	return append([]byte(text[1:]), ".\r\n"...)
}
