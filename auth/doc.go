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
// # Which mechanism
//
// Offer PLAIN over TLS, and SCRAM beside it if you can: a [PasswordVerifier] and a
// [SCRAMSource] over the same users. PLAIN is understood by every client and lets you
// store passwords as you like (bcrypt, argon2id, LDAP), but shows them to the
// server, and to whoever gets himself a certificate in its name. SCRAM shows the
// password to nobody, has the server prove that it knows it too, and in its -PLUS form
// is worth nothing on another connection than the one it was made on; it needs
// keys of its own. OAUTHBEARER and XOAUTH2 are for accounts of Google, Microsoft and
// others that give out tokens. EXTERNAL is for machines, which have certificates. LOGIN
// is for old programs, CRAM-MD5 and APOP for older ones: they are off unless asked
// for. A client need not choose: [Password] takes the best that the server offers.
//
// # Servers
//
// A [Server] offers the mechanisms that it has something to verify with, and that
// are safe on the connection:
//
//	Passwords     PLAIN, LOGIN, and USER with PASS
//	SCRAM         SCRAM-SHA-1, -256 and -512, each with -PLUS over TLS
//	Secrets       SCRAM, for want of SCRAM keys; CRAM-MD5 and APOP if asked for
//	Tokens        OAUTHBEARER, XOAUTH2
//	Certificates  EXTERNAL, to clients whose certificate was verified
//	Anonymous     ANONYMOUS
//
// The zero Server, and a nil one, offer nothing, and without TLS nothing is offered
// but ANONYMOUS. A protocol runs an [Exchange] for its AUTH command, or calls
// [Server.Password] for USER and PASS and [Server.Apop] for APOP. Each finished attempt
// is told to [Server.Observe].
//
// Who guesses is slowed down, over all servers that share one Server: a [Budget] counts
// the failures of each account and network, and delays what comes after too many, right
// or wrong. It locks nobody out.
//
// Presented names and passwords are prepared by SASLprep (RFC 4013) before they are
// verified, as RFC 4616 section 2 and RFC 4954 section 4 ask. ASCII text without
// control characters is not changed by that.
//
// # Clients
//
// [Credentials] pick a mechanism out of what a server offers. [Password] shows
// nothing without TLS, and takes the strongest; [PasswordCredentials] has the
// settings. [Token] is for OAuth, [External] for certificates, [Anonymous] for nobody.
//
// Where both ends can bind a login to the TLS connection they do. Somebody between
// them who hides that the server can is found out: the client says that it could.
// A success of SCRAM is none until the server has shown its signature.
//
// # Guarantees
//
// No error, event or printed value of this package contains a password, a token or
// any part of a client's response. A refused login costs the same and is answered
// the same whether the user exists or not, as far as this package is concerned: by
// SCRAM, users who do not exist have a salt too, which stays the same: over restarts, if
// [Server.SaltKey] does. [Passwords] is
// written so, a [PasswordVerifier] of your own should be. That something could not be
// found out is never taken for a refusal.
//
// # Standards
//
// RFC 4422 (SASL, EXTERNAL), RFC 4013 (SASLprep), RFC 4505 (ANONYMOUS), RFC 4616
// (PLAIN), RFC 5802 and RFC 7677 (SCRAM), RFC 5803 (its stored keys), RFC 5929 and
// RFC 9266 (channel bindings), RFC 7628 (OAUTHBEARER), RFC 2195 (CRAM-MD5), and the
// parts that SMTP and POP3 share of their profiles, RFC 4954 and RFC 5034: the
// strict base64 lines. SCRAM-SHA-512 was never finished as a standard; it is
// SCRAM with another hash. LOGIN and XOAUTH2 are no standards either: they are
// here because clients, and servers, that know nothing else are still in use.
package auth
