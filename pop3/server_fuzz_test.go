package pop3_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/pop3"
)

// fuzzPrologues bring a session into each of its states.
var fuzzPrologues = []string{
	"",
	"USER mrose\r\n",
	"AUTH PLAIN\r\n",
	"AUTH LOGIN bXJvc2U=\r\n",
	"USER mrose\r\nPASS tanstaaf\r\n",
	"USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\n",
	"USER odd\r\nPASS odd\r\n",
	"UTF8\r\n",
	"LANG de\r\nUSER mrose\r\nPASS tanstaaf\r\n",
}

// FuzzSession says anything in any state. Whatever it is, the server comes to an
// end, does not panic, answers the same however the octets arrive, and deletes
// nothing but after QUIT and what DELE marked.
func FuzzSession(tf *testing.F) {
	f := storm.New(tf)
	for _, file := range []string{"rfc1939", "rfc2449", "utf8", "commands", "framing", "sasl", "tls"} {
		for _, d := range transcript.Load(f, "testdata/"+file+".txtar") {
			f.Add(uint8(0), uint8(7), d.Octets('C'))
		}
	}
	for i := range fuzzPrologues {
		f.Add(uint8(i), uint8(1), []byte("CAPA\r\nSTAT\r\nLIST\r\nRETR 1\r\nTOP 2 1\r\nDELE 2\r\nQUIT\r\n"))
		f.Add(uint8(i), uint8(2), []byte("*\r\n=\r\n\r\nSTLS\r\nRSET\nNOOP\r"))
	}
	var commits, panics atomic.Int32
	r := serverTest(f, func(s *pop3.Server, d *dropStore) {
		s.Log = slog.New(panicCounter{slog.DiscardHandler, &panics})
		s.Languages = testLanguages
		s.Policy = pop3.Policy{Expire: pop3.ExpireNever}
		d.unicode = map[string]bool{"a": true}
		d.commit = func(context.Context, []pop3.Info) error { commits.Add(1); return nil }
	})
	f.Fuzz(func(t *testing.T, state, split uint8, input []byte) {
		if len(input) > 4<<10 {
			t.Skip("long enough")
		}
		prologue := fuzzPrologues[int(state)%len(fuzzPrologues)]
		input = append([]byte(prologue), input...)
		var answers [2]string
		for i, split := range []int{0, int(split) + 1} {
			commits.Store(0)
			r.reset()
			nc, err := r.ln.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			answers[i] = sayAll(nc.(*testnet.Conn), input, split)
			nc.Close()
			upper := bytes.ToUpper(input)
			quit, dele := bytes.Contains(upper, []byte("QUIT\r\n")), bytes.Contains(upper, []byte("DELE "))
			switch n := commits.Load(); {
			case n > 1, n == 1 && !quit:
				t.Fatalf("%d commits", n)
			case (n == 0 || !dele) && (len(r.store.left("mrose")) != 2 || len(r.store.left("odd")) != 3):
				t.Fatal("mail is gone")
			case panics.Load() > 0:
				t.Fatal("panic in session")
			}
		}
		if answers[0] != answers[1] || !strings.HasPrefix(answers[0], "+OK dewey POP3 server ready\r\n") || !strings.HasSuffix(answers[0], "\r\n") {
			t.Fatalf("%q, and %q", answers[0], answers[1])
		}
	})
}

// reset puts the mail back.
func (r *rig) reset() {
	fresh := newDropStore()
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.drops, r.store.locked = fresh.drops, fresh.locked
}

// panicCounter is a log that counts the sessions that panicked.
type panicCounter struct {
	slog.Handler
	panics *atomic.Int32
}

func (panicCounter) Enabled(context.Context, slog.Level) bool { return true }

func (c panicCounter) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "panic in session" {
		c.panics.Add(1)
	}
	return nil
}
