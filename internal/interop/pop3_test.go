package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// only restricts credentials to one mechanism, so that each is tried.
type only struct {
	auth.Credentials
	mechanism string
}

func (o only) Client(ctx context.Context, cs auth.ConnectionState, offered []string) (sasl.Client, error) {
	for _, m := range offered {
		if m == o.mechanism {
			return o.Credentials.Client(ctx, cs, []string{m})
		}
	}
	return nil, fmt.Errorf("%w: %s is not among %q", auth.ErrNoMechanism, o.mechanism, offered)
}

// carolsWays are how a connection can be protected, and Carol's credentials for each.
var carolsWays = []struct {
	name, service string
	mode          pop3.TLSMode
	credentials   auth.Credentials
}{
	{"plain", "pop3", pop3.InsecureNoTLS, auth.InsecurePassword("carol", "secret3")},
	{"stls", "pop3", pop3.StartTLS, auth.Password("carol", "secret3")},
	{"implicit", "pop3s", pop3.ImplicitTLS, auth.Password("carol", "secret3")},
}

// TestMaildrop fetches 100 messages from Dovecot by each way of protecting the
// connection and each mechanism that both know, octet for octet, and deletes them.
func TestMaildrop(t *testing.T) {
	for _, way := range carolsWays {
		cfg := pop3.ClientConfig{TLS: way.mode, TLSConfig: dovecot.tls(t)}
		addr := dovecot.addr(t, way.service)
		offered, _ := login(t, addr, &cfg).Capabilities().Params("SASL")
		known := 0
		for _, mechanism := range offered {
			if _, err := way.credentials.Client(t.Context(), auth.ConnectionState{TLS: new(tls.ConnectionState)}, []string{mechanism}); errors.Is(err, auth.ErrNoMechanism) {
				continue // it is the server's alone
			}
			known++
			t.Run(way.name+"/"+mechanism, func(t *testing.T) {
				want := fillCarols(t, 100)
				cfg := cfg
				cfg.Auth = only{way.credentials, mechanism}
				fetchAll(t, addr, &cfg, want)
				c := login(t, addr, &cfg)
				if got := c.ConnectionState().Identity.Mechanism; got != mechanism {
					t.Errorf("logged in by %s", got)
				}
				if st, err := c.Stat(t.Context()); err != nil || st.Count != 0 {
					t.Errorf("after deletion: %v, %v; want no messages", st, err)
				}
				if err := c.Quit(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		if known < 2 {
			t.Errorf("%s: of the mechanisms %q only %d are known", way.name, offered, known)
		}
	}
}

// TestThousand fetches 1,000 messages, ahead of the replies and one by one.
func TestThousand(t *testing.T) {
	for _, window := range []int{0, 1} {
		t.Run(fmt.Sprint("window ", window), func(t *testing.T) {
			want := fillCarols(t, 1000)
			cfg := &pop3.ClientConfig{TLS: pop3.ImplicitTLS, TLSConfig: dovecot.tls(t), Auth: auth.Password("carol", "secret3"), Window: window}
			fetchAll(t, dovecot.addr(t, "pop3s"), cfg, want)
		})
	}
}

// TestAPOP logs in by a digest, with and without TLS.
func TestAPOP(t *testing.T) {
	for _, way := range carolsWays {
		t.Run(way.name, func(t *testing.T) {
			addr := dovecot.addr(t, way.service)
			cfg := &pop3.ClientConfig{TLS: way.mode, TLSConfig: dovecot.tls(t), InsecureAPOP: true, Auth: way.credentials}
			c := login(t, addr, cfg)
			if got := c.ConnectionState().Identity.Mechanism; got != "APOP" {
				t.Errorf("logged in by %s; the greeting is %q", got, c.Greeting())
			}
			if err := c.Quit(t.Context()); err != nil {
				t.Error(err)
			}
			cfg.Auth = auth.InsecurePassword("carol", "wrong")
			if _, err := pop3.Dial(t.Context(), addr, cfg); !errors.Is(err, auth.ErrCredentials) {
				t.Errorf("with a wrong secret: %v", err)
			}
		})
	}
}

// TestTwoLines sends AUTH and the first response in two lines.
func TestTwoLines(t *testing.T) {
	cfg := &pop3.ClientConfig{TLSConfig: dovecot.tls(t), NoInitialResponse: true, Auth: auth.Password("carol", "secret3")}
	if err := login(t, dovecot.addr(t, "pop3"), cfg).Quit(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestUTF8 has the server turn to UTF-8 mode if it can, and the client go on if it
// cannot.
func TestUTF8(t *testing.T) {
	cfg := &pop3.ClientConfig{TLSConfig: dovecot.tls(t), Auth: auth.Password("carol", "secret3")}
	c := login(t, dovecot.addr(t, "pop3"), cfg)
	if offered := c.Capabilities().Has("UTF8"); offered != c.UTF8() {
		t.Errorf("offered %v, on %v", offered, c.UTF8())
	}
	if err := c.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPieces goes through all that is asked of a maildrop in pieces: sizes and
// unique-ids of all and of some, headers, a loop that is left, marks taken back and
// marks that count.
func TestPieces(t *testing.T) {
	ctx := t.Context()
	want := fillCarols(t, 60)
	addr := dovecot.addr(t, "pop3s")
	cfg := &pop3.ClientConfig{TLS: pop3.ImplicitTLS, TLSConfig: dovecot.tls(t), Auth: auth.Password("carol", "secret3")}
	c := login(t, addr, cfg)
	entries, err := c.Index(ctx)
	if err != nil || len(entries) != len(want) {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	var nums []int
	for i, e := range entries {
		if e.Num != i+1 || e.Size != int64(len(want[i])) || e.UID == "" {
			t.Errorf("entry %+v; the message has %d octets", e, len(want[i]))
		}
		nums = append(nums, e.Num)
	}
	for l, err := range c.ListEach(ctx, nums) {
		if err != nil || l.Size != entries[l.Num-1].Size {
			t.Fatalf("LIST %d: %d, %v", l.Num, l.Size, err)
		}
	}
	for u, err := range c.UIDLEach(ctx, nums) {
		if err != nil || u.UID != entries[u.Num-1].UID {
			t.Fatalf("UIDL %d: %s, %v", u.Num, u.UID, err)
		}
	}
	for m, err := range c.FetchTop(ctx, nums, 0) {
		if err != nil {
			t.Fatal(err)
		}
		header, err := io.ReadAll(m)
		if err != nil || !bytes.HasPrefix(want[m.Num-1], bytes.TrimSuffix(header, []byte("\r\n"))) {
			t.Fatalf("TOP %d 0: %q, %v", m.Num, header, err)
		}
	}
	for range c.Fetch(ctx, nums) {
		break
	}
	if err := c.Dele(ctx, nums...); err != nil {
		t.Fatal(err)
	}
	if err := c.Rset(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Dele(ctx, 2, 4); err != nil {
		t.Fatal(err)
	}
	var refused *pop3.MessageError
	if err := c.Dele(ctx, 1, 2, 3); !errors.As(err, &refused) || refused.Num != 2 {
		t.Errorf("deleted twice: %v", err)
	}
	if !c.Pipelining() {
		t.Error("Dovecot can do pipelining")
	}
	if err := c.Close(); err != nil { // without QUIT: nothing is deleted
		t.Fatal(err)
	}
	c = login(t, addr, cfg)
	if err := c.Dele(ctx, 2, 4); err != nil {
		t.Fatal(err)
	}
	if err := c.Quit(ctx); err != nil {
		t.Fatal(err)
	}
	left, err := login(t, addr, cfg).Index(ctx)
	if err != nil || len(left) != len(want)-2 || left[1].UID != entries[2].UID || left[2].UID != entries[4].UID {
		t.Errorf("after two deletions: %d messages, %v", len(left), err)
	}
}

// TestUserPass logs in by USER and PASS.
func TestUserPass(t *testing.T) {
	cfg := &pop3.ClientConfig{TLSConfig: dovecot.tls(t), Auth: userPass{auth.Password("carol", "secret3")}}
	c := login(t, dovecot.addr(t, "pop3"), cfg)
	if err := c.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}

// userPass hides that a mechanism could be used.
type userPass struct{ auth.Credentials }

func (u userPass) UserPassword(cs auth.ConnectionState) (user, password string, err error) {
	return u.Credentials.(auth.UserPasser).UserPassword(cs)
}

// TestWrongPasswordPOP3 is refused with [AUTH].
func TestWrongPasswordPOP3(t *testing.T) {
	cfg := &pop3.ClientConfig{TLSConfig: dovecot.tls(t), Auth: auth.Password("carol", "wrong")}
	_, err := pop3.Dial(t.Context(), dovecot.addr(t, "pop3"), cfg)
	var refused *pop3.Error
	if !errors.As(err, &refused) || refused.Code != pop3.CodeAuth {
		t.Errorf("got %v, want -ERR [AUTH]", err)
	}
}

func login(t *testing.T, addr string, cfg *pop3.ClientConfig) *pop3.Client {
	t.Helper()
	c, err := pop3.Dial(t.Context(), addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// fetchAll compares every message and then deletes all.
func fetchAll(t *testing.T, addr string, cfg *pop3.ClientConfig, want [][]byte) {
	t.Helper()
	c := login(t, addr, cfg)
	list, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(want) {
		t.Fatalf("the server lists %d messages, want %d", len(list), len(want))
	}
	var nums []int
	for _, m := range list {
		nums = append(nums, m.Num)
	}
	for m, err := range c.Fetch(t.Context(), nums) {
		if err != nil {
			t.Fatalf("message %d: %v", m.Num, err)
		}
		got, err := io.ReadAll(m)
		if err != nil {
			t.Fatalf("message %d: %v", m.Num, err)
		}
		if !bytes.Equal(got, want[m.Num-1]) {
			t.Errorf("message %d differs: %d octets, want %d", m.Num, len(got), len(want[m.Num-1]))
		}
		if int64(len(got)) != list[m.Num-1].Size {
			t.Errorf("message %d has %d octets, LIST said %d", m.Num, len(got), list[m.Num-1].Size)
		}
	}
	if err := c.Dele(t.Context(), nums...); err != nil {
		t.Fatal(err)
	}
	if err := c.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// fill empties Carol's maildrop, puts n messages into it, and returns them as
// POP3 delivers them.
func fillCarols(t *testing.T, n int) (wire [][]byte) {
	t.Helper()
	dovecot.start(t)
	box := dovecot.maildir("carol")
	for _, sub := range []string{"new", "cur"} {
		old, err := filepath.Glob(filepath.Join(box, sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range old {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	owner, err := os.Stat(box)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	run := token() // a server may remember the names of the messages that were removed
	for i := range n {
		b := fmt.Appendf(nil, "Subject: %d\nFrom: <alice@example.test>\n\n", i)
		for range random.IntN(200) {
			line := bytes.Repeat([]byte{"ab. \x01\xff"[random.IntN(6)]}, random.IntN(120))
			b = append(append(b, line...), '\n')
		}
		b = append(b, ".\n..\nend\n"...)
		name := filepath.Join(box, "new", fmt.Sprintf("%d.M%06dP%s.interop", 1_700_000_000+i, i, run))
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := chownLike(name, owner); err != nil {
			t.Fatal(err)
		}
		wire = append(wire, bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	}
	return wire
}
