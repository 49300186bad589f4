// Package smtptest helps to test programs that send mail, as httptest does for
// HTTP.
//
// [NewServer] starts a real [smtp.Server] on the loopback interface, and
// [NewMemoryServer] one without a network, for use inside [testing/synctest].
// Both take mail for everybody and keep it for the test to look at, together
// with its envelope. They have users, a certificate that the clients they hand
// out trust, and the dialogue in the test's log on demand.
//
// A program that sends mail is as good as what it does when that fails. So a
// Server can be told to be faulty: [Server.Misbehave] takes a table of faults, each
// of which says at which reply what goes wrong: a 421, a drop, a drip, silence,
// nonsense, or the one reply lost that nobody can do without. [Server.CutAfter] and
// [Server.StallAfter] count octets instead, and [Server.ShowCertificate] shows
// certificates that no client may take. [Server.Heal] makes it good again.
//
// Where every octet counts, a [Script] plays a dialogue that the test writes down as
// the RFCs print them. For servers of the test's own there are [NewListener], a
// network in memory, and [NewTLS].
//
// A test that is run with the flag -smtptest.serve=127.0.0.1:2525 has its server at
// that address, and keeps it there when the test has failed, until it is
// interrupted, for a look with other programs. It is meant for one test with one
// server that is not in memory: go test -run NAME -timeout 0 -smtptest.serve=ADDR.
package smtptest
