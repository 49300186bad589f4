// Package bench measures this module beside its peers, on one machine, with the same
// octets. It is a module of its own, so that the peers are nobody's dependency. What is
// quoted elsewhere is ratios, never absolute figures.
//
//	go run ./cmd/compare
//	go run ./cmd/soak
//	go run ./cmd/bombs
//	go test -bench . -benchmem ./...
//
// The first is what the targets of speed are checked with. It runs every contestant as
// a process of its own, in interleaved rounds, and prints one table of what the work
// cost that process, and whether the target of a row is met. The second shows what a
// server stands, the third what a parser of messages does. The last measures inside one
// process and counts allocations: the loads are prepared octets written to a socket of
// the loopback interface and allocate nothing, so that what -benchmem counts is the
// server's.
//
//	cmd/compare  the races: which contestants, which work, which target
//	cmd/plot     how the cost grows with the size of messages and the number of connections, drawn
//	cmd/soak     how honest clients fare among idle, dripping and abusive ones, and what those leave behind
//	cmd/bombs    what messages cost that are made to cost more than their size
//	race         rounds, medians, ratios, the table
//	work         what servers are made to do, and what it cost them
//	peers        the contestants
//	crowd        clients that sit still, drip, send junk, or are honest
//	load         prepared octets of SMTP and POP3
//	delay        a network that is far away
//	proc         starts processes, and reads their processor time and memory
package bench
