// Package conn is one connection of a mail protocol, of either side: lines and
// bodies with deadlines, cancelling by context, the upgrade to TLS, and a
// transcript.
//
// # Deadlines
//
// Everything that waits for the peer ends. Three rules say when:
//
//   - A line must be complete within the timeout, counted from the moment at
//     which its first octet was waited for. Dripping octets does not help.
//   - What is written must be taken by the peer within the timeout, each
//     32 KiB of it at a time.
//   - Between BeginBody and EndBody reading and writing are judged by progress:
//     nothing may stand still for longer than the timeout (a write that does is
//     found out within five quarters of it), and the time spent waiting for the
//     peer may exceed the timeout by no more than the octets moved need at the
//     minimal rate. A big message on a slow but steady link is never
//     cut. The time that our own side takes in between does not count.
//
// Handshakes have a deadline of their own. Errors by a deadline satisfy
// net.Error with Timeout() true, and errors.Is with os.ErrDeadlineExceeded.
//
// The deadline of the socket is moved as seldom as possible: it may stand a
// little earlier than needed, in which case the operation is resumed when it
// strikes.
//
// # Memory
//
// A TCP or Unix connection in cleartext holds no buffer while it waits for a
// command or the rest of one: one is taken when octets are there. Other
// connections, and those with TLS, wait with a few octets (see textwire.Reader).
//
// # Concurrency
//
// One goroutine may read while another writes. Interrupt, Close, Err, TLS and
// the addresses may be used at any time by any goroutine.
package conn
