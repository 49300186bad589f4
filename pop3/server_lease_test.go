package pop3_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// yielding has a store whose maildrops can be taken over.
func yielding(s *pop3.Server, _ *dropStore) {
	store := new(maildrop.Memory)
	store.Add("mrose", []byte(mroseOne))
	store.Add("mrose", []byte(mroseTwo))
	s.Store = store
}

const (
	inUse     = "-ERR [IN-USE] maildrop is in use by another session"
	takenOver = "-ERR [SYS/TEMP] maildrop was taken over by another session"
)

// tryLogin logs mrose in once more, and returns the answer.
func (r *rig) tryLogin(t *testing.T) (*prober, string) {
	t.Helper()
	p := r.probe(t)
	return p, p.say(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm")
}

// The maildrop of a silent session can be had; what that session had marked is
// not deleted, and it is told at its next command, whatever that is.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"QUIT", "NOOP", "DELE 2", "RETR 2", "RSET", "BOGUS"} {
		synctest.Test(t, func(t *testing.T) {
			r := serverTest(t, yielding)
			first := r.login(t)
			first.want(t, "DELE 1", "+OK message 1 deleted")
			time.Sleep(29 * time.Second)
			p, answer := r.tryLogin(t)
			require.Equal(t, inUse, answer)
			time.Sleep(2 * time.Second)
			require.Equal(t, "+OK maildrop has 2 messages (320 octets)", p.say(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm"))
			first.want(t, command, takenOver)
			require.Empty(t, first.rest(t))
			p.want(t, "STAT", "+OK 2 320")
			p.want(t, "DELE 2", "+OK message 2 deleted")
			p.want(t, "QUIT", "+OK POP3 server signing off (1 message left)")
			require.Len(t, r.Store.(*maildrop.Memory).Messages("mrose"), 1)
		})
	}
}

// So it is when the other session has come and gone.
func TestTakeOverByOneThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, yielding)
		first := r.login(t)
		first.want(t, "DELE 1", "+OK message 1 deleted")
		time.Sleep(time.Minute)
		p, answer := r.tryLogin(t)
		require.Equal(t, "+OK maildrop has 2 messages (320 octets)", answer)
		p.want(t, "QUIT", "+OK POP3 server signing off (2 messages left)")
		first.want(t, "QUIT", takenOver)
		require.Len(t, r.Store.(*maildrop.Memory).Messages("mrose"), 2, "marks are not committed")
	})
}

// A silent session that nobody took anything from goes on as if nothing had been:
// its marks are there still.
func TestNoTakeOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, yielding)
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		for range 3 {
			time.Sleep(5 * time.Minute)
			p.want(t, "STAT", "+OK 1 200")
			_, answer := r.tryLogin(t)
			require.Equal(t, inUse, answer, "it is active again")
		}
		p.want(t, "QUIT", "+OK POP3 server signing off (1 message left)")
		require.Len(t, r.Store.(*maildrop.Memory).Messages("mrose"), 1)
	})
}

// A session that dies while it is silent leaves the one that took over alone.
func TestTakenOverSessionDies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, yielding)
		first := r.login(t)
		time.Sleep(time.Minute)
		_, answer := r.tryLogin(t)
		require.Equal(t, "+OK maildrop has 2 messages (320 octets)", answer)
		first.conn.Close()
		synctest.Wait()
		_, answer = r.tryLogin(t)
		require.Equal(t, inUse, answer)
	})
}

func TestTakeOverNever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, d *dropStore) { yielding(s, d); s.TakeOverAfter = -1 })
		first := r.login(t)
		time.Sleep(9 * time.Minute)
		_, answer := r.tryLogin(t)
		require.Equal(t, inUse, answer)
		first.want(t, "NOOP", "+OK")
	})
}

// A client that takes its time over a message is not silent.
func TestSlowReaderIsNotTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, yielding)
		r.Store.(*maildrop.Memory).Add("mrose", bytes.Repeat([]byte(mroseTwo), 10_000))
		nc := r.dial(t)
		_, err := io.WriteString(nc, "USER mrose\r\nPASS tanstaaf\r\nRETR 3\r\n")
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for b := make([]byte, 8<<10); ; time.Sleep(time.Second) {
				if _, err := io.ReadFull(nc, b); err != nil {
					return
				}
			}
		}()
		time.Sleep(2 * time.Minute)
		_, answer := r.tryLogin(t)
		require.Equal(t, inUse, answer)
		nc.Close()
		<-done
	})
}

// resumeStore fails to give back what was yielded.
type resumeStore struct{ *dropStore }

type resumeDrop struct{ pop3.Maildrop }

func (s resumeStore) Open(ctx context.Context, id *auth.Identity) (pop3.Maildrop, error) {
	d, err := s.dropStore.Open(ctx, id)
	return resumeDrop{d}, err
}

func (resumeDrop) Yield()                       {}
func (resumeDrop) Resume(context.Context) error { return errDisk }

func TestResumeFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, d *dropStore) { s.Store = resumeStore{d} })
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		time.Sleep(time.Minute)
		p.want(t, "QUIT", "-ERR [SYS/TEMP] maildrop cannot be had any more")
		require.Empty(t, p.rest(t))
		require.Len(t, r.store.left("mrose"), 2)
		require.Contains(t, r.logs.String(), "fire")
	})
}

type panicStore struct{ *dropStore }

type panicDrop struct{ resumeDrop }

func (s panicStore) Open(ctx context.Context, id *auth.Identity) (pop3.Maildrop, error) {
	d, err := s.dropStore.Open(ctx, id)
	return panicDrop{resumeDrop{d}}, err
}

func (panicDrop) Yield() { panic("out of cheese") }

// Yield is called by a timer, which must not take the server with it.
func TestYieldPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, d *dropStore) { s.Store = panicStore{d} })
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		time.Sleep(time.Minute)
		p.send(t, "QUIT\r\n")
		require.Empty(t, p.rest(t))
		synctest.Wait()
		require.Contains(t, r.logs.String(), "out of cheese")
		require.Len(t, r.store.left("mrose"), 2)
		r.login(t).want(t, "STAT", "+OK 2 320")
	})
}
