// Package smtptest helps to test programs that send mail, as httptest does for
// HTTP.
//
// [NewServer] starts a real [smtp.Server] on the loopback interface, and
// [NewMemoryServer] one without a network, for use inside [testing/synctest].
// Both take mail for everybody and keep it for the test to look at, together
// with its envelope. They have users, a certificate that the clients they hand
// out trust, the dialogue in the test's log on demand, and faults that a test
// can ask for: a connection cut after so many octets, or fallen silent.
package smtptest
