package pop3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/pop3"
)

// The maildrop of RFC 1939's examples: two messages of 120 and 200 octets.
var (
	mroseOne = "Subject: one\r\n\r\n.leading dot\r\n" + strings.Repeat("x", 88) + "\r\n"
	mroseTwo = "Subject: two\r\n\r\nline 1\r\nline 2\r\nline 3\r\n" + strings.Repeat("y", 158) + "\r\n"
)

var testPasswords = auth.Passwords{
	"mrose": "tanstaaf", "nobody": "empty", "test": "test", "odd": "odd", "spaces": "two  words ",
}

// mail is a message in a dropStore.
type mail struct{ uid, text string }

// dropStore is a Store in memory with an exclusive lock, and with places to put
// faults.
type dropStore struct {
	mu     sync.Mutex
	drops  map[string][]mail
	locked map[string]bool
	closed int // maildrops closed so far

	unicode map[string]bool // unique-ids of messages that need UTF8

	open    func(context.Context, *auth.Identity) error
	list    func(context.Context) ([]pop3.Info, error)
	message func(context.Context, pop3.Info) (io.ReadCloser, error)
	commit  func(ctx context.Context, deleted []pop3.Info) error
	close   func()

	closeErr error // of each maildrop
}

func newDropStore() *dropStore {
	return &dropStore{locked: map[string]bool{}, drops: map[string][]mail{
		"mrose": {{"whqtswO00WBw418f9t5JxYwZ", mroseOne}, {"QhdPYR:00WBw1Ph7x7", mroseTwo}},
		"odd": {
			{"a", "a\rb\nc\x00\xff\r\n.\r\n..\r\n\n.\n.\r\r\n.\r\r\n.x\r\nend\r\n"},
			{"b", ""},
			{"c", ".only\r\n"},
		},
	}}
}

func (s *dropStore) Open(ctx context.Context, id *auth.Identity) (pop3.Maildrop, error) {
	if s.open != nil {
		if err := s.open(ctx, id); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locked[id.Name] {
		return nil, pop3.ErrInUse
	}
	s.locked[id.Name] = true
	return &drop{s, id.Name}, nil
}

// left returns the unique-ids of a user's messages.
func (s *dropStore) left(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	uids := []string{}
	for _, m := range s.drops[user] {
		uids = append(uids, m.uid)
	}
	return uids
}

type drop struct {
	store *dropStore
	user  string
}

func (d *drop) List(ctx context.Context) ([]pop3.Info, error) {
	if d.store.list != nil {
		return d.store.list(ctx)
	}
	var list []pop3.Info
	for _, m := range d.store.drops[d.user] {
		list = append(list, pop3.Info{UID: m.uid, Size: int64(len(m.text)), UTF8: d.store.unicode[m.uid]})
	}
	return list, nil
}

func (d *drop) Message(ctx context.Context, m pop3.Info) (io.ReadCloser, error) {
	if d.store.message != nil {
		return d.store.message(ctx, m)
	}
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	for _, have := range d.store.drops[d.user] {
		if have.uid == m.UID {
			return io.NopCloser(strings.NewReader(have.text)), nil
		}
	}
	return nil, errors.New("no such message")
}

func (d *drop) Commit(ctx context.Context, deleted []pop3.Info) error {
	if d.store.commit != nil {
		if err := d.store.commit(ctx, deleted); err != nil {
			return err
		}
	}
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	d.store.drops[d.user] = slices.DeleteFunc(slices.Clone(d.store.drops[d.user]), func(m mail) bool {
		return slices.ContainsFunc(deleted, func(i pop3.Info) bool { return i.UID == m.uid })
	})
	return nil
}

func (d *drop) Close() error {
	if d.store.close != nil {
		d.store.close()
	}
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	d.store.locked[d.user] = false
	d.store.closed++
	return d.store.closeErr
}

// rig is a server on a network in memory.
type rig struct {
	*pop3.Server
	store *dropStore
	ln    *testnet.Listener
	logs  *logBuffer
}

// serverTest starts a server that takes passwords in cleartext, as change has
// it. It is closed, and waited for, when the test ends.
func serverTest(t testing.TB, change func(*pop3.Server, *dropStore)) *rig {
	t.Helper()
	r := &rig{store: newDropStore(), ln: testnet.NewListener(), logs: new(logBuffer)}
	r.Server = &pop3.Server{
		Hostname:     "dewey",
		Auth:         &auth.Server{Passwords: testPasswords, InsecureAllowCleartext: true, Budget: &auth.Budget{PerAccount: -1, PerNet: -1}},
		Store:        r.store,
		FailureDelay: -1,
		ErrorDelay:   -1,
		Log:          slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(r.Server, r.store)
	}
	r.serve(t, r.ln, r.Serve)
	return r
}

// serve runs a Serve method until the test ends.
func (r *rig) serve(t testing.TB, ln net.Listener, serve func(net.Listener) error) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- serve(ln) }()
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Shutdown(context.Background()); err != nil { // waits
			t.Error(err)
		}
		if err := <-served; err != pop3.ErrServerClosed {
			t.Errorf("Serve returned %v", err)
		}
	})
}

// dial connects.
func (r *rig) dial(t testing.TB) *testnet.Conn {
	t.Helper()
	nc, err := r.ln.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return nc.(*testnet.Conn)
}

// talk sends all of input and returns all of the answer, to the end of the
// connection.
func (r *rig) talk(t testing.TB, input string) string {
	t.Helper()
	return r.talkSplit(t, []byte(input), 0)
}

// talkSplit is talk, with reads of a few octets at a time.
func (r *rig) talkSplit(t testing.TB, input []byte, split int) string {
	t.Helper()
	return sayAll(r.dial(t), input, split)
}

// sayAll sends all of input and returns all of the answer.
func sayAll(nc *testnet.Conn, input []byte, split int) string {
	nc.SplitWrites(split)
	var answer bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(&answer, nc)
	}()
	nc.Write(input)
	nc.CloseWrite()
	<-done
	return answer.String()
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestDialogues(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	withTLS := func(s *pop3.Server, _ *dropStore) {
		s.TLSConfig = serverTLS
		s.Implementation = "BlurdyBlurp POP3 server"
		s.Auth = &auth.Server{Passwords: testPasswords}
	}
	for file, change := range map[string]func(*pop3.Server, *dropStore){
		"rfc1939": nil, "commands": nil, "framing": nil, "sasl": nil, "tls": withTLS,
	} {
		for _, d := range transcript.Load(t, "testdata/"+file+".txtar") {
			t.Run(file+"/"+d.Name, func(t *testing.T) {
				t.Parallel()
				r := serverTest(t, change)
				d.TLS = clientTLS
				d.PlayClient(t, r.dial(t))
				require.NotContains(t, r.logs.String(), "tanstaaf")
			})
		}
	}
}

// However the client's octets are cut into packets, the answers are the same.
func TestDialoguesOctetByOctet(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"rfc1939", "commands", "framing", "sasl"} {
		for _, d := range transcript.Load(t, "testdata/"+file+".txtar") {
			t.Run(file+"/"+d.Name, func(t *testing.T) {
				t.Parallel()
				nc := serverTest(t, nil).dial(t)
				nc.SplitWrites(1)
				d.PlayClient(t, nc)
			})
		}
	}
}

// A session cut into two packets at any place is answered as the whole.
func TestSessionCutAnywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const session = "CAPA\r\nUSER mrose\r\nPASS tanstaaf\r\nSTAT\r\nRETR 1\r\nTOP 2 1\r\nUIDL\r\nDELE 1\r\nRSET\r\nBOGUS\r\nQUIT\r\n"
		r := serverTest(t, nil)
		want := r.talk(t, session)
		require.Contains(t, want, "signing off (2 messages left)")
		for at := 1; at < len(session); at++ {
			nc := r.dial(t)
			_, err := io.WriteString(nc, session[:at])
			require.NoError(t, err)
			synctest.Wait() // the server has read the first packet
			_, err = io.WriteString(nc, session[at:])
			require.NoError(t, err)
			got, err := io.ReadAll(nc)
			require.NoError(t, err)
			require.Equal(t, want, string(got), "cut at %d", at)
		}
	})
}
