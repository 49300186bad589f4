// Package peers has the contestants: the servers and clients of this module, and
// those beside it. Each runs as a process of its own. The ones written in Go are
// this program again, started with another role: a program that uses the package
// calls Main before anything else. The others are found on the machine or left
// out:
//
//   - smtp-sink and smtp-source, which come with Postfix;
//   - Dovecot, as a POP3 server with a configuration of its own;
//   - mpop;
//   - nodemailer, if node finds it;
//   - GMime, with gcc to build a program of its own for it.
//
// The script install of internal/interop installs them.
package peers
