package load

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
)

// Envelope begins a transaction up to DATA, in one group.
const Envelope = mailAndRcpt + "DATA\r\n"

const mailAndRcpt = "MAIL FROM:<sender@example.test>\r\nRCPT TO:<recipient@example.test>\r\n"

// ChunkSize is how many octets a chunk of Chunked has at most.
const ChunkSize = 1 << 20

// Group is octets that are sent in one write, and the number of replies to them.
type Group struct {
	Octets  []byte
	Replies int
}

// Data is the transaction of a pipelining client: the envelope, then the
// message.
func Data(message []byte) []Group {
	return []Group{{[]byte(Envelope), 3}, {Stuffed(message), 1}}
}

// Deep is a message and the envelope of the next one in one group, as RFC 2920
// allows: one round trip a message. A session begins with Group{Envelope, 3}.
func Deep(message []byte) []Group {
	return []Group{{append(Stuffed(message), Envelope...), 4}}
}

// Chunked is a whole transaction in one group, the message sent by BDAT (RFC
// 3030).
func Chunked(message []byte) []Group {
	b, replies := []byte(mailAndRcpt), 2
	for last := false; !last; replies++ {
		chunk := message[:min(len(message), ChunkSize)]
		message = message[len(chunk):]
		last = len(message) == 0
		b = append(b, "BDAT "+strconv.Itoa(len(chunk))...)
		if last {
			b = append(b, " LAST"...)
		}
		b = append(b, "\r\n"...)
		b = append(b, chunk...)
	}
	return []Group{{b, replies}}
}

// SMTP is a connection to a server that has been greeted.
type SMTP struct {
	net.Conn
	r *bufio.Reader
}

// DialSMTP connects, by TLS if secure is set, whatever the server's
// certificate, and says EHLO.
func DialSMTP(addr string, secure bool) (*SMTP, error) {
	nc, err := dial(addr, secure)
	if err != nil {
		return nil, err
	}
	s := &SMTP{nc, bufio.NewReaderSize(nc, 4<<10)}
	if err = s.replies(1); err == nil {
		err = s.Send(Group{[]byte("EHLO load.example.test\r\n"), 1})
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return s, nil
}

func dial(addr string, secure bool) (net.Conn, error) {
	if secure {
		return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	}
	return net.Dial("tcp", addr)
}

// Send sends groups, one after the replies to the other.
func (s *SMTP) Send(groups ...Group) error {
	for _, g := range groups {
		if _, err := s.Write(g.Octets); err != nil {
			return err
		}
		if err := s.replies(g.Replies); err != nil {
			return err
		}
	}
	return nil
}

// replies reads n replies, each of which must be a success.
func (s *SMTP) replies(n int) error {
	for n > 0 {
		line, err := s.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) < 4 || line[0] != '2' && line[0] != '3' {
			return fmt.Errorf("the server said %q", line)
		}
		if line[3] == ' ' {
			n--
		}
	}
	return nil
}
