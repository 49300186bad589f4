// Package pop3test helps to test programs that speak POP3, as httptest does for
// HTTP.
//
// [NewServer] starts a real [pop3.Server] on the loopback interface, and
// [NewMemoryServer] one without a network, for use inside [testing/synctest].
// Both have users, maildrops in memory, a certificate that the clients they
// hand out trust, or one that they must not, and faults that a test can ask
// for: a connection cut after so many octets, fallen silent, or become slow. With
// [Quirks] the server is as odd as those that clients meet.
//
// [Script] plays a dialogue that the test writes down, and [Listener] is for
// servers of a test's own.
//
// [TestStore] is the suite that every implementation of [pop3.Store] should
// pass.
package pop3test
