package smtptest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/posthouse/posthouse/internal/testpeer"
)

// At says to what a server replies when something goes wrong.
type At string

// The replies. AtTLS, AtBody and AtIdle are none that a well behaved server gives:
// AtTLS stands for the server's part in the handshake behind STARTTLS or at the
// beginning of a connection, AtBody is when the first octets of a message have
// come, and AtIdle when a message is done and no command has followed.
const (
	AtAny      At = "any reply"
	AtConnect  At = "connect"
	AtEHLO     At = "EHLO" // and HELO, LHLO
	AtSTARTTLS At = "STARTTLS"
	AtTLS      At = "TLS"
	AtAUTH     At = "AUTH" // and what follows it in the exchange
	AtMAIL     At = "MAIL"
	AtRCPT     At = "RCPT"
	AtDATA     At = "DATA" // and BDAT but for the last
	AtBody     At = "body"
	AtEnd      At = "end of data" // and BDAT LAST
	AtIdle     At = "idle"
	AtRSET     At = "RSET"
	AtNOOP     At = "NOOP"
	AtQUIT     At = "QUIT"
	AtOther    At = "other" // commands
)

// Then says what a server does when it has said something wrong, or nothing.
type Then uint8

// What a server does then.
const (
	GoOn      Then = iota // as if nothing had happened
	Close                 // the connection
	Reset                 // the connection, so that what is under way is lost; in memory as Close
	Stall                 // takes what comes, and never says a word again
	HalfClose             // says that it will say no more, in TLS if there is TLS, and takes what comes
)

// Fault is something that a Server does wrong. The zero value of each field but
// the first changes nothing.
//
// The server behind is the real one: it gets what the client sends and has its
// own view of the session. With a Say that begins with 4 or 5 it is not asked,
// and does not know of the command; with any other fault it has done its part,
// and only the client is told otherwise, or nothing.
type Fault struct {
	At    At  // the reply that goes wrong
	Skip  int // so many of these are left alone first, on each connection
	Times int // so many go wrong, on all connections together; 0 means all

	Say     string   // is said in place of the reply, octet for octet: with CRLF, if it is to have that
	Mute    bool     // nothing is said
	Without []string // keywords, in capitals, that are left out of a reply to EHLO
	Endless bool     // it is said over and over as long as the client takes it

	Delay time.Duration // before anything is said
	Drip  time.Duration // between two octets
	Cut   int           // only so many octets are said

	Then Then // what happens next
}

// refuses reports whether the server behind is not to know of it.
func (f *Fault) refuses() bool {
	return f != nil && (strings.HasPrefix(f.Say, "4") || strings.HasPrefix(f.Say, "5"))
}

// words returns what is said in place of reply.
func (f *Fault) words(reply []byte) []byte {
	switch {
	case f.Mute:
		return nil
	case f.Say != "":
		reply = []byte(f.Say)
	case f.Without != nil:
		reply = without(reply, f.Without)
	}
	if f.Cut > 0 && f.Cut < len(reply) {
		reply = reply[:f.Cut]
	}
	return reply
}

// without takes lines with these keywords out of a reply to EHLO.
func without(reply []byte, keywords []string) []byte {
	var lines [][]byte
	for i, line := range bytes.SplitAfter(reply, []byte("\n")) {
		if len(line) == 0 || i > 0 && lists(line, keywords) {
			continue
		}
		lines = append(lines, append([]byte(nil), line...))
	}
	for i, line := range lines {
		line[3] = '-'
		if i == len(lines)-1 {
			line[3] = ' '
		}
	}
	return bytes.Join(lines, nil)
}

// lists reports whether a line of a reply to EHLO has one of these keywords.
func lists(line []byte, keywords []string) bool {
	keyword, _, _ := strings.Cut(strings.TrimSpace(string(line[4:])), " ")
	return slices.Contains(keywords, keyword)
}

// armed is a fault with how often it still strikes.
type armed struct {
	Fault
	left int // -1: always
}

// Misbehave lets connections that are made from now on suffer these faults. If
// several stand for one reply the first that is due counts. With faults the
// connection has somebody in the middle, so that authentication which is bound
// to the channel, and client certificates, do not work, and the server's own
// timeouts show only when the next command comes.
func (s *Server) Misbehave(faults ...Fault) {
	table := make([]*armed, len(faults))
	for i, f := range faults {
		table[i] = &armed{Fault: f, left: -1}
		if f.Times > 0 {
			table[i].left = f.Times
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = table
}

// CutAfter lets connections that are made from now on break when the server has
// sent so many octets, of TLS if there is TLS: the client receives them, and then
// the end of the connection.
func (s *Server) CutAfter(octets int64) { s.faults.Set(testpeer.Fault{Active: true, After: octets}) }

// StallAfter lets connections that are made from now on fall silent when the
// server has sent so many octets: what it sends after that does not arrive.
func (s *Server) StallAfter(octets int64) {
	s.faults.Set(testpeer.Fault{Active: true, Stall: true, After: octets})
}

// Heal lets connections that are made from now on be without a fault.
func (s *Server) Heal() {
	s.faults.Set(testpeer.Fault{})
	s.Misbehave()
}
