package auth

import (
	"container/list"
	"time"
)

// recent remembers what was used lately. Its zero value is ready for use.
type recent struct {
	order list.List // of *counted, what was used last at the back
	byID  map[uint64]*list.Element
}

// counted is what is counted of a subject.
type counted struct {
	id    uint64
	clear time.Duration // when, after the start, all its failures are forgiven
}

// find returns what is known of a subject; nil if that is nothing.
func (r *recent) find(id uint64) *counted {
	e := r.byID[id]
	if e == nil {
		return nil
	}
	r.order.MoveToBack(e)
	return e.Value.(*counted)
}

// use is find, but begins anew where nothing is known. Of more than so many the one that
// was used the longest ago is forgotten.
func (r *recent) use(id uint64, most int) *counted {
	if c := r.find(id); c != nil {
		return c
	}
	if r.byID == nil {
		r.byID = make(map[uint64]*list.Element)
	}
	for r.order.Len() >= most {
		delete(r.byID, r.order.Remove(r.order.Front()).(*counted).id)
	}
	c := &counted{id: id}
	r.byID[id] = r.order.PushBack(c)
	return c
}
