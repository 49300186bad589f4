// Package testnet is a network in memory for tests: connections with the
// manners of TCP, and a listener to dial.
//
// It is made for testing/synctest. All that waits, waits on a sync.Cond, so that
// a bubble in which everybody waits lets its clock jump; deadlines follow that
// clock. Create connections and listeners inside the bubble that uses them.
//
// Unlike net.Pipe, a Write returns as soon as the octets fit into a bounded
// buffer ([DefaultBuffer] unless [Conn.SetWriteBuffer] is called), Close
// lets the peer read what was written before it sees io.EOF, and a direction
// can be closed by itself. Faults are made by [Conn.SplitWrites] and
// [Conn.CutAfter].
//
// All methods are safe for concurrent use.
package testnet
