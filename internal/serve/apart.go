package serve

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Apart runs f on a stack of its own, and returns when f has. A stack grows and
// hardly ever shrinks, and a session's lasts as long as its connection: what goes
// deep, and is done once, is better done apart. A panic of f goes on in the
// caller.
func Apart(f func()) {
	var (
		done     sync.WaitGroup
		panicked any
	)
	done.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				panicked = fmt.Sprintf("%v\n%s", v, debug.Stack())
			}
		}()
		f()
	})
	done.Wait()
	if panicked != nil {
		panic(panicked)
	}
}
