package message

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"
)

// Composition is a message ready to be written, any number of times, and always the
// same if the attachments are. It is safe for concurrent use if Attachment.Open is.
type Composition struct {
	chunks     []chunk
	id         string
	date       time.Time
	recipients []string
	utf8       bool
	eightBit   bool
}

var _ io.WriterTo = (*Composition)(nil)

// MessageID returns the message-id, without angle brackets.
func (c *Composition) MessageID() string { return c.id }

// Date returns the date.
func (c *Composition) Date() time.Time { return c.date }

// Recipients returns the addresses of To, Cc and Bcc, each once.
func (c *Composition) Recipients() []string { return slices.Clone(c.recipients) }

// NeedsSMTPUTF8 reports whether only a server that offers SMTPUTF8 may be given the
// message.
func (c *Composition) NeedsSMTPUTF8() bool { return c.utf8 }

// Needs8BitMIME reports whether only a server that offers 8BITMIME may be given the
// message: it holds another that is not ASCII, or is one itself that needs SMTPUTF8.
func (c *Composition) Needs8BitMIME() bool { return c.eightBit }

// WriteTo writes the message to w. After an error what was written is no message.
func (c *Composition) WriteTo(w io.Writer) (n int64, err error) {
	r := c.reader()
	defer r.Close()
	return r.WriteTo(w)
}

// Reader returns the message to be read. An attachment that fails makes Read fail with
// an error that is not io.EOF, and go on failing with it: who sends what it reads, as
// smtp.Send does, never takes a part for the whole. The caller must Close it, which
// closes an attachment that is open.
//
// It is an io.Seeker too: attachments are opened again when it goes back. So smtp.Send
// looks through the whole message before it says a word, finds there what cannot be read,
// and tells the server the exact size; and an smtp.Transport can send it once more.
func (c *Composition) Reader() io.ReadCloser { return c.reader() }

func (c *Composition) reader() *draftReader { return &draftReader{all: c.chunks, chunks: c.chunks} }

// draftReader goes through the chunks of a Composition.
type draftReader struct {
	all    []chunk
	chunks []chunk // that are left
	rest   []byte  // what is still to be read of what next gave
	read   int64   // octets that were read
	file   *fileEncoder
	err    error
	closed bool
}

var (
	_ io.ReadSeekCloser = (*draftReader)(nil)
	_ io.WriterTo       = (*draftReader)(nil)
)

// next gives octets that are valid until the next call. It gives no octets only with an
// error.
func (r *draftReader) next() ([]byte, error) {
	for r.err == nil {
		if r.file != nil {
			chunk, err := r.file.next()
			if err != nil {
				r.err = r.closeFile(err)
			}
			if len(chunk) > 0 {
				return chunk, nil
			}
			continue
		}
		if len(r.chunks) == 0 {
			r.err = io.EOF
			break
		}
		c := r.chunks[0]
		r.chunks = r.chunks[1:]
		if c.file != nil {
			// Opened before the text in front of it is given, so that less is in vain
			// if that fails.
			r.file, r.err = newFileEncoder(c.file, c.enc)
		}
		if r.err == nil && len(c.text) > 0 {
			return c.text, nil
		}
	}
	return nil, r.err
}

// closeFile ends the attachment that is open, for the reason err. It returns nil when
// that was its end.
func (r *draftReader) closeFile(err error) error {
	if err == io.EOF {
		err = nil
	}
	if cerr := r.file.src.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		err = fmt.Errorf("message: attachment %q: %w", r.file.name, noEOF(err))
	}
	r.file = nil
	return err
}

// noEOF keeps the error of an attachment from being taken for the end of the message.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (r *draftReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(r.rest) == 0 {
		chunk, err := r.next()
		if err != nil {
			return 0, err
		}
		r.rest = chunk
	}
	n := copy(p, r.rest)
	r.rest, r.read = r.rest[n:], r.read+int64(n)
	return n, nil
}

func (r *draftReader) WriteTo(w io.Writer) (int64, error) {
	total := int64(0)
	for {
		if len(r.rest) == 0 {
			chunk, err := r.next()
			if errors.Is(err, io.EOF) {
				return total, nil
			}
			if err != nil {
				return total, err
			}
			r.rest = chunk
		}
		n, err := w.Write(r.rest)
		total += int64(n)
		r.rest, r.read = r.rest[n:], r.read+int64(n)
		if err != nil {
			return total, err
		}
	}
}

// errSeek is the error for a place that nobody knows.
var errSeek = errors.New("message: reader: cannot seek there")

// Seek goes to a place before or behind where it is, by reading up to there. What failed
// is tried again when it is come to again.
func (r *draftReader) Seek(offset int64, whence int) (int64, error) {
	if r.closed {
		return 0, r.err
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.read
	case io.SeekEnd:
		if _, err := r.WriteTo(io.Discard); err != nil {
			return 0, err
		}
		offset += r.read
	default:
		return 0, errSeek
	}
	if offset < 0 {
		return 0, errSeek
	}
	if offset < r.read || offset == r.read && r.err != nil && r.err != io.EOF {
		if err := r.closeOpen(); err != nil {
			return 0, err
		}
		r.chunks, r.rest, r.read, r.err = r.all, nil, 0, nil
	}
	_, err := io.CopyN(io.Discard, r, offset-r.read)
	if errors.Is(err, io.EOF) {
		err = errSeek
	}
	return r.read, err
}

// Close closes the attachment that is open. Reading after it fails.
func (r *draftReader) Close() error {
	r.rest, r.closed = nil, true
	r.err = fmt.Errorf("message: reader: %w", fs.ErrClosed)
	return r.closeOpen()
}

// closeOpen closes the attachment that is open, if there is one.
func (r *draftReader) closeOpen() error {
	if r.file == nil {
		return nil
	}
	err := r.file.src.Close()
	r.file = nil
	return err
}
