package maildir

import "time"

// State stands for what messages are in a Maildir, and by which names: while Dir.State
// gives the same, a listing made between is good.
type State struct{ stateNew, stateCur stamp }

// stamp is when a folder was changed last.
type stamp struct {
	modified time.Time // as who restores a folder may set it
	noted    time.Time // as the system has noted it, for nobody to set; zero where it does not say
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
	ok = errNew == nil && errCur == nil && now.Sub(s.stateNew.modified) > settled && now.Sub(s.stateCur.modified) > settled
	return s, ok
}

// Equal says whether nothing has changed between a and b.
func (a State) Equal(b State) bool {
	return a.stateNew.equal(b.stateNew) && a.stateCur.equal(b.stateCur)
}

func (a stamp) equal(b stamp) bool { return a.modified.Equal(b.modified) && a.noted.Equal(b.noted) }
