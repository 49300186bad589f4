package smtp

import (
	"errors"
	"fmt"
	"io"
)

// errReadOnce is why recipients get nothing for whom the body would have to be
// read again.
var errReadOnce = errors.New("smtp: body cannot be read a second time")

// poolBody is a body that may be needed more than once.
type poolBody struct {
	r      io.Reader
	seeker io.Seeker // nil if the body can be read only once
	start  int64
	once   *onceReader // the body, if so
}

func newPoolBody(body io.Reader) *poolBody {
	if body == nil {
		return &poolBody{}
	}
	if seeker, ok := body.(io.Seeker); ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			return &poolBody{r: body, seeker: seeker, start: start}
		}
	}
	once := &onceReader{r: body}
	return &poolBody{r: once, once: once}
}

// again reports whether the body can be sent once more.
func (b *poolBody) again() bool { return b.seeker != nil || !b.once.lost }

// rewind makes the body begin where it did at first.
func (b *poolBody) rewind() error {
	switch {
	case b.seeker != nil:
		if _, err := b.seeker.Seek(b.start, io.SeekStart); err != nil {
			return fmt.Errorf("smtp: cannot rewind the body: %w", err)
		}
	case b.once.lost:
		return errReadOnce
	default:
		b.once.next = 0
	}
	return nil
}

// keepBody is how many octets of a body that cannot be rewound are kept, as a
// [Client] reads so many before it says a word.
const keepBody = 64 << 10

// onceReader is a body that cannot be rewound. It keeps what was read of it
// until that is too much.
type onceReader struct {
	r    io.Reader
	kept []byte
	next int   // what of kept is to be read next
	err  error // that came behind what is kept
	lost bool
}

func (o *onceReader) Read(p []byte) (int, error) {
	if o.next < len(o.kept) {
		n := copy(p, o.kept[o.next:])
		o.next += n
		return n, nil
	}
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.r.Read(p)
	switch {
	case o.lost:
	case len(o.kept)+n > keepBody:
		o.lost, o.kept, o.next = true, nil, 0
	default:
		o.kept = append(o.kept, p[:n]...)
		o.next, o.err = len(o.kept), err
	}
	return n, err
}
