// Package load speaks SMTP and POP3 just well enough to keep a server busy: it
// writes prepared octets, reads the replies, and costs next to nothing itself.
package load
