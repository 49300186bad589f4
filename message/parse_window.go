package message

import (
	"bytes"
	"io"
	"sync"
)

const windowSize = 64 << 10

// window is the stretch of a message that is in memory. A message given as
// octets is its own window; that of an io.ReaderAt moves on as more asks for it.
type window struct {
	src  io.ReaderAt // nil for a message given as octets
	size int64       // of the message
	base int64       // offset of buf[0] in the message
	buf  []byte
	pool *[]byte // where buf lies if it came from windows
}

var windows = sync.Pool{New: func() any { b := make([]byte, windowSize); return &b }}

// offset returns the place in the message of buf[i].
func (w *window) offset(i int) int64 { return w.base + int64(i) }

// more forgets what lies before buf[keep], so that buf[keep] becomes buf[0],
// and adds at least one octet behind, growing the window if it is full. At
// the end of the message it reports false and leaves the window as it is.
func (w *window) more(keep int) (bool, error) {
	at := w.offset(len(w.buf))
	if at >= w.size {
		return false, nil
	}
	if w.pool == nil {
		w.pool = windows.Get().(*[]byte)
		w.buf = (*w.pool)[:0]
	}
	rest := len(w.buf) - keep
	room := w.buf[:cap(w.buf)]
	if rest > cap(w.buf)/2 {
		room = make([]byte, 2*cap(w.buf))
	}
	copy(room, w.buf[keep:])
	w.base += int64(keep)
	w.buf = room[:rest]

	room = room[rest:]
	if left := w.size - at; int64(len(room)) > left {
		room = room[:left]
	}
	n, err := w.src.ReadAt(room, at)
	w.buf = w.buf[:rest+n]
	switch {
	case n == len(room):
		return true, nil
	case err == nil, err == io.EOF:
		return false, io.ErrUnexpectedEOF
	}
	return false, err
}

// lineEnd returns the index behind the LF of the line at buf[i], or -1 if it is not in
// the window.
func (w *window) lineEnd(i int) int {
	n := bytes.IndexByte(w.buf[i:], '\n')
	if n < 0 {
		return -1
	}
	return i + n + 1
}

func (w *window) release() {
	if w.pool != nil {
		windows.Put(w.pool)
		w.pool, w.buf = nil, nil
	}
}
