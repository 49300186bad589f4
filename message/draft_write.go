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
func (c *Composition) Reader() io.ReadCloser { return c.reader() }

func (c *Composition) reader() *draftReader { return &draftReader{chunks: c.chunks} }

// draftReader goes through the chunks of a Composition.
type draftReader struct {
	chunks []chunk
	rest   []byte // what is still to be read of what next gave
	file   *fileEncoder
	err    error
}

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
	r.rest = r.rest[n:]
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
		r.rest = r.rest[n:]
		if err != nil {
			return total, err
		}
	}
}

// Close closes the attachment that is open. Reading after it fails.
func (r *draftReader) Close() error {
	r.rest = nil
	if !errors.Is(r.err, fs.ErrClosed) {
		r.err = fmt.Errorf("message: reader: %w", fs.ErrClosed)
	}
	if r.file == nil {
		return nil
	}
	err := r.file.src.Close()
	r.file = nil
	return err
}
