package interop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// TestMaildrop fetches 100 messages from Dovecot by each way of protecting the
// connection and each mechanism, octet for octet, and deletes them.
func TestMaildrop(t *testing.T) {
	l := openLab(t)
	for _, way := range []struct {
		name, service string
		mode          pop3.TLSMode
		credentials   auth.Credentials
	}{
		{"plain", "DOVECOT_POP3", pop3.InsecureNoTLS, auth.InsecurePassword("carol", "secret3")},
		{"stls", "DOVECOT_POP3", pop3.StartTLS, auth.Password("carol", "secret3")},
		{"implicit", "DOVECOT_POP3S", pop3.ImplicitTLS, auth.Password("carol", "secret3")},
	} {
		for _, mechanism := range []string{"PLAIN", "LOGIN"} {
			t.Run(way.name+"/"+mechanism, func(t *testing.T) {
				want := l.fill(t, 100)
				cfg := &pop3.ClientConfig{TLS: way.mode, TLSConfig: l.tls(t), Auth: only{way.credentials, mechanism}}
				addr := l.addr(t, way.service)
				l.fetchAll(t, addr, cfg, want)
				c := l.login(t, addr, cfg)
				if st, err := c.Stat(t.Context()); err != nil || st.Count != 0 {
					t.Errorf("after deletion: %v, %v; want no messages", st, err)
				}
				if err := c.Quit(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestUserPass logs in by USER and PASS.
func TestUserPass(t *testing.T) {
	l := openLab(t)
	cfg := &pop3.ClientConfig{TLSConfig: l.tls(t), Auth: userPass{auth.Password("carol", "secret3")}}
	c := l.login(t, l.addr(t, "DOVECOT_POP3"), cfg)
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
	l := openLab(t)
	cfg := &pop3.ClientConfig{TLSConfig: l.tls(t), Auth: auth.Password("carol", "wrong")}
	_, err := pop3.Dial(t.Context(), l.addr(t, "DOVECOT_POP3"), cfg)
	var refused *pop3.Error
	if !errors.As(err, &refused) || refused.Code != pop3.CodeAuth {
		t.Errorf("got %v, want -ERR [AUTH]", err)
	}
}

func (l lab) login(t *testing.T, addr string, cfg *pop3.ClientConfig) *pop3.Client {
	t.Helper()
	c, err := pop3.Dial(t.Context(), addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// fetchAll compares every message and then deletes all.
func (l lab) fetchAll(t *testing.T, addr string, cfg *pop3.ClientConfig, want [][]byte) {
	t.Helper()
	c := l.login(t, addr, cfg)
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
func (l lab) fill(t *testing.T, n int) (wire [][]byte) {
	t.Helper()
	box := filepath.Join(l["LAB_MAIL"], "carol", "Maildir")
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
	for i := range n {
		b := fmt.Appendf(nil, "Subject: %d\nFrom: <alice@example.test>\n\n", i)
		for range random.IntN(200) {
			line := bytes.Repeat([]byte{"ab. \x01\xff"[random.IntN(6)]}, random.IntN(120))
			b = append(append(b, line...), '\n')
		}
		b = append(b, ".\n..\nend\n"...)
		name := filepath.Join(box, "new", fmt.Sprintf("%d.M%06dP1.interop", 1_700_000_000+i, i))
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
