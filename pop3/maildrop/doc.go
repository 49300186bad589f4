// Package maildrop keeps the mail that a pop3.Server hands out: in Maildirs on the
// disk, one for each user, or in memory.
//
// A session sees the messages that were there when it began, in the order of their
// delivery. Only one session at a time may have a maildrop, among all processes of the
// host that use this package; one whose client is silent loses it to the next one (see
// pop3.Yielder). Mail may be delivered meanwhile, by anybody, and mail readers may move
// and remove messages.
//
// The unique-id of a message is its Maildir key: the same in every session, after a
// restart, after a move from new to cur, and after a restore from a copy of the folder;
// never that of another message.
//
// What deliveries that died have left in tmp is removed when it is 36 hours old, at a
// login that reads the Maildir.
//
// A login reads no folder and opens no message as long as the Maildir has not changed:
// what was listed is remembered.
//
// A session takes one descriptor besides that of its connection, its lock's, and none
// when its client is silent for so long that another may take over; the Maildirs of the
// sessions that have done something last are open besides, 128 of them at most. One
// that is opened anew is read and changed only if the lock in it is still the
// session's.
//
// # Bugs
//
// POP3 servers of other makes, and of other hosts, are not kept out. That is safe, for
// files never change: a message that another session removed cannot be read any more,
// and the client is told so. Messages stay in new when they have been read.
//
// A message is told by the name of its file up to the colon. If another program changes
// that, as by adding ",S=10", while a session is on, that session can neither fetch nor
// delete the message, and its client is told so; the next one can, by the same
// unique-id. The key in a name is taken at its word: a program that breaks the rule of
// Maildir, and gives the key of a message that is gone to another one, gives it the
// unique-id too.
//
// The size that another program has put into the name of a file is believed until the
// message is fetched. If it was wrong, that session is cut, and the next one counts.
//
// A message that nobody may read, and whose name tells no size, is listed by the size of
// its file, and refused to who fetches it.
//
// Of mail that another program delivered it is not known whether its header is UTF-8:
// it is handed out to all clients.
//
// On a file system that folds case, users whose names differ by case alone share one
// Maildir.
package maildrop
