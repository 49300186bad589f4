package crowd

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"time"
)

// flood has N at a time send junk, as much as the server takes, until it hangs up, and
// then come again. Shed are those to whom the server said so: 421, and by POP3 -ERR.
func flood(o Order) (Answer, error) {
	junk := []byte(strings.Repeat("JUNK and more of it\r\n", 200))
	end := time.Now().Add(o.For)
	var mu sync.Mutex
	var all Answer
	var first error
	var wg sync.WaitGroup
	for i := range o.N {
		wg.Go(func() {
			for time.Now().Before(end) {
				last, err := throw(o, i, junk)
				mu.Lock()
				all.N++
				if bytes.HasPrefix(last, []byte("421 ")) || bytes.HasPrefix(last, []byte("-ERR ")) {
					all.Shed++
				}
				if first == nil {
					first = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return all, first
}

// throw sends junk until the server hangs up, and returns the last line that it said.
func throw(o Order, i int, junk []byte) (last []byte, err error) {
	nc, err := dial(o, i)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := nc.Write(junk); err != nil {
		return nil, nil //nolint:nilerr // it hung up at once, and what it said is lost
	}
	said, _ := io.ReadAll(nc) // it may end with a reset: there is junk that was not read
	lines := bytes.Split(bytes.TrimSuffix(said, []byte("\r\n")), []byte("\r\n"))
	return lines[len(lines)-1], nil
}
