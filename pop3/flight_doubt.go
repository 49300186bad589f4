package pop3

import "github.com/posthouse/posthouse/pop3/pop3wire"

// doubt is what a flight has of refusals that it does not believe yet.
//
// A server that offers PIPELINING and cannot do it may answer a command that it
// was sent ahead with -ERR, though it would have carried it out by itself. So
// the first such refusals on a connection are doubted: the flight waits until
// nothing is owed, and sends those commands again, one by one. If one is carried
// out now, no command is sent ahead any more, and all that were refused are
// repeated; else the server is believed after a few.
type doubt struct {
	doubted []refusal // to be settled when nothing is owed
	again   bool      // the reply that is read is to a command that was sent again
}

// enough is how many refusals are doubted in vain before a server is believed.
const enough = 8

// refusal is the negative reply to command i.
type refusal struct {
	i   int
	err error
}

// believed reports whether refusals on this connection are not doubted any more.
func (c *Client) believed() bool { return c.meant >= enough }

// doubts reports whether err, the reply to command i, may have been given only
// because the command was sent ahead. A response code is taken for a reason.
func (f *flight) doubts(i int, err error) bool {
	refused, ok := err.(*Error)
	return ok && refused.Code == "" && i != f.alone && !f.c.believed()
}

// settle returns the first refusal that was doubted, or what became of it when
// the command was sent again.
func (f *flight) settle() (int, pop3wire.Status, error) {
	r := f.doubted[0]
	f.doubted = f.doubted[1:]
	f.again = true
	if err := f.c.quiet(f.verb(r.i)); err != nil {
		return r.i, pop3wire.Status{}, err
	}
	if f.c.believed() {
		f.began = true
		return r.i, pop3wire.Status{}, r.err
	}
	f.send(r.i, r.i+1)
	st, err := f.read(r.i)
	if _, refused := err.(*Error); refused && !f.c.lockstep {
		f.c.meant++
	}
	f.c.lockstep = f.c.lockstep || err == nil
	return r.i, st, err
}
