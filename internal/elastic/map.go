// Package elastic has a map that gives memory back. A map of Go keeps the room of the
// most entries that it ever had; a server that has lived through a flood would keep the
// flood's for as long as it lives.
package elastic

import "iter"

const (
	// small is how many entries a Map has room for that is never given back.
	small = 128

	// wide is how many times the room of what it holds a Map may have. It is made anew
	// when it has lost so much that each deletion since the last time has paid for a
	// part of that.
	wide = 4
)

// Map is a map whose room shrinks with it: it is at most that of four times the entries
// that there are, or of 128. Its zero value is ready for use. It is used by one
// goroutine at a time.
type Map[K comparable, V any] struct {
	entries map[K]V
	most    int // entries since the map was made
}

// Get returns what is kept by k; the zero value if nothing is.
func (m *Map[K, V]) Get(k K) V { return m.entries[k] }

// Set keeps v by k.
func (m *Map[K, V]) Set(k K, v V) {
	if m.entries == nil {
		m.entries = map[K]V{}
	}
	m.entries[k] = v
	m.most = max(m.most, len(m.entries))
}

// Delete forgets what is kept by k.
func (m *Map[K, V]) Delete(k K) {
	delete(m.entries, k)
	if m.most <= small || len(m.entries) > m.most/wide {
		return
	}
	left := make(map[K]V, len(m.entries))
	for k, v := range m.entries {
		left[k] = v
	}
	m.entries, m.most = left, len(left)
}

// Len returns the number of entries.
func (m *Map[K, V]) Len() int { return len(m.entries) }

// All yields the entries in no order. Meanwhile nothing may be set, and nothing be
// deleted but what was yielded last.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for k, v := range m.entries {
			if !yield(k, v) {
				return
			}
		}
	}
}
