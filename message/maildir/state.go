package maildir

import "time"

// State stands for what messages are in a Maildir, and by which names: while Dir.State
// gives the same, a listing made between is good.
type State struct{ stateNew, stateCur stamp }

// stamp is when a folder was changed last, in nanoseconds since 1970.
type stamp struct {
	modified int64 // as who restores a folder may set it
	noted    int64 // as the system has noted it, for nobody to set; zero where it does not say
}

// State gives the state of now; ok is false when it was changed so recently that a
// further change might not show.
//
// It goes by the times of the folders, of which some file systems keep whole seconds
// only. So a listing is good when this gives the same before and after it was made, and
// is ok both times.
func (d *Dir) State() (s State, ok bool) {
	now := d.now()
	var errNew, errCur error
	s.stateNew, errNew = d.fs.stamp(dirNew)
	s.stateCur, errCur = d.fs.stamp(dirCur)
	ok = errNew == nil && errCur == nil && s.stateNew.settled(now) && s.stateCur.settled(now)
	return s, ok
}

// Equal says whether nothing has changed between a and b.
func (a State) Equal(b State) bool { return a == b }

// settledAfter is the age from which on the time of a folder's last change can be
// trusted to differ from that of the next change, whatever the resolution of the file
// system's clock.
const settledAfter = 2 * time.Second

func (s stamp) settled(now time.Time) bool { return now.Sub(time.Unix(0, s.modified)) > settledAfter }
