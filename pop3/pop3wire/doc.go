// Package pop3wire is the text of POP3: commands, status lines, listings and
// capabilities, each with its Parse and its Append. It reads and writes byte
// slices only; it knows no connection, clock or state.
//
// Commands are read strictly, as RFC 2449 section 3 prints them: a keyword of
// three or four letters in any case, single blanks, printable ASCII, or UTF-8 in
// names and passwords. What servers send is read with some patience, since they
// differ. Both directions write strictly: no argument can carry a line end, and no
// line leaves longer than its limit.
//
// Parse(Append(x)) is x for every value that Append accepts. Slices returned by
// a Parse function are views of its argument; strings are copies.
//
// Standards: RFC 1939, RFC 2449, RFC 2595 section 4, RFC 3206, RFC 5034, RFC 6856.
package pop3wire

// Limits of lines in octets, the final CRLF included.
const (
	MaxCommand = 255 // a command; RFC 2449 section 4
	MaxStatus  = 512 // the first line of a reply, and a capability; RFC 2449 section 4
)
