package maildir

import "time"

// State stands for what messages are in a Maildir, and by which names: while Dir.State gives the same, a listing made
// between is good.
type State struct{ changedNew, changedCur time.Time }

// State gives the state of now; ok is false when it was changed so recently that a further change might not show.
//
// It goes by the times of the folders, of which some file systems keep whole seconds only. So a listing is good when
// this gives the same before and after it was made, and is ok both times.
func (d *Dir) State() (s State, ok bool) {
	now := d.now()
	var errNew, errCur error
	s.changedNew, errNew = d.fs.modTime(dirNew)
	s.changedCur, errCur = d.fs.modTime(dirCur)
	ok = errNew == nil && errCur == nil && now.Sub(s.changedNew) > settled && now.Sub(s.changedCur) > settled
	return s, ok
}

// Equal says whether nothing has changed between a and b.
func (a State) Equal(b State) bool {
	return a.changedNew.Equal(b.changedNew) && a.changedCur.Equal(b.changedCur)
}
