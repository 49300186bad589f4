package smtptest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// data lets a message pass. One that is to be refused does not reach the server.
func (m *liar) data(line []byte) error {
	var end *Fault
	if m.accepted > 0 {
		end = m.fault(AtEnd)
	}
	var said []byte
	var err error
	if end.refuses() {
		if err = m.forget(); err != nil {
			return err
		}
		said, err = m.tell(m.fault(AtDATA), []byte("354 go ahead\r\n"))
	} else {
		said, err = m.exchange(AtDATA, line)
	}
	if err != nil || !bytes.HasPrefix(said, []byte("354")) {
		return err
	}
	m.accepted = 0
	if err := m.body(!end.refuses()); err != nil {
		return err
	}
	var reply []byte
	if !end.refuses() {
		if _, err = m.server.Write([]byte(".\r\n")); err == nil {
			reply, err = m.hearAll()
		}
		if err != nil {
			return err
		}
	}
	return m.done(end, reply)
}

// body passes the lines of a message on, if the server is to have them, but for
// the end.
func (m *liar) body(pass bool) error {
	begun, atStart := false, true
	for {
		line, err := m.client.r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		if !begun {
			begun = true
			if f := m.fault(AtBody); f != nil {
				line = bytes.Clone(line)
				if _, err := m.tell(f, nil); err != nil {
					return err
				}
			}
		}
		if atStart && string(line) == ".\r\n" {
			return nil
		}
		atStart = err == nil
		if pass {
			if _, err := m.server.Write(line); err != nil {
				return err
			}
		}
	}
}

// chunk lets a BDAT pass (RFC 3030).
func (m *liar) chunk(line []byte, args string) error {
	var bdat smtpwire.Bdat
	err := bdat.Parse(args)
	if err != nil {
		return m.relay(AtOther, line)
	}
	at := AtDATA
	if bdat.Last {
		at = AtEnd
	}
	f := m.fault(at)
	if !m.amid {
		if body := m.fault(AtBody); body != nil {
			if _, err := m.tell(body, nil); err != nil {
				return err
			}
		}
	}
	m.amid = !bdat.Last
	var reply []byte
	if f.refuses() {
		if _, err = io.CopyN(io.Discard, m.client.r, bdat.Size); err == nil {
			err = m.forget()
		}
	} else {
		if _, err = m.server.Write(line); err == nil {
			_, err = io.CopyN(m.server, m.client.r, bdat.Size)
		}
		switch {
		case err != nil:
		case bdat.Last:
			reply, err = m.hearAll()
		default:
			reply, err = m.hear()
		}
	}
	if err != nil {
		return err
	}
	if at != AtEnd {
		_, err := m.tell(f, reply)
		return err
	}
	m.accepted = 0
	return m.done(f, reply)
}

// done tells what became of a message, and waits to see whether the client goes
// on.
func (m *liar) done(f *Fault, reply []byte) error {
	if _, err := m.tell(f, reply); err != nil {
		return err
	}
	idle := m.fault(AtIdle)
	if idle == nil {
		return nil
	}
	if err := m.client.SetReadDeadline(time.Now().Add(max(idle.Delay, time.Nanosecond))); err != nil {
		return err
	}
	_, err := m.client.r.Peek(1)
	_ = m.client.SetReadDeadline(time.Time{})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	unasked := *idle
	unasked.Delay = 0
	_, err = m.tell(&unasked, nil)
	return err
}
