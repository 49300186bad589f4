// Package crowd is those who come to a server at the same time: some sit still, some
// drip, some send junk, and some are honest. Each of the kinds is in a process of its
// own, or in several where a process may not have so many descriptors, so that none
// takes the processor from the other. A program that uses the package calls Main before
// anything else.
package crowd
