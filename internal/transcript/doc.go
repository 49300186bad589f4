// Package transcript plays dialogues written in the notation of the RFCs
// against a server or a client under test.
//
// # Notation
//
//	A dialogue begins with any text, up to its first line of another kind.
//
//	S: 220 mx.example.org *
//	C: EHLO client.example.org
//	S: 250-mx.example.org
//	S: 250 STARTTLS
//	# STARTTLS has to be the last of its group
//	C: STARTTLS
//	S: 220 *
//	-- tls
//	C: NOOP
//	C: QUIT
//	S: 250 *
//	S: 221 *
//	-- close
//
// A line that begins with "C:" is sent by the client, one with "S:" by the
// server, without that and one blank, and with CRLF added. Lines of one side in
// a row leave in one write: so pipelining is written as it is read, and a
// message as the C: lines it consists of, dots and all.
//
// An S: line that ends in "*" matches all that begins like it; a playing server
// sends it without the star. After a code and a blank it matches the rest of the
// reply, however many lines that has. Nothing else is a pattern.
//
// After "c:" or "s:" the octets are sent, or expected, exactly as written: no
// CRLF is added, \r, \n, \0, \xNN and \\ stand for octets, and * for itself.
// That is for what no RFC would print.
//
//	-- tls     both sides turn to TLS
//	-- close   the server closes the connection
//	-- drop    the client closes the connection
//
// Empty lines and lines that begin with "#" are skipped. A line of any other kind
// is an error.
//
// # Files
//
// A file is a txtar archive: comment, then one dialogue after each line
// "-- name --". The same file can test a server (PlayClient) and a client
// (PlayServer), and seed a fuzzer (Octets).
package transcript
