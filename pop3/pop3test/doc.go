// Package pop3test helps to test programs that speak POP3, as httptest does for
// HTTP.
//
// [NewServer] starts a real [pop3.Server] on the loopback interface, and
// [NewMemoryServer] one without a network, for use inside [testing/synctest].
// Both have users, maildrops in memory, a certificate that the clients they hand out
// trust, and faults that a test can ask for: a connection cut after so many octets, fallen
// silent, or become slow, and, by [Server.ShowCertificate], certificates that no client
// may take. With [Quirks] the server is as odd as those that clients meet.
//
// [Script] plays a dialogue that the test writes down. For servers of the test's own there
// are [NewListener], a network in memory, and [NewTLS].
//
// [TestStore] is the suite that every implementation of [pop3.Store] should
// pass.
package pop3test
