package pop3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// Fixture is a store under test, and the hand that delivers mail into it.
type Fixture struct {
	// Store is the store.
	Store pop3.Store

	// User owns the maildrop that is tested. It is empty at first.
	User *auth.Identity

	// Other owns another maildrop of the store, which stays empty. Nil leaves
	// out the rules about two users.
	Other *auth.Identity

	// Deliver adds a message to User's maildrop, as mail that arrives does. It
	// is called while sessions are open too. The lines of message end in
	// CRLF; the last one may lack it.
	Deliver func(message []byte) error

	// Reopen returns a store over the same mail as a program finds it that
	// is started anew; Store is not used after it. Nil leaves out the rules
	// about persistence, for a store whose mail is gone with the program.
	Reopen func() (pop3.Store, error)
}

// TestStore checks that a store keeps every rule on which a [pop3.Server], and the
// clients of POP3, rely. Each rule is a subtest that gets a fresh fixture from
// newFixture, and whose failure says which rule was broken and how. The store is used
// as the server uses it: List once in a session, one reader at a time, Close once.
//
//	func TestStore(t *testing.T) {
//		pop3test.TestStore(t, func(t *testing.T) pop3test.Fixture {
//			s := mystore.Open(t.TempDir())
//			return pop3test.Fixture{Store: s, User: &auth.Identity{User: "a", Name: "a"}, Deliver: ...}
//		})
//	}
func TestStore(t *testing.T, newFixture func(t *testing.T) Fixture) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if err := r.check(t.Context(), newFixture(t)); err != nil {
				t.Errorf("broken: %v\nthe rule: %s", err, r.text)
			}
		})
	}
}

// rule is something that every store must do. check returns what the store did
// instead, or nil.
type rule struct {
	name, text string
	check      func(ctx context.Context, f Fixture) error
}

var rules = []rule{
	{"Empty", "a maildrop without mail can be opened, and lists nothing", checkEmpty},
	{"Content", "List has the oldest message first, and each is read as it was delivered, in CRLF lines and without dot-stuffing", checkContent},
	{"Size", "Info.Size is the number of octets that the message is read as: RFC 1939 section 11 has LIST count what RETR sends", checkSize},
	{"FinalCRLF", "a message that does not end in CRLF is given one, and Info.Size counts it", checkFinalCRLF},
	{"ReadAgain", "a message can be read as often as one likes, also after having been read in part", checkReadAgain},
	{"Unlisted", "an Info that the session did not list names no message: Message returns an error", checkUnlisted},
	{"UIDs", "a unique-id has 1 to 70 octets from 0x21 to 0x7E (RFC 1939 section 7) and belongs to one message, though there be copies of it", checkUIDs},
	{"StableUIDs", "unique-ids, sizes and order are the same in every session, whether the last one committed or not: clients know by them what they have", checkStable},
	{"NoReuse", "the unique-id of a deleted message is never given to another: RFC 1939 section 7", checkNoReuse},
	{"Commit", "Commit deletes the messages that it is given, and no others", checkCommit},
	{"CommitAll", "Commit can delete all there is, and mail can arrive after that", checkCommitAll},
	{"CommitNothing", "Commit without messages deletes nothing", checkCommitNothing},
	{"Gone", "what was deleted, be it by hiding or moving it, is neither listed nor read in later sessions", checkGone},
	{"CloseOnly", "Close without Commit deletes nothing: RFC 1939 section 6", checkCloseOnly},
	{"NewMail", "a session is a snapshot: mail that arrives in it does not show in it, and outlives its Commit", checkNewMail},
	{"OpenTwice", "a maildrop opened twice either refuses with pop3.ErrInUse or gives two snapshots that do not disturb each other", checkOpenTwice},
	{"Whole", "while a session is open its messages are read whole or not at all, though another session delete them", checkWhole},
	{"OpenAgain", "after Close the maildrop can be opened again, and so it can after an Open that failed", checkOpenAgain},
	{"Race", "sessions that are opened at the same moment fail with pop3.ErrInUse or not at all", checkRace},
	{"Yield", "a maildrop that has yielded is as it was after Resume, if nobody has come; Close may follow without Resume: see pop3.Yielder", checkYield},
	{"TakeOver", "a maildrop that has yielded can be opened by another session, whose deletions count; Resume says pop3.ErrInUse from then on: see pop3.Yielder", checkTakeOver},
	{"LateClose", "Close of a session that has lost its maildrop does not let go of what another holds: see pop3.Yielder", checkLateClose},
	{"UTF8", "a store that tells Info.UTF8 tells it of each message whose header is beyond ASCII, and of no other: RFC 6856 section 2.1", checkUTF8},
	{"Users", "each user sees and deletes in their own maildrop alone", checkUsers},
	{"Many", "a maildrop of a thousand messages keeps these rules", checkMany},
	{"Reopen", "what was committed is deleted, and what was not is there with its unique-ids, when the program is started anew", checkReopen},
}

// letters are messages that stores have been seen to spoil.
func letters() [][]byte {
	long := bytes.Repeat([]byte("x"), 70_000)
	return [][]byte{
		[]byte("Subject: one\r\n\r\nHello.\r\n"),
		[]byte("Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\n...\r\n"),
		[]byte("Subject: header only\r\n"),
		[]byte("\r\n"),
		append(append([]byte("Subject: a long line\r\n\r\n"), long...), "\r\n"...),
		[]byte("Subject: octets\r\n\r\n\x01\x7f\x80\xff \xc3\xa9\t \r\n"),
		[]byte("Subject: blank lines\r\n\r\n\r\n\r\n\r\nend\r\n\r\n\r\n"),
		[]byte("From me\r\nFrom you: x\r\n\r\nFrom the mbox format\r\n>From it\r\n"),
	}
}

func (f Fixture) deliver(messages ...[]byte) error {
	for i, m := range messages {
		if err := f.Deliver(m); err != nil {
			return fmt.Errorf("message %d could not be delivered: %w", i+1, err)
		}
	}
	return nil
}

// session opens the maildrop, lists it, runs do if there is one, and closes it.
func (f Fixture) session(ctx context.Context, id *auth.Identity, do func(m pop3.Maildrop, list []pop3.Info) error) ([]pop3.Info, error) {
	m, err := f.Store.Open(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("Open: %w", err)
	}
	list, err := m.List(ctx)
	if err != nil {
		err = fmt.Errorf("List: %w", err)
	} else if do != nil {
		err = do(m, list)
	}
	if cerr := m.Close(); cerr != nil {
		err = errors.Join(err, fmt.Errorf("Close: %w", cerr))
	}
	return list, err
}

// list opens the maildrop for a moment to see what is in it.
func (f Fixture) list(ctx context.Context) ([]pop3.Info, error) {
	return f.session(ctx, f.User, nil)
}

// read reads one message to its end.
func read(ctx context.Context, m pop3.Maildrop, info pop3.Info) ([]byte, error) {
	r, err := m.Message(ctx, info)
	if err != nil {
		return nil, fmt.Errorf("Message %q: %w", info.UID, err)
	}
	b, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("reading message %q: %w", info.UID, err)
	}
	return b, nil
}
