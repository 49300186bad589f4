package pop3

import (
	"context"
	"strconv"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// stat answers STAT (RFC 1939 section 5).
func (s *session) stat(_ context.Context, args []byte) reply {
	if err := (pop3wire.Bare{}).Parse(args); err != nil {
		return invalid(err)
	}
	s.scratch = pop3wire.AppendStat(s.scratch[:0], s.drop.left, s.drop.octets)
	return reply{ok: true, made: s.scratch, data: true}
}

// list answers LIST: one line for one message, many for all (RFC 1939 section 5).
func (s *session) list(_ context.Context, args []byte) reply {
	var c pop3wire.List
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	if c.N == 0 {
		r := s.totals("")
		r.body = (*session).writeScanListing
		return r
	}
	m, r := s.message(c.N)
	if m != nil {
		s.scratch = pop3wire.AppendListLine(s.scratch[:0], c.N, m.Size)
		r = reply{ok: true, made: s.scratch, data: true}
	}
	return r
}

// uidl answers UIDL (RFC 1939 section 7).
func (s *session) uidl(_ context.Context, args []byte) reply {
	var c pop3wire.Uidl
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	if c.N == 0 {
		return reply{ok: true, text: "unique-id listing follows", body: (*session).writeUIDListing}
	}
	m, r := s.message(c.N)
	if m != nil {
		s.scratch = pop3wire.AppendUIDLLine(s.scratch[:0], c.N, m.UID)
		r = reply{ok: true, made: s.scratch, data: true}
	}
	return r
}

func (s *session) writeScanListing() error {
	return s.writeListing(func(dst []byte, n int, m *Info) []byte {
		return pop3wire.AppendListLine(dst, n, m.Size)
	})
}

func (s *session) writeUIDListing() error {
	return s.writeListing(func(dst []byte, n int, m *Info) []byte {
		return pop3wire.AppendUIDLLine(dst, n, m.UID)
	})
}

// writeListing writes a line for each message that is not marked as deleted. No
// such line begins with a dot.
func (s *session) writeListing(line func(dst []byte, n int, m *Info) []byte) error {
	w := s.conn.Writer()
	for n := range s.drop.remaining {
		b := line(w.AvailableBuffer(), n, &s.drop.list[n-1])
		if _, err := w.Write(append(b, '\r', '\n')); err != nil {
			return err
		}
	}
	s.traceBody(int64(s.drop.left), "lines")
	_, err := w.WriteString(".\r\n")
	return err
}

// message returns message n, or nil and the reply that refuses it. That is not counted
// as junk: a client that counts wrong is wrong about many, and asks twice for each
// when it doubts that a server can do the pipelining that it offers.
func (s *session) message(n int) (*Info, reply) {
	switch {
	case !s.drop.has(n):
		s.scratch = appendMessages(s.scratch[:0], "no such message, only ", len(s.drop.list), " in maildrop")
		return nil, reply{made: s.scratch, excused: true}
	case s.drop.marked(n):
		s.scratch = appendNumbered(s.scratch[:0], "message ", int64(n), " already deleted")
		return nil, reply{made: s.scratch, excused: true}
	}
	return &s.drop.list[n-1], reply{}
}

// totals says how much mail there is.
func (s *session) totals(before string) reply {
	s.scratch = appendMessages(s.scratch[:0], before, s.drop.left, " (")
	s.scratch = appendNumbered(s.scratch, "", s.drop.octets, " octets)")
	return reply{ok: true, made: s.scratch}
}

// usualText is what hardly any text of a reply exceeds.
const usualText = 48

func appendMessages(dst []byte, before string, n int, after string) []byte {
	if n == 1 {
		return append(appendNumbered(dst, before, 1, " message"), after...)
	}
	return append(appendNumbered(dst, before, int64(n), " messages"), after...)
}

func appendNumbered(dst []byte, before string, n int64, after string) []byte {
	if dst == nil {
		dst = make([]byte, 0, usualText)
	}
	dst = strconv.AppendInt(append(dst, before...), n, 10)
	return append(dst, after...)
}
