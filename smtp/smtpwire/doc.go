// Package smtpwire reads and writes the lines of SMTP: commands with their
// parameters, replies, and the keywords of EHLO. It does no input or output,
// knows no clock and keeps no state, so that a client, a server, a proxy and a
// test can all use it.
//
// Each verb with arguments has a type and a file of its own, with the same pair
// of methods: Parse takes the argument text that [SplitVerb] leaves, and Append
// writes the whole command line with its CRLF. Parse(Append(x)) gives x back.
// A verb without arguments is written by [Verb.Append].
//
// # Strictness
//
// Append refuses an argument that could not be carried safely: nothing a caller
// puts into a field can add a parameter, a command or a line. [Address] cannot
// hold such text at all. Parse accepts the grammar of the RFCs and nothing else;
// the few departures are marked QUIRK in the source. Keywords are compared by
// folding ASCII letters only.
//
// # Errors
//
// Parse reports a [*SyntaxError], which carries the reply that a server gives.
// The Append methods report an [UnsafeError] that names the argument.
//
// # Standards
//
// RFC 5321 (SMTP), RFC 1870 (SIZE), RFC 1985 (ETRN), RFC 2033 (LMTP), RFC 2034 and
// RFC 3463 (enhanced status codes), RFC 2852 (DELIVERBY), RFC 3030 (CHUNKING and
// BINARYMIME), RFC 3461 (DSN), RFC 4865 (FUTURERELEASE), RFC 4954 (AUTH), RFC 6152
// (8BITMIME), RFC 6531 (SMTPUTF8), RFC 6533 (addresses in UTF-8 in ORCPT), RFC 6710
// (MT-PRIORITY), RFC 7293 (RRVS), RFC 8689 (REQUIRETLS), RFC 9422 (LIMITS); and
// XCLIENT and PRDR, which have none.
package smtpwire
