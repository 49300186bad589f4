// Package bombs has messages made to cost whoever reads them more than their size, for
// tests and measurements only.
package bombs

import (
	"slices"
	"strings"
)

// Bomb is a kind of message made to cost more than its size.
type Bomb struct {
	Name string
	make func(n int) string
}

// Make returns the message, of about n octets.
func (b Bomb) Make(n int) []byte { return []byte(b.make(n)) }

// All are all bombs.
var All = slices.Concat(structures, fields, addresses, bodies)

// end is that of a header.
const end = "\r\n\r\n"

// around gives a message of head, each as often as there is room, and tail.
func around(head, each, tail string) func(n int) string {
	return func(n int) string { return head + repeatTo(n, each) + tail }
}

func repeatTo(n int, s string) string { return strings.Repeat(s, n/len(s)) }
