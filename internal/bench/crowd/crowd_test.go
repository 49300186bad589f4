package crowd

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
	"github.com/posthouse/posthouse/smtp"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// TestCrowd has each kind come to each server, as processes of their own.
func TestCrowd(t *testing.T) {
	t.Parallel()
	message := load.Message(1000, false)
	for protocol, addr := range map[string]string{"smtp": serveSMTP(t), "pop3": servePOP3(t, message)} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			order := Order{
				Protocol: protocol, Addr: addr, N: 3, For: 200 * time.Millisecond, Every: 50 * time.Millisecond,
				User: "user", Password: "secret", Size: len(load.Stuffed(message)),
			}
			p, err := Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			for _, step := range []struct {
				do      string
				atLeast Answer
			}{
				{"still", Answer{N: 3}},
				{"drip", Answer{N: 3}},
				{"honest", Answer{N: 12}},
				{"junk", Answer{N: 3, Shed: 3}},
				{"leave", Answer{N: 6}},
			} {
				order.Do = step.do
				got, err := p.Do(order)
				if err != nil || got.N < step.atLeast.N || got.Shed < step.atLeast.Shed || got.Waits.P99 > got.Waits.Max {
					t.Errorf("%s: %+v, %v", step.do, got, err)
				}
			}
			order.Do, order.Addr = "still", "127.0.0.1:1"
			if _, err := p.Do(order); err == nil {
				t.Error("connected to nobody")
			}
		})
	}
}

func serveSMTP(t *testing.T) string {
	srv := &smtp.Server{
		Hostname: "crowd.example.test", Local: func(context.Context, smtp.Address) bool { return true },
		Handler: smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil }),
	}
	return serve(t, srv.Serve, srv.Close)
}

func servePOP3(t *testing.T, message []byte) string {
	store := new(maildrop.Memory)
	users := auth.Passwords{}
	for _, user := range []string{"user0", "user1", "user2"} {
		store.Add(user, message)
		users[user] = "secret"
	}
	srv := &pop3.Server{Hostname: "crowd.example.test", Store: store, Auth: &auth.Server{Passwords: users, InsecureAllowCleartext: true}}
	return serve(t, srv.Serve, srv.Close)
}

func serve(t *testing.T, serve func(net.Listener) error, stop func() error) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(ln) }()
	t.Cleanup(func() {
		_ = stop()
		<-served
	})
	return ln.Addr().String()
}
