// Package interop runs this module against real peers. It holds only tests; a test whose
// peer is not installed says so and skips itself. The script install beside this file
// installs all of them on Debian 12:
//
//	internal/interop/install
//	go test .
//
// Our servers, as the example mailhost runs them, meet clients: curl, msmtp, mutt, swaks, mpop,
// fetchmail, getmail, the libraries of Perl and Python, nodemailer, go-smtp, go-mail,
// net/smtp and GNU SASL. Our clients meet the servers of smtp-server, go-smtp and Cyrus, and what
// we read in messages what mailparser and go-message read there. Each program is
// started by the test that needs it, in a folder that goes with it, on free ports.
//
// Our clients meet Postfix, Exim, OpenSMTPD and Dovecot where MAIL_INTEROP names a
// file of NAME=value lines that says where those listen:
//
//	LAB_CA=ca.pem                 certificate authority of all of them, for the name localhost
//	POSTFIX_SUBMISSION_PORT=...   STARTTLS and AUTH; likewise EXIM_, DOVECOT_
//	POSTFIX_SUBMISSIONS_PORT=...  implicit TLS; likewise EXIM_, DOVECOT_
//	POSTFIX_MX_PORT=...           no AUTH; likewise EXIM_, OPENSMTPD_
//	DOVECOT_POP3_PORT=...         STLS
//	DOVECOT_POP3S_PORT=...        implicit TLS
//
// The comparison with other readers of MIME skips itself unless MAIL_MIME names the
// folder of compare.py, which asks them; with -timeout 2h, since it starts four programs
// for each of 1,346 messages.
//
// The users are alice with the password secret1 and bob with secret2 in the
// domain example.test, and carol with secret3, whose maildrop the tests empty;
// LAB_MAIL is the folder of their Maildirs, as USER/Maildir.
package interop
