package maildir

import "sync"

// bufferSize is how much is read from or written to a file at a time.
const bufferSize = 64 << 10

// buffers holds what no delivery and no reader needs now.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// takeBuffer gives a buffer of bufferSize octets.
func takeBuffer() []byte { return buffers.Get().(*[bufferSize]byte)[:] }

// giveBuffer takes back a buffer of takeBuffer's, however it is cut at its end; nil is
// none.
func giveBuffer(b []byte) {
	if cap(b) >= bufferSize {
		buffers.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}
