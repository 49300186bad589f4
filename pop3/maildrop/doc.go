// Package maildrop keeps the mail that a pop3.Server hands out: in Maildirs on the disk, one for each user, or in
// memory.
//
// A session sees the messages that were there when it began, in the order of their delivery. Only one session at a
// time may have a maildrop, within the process; mail may be delivered meanwhile, by anybody, and mail readers may move
// and remove messages.
//
// The unique-id of a message is its Maildir key: the same in every session, after a restart, after a move from new to
// cur, and after a restore from a copy of the folder; never that of another message.
//
// # Bugs
//
// Sessions of other processes on the same Maildir are not kept out. That is safe, for files never change: a message
// that another session removed cannot be read any more, and the client is told so. Messages stay in new when they have
// been read.
//
// The size that another program has put into the name of a file is believed until the message is fetched. If it was
// wrong, that session is cut, and the next one counts.
//
// On a file system that folds case, users whose names differ by case alone share one Maildir.
package maildrop
