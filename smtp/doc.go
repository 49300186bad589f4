// Package smtp sends and receives mail: the client and the server of RFC 5321 and
// RFC 6409, with the extensions named below.
//
// # The server
//
// A [Server] takes connections and hands each message to its [Handler] as a
// [Transaction]: who speaks, the envelope, and the body as a reader, byte for byte.
// The zero Server is safe: it relays for nobody, has limits on everything, and speaks
// plain text only until it is given a certificate. What may be decided before a
// message arrives is decided by [Hooks]. Extensions that ask more of a server than to pass
// a message on are offered when [Offers] names them; [Extension] adds others.
//
// It promises:
//
//   - A message is accepted when, and only when, the handler returned nil and the body
//     was read to its genuine end without an error. A panic, a cancelled context, a
//     peer that went away or a body that breaks the rules never ends in 250.
//   - Only CRLF ends a line, and only CRLF.CRLF ends the data. A bare CR, a bare LF or
//     a NUL is refused, and the connection closed; [Server.AcceptBareLF] is the one
//     leniency there is. Octets of a body are never read as commands.
//   - Nothing that was learned before STARTTLS is believed after it, and plain text sent
//     behind STARTTLS is an error.
//   - The replies of a pipelined group leave in one write. An idle connection holds no
//     buffers.
//   - No internal error text reaches a peer: see [Error].
//
// # The client
//
// [Send] sends one message; a [Client] from [Dial] or [NewClient] sends many, one by
// one by [Client.Send], or without waiting for answers by [Client.SendAll]. A
// [Transport] keeps connections for programs that send much, shares them, and splits
// what is too much for a server. With PIPELINING and CHUNKING a small message is one
// write, envelope and all; with PIPELINING alone MAIL, all RCPT and DATA are, and
// the next envelope follows right behind the final dot. With auth.LMTP the same
// speaks LMTP. The zero [ClientConfig] insists on TLS with a certificate that
// verifies.
//
// It promises:
//
//   - A body that fails, a context that is cancelled or a panic never sends the final
//     dot, or the last chunk: nobody gets a truncated message.
//   - What a message or an envelope needs of the server is asked for, and nothing
//     else; what the server does not offer is an error before anything is sent.
//   - A [Result] tells for each recipient what became of the message, and Unknown where
//     nobody can know: when the end of the data left and no reply came, RFC 1047.
//     [SafeToRetry] answers the question that follows.
//   - Nothing a caller puts into an envelope can become another parameter, command or
//     line.
//
// # Standards
//
// RFC 5321 (SMTP), RFC 1870 (SIZE), RFC 1985 (ETRN), RFC 2033 (LMTP), RFC 2034 and
// RFC 3463 (enhanced status codes), RFC 2852 (DELIVERBY), RFC 2920 (PIPELINING),
// RFC 3030 (CHUNKING and BINARYMIME), RFC 3207 (STARTTLS), RFC 3461 and RFC 6533 (DSN:
// the parameters), RFC 3848 (transmission types), RFC 4865 (FUTURERELEASE), RFC 4954
// (AUTH), RFC 6152 (8BITMIME), RFC 6409 (submission), RFC 6531 (SMTPUTF8), RFC 6710
// (MT-PRIORITY), RFC 7293 (RRVS), RFC 8314 (TLS), RFC 8689 (REQUIRETLS), RFC 9422
// (LIMITS).
package smtp
