package textwire

import "sync"

// BufferSize is the number of octets in one buffer: the most that a Reader or a
// Writer keeps.
const BufferSize = 64 << 10

// MaxLine is the upper bound of every limit on a line.
const MaxLine = BufferSize / 2

// blocks are pooled by pointer: a slice put into a sync.Pool would allocate its
// header each time.
type block [BufferSize]byte

var pool = sync.Pool{New: func() any { return new(block) }}

func getBuffer() []byte { return pool.Get().(*block)[:] }

// putBuffer takes back a buffer that getBuffer gave out, however it is cut at its
// end.
func putBuffer(b []byte) { pool.Put((*block)(b[:BufferSize])) }
