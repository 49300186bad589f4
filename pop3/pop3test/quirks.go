package pop3test

// Quirks are oddities of servers that are out there. A [Server] that has some is
// played by a simple server of this package, which knows no limits and no
// manners, instead of a [pop3.Server]: of Server.Config only Store, Auth.Passwords,
// TLSConfig and Transcript count then. The zero Quirks are a server without an
// oddity, that offers PIPELINING and logs in by USER, PLAIN, LOGIN and XOAUTH2 with
// the password for a token.
//
// A client should be at ease with the first group; the others it can only
// survive.
type Quirks struct {
	// NegativeStat has STAT tell a negative size, as servers do that count
	// octets in 32 bits.
	NegativeStat bool

	// NoStatSize has STAT tell the number of messages alone.
	NoStatSize bool

	// Words are added to STAT and to every line of LIST, behind the numbers.
	Words string

	// Blanks are how many blanks stand between number and unique-id in UIDL.
	// Zero is one; servers with three have been seen.
	Blanks int

	// LongUIDs makes unique-ids of 80 octets, which is ten too many.
	LongUIDs bool

	// SameUID gives all messages of a maildrop the same unique-id, as servers do
	// to copies.
	SameUID bool

	// OKForChallenge has AUTH answered by "+OK" instead of "+ ", until the client
	// has sent a response.
	OKForChallenge bool

	// TwoLineAuth refuses an initial response in the line of AUTH, as Microsoft's
	// servers do for XOAUTH2.
	TwoLineAuth bool

	// LateCapabilities announces PIPELINING and UIDL after the login only.
	LateCapabilities bool

	// NoCapa, NoUIDL and NoTop are servers without the command.
	NoCapa, NoUIDL, NoTop bool

	// AtMost bounds the messages of one session, oldest first: the others come in
	// the next ones, once these are deleted, as with Gmail. Zero is no bound.
	AtMost int

	// HideFetched keeps messages that were fetched out of later sessions, though
	// they were not deleted, as Gmail does.
	HideFetched bool

	// MissingCRLF ends messages of which the last line has no CRLF by a dot at
	// the end of that line. The Store gives every message one: it is taken away.
	MissingCRLF bool

	// SizeError and CountError are added to the sizes in LIST and to the number
	// of messages in STAT: they are wrong then.
	SizeError  int64
	CountError int

	// Pipelining is how the server takes commands that are sent ahead of their
	// replies. It offers that in any case.
	Pipelining Pipelining
}

// Pipelining is how a server takes commands that arrive together.
type Pipelining int

const (
	Pipelines       Pipelining = iota // one after the other, as it should
	RefusesGroups                     // refuses each of them
	AnswersFirst                      // carries out the first and forgets the others
	CutsGroups                        // answers the first and cuts the connection
	AnswersTogether                   // begins all replies before it has ended the first
)
