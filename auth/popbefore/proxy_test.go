package popbefore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/popbefore"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/smtp"
)

// The addresses of the story: a proxy, whom both servers trust or not, and two clients
// of its.
const (
	proxy   = "192.0.2.1:4000"
	client  = "198.51.100.7:50000"
	another = "198.51.100.8:50000"
)

// site is a POP3 and a submission server with a policy between them.
type site struct {
	pop, out *testnet.Listener
}

func newSite(t *testing.T, grants *popbefore.Grants, proxies, xclients []netip.Prefix) *site {
	s := &site{testnet.NewListener(), testnet.NewListener()}
	verifier := &auth.Server{Passwords: auth.Passwords{"tim": "tanstaaf"}, InsecureAllowCleartext: true, Observe: grants.Observe}
	pop := &pop3.Server{
		Hostname: "pop.example.org", Auth: verifier, ProxyFrom: proxies,
		Store: storeFunc(func() (pop3.Maildrop, error) { return nil, errors.New("no maildrop is needed") }),
	}
	out := &smtp.Server{
		Hostname: "mx.example.org", Protocol: auth.Submission, MayRelay: grants.MayRelay, ProxyFrom: proxies, XclientFrom: xclients,
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	done := make(chan error, 2)
	go func() { done <- pop.Serve(s.pop) }()
	go func() { done <- out.Serve(s.out) }()
	t.Cleanup(func() {
		require.NoError(t, errors.Join(pop.Close(), out.Close()))
		require.NoError(t, errors.Join(pop.Shutdown(context.Background()), out.Shutdown(context.Background())))
		<-done
		<-done
	})
	return s
}

// storeFunc is a pop3.Store.
type storeFunc func() (pop3.Maildrop, error)

func (f storeFunc) Open(context.Context, *auth.Identity) (pop3.Maildrop, error) { return f() }

// say returns all that a server answers.
func say(t *testing.T, ln *testnet.Listener, from, text string) string {
	t.Helper()
	nc, err := ln.DialFrom(from)
	require.NoError(t, err)
	defer nc.Close()
	_, err = io.WriteString(nc, text)
	require.NoError(t, err)
	var answer bytes.Buffer
	_, err = answer.ReadFrom(nc)
	if err != nil {
		require.ErrorIs(t, err, net.ErrClosed)
	}
	return answer.String()
}

func (s *site) fetch(t *testing.T, from, header string) {
	t.Helper()
	say(t, s.pop, from, header+"USER tim\r\nPASS tanstaaf\r\nQUIT\r\n")
}

// may reports whether a client may begin to send.
func (s *site) may(t *testing.T, from, header, before string) bool {
	t.Helper()
	answer := say(t, s.out, from, header+before+"EHLO client\r\nMAIL FROM:<tim@example.org>\r\nQUIT\r\n")
	require.True(t, strings.Contains(answer, "250 2.1.0 ") != strings.Contains(answer, "530 "), answer)
	return strings.Contains(answer, "250 2.1.0 ")
}

func header(of string) string {
	ap := netip.MustParseAddrPort(of)
	return "PROXY TCP4 " + ap.Addr().String() + " 192.0.2.2 50000 25\r\n"
}

func xclient(of string) string {
	return "EHLO proxy\r\nXCLIENT ADDR=" + netip.MustParseAddrPort(of).Addr().String() + "\r\n"
}

// TestGrantFollowsTheClientOfAProxy: where the proxy is trusted its clients have the
// grants, each its own, and where it is not nobody can borrow an address.
func TestGrantFollowsTheClientOfAProxy(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}

	t.Run("PROXY", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, &popbefore.Grants{InsecureAllowCleartext: true, Deny: trusted}, trusted, nil)
		s.fetch(t, proxy, header(client))
		require.True(t, s.may(t, proxy, header(client), ""))
		require.False(t, s.may(t, proxy, header(another), ""))
		require.False(t, s.may(t, proxy, "PROXY UNKNOWN\r\n", ""), "the proxy itself")
		require.True(t, s.may(t, client, "", ""), "without the proxy")
		s.fetch(t, proxy, "PROXY UNKNOWN\r\n")
		require.False(t, s.may(t, proxy, "PROXY UNKNOWN\r\n", ""), "which is denied")
	})
	t.Run("XCLIENT", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, &popbefore.Grants{InsecureAllowCleartext: true, Deny: trusted}, nil, trusted)
		s.fetch(t, client, "")
		require.True(t, s.may(t, proxy, "", xclient(client)))
		require.False(t, s.may(t, proxy, "", xclient(another)))
		require.False(t, s.may(t, another, "", xclient(client)), "whom nobody trusts")
	})
	t.Run("not trusted", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, &popbefore.Grants{InsecureAllowCleartext: true}, nil, nil)
		s.fetch(t, proxy, header(client))
		require.True(t, s.may(t, proxy, "", ""), "who logged in, whatever was said")
		require.False(t, s.may(t, client, "", ""))
		require.False(t, s.may(t, another, header(proxy), ""))
		require.False(t, s.may(t, another, "", xclient(proxy)))
	})
}
