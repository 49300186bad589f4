package storm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"testing"
	"time"
)

var (
	count  = flag.Int("storm", 0, "execute each fuzz target so many `times` on mutants of its corpus")
	span   = flag.Duration("storm.time", 0, "execute each fuzz target for so long on mutants of its corpus")
	folder = flag.String("storm.corpus", "", "`folder` with a folder for each target, of files as the fuzzer keeps them")
	seed   = flag.Uint64("storm.seed", 1, "`number` that the mutants depend on")
)

// gcPercent is how much more than what is in use may lie about.
const gcPercent = 1600

// F is a fuzz target. It is used as a [testing.F] is.
type F struct {
	*testing.F
	corpus [][]any
	check  func(t *testing.T, args []any)
	once   sync.Once
}

// New makes f a target that can be executed in a storm.
func New(f *testing.F) *F { return &F{F: f} }

// Add adds a seed to the corpus.
func (f *F) Add(args ...any) {
	f.F.Add(args...)
	f.corpus = append(f.corpus, args)
}

// Fuzz runs check on the corpus, or as the flags of the tests say. The types of its
// arguments are those of the seeds.
func (f *F) Fuzz(check any) {
	f.Helper()
	call, stand, ok := adapt(check, f.storm)
	if !ok {
		f.Fatalf("storm: no adapter for %T", check)
	}
	if *count == 0 && *span == 0 {
		f.F.Fuzz(check)
		return
	}
	for _, folder := range []string{"testdata/fuzz", *folder} {
		for _, args := range load(f, folder) {
			if fits(args, f.corpus[0]) { // else the target was another once
				f.corpus = append(f.corpus, args)
			}
		}
	}
	f.check = call
	f.F.Fuzz(stand)
}

// storm executes the check. It is called for each seed, and does it for the first.
func (f *F) storm(t *testing.T) {
	f.once.Do(func() {
		// What a check leaves is small, and collecting it is most of the work otherwise.
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
		m := mutator{rand: rand.New(rand.NewPCG(*seed, 0)), corpus: f.corpus}
		var args []any // as they were given: a check may write to its own
		done, begin := 0, time.Now()
		passed := false // a check that panics leaves by another way
		defer func() {
			if !passed {
				t.Logf("a seed, if kept below testdata/fuzz/%s:\n%s", f.Name(), format(args))
			}
			fmt.Printf("storm: %s: %d executions in %s\n", f.Name(), done, time.Since(begin).Round(time.Millisecond))
		}()
		for lasts(done, begin) {
			next := m.next()
			args = kept(next)
			if f.check(t, next); t.Failed() {
				return
			}
			done++
		}
		passed = true
	})
}

// lasts reports whether there is more to execute. Looking at the clock costs as much as
// an execution of the fastest targets.
func lasts(done int, begin time.Time) bool {
	if *count > 0 {
		return done < *count
	}
	return done%64 != 0 || time.Since(begin) < *span
}
