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
// # Client
//
// [Dial] returns a [Client] that is logged in, over TLS unless that is waived by
// name. Messages come as streams; [Client.Fetch] brings many of them without
// a round trip for each.
//
//   - A [Body] ends in io.EOF at the server's final dot alone: no part of a message
//     passes for the whole.
//   - A refusal is an [*Error] and tells by its response code what to do; any
//     other error gives the connection up. A QUIT without a reply is an
//     [*UnknownError]: the deletions may have been done or not.
//   - A server may send anything: lines, lists, bodies and waits are bounded. See
//     [ClientConfig].
//
// Servers are odd. What is harmless is taken as it comes:
//
//   - STAT without a size, or with a negative one, has size -1; words behind the
//     numbers of STAT and LIST are ignored.
//   - LIST and UIDL may have any blanks between the fields, any order, and sizes
//     that are wrong. Unique-ids may be longer than 70 octets, and not unique.
//   - "+" without a blank is an empty challenge; and so is "+OK" before the first
//     response, or what follows it is one.
//   - CAPA may be missing, hold lines that make no sense, and say more after
//     the login than before.
//   - A server that offers PIPELINING and refuses what does not come alone is asked
//     one by one; see [Client.Pipelining] and [PipelineError].
//   - A final dot at the end of the last line, instead of on its own, is understood
//     where ClientConfig.MissingCRLF says so; two lines for AUTH are used
//     where ClientConfig.NoInitialResponse does.
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
// a message and does not look into it. Nothing is deleted that no client has marked: a
// site that announces an EXPIRE in its [Policy] has to keep it by itself.
package pop3
