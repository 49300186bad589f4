// Package serve is the loop of a server: it accepts, counts, refuses, contains
// panics, and ends in one of two ways, Shutdown and Close, as net/http does.
//
// A session is busy from the moment it was accepted. Between two transactions
// it says that it is idle, and leaves a way to be woken:
//
//	busy --Idle(wake)--> idle     true: wait for the peer
//	idle --Busy()------> busy     the peer wants something
//	busy --Idle(wake)--> (leave)  false: the server shuts down, say goodbye and go
//	idle --wake()------> (leave)  the same, while waiting
//
// Shutdown stops accepting, wakes whoever is idle, and waits for the busy ones,
// which leave when they would become idle. No session can fall between the two:
// one that becomes idle while Shutdown begins is either woken or told by Idle.
//
// Close cuts: it closes the connections and cancels the contexts of all sessions
// with Loop.Closed as the cause. It does not wait, so that a handler may call it;
// Shutdown after Close waits for what is left.
//
// The clients of an address are counted together: an IPv4 address by itself,
// an IPv6 address with all others of its /64, since that is what one customer is
// given. Peers without an IP address, as on a Unix socket, are not limited by
// address.
package serve
