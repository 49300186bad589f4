// Package pop3 serves and fetches mail by the Post Office Protocol.
//
// # Server
//
// A [Server] is a struct with a useful zero value that needs two things: an
// [auth.Server], which knows who may log in, and a [Store], which opens their
// maildrops. A [Maildrop] is a snapshot and one atomic commit. All that the
// protocol adds to that is the server's: message numbers, deletion marks, RSET,
// totals, TOP, stuffing, and checking what the store said.
//
//   - QUIT is answered with +OK when Commit has returned, which is when the
//     deletions are durable. A session that ends in any other way deletes
//     nothing (RFC 1939 section 6).
//   - LIST tells exactly the octets that RETR delivers, or the connection is cut
//     before the end of the message: no client takes a part for the whole.
//   - Replies to pipelined commands leave in one write.
//   - Passwords are taken over TLS only, unless the auth.Server says otherwise.
//     What was said before STLS is forgotten.
//   - A session whose client is silent can lose its maildrop to another one, but
//     never its word: see [Yielder].
//   - Every wait has a deadline and every size, count and number of tries a
//     limit; see [Server].
//
// A session passes through the states of RFC 1939 section 3, which
// [auth.ConnectionState] names in Phase: [PhaseAuthorization],
// [PhaseTransaction], [PhaseUpdate].
//
// # Standards
//
// RFC 1939, RFC 2449, RFC 2595 section 4, RFC 3206, RFC 5034, RFC 6856, RFC 8314.
// Capabilities: TOP, USER, SASL, RESP-CODES, AUTH-RESP-CODE, LOGIN-DELAY,
// PIPELINING, EXPIRE, UIDL, UTF8, LANG, STLS, IMPLEMENTATION; each is announced
// where it is true, as RFC 2449 has it.
//
// # Bugs
//
// A message whose header is UTF-8 has no surrogate in ASCII: clients that do not say
// UTF8 are refused it, with [CodeUTF8]. The server goes by what the Store says of
// a message and does not look into it. EXPIRE 0 cannot be announced: nothing
// is deleted that no client has marked.
package pop3
