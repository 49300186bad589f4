package auth

import (
	"container/list"
	"time"

	"github.com/posthouse/posthouse/internal/elastic"
)

// maxForgiven is how many entries forgive looks at, so that nobody waits for long.
const maxForgiven = 1000

// recent remembers what was used lately. Its zero value is ready for use.
type recent struct {
	order list.List // of *counted, what was used last at the back
	byID  elastic.Map[uint64, *list.Element]
}

// counted is what is counted of a subject.
type counted struct {
	id    uint64
	clear time.Duration // when, after the start, all its failures are forgiven
}

// find returns what is known of a subject; nil if that is nothing.
func (r *recent) find(id uint64) *counted {
	e := r.byID.Get(id)
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
	for r.order.Len() >= most {
		r.forget()
	}
	c := &counted{id: id}
	r.byID.Set(id, r.order.PushBack(c))
	return c
}

// forgive forgets those of which all is forgiven by now, from the one that was used the
// longest ago on.
func (r *recent) forgive(now time.Duration) {
	for range maxForgiven {
		if r.order.Len() == 0 || r.order.Front().Value.(*counted).clear > now {
			return
		}
		r.forget()
	}
}

// forget forgets the one that was used the longest ago.
func (r *recent) forget() { r.byID.Delete(r.order.Remove(r.order.Front()).(*counted).id) }
