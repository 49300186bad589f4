// Package auth holds what the mail protocols share about identity: what is
// known of a connection, who the peer is, how a server verifies that and how a
// client shows it. It knows no protocol; smtp and pop3 both build on it, so
// that one [Server] can serve both and a login over POP3 can be observed by a
// policy of SMTP (POP before SMTP, in package auth/popbefore).
//
// # Connection state
//
// Every connection of either side, client or server, can tell a
// [ConnectionState]: a struct by value, as crypto/tls has it, so that it can
// grow. The fields differ in how far they may be trusted; see there. The rule
// in short: RemoteAddr is what the network said, Hello is whatever the peer
// liked to say, TLS and Identity are proven.
//
// # Servers
//
// A [Server] offers the mechanisms PLAIN (RFC 4616) and LOGIN once it has a
// [PasswordVerifier], and only where the password is not sent in cleartext.
// The zero Server, and a nil one, offer nothing. A protocol runs an [Exchange]
// for its AUTH command, or calls [Server.Password] for USER and PASS and
// [Server.Apop] for APOP, whose secrets a [SecretSource] knows. Each finished
// attempt is told to [Server.Observe].
//
// The presented names and passwords are prepared by SASLprep (RFC 4013) before
// they are verified, as RFC 4616 section 2 and RFC 4954 section 4 ask. ASCII
// text without control characters is not changed by that.
//
// # Clients
//
// [Credentials] pick a mechanism out of what a server offers. Those made by
// [Password] never leave in cleartext; [InsecurePassword] lifts that.
//
// # Guarantees
//
// No error, event or printed value of this package contains a password or any
// part of a client's response. A refused login costs about the same whether
// the user exists or not, as far as this package is concerned: [Passwords] is
// written so, a [PasswordVerifier] of your own should be.
//
// # Standards
//
// RFC 4422 (SASL), RFC 4616 (PLAIN), RFC 4013 (SASLprep), RFC 5803 (stored keys
// of SCRAM, which is RFC 5802 and RFC 7677), and the parts that
// SMTP and POP3 share of their profiles, RFC 4954 and RFC 5034: the strict
// base64 lines. LOGIN was never a standard; it is here because clients that
// know nothing else are still in use.
//
// # Bugs
//
// There is no SCRAM and no OAUTHBEARER yet. An authorization identity other
// than the authenticated user is always refused.
package auth
