// Package bench measures this module beside its peers in one run, on one
// machine, with the same octets:
//
//	go test -bench . -benchmem ./...
//
// It is a module of its own, so that the peers are nobody's dependency. The
// loads are prepared octets written to a socket of the loopback interface and
// allocate nothing, so what -benchmem counts is the server's. What is quoted
// elsewhere is ratios, never absolute figures.
package bench
