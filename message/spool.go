package message

import (
	"errors"
	"io"
	"math"
	"os"
)

// defaultMemory is how much of a message Read keeps in memory.
const defaultMemory = 1 << 20

// Spooled is a message that was read from an io.Reader, and the temporary file
// that it lies in if it was too large for memory.
type Spooled struct {
	*Message
	file *os.File
}

// Close removes the temporary file, if there is one; the message must not be
// used any more. It may be called again.
func (s *Spooled) Close() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Read is Parser.Read with the zero Parser.
func Read(r io.Reader) (*Spooled, error) { return new(Parser).Read(r) }

// Read reads a message to the end of r and parses it. A message of up to
// Parser.Memory octets stays in memory, a larger one is written to a temporary
// file in the folder that os.TempDir names, which Close removes. How long r may
// go on is for the caller to limit: see io.LimitReader.
//
// The error is that of r or of the file, io.ErrNoProgress if r gives neither octets nor an
// error again and again, or a Defect if p is strict; nothing is left behind then.
func (p *Parser) Read(r io.Reader) (*Spooled, error) {
	memory := p.Memory
	if memory <= 0 {
		memory = defaultMemory
	}
	memory = min(memory, math.MaxInt-1)
	r = progressReader{r}
	head, err := io.ReadAll(io.LimitReader(r, int64(memory)+1))
	if err != nil {
		return nil, err
	}
	if len(head) <= memory {
		m, err := p.ParseBytes(head)
		if err != nil {
			return nil, err
		}
		return &Spooled{Message: m}, nil
	}
	f, err := os.CreateTemp("", "message-*")
	if err != nil {
		return nil, err
	}
	s := &Spooled{file: f}
	if s.Message, err = p.spool(f, head, r); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// progressReader keeps a reader to its contract: it gives up on one that gives neither
// octets nor an error, or a number of octets that cannot be.
type progressReader struct{ r io.Reader }

var errBadCount = errors.New("message: reader counts wrong")

func (r progressReader) Read(p []byte) (int, error) {
	for range maxIdleReads {
		n, err := r.r.Read(p)
		switch {
		case n < 0 || n > len(p):
			return 0, errBadCount
		case n > 0 || err != nil || len(p) == 0:
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// spool writes head and the rest of r to f and parses that.
func (p *Parser) spool(f *os.File, head []byte, r io.Reader) (*Message, error) {
	if _, err := f.Write(head); err != nil {
		return nil, err
	}
	n, err := io.Copy(f, r)
	if err != nil {
		return nil, err
	}
	return p.Parse(f, int64(len(head))+n)
}
