// Package host puts a small mail host together out of the public packages: an MX
// and submission servers that deliver into Maildirs, POP3 servers over the same
// Maildirs, one table of users for all of them, and POP before SMTP between them.
//
// It is a host for one domain. It does not forward: a recipient elsewhere is
// refused, whoever asks.
package host
