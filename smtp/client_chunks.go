package smtp

import (
	"context"
	"time"

	"github.com/posthouse/posthouse/internal/textwire"
)

// chunkSize is how many octets a chunk has at most. After each one a server that
// has refused the message is not sent the rest.
const chunkSize = 1 << 20

// sendChunks sends the envelope and the body, while somebody listens. It returns
// nil only if the last octet has been written.
func (s *sending) sendChunks(ctx context.Context, group []byte) error {
	b := s.chunks
	s.c.traceLines(group)
	err := s.put(group)
	var last []byte
	switch {
	case err != nil:
	case s.source.facts.known:
		last, err = s.sendKnown()
	default:
		last, err = s.sendStream()
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		return s.endChunks(last)
	}
	if b.amid || s.flush() != nil {
		s.giveUp(err) // there is no other way back
	}
	return err
}

// giveUp breaks the connection amid a message, when those in front of it have their
// answers. Those are there already, or nearly, if the server has left.
func (s *sending) giveUp(err error) {
	c, b := s.c, s.chunks
	c.spoil(err)
	if b.earlier != nil {
		patience := c.cfg.dataTimeout()
		if b.lost {
			patience = grace
		}
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-b.earlier:
		case <-timer.C:
		}
	}
	c.fail(err)
}

// sendKnown sends a body whose size is known, in chunks that need not be gathered
// first. It returns the last octet, which is held back until the body has ended
// where it should.
func (s *sending) sendKnown() (last []byte, err error) {
	k := &knownBody{s: s, left: s.source.facts.size - int64(len(s.lastCRLF())), checked: len(s.source.head)}
	if k.left == 0 {
		return nil, s.beginChunk(0, true)
	}
	if err = s.source.copyTo(k); k.failure != nil {
		err = k.failure
	}
	return k.held[:], err
}

// knownBody takes a body of a size that is known, and cuts it into chunks.
type knownBody struct {
	s       *sending
	left    int64   // octets that are still to come
	chunk   int64   // octets of them in the chunk under way
	checked int     // octets of them that were looked at already
	held    [1]byte // the last one
	failure error   // not of reading the body
}

// Write sends all of p but the last octet of the body.
func (k *knownBody) Write(p []byte) (total int, err error) {
	switch {
	case int64(len(p)) > k.left:
		k.failure = ErrBodyChanged
	case k.checked > 0:
		k.checked -= len(p)
	default:
		k.failure = k.s.recheck(p)
	}
	for len(p) > 0 && k.failure == nil {
		if k.chunk == 0 {
			k.failure = k.begin()
			continue
		}
		n := min(int64(len(p)), k.chunk)
		piece := p[:n]
		if n == k.left {
			piece, k.held[0] = p[:n-1], p[n-1]
		}
		k.failure = k.s.put(piece)
		k.chunk, k.left = k.chunk-n, k.left-n
		total, p = total+int(n), p[n:]
		k.s.chunks.amid = k.chunk > 0 || k.left == 0
	}
	return total, k.failure
}

func (k *knownBody) begin() error {
	k.chunk = min(k.left, chunkSize)
	if k.chunk < k.left {
		return k.s.beginChunk(k.chunk, false)
	}
	return k.s.beginChunk(k.chunk+int64(len(k.s.lastCRLF())), true)
}

// sendStream sends a body whose size is not known, in chunks that are gathered
// first, and returns its last octet if there is one.
func (s *sending) sendStream() (last []byte, err error) {
	source := &s.source
	for source.rest != nil {
		if err := s.beginChunk(int64(len(source.head)), false); err != nil {
			return nil, err
		}
		if err := s.put(source.head); err != nil {
			return nil, err
		}
		s.chunks.amid = false
		if err := s.flush(); err != nil { // what comes next may take its time
			return nil, err
		}
		if err := source.next(); err != nil {
			return nil, err
		}
		if err := s.recheck(source.head); err != nil {
			return nil, err
		}
	}
	if err := source.check.end(); err != nil {
		return nil, err
	}
	source.facts.openEnded = !source.check.ended
	if err := s.beginChunk(int64(len(source.head)+len(s.lastCRLF())), true); err != nil || len(source.head) == 0 {
		return nil, err
	}
	n := len(source.head) - 1
	return source.head[n:], s.put(source.head[:n])
}

// beginChunk writes the command of a chunk, unless the server has refused the
// message already.
func (s *sending) beginChunk(size int64, last bool) error {
	b := s.chunks
	if b.stop.Load() {
		return errStopped
	}
	select {
	case b.room <- struct{}{}:
	default:
		// The answers that are missing are to what may not have left yet.
		if err := s.flush(); err != nil {
			return err
		}
		s.pace.begin()
		b.room <- struct{}{} // the listener makes room, also when the connection is broken
		s.pace.end(0)
		if b.stop.Load() {
			return errStopped
		}
	}
	s.traceChunk(size, last)
	b.begun <- last
	b.amid = true
	return s.put(appendBDAT(s.c.conn.Writer().AvailableBuffer(), size, last))
}

// put writes octets, in pieces that the pace can follow.
func (s *sending) put(p []byte) error {
	w := s.c.conn.Writer()
	for len(p) > 0 {
		piece := p[:min(len(p), pieceSize)]
		waits := w.Buffered()+len(piece) >= textwire.BufferSize
		if waits {
			s.pace.begin()
		}
		n, err := w.Write(piece)
		if waits {
			s.pace.end(n)
		}
		if err != nil {
			s.chunks.lost = true
			return err
		}
		p = p[n:]
	}
	return nil
}

// flush sends what was put.
func (s *sending) flush() error {
	s.pace.begin()
	defer s.pace.end(0)
	err := s.c.conn.Flush()
	s.chunks.lost = s.chunks.lost || err != nil
	return err
}

// endChunks writes the last octet, and with it completes the message.
func (s *sending) endChunks(last []byte) error {
	b := s.chunks
	b.ending.Store(true)
	err := s.put(last)
	if err == nil {
		err = s.put(s.lastCRLF())
	}
	if err == nil {
		err = s.flush()
	}
	b.unsure = err != nil && !s.c.conn.Writer().Unsent()
	return err
}
