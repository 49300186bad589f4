// Package testpeer is what the test servers that users import have in common,
// smtptest and pop3test: a listener in memory that works inside a testing/synctest
// bubble, a certificate, connections that break or fall silent, and dialogues that
// are played. Our own tests use internal/testnet, which can do more.
package testpeer
