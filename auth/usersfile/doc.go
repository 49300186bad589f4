// Package usersfile keeps the users of a mail server in a file of text, one line each:
//
//	# the post office
//	tim:$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$...
//	ann:$2b$12$...
//	sue:SCRAM-SHA-256$32768:...$...:...
//	old:{plain}tanstaaftanstaaf
//
// [File] is what an auth.Server verifies with: passwords in any form, SCRAM if all
// users have a form that allows it, and APOP for those whose secret is plain. [Make]
// makes the secret of a line, [Set] and [Remove] change the file, and
// examples/mailpasswd is a command that does.
//
// # The forms
//
//	$argon2id$v=19$m=...,t=...,p=...$salt$hash    Argon2id (RFC 9106): the best for passwords that are shown
//	$2a$, $2b$, $2y$                              bcrypt, as other programs have it; the password is at most 72 octets
//	SCRAM-SHA-256$i:salt$stored:server            keys of SCRAM (RFC 5803): passwords need not be shown at all
//	{plain}text                                   the password itself: for APOP and CRAM-MD5, which need it
//	text                                          the same, if it does not begin with {, $ or SCRAM-
//
// {BLF-CRYPT}, {ARGON2ID} and {PLAIN} before a secret are understood, since doveadm(1)
// writes them. What looks like a hash and is none is an error, and never a password. A
// user may have several lines with keys of SCRAM, one for each hash; otherwise one user
// is one line. A name has no colon and no space at its ends; it and the password are
// compared as SASLprep leaves them. Upper and lower case differ.
//
// Argon2id and bcrypt come from golang.org/x/crypto, which no code of our own would
// equal: it is what the authors of Go's own cryptography keep, with its assembly, and
// reviewed by many.
//
// # Guarantees
//
// A file that changes is read again: a second after the change, so that what an editor
// has half written is not read. One that cannot be read, or has an error anywhere,
// changes nothing: the users are those of before, and the error is reported. Set
// replaces the file in one step, which survives a crash. An unknown user costs as much
// as a wrong password: what the secret of one of the users in the file costs, always
// the same one for a name, over restarts too if there is a [SaltKey]. So many hashes
// are computed at once as there are processors, and their parameters have limits, so
// that logins do not take all the memory there is.
package usersfile
