// Package interop runs this module's clients against real servers: Postfix,
// Exim, Dovecot. It holds only tests, which skip themselves unless MAIL_INTEROP
// names a file of NAME=value lines that says where those servers listen:
//
//	LAB_CA=ca.pem                 certificate authority of all of them, for the name localhost
//	POSTFIX_SUBMISSION_PORT=...   STARTTLS and AUTH; likewise EXIM_, DOVECOT_
//	POSTFIX_SUBMISSIONS_PORT=...  implicit TLS; likewise EXIM_, DOVECOT_
//	POSTFIX_MX_PORT=...           no AUTH; likewise EXIM_, OPENSMTPD_
//	DOVECOT_POP3_PORT=...         STLS
//	DOVECOT_POP3S_PORT=...        implicit TLS
//
// The tests of POP before SMTP turn it round: they run this module's mailhost, and skip
// themselves where mpop, fetchmail and swaks are not installed.
//
// The users are alice with the password secret1 and bob with secret2 in the
// domain example.test, and carol with secret3, whose maildrop the tests empty;
// LAB_MAIL is the folder of their Maildirs, as USER/Maildir.
package interop
