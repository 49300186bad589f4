package pop3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// order is what a flight asks for.
type order struct {
	verbs  []pop3wire.Verb                // of the commands; the last one is that of all that follow
	count  int                            // commands
	append func(dst []byte, i int) []byte // appends command i with its CRLF
	multi  bool                           // a positive reply goes on to a final dot
	size   func(i int) int64              // octets of the reply to command i, 0 if not known; nil for small replies
	guess  int64                          // what a reply of unknown size counts in the window
}

func (o *order) verb(i int) pop3wire.Verb { return o.verbs[min(i, len(o.verbs)-1)] }

// flight is a number of commands that are sent ahead of their replies. The
// commands are written by a goroutine of its own, because a server may stop
// reading them while it waits for its replies to be read: RFC 2449 section 6.6
// warns of that. Its words:
//
//	ask     give commands to the writer, as many as the window has room for
//	owed    of a reply: its command was asked, and it has not been read to its end
//	alone   of a command: it was asked while no reply was owed
//	doubt   of a refusal: it may be due to pipelining; see flight_doubt.go
//	land    end the flight, whatever is still owed
type flight struct {
	order
	c       *Client
	release func()

	asked int   // commands [:asked] were
	done  int   // commands [:done] have been answered to the end; replies [done:asked] are owed
	alone int   // the last command that was; or -1
	owed  int64 // what the replies owed weigh
	began bool  // a reply has been read as far as its status line
	doubt

	runs  chan [2]int
	ended chan struct{} // closed when the writer has returned
}

// newFlight begins a flight. The caller must call land.
func (c *Client) newFlight(ctx context.Context, o order) (*flight, error) {
	release, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	f := &flight{order: o, c: c, release: release, alone: -1}
	f.runs = make(chan [2]int, f.window()) // a run is one unanswered command or more: never full
	f.ended = make(chan struct{})
	c.fetching = true
	go f.write()
	return f, nil
}

// window is how many commands may be unanswered.
func (f *flight) window() int {
	if !f.c.Pipelining() {
		return 1
	}
	return min(f.c.cfg.Window, max(f.count, 1))
}

// more reports whether there is anything left for next.
func (f *flight) more() bool { return f.done < f.count || len(f.doubted) > 0 }

// next waits for the status line of a reply, and sends more commands before it
// does. It returns which command was answered: the next one, but for refusals
// that were doubted, which come later. The caller reads the rest of a reply to
// its end, and then calls answered.
func (f *flight) next() (i int, st pop3wire.Status, err error) {
	for {
		if len(f.doubted) > 0 && f.done == f.asked {
			return f.settle()
		}
		i = f.done
		if err := f.ask(); err != nil {
			return i, st, err
		}
		if st, err = f.read(i); !f.doubts(i, err) {
			return i, st, err
		}
		f.doubted = append(f.doubted, refusal{i, err})
		f.answered()
	}
}

// read reads the status line of the reply to command i.
func (f *flight) read(i int) (pop3wire.Status, error) {
	err := f.c.usable()
	if err != nil {
		return pop3wire.Status{}, f.suspect(err)
	}
	st, err := f.c.readStatus(f.verb(i).String())
	f.began = true
	return st, f.suspect(err)
}

// suspect puts the number of replies that are owed beside an error that may come
// from there.
func (f *flight) suspect(err error) error {
	var (
		protocol *ProtocolError
		network  *net.OpError
	)
	if !f.again && f.done != f.alone && (errors.As(err, &protocol) || errors.As(err, &network) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded)) {
		return &PipelineError{Owed: f.asked - f.done, Err: err}
	}
	return err
}

// answered notes that the reply that next returned has been read to its end.
func (f *flight) answered() {
	if !f.again {
		f.owed -= f.weigh(f.done)
		f.done++
	}
	f.began, f.again = false, false
}

// ask sends what the window has room for. It waits until a quarter of the window is
// free, so that commands leave in groups, and yet most of it is on its way at any
// time. When nothing is owed, nothing may have arrived.
func (f *flight) ask() error {
	window, ahead := f.window(), f.asked-f.done
	if len(f.doubted) > 0 || ahead > 0 && (ahead > window-(window+3)/4 || f.owed > f.c.cfg.WindowBytes-f.c.cfg.WindowBytes/4) {
		return nil
	}
	if ahead == 0 {
		if err := f.c.quiet(f.verb(f.asked)); err != nil {
			return err
		}
	}
	from := f.asked
	for f.asked < f.count && f.asked-f.done < window {
		w := f.weigh(f.asked)
		if f.asked > f.done && f.owed+w > f.c.cfg.WindowBytes {
			break
		}
		f.owed += w
		f.asked++
	}
	if ahead == 0 && f.asked == from+1 {
		f.alone = from
	}
	if f.asked > from {
		f.send(from, f.asked)
	}
	return nil
}

// weigh returns what the reply to command i counts in the window.
func (f *flight) weigh(i int) int64 {
	if size := f.known(i); size > 0 {
		return min(size, f.c.cfg.WindowBytes) // a sum that cannot overflow
	}
	return f.guess
}

// known is the size of the reply to command i, if that is known.
func (f *flight) known(i int) int64 {
	if f.size == nil {
		return 0
	}
	return f.size(i)
}

// send gives the commands [from:to] to the writer.
func (f *flight) send(from, to int) {
	for i := from; i < to && f.c.conn.Tracing(); i++ {
		f.c.conn.Trace('C', bytes.TrimSuffix(f.append(nil, i), []byte("\r\n")))
	}
	f.runs <- [2]int{from, to}
}

// write is the goroutine that sends the commands, each run in one write.
func (f *flight) write() {
	defer close(f.ended)
	var group []byte
	for run := range f.runs {
		group = group[:0]
		for i := run[0]; i < run[1]; i++ {
			group = f.append(group, i)
		}
		_ = f.c.write(f.verb(run[0]), group) // the reader finds out
	}
}

// land ends the flight. What is still on its way is thrown away if it is not
// too much; else the connection is given up.
func (f *flight) land() {
	c := f.c
	if f.began || f.done < f.asked {
		f.drain(c.cfg.MaxDrain)
	}
	close(f.runs)
	<-f.ended
	c.fetching = false
	f.release()
}

// drain reads up to limit octets of the replies that are owed, and gives up the
// connection if there are more: at once, if that is known.
func (f *flight) drain(limit int64) {
	c := f.c
	if c.usable() != nil {
		return
	}
	defer c.hurry()()
	if f.exceeds(limit) {
		_ = c.fail(errUnread)
	}
	for (f.began || f.done < f.asked) && c.usable() == nil {
		if !f.began {
			if _, err := f.read(f.done); err == nil && f.multi {
				b := &Body{c: c}
				c.beginBody(b)
				b.watch(f.known(f.done))
			}
		}
		if c.body != nil {
			raw := c.dots.Raw()
			_ = c.body.leave(limit)
			limit -= c.dots.Raw() - raw
		}
		f.answered()
	}
	if c.body != nil {
		c.body.end(errUnread)
	}
}

// exceeds reports whether more than limit octets are known to be on their way.
func (f *flight) exceeds(limit int64) bool {
	if f.c.body != nil && !f.again {
		limit += min(f.c.dots.Size(), f.known(f.done))
	}
	for i := f.done; i < f.asked; i++ {
		if limit -= f.known(i); limit < 0 {
			return true
		}
	}
	return false
}
