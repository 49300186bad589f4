package textwire

import "sync"

// BufferSize is the most octets that a Writer keeps, and the upper bound of every
// limit on a line.
const BufferSize = 32 << 10

// blockSize is the number of octets in one buffer, and so the most that a Reader
// keeps. It reads more at a time than is written, which has to show progress.
const blockSize = 2 * BufferSize

// blocks are pooled by pointer: a slice put into a sync.Pool would allocate its
// header each time.
type block [blockSize]byte

var pool = sync.Pool{New: func() any { return new(block) }}

func getBuffer() []byte { return pool.Get().(*block)[:] }

// putBuffer takes back a buffer that getBuffer gave out, however it is cut at its
// end.
func putBuffer(b []byte) { pool.Put((*block)(b[:blockSize])) }
