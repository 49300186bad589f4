// Package interop runs this module against real peers. It holds only tests; a test
// whose peer is not installed says so and skips itself. The script install beside this
// file installs all of them on Debian 12:
//
//	internal/interop/install
//	go test .
//
// It takes three minutes, and more where the disk is busy.
//
// Our servers, as the example mailhost runs them, meet clients: curl, msmtp, mutt,
// swaks, mpop, fetchmail, getmail, the libraries of Perl and Python, nodemailer,
// go-smtp, go-mail, net/smtp and GNU SASL. Our clients meet Postfix, Exim, OpenSMTPD,
// Dovecot and Cyrus and the servers of smtp-server and go-smtp, and what we read in
// messages what mailparser and go-message read there. Each program is started by the
// test that needs it, in a folder that goes with it, on free ports. Those with a folder
// in conf serve all tests from the first that needs them on; nothing is left of them
// when the tests end, however they end. They want to be started by root, and
// namespaces.
//
// The comparison with other readers of MIME skips itself unless MAIL_MIME names the
// folder of compare.py, which asks them; with -timeout 2h, since it starts four
// programs for each of 1,346 messages.
package interop
