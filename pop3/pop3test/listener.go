package pop3test

import "github.com/posthouse/posthouse/internal/testpeer"

// Listener is a net.Listener in memory: for servers of a test's own, also inside
// a bubble of testing/synctest. It is reached by Dial alone. Connections buffer
// 64 KiB each way, and have deadlines and CloseWrite.
type Listener = testpeer.Listener

// NewListener returns a Listener with this address.
func NewListener(address string) *Listener { return testpeer.NewListener(address) }
