package smtp

import (
	"errors"
	"io"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

const (
	// freeChunks is how many chunks a message may have whatever their size; beyond
	// that they must have smallChunk octets on average.
	freeChunks = 1000
	smallChunk = 512
)

// errAborted is how a body ends whose sender gave it up between two chunks.
var errAborted = errors.New("smtp: message given up by the peer")

// chunked is a message that comes by BDAT. Reading from it answers the chunks, and the
// commands between them, so that a handler reads one body however it was sent.
type chunked struct {
	session *session
	octets  textwire.ChunkReader
	last    bool // the chunk is the last
	count   int
}

// Read implements [io.Reader].
func (c *chunked) Read(p []byte) (int, error) {
	for {
		n, err := c.octets.Read(p)
		if err == io.EOF {
			err = c.next()
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// WriteTo implements [io.WriterTo].
func (c *chunked) WriteTo(w io.Writer) (total int64, err error) {
	for {
		n, err := c.octets.WriteTo(w)
		total += n
		if err == nil {
			err = c.next()
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// next goes on to the next chunk. After the last it returns io.EOF.
func (c *chunked) next() error {
	if !c.last {
		return c.session.awaitChunk()
	}
	if err := c.octets.End(); err != nil {
		return err
	}
	return io.EOF
}

// drain discards what is left of the chunk: RFC 3030 section 2.
func (c *chunked) drain(most int64) error {
	if c.octets.Left() > most {
		return textwire.ErrBodyTooLong
	}
	return c.octets.Discard()
}

func (c *chunked) size() int64 { return c.octets.Size() }
func (c *chunked) raw() int64  { return c.octets.Size() }

// complete reports whether nothing more of the message will come.
func (c *chunked) complete() bool { return c.last }

// tooSmall reports whether the chunks are so small that they are a flood.
func (c *chunked) tooSmall() bool {
	return c.count > freeChunks && c.octets.Size() < int64(c.count)*smallChunk
}

// bdat answers BDAT: RFC 3030 section 2.
func (s *session) bdat(args []byte) smtpwire.Reply {
	cmd, r := s.parseBdat(args)
	if r.Code != 0 {
		return r
	}
	c := &s.takes().chunked
	between := s.phase == phaseChunks
	if !between {
		*c = chunked{session: s}
		r = s.askData()
	}
	if r.Code == 0 && cmd.Size > s.srv.maxMessage()-c.size() {
		r = replyTooLarge
	}
	if r.Code != 0 {
		return s.refuseChunk(cmd, r)
	}
	if !between {
		mode := textwire.Strict
		if s.tx.Envelope.Body == BodyBinaryMIME {
			mode = textwire.Transparent
		}
		c.octets.Reset(s.conn.Reader(), mode)
	}
	c.last = cmd.Last
	c.count++
	c.octets.Begin(cmd.Size)
	s.beginBody(cmd.Size)
	if between {
		s.phase = phaseData
		return smtpwire.Reply{} // awaitChunk goes on
	}
	return s.receive(c)
}

// parseBdat ends the session if the command does not say how many octets follow.
func (s *session) parseBdat(args []byte) (cmd smtpwire.Bdat, r smtpwire.Reply) {
	if err := cmd.Parse(string(args)); err != nil {
		s.phase = phaseClosing
		return cmd, syntaxReply(err)
	}
	return cmd, r
}

// skipChunk is BDAT where it is refused with r before it was looked at.
func (s *session) skipChunk(args []byte, r smtpwire.Reply) smtpwire.Reply {
	cmd, bad := s.parseBdat(args)
	if bad.Code != 0 {
		return bad
	}
	return s.refuseChunk(cmd, r)
}

// refuseChunk discards the octets of a chunk that is refused with r, so that they are
// not read as commands: RFC 3030 section 2. Those that pipeline BDAT send it whatever
// became of what came before.
func (s *session) refuseChunk(cmd smtpwire.Bdat, r smtpwire.Reply) smtpwire.Reply {
	var c chunked
	c.octets.Reset(s.conn.Reader(), textwire.Transparent)
	c.octets.Begin(cmd.Size)
	s.beginBody(cmd.Size)
	err := c.drain(s.mostDrained())
	s.endBody()
	switch {
	case errors.Is(err, textwire.ErrBodyTooLong):
		s.phase = phaseClosing
		return r
	case err != nil:
		return s.readFailed(err)
	}
	if s.phase.within(inTransaction | phaseChunks) {
		s.phase = phaseFailed
	}
	if s.state.Protocol == auth.LMTP && cmd.Last {
		return s.toEach(r, nil)
	}
	return r
}

// awaitChunk answers a chunk that is not the last, and the commands that follow it, up
// to the next BDAT. An error means that the message will not be completed.
func (s *session) awaitChunk() error {
	s.endBody()
	s.phase = phaseChunks
	if s.intake.chunked.tooSmall() {
		s.send(replyTooIdle)
		return errAborted
	}
	s.send(replyChunkOK)
	for s.phase == phaseChunks {
		line, err := s.readCommand()
		if err != nil {
			s.send(s.readFailed(err))
			return errAborted
		}
		s.obey(line)
	}
	if s.phase != phaseData {
		return errAborted
	}
	return nil
}
