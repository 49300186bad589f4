// Package textwire reads and writes what SMTP and POP3 have in common on the
// wire: command lines that end in CRLF, and bodies that end in a line of one
// dot; and bodies in counted chunks.
//
// # Guarantees
//
// Only CRLF ends a line, and only CRLF "." CRLF (or "." CRLF at the very start)
// ends a body, however the octets are cut into segments (RFC 5321 section
// 2.3.8, RFC 5321 section 4.1.1.4, RFC 1939 section 3). A bare CR, a bare LF
// or a NUL is never taken for a line end; in a command line and in a [Strict]
// body it is a [*FramingError]. The genuine end of a body is always found, also right
// after a bare CR and also after an error: [DotReader.Drain] goes on to it.
//
// A [Reader] that waits for a command, or for the rest of one, holds no buffer but
// what has come of it, and a [Writer] holds one only while octets are pending: both
// share a pool of blocks of 64 KiB. No line is longer than [MaxLine]. Nothing
// here grows with what the peer sends, and nothing allocates per line, per Read or
// per Write.
//
// Bodies are searched by block, not by octet and not by line of source: a
// body without leading dots is handed on in runs as long as they arrived.
//
// Errors of a [Reader], a [Writer], a [DotReader] and a [DotWriter] are
// sticky. After one the stream is out of step and the connection has to be
// closed; there is no way to resynchronise, on purpose. The single exception
// is Drain, which makes it possible to answer before closing.
//
// No type here is safe for concurrent use. A Reader and a Writer may be used
// by one goroutine each.
//
// # Bugs
//
// A dot-stuffed body is a text of whole lines: one that lacks its last CRLF
// gets it from [DotWriter.Close], so such a body does not round-trip.
// BINARYMIME (RFC 3030) therefore needs BDAT and a [ChunkReader], not this.
package textwire
