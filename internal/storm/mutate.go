package storm

import (
	"math/rand/v2"
	"slices"
)

const (
	longest = 1 << 10 // octets of an argument
	walkers = 256     // mutants that are mutated further
)

// mutator makes inputs of those there are.
type mutator struct {
	rand    *rand.Rand
	corpus  [][]any
	walking [][]any
}

// next returns an input: one of the corpus, or a mutant of one, mutated further. The
// slices in it are nobody else's.
func (m *mutator) next() []any {
	from := m.corpus
	if len(m.walking) == walkers && m.rand.IntN(2) == 0 {
		from = m.walking
	}
	args := slices.Clone(from[m.rand.IntN(len(from))])
	chosen := m.rand.IntN(len(args))
	for i, arg := range args {
		// Most of the time one argument changes, so that what the others mean stays.
		args[i] = m.arg(arg, i, i == chosen || m.rand.IntN(4) == 0)
	}
	switch {
	case len(m.walking) < walkers:
		m.walking = append(m.walking, kept(args))
	case m.rand.IntN(16) == 0:
		m.walking[m.rand.IntN(walkers)] = kept(args)
	}
	return args
}

// kept is a copy of args that whoever is given them cannot change.
func kept(args []any) []any {
	args = slices.Clone(args)
	for i, arg := range args {
		if b, ok := arg.([]byte); ok {
			args[i] = slices.Clone(b)
		}
	}
	return args
}

func (m *mutator) arg(arg any, i int, change bool) any {
	switch v := arg.(type) {
	case []byte:
		return m.octets(slices.Clone(v), i, change)
	case string:
		return string(m.octets([]byte(v), i, change))
	}
	if !change {
		return arg
	}
	switch v := arg.(type) {
	case bool:
		return !v
	case uint8:
		return uint8(m.number(int64(v)))
	case uint16:
		return uint16(m.number(int64(v)))
	case int:
		return int(m.number(int64(v)))
	case int64:
		return m.number(v)
	}
	return arg // no adapter has another type
}

func (m *mutator) number(n int64) int64 {
	switch m.rand.IntN(4) {
	case 0:
		return n + int64(m.rand.IntN(21)) - 10
	case 1:
		return n ^ 1<<m.rand.IntN(64)
	case 2:
		return int64(m.rand.Uint64())
	}
	return int64(m.rand.IntN(300))
}

// special are the octets that grammars of mail give a meaning to.
const special = "\r\n\x00\r\n. \t-+=<>@:;,\"\\()[]*/09aZ\x7f\x80\xc3\xff"

func (m *mutator) octet() byte {
	if m.rand.IntN(3) == 0 {
		return byte(m.rand.Uint32())
	}
	return special[m.rand.IntN(len(special))]
}

// octets changes b at one to four places.
func (m *mutator) octets(b []byte, i int, change bool) []byte {
	if !change {
		return b
	}
	for range 1 + m.rand.IntN(4) {
		b = m.edit(b, i)
	}
	return b[:min(len(b), longest)]
}

func (m *mutator) edit(b []byte, i int) []byte {
	from, to := m.span(len(b))
	switch m.rand.IntN(9) {
	case 0, 1:
		if len(b) > 0 {
			b[m.rand.IntN(len(b))] = m.octet()
		}
	case 2:
		if len(b) > 0 {
			b[m.rand.IntN(len(b))] ^= 1 << m.rand.IntN(8)
		}
	case 3:
		b = slices.Insert(b, from, m.octet())
	case 4:
		b = slices.Insert(b, from, '\r', '\n')
	case 5:
		b = slices.Delete(b, from, to)
	case 6:
		b = slices.Insert(b, m.rand.IntN(len(b)+1), slices.Clone(b[from:to])...)
	case 7:
		other := bytesOf(m.corpus[m.rand.IntN(len(m.corpus))][i])
		from, to := m.span(len(other))
		b = slices.Insert(b, m.rand.IntN(len(b)+1), other[from:to]...)
	case 8:
		b = slices.Insert(b, from, []byte(words[m.rand.IntN(len(words))])...)
	}
	return b
}

// span returns two places in something of length n, mostly near to each other.
func (m *mutator) span(n int) (from, to int) {
	from = m.rand.IntN(n + 1)
	most := n - from
	if m.rand.IntN(4) > 0 {
		most = min(most, 16)
	}
	return from, from + m.rand.IntN(most+1)
}

func bytesOf(arg any) []byte {
	if s, ok := arg.(string); ok {
		return []byte(s)
	}
	return arg.([]byte)
}
