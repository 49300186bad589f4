package maildrop

import (
	"errors"
	"io"

	"github.com/posthouse/posthouse/message/maildir"
)

// reader is a message that tells when it is not as long as was listed, by a name that
// another program gave it. This session is lost to it; the next one counts, for else
// nobody could ever fetch the message and what is behind it.
type reader struct {
	*maildir.Reader
	left    int64 // octets yet to come
	session *session
	key     string
}

var _ io.WriterTo = (*reader)(nil)

// Read reads the message.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.count(int64(n), errors.Is(err, io.EOF))
	return n, err
}

// WriteTo writes the rest of the message to w in large pieces.
func (r *reader) WriteTo(w io.Writer) (int64, error) {
	var counted io.Writer = counter{r, w}
	if lf, ok := w.(maildir.LFWriter); ok {
		counted = lfCounter{counter{r, w}, lf}
	}
	n, err := r.Reader.WriteTo(counted)
	r.count(0, err == nil)
	return n, err
}

func (r *reader) count(n int64, ended bool) {
	if r.left -= n; r.left < 0 || ended && r.left > 0 {
		r.session.lied(r.key)
	}
}

// counter counts what is written, taken or not.
type counter struct {
	r *reader
	w io.Writer
}

func (c counter) Write(p []byte) (int, error) {
	c.r.count(int64(len(p)), false)
	return c.w.Write(p)
}

// lfCounter is a counter of what an LFWriter makes.
type lfCounter struct {
	counter
	lf maildir.LFWriter
}

func (c lfCounter) WriteLF(p []byte) (int64, error) {
	n, err := c.lf.WriteLF(p)
	c.r.count(n, false)
	return n, err
}
