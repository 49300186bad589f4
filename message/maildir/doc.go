// Package maildir stores messages in the Maildir format: one file a message, no locks,
// and a delivery that is on the disk when it says so.
//
// A Maildir is a folder of three: tmp, where messages are written, new, where they are
// delivered, and cur, where a mail reader moves what it has seen, with flags after
// ":2," at the end of the name.
//
// # Guarantees
//
// [Delivery.Commit] returns nil only when the message would survive a loss of power;
// [Dir.Remove] returns nil only when the removal would. No part of a message is ever
// seen in new or cur. The states a message passes are listed at [Delivery] and
// [Dir.Remove], and a test stops between all of them.
//
// Names are unique without coordination among processes and hosts: 64 random bits are
// part of each. A message keeps its Key and its place in [Dir.List] when it moves from
// new to cur and when its flags change.
//
// Messages are stored with LF line ends, as the mail tools of Unix expect, or with CRLF
// if asked for, and are always read with CRLF. What came in with CRLF at the end of
// every line comes out octet for octet. Names carry ",S=", the octets on disk, and
// ",W=", the octets as read, so that a listing opens no file, and ",U=1" if the header
// is of UTF-8 beyond ASCII.
//
// Delivery and reading need no lock. For programs that want to be alone all the same,
// as a POP3 server does, there is [Dir.Lock]; for what they have to remember,
// [Dir.Save].
//
// A file system is assumed to keep the new name of a renamed file whenever it keeps the
// loss of the old one; nothing else is assumed about what survives without fsync.
//
// Paths are confined by [os.Root]: neither a name nor a symbolic link leads out of the
// Maildir.
//
// # Bugs
//
// The names contain a colon, which Windows refuses. Maildir++ folders are written to by
// [Dir.Move] and else not known, nor are quota files. There is no table of IMAP UIDs.
package maildir
