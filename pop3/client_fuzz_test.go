package pop3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/pop3"
)

// FuzzClient says anything to a client, in segments of a length, while it goes
// through a session. It must come to an end, without a panic, and must not
// work on after it has given the connection up.
func FuzzClient(tf *testing.F) {
	f := storm.New(tf)
	for _, d := range transcript.Load(f, "testdata/client.txtar") {
		f.Add(d.Octets('S'), uint8(7))
		f.Add(d.Octets('S'), uint8(255))
	}
	f.Add([]byte("+OK\r\n-ERR\r\n+OK 1 2\r\n+OK\r\n1 2\r\n.\r\n+OK\r\n1 a\r\n.\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, octets []byte, length uint8) {
		var arrives []string
		for piece := range slices.Chunk(octets, int(length)+1) {
			arrives = append(arrives, string(piece))
		}
		cfg := withAuth(testUser)
		cfg.MaxMessages, cfg.MaxDrain, cfg.Timeout = 100, 1000, time.Minute
		c, err := pop3.NewClient(t.Context(), &segments{rest: arrives}, "", &cfg)
		if err != nil {
			return
		}
		defer c.Close()
		broken := false
		for i, do := range []operation{stat, list, listOne, uidl, uidlOne, dele, retr, retrHalf, fetchAll, fetchHalf, capa, noop, quit} {
			err := do(t.Context(), c)
			var refusal *pop3.Error
			switch {
			case broken && !errors.Is(err, pop3.ErrBroken):
				t.Fatalf("operation %d on a broken connection: %v", i, err)
			case err != nil && !errors.As(err, &refusal):
				broken = true
			}
			if err != nil && strings.ContainsAny(err.Error(), "\r\x00\x1b") {
				t.Fatalf("operation %d: %q", i, err)
			}
		}
	})
}

// phases are what a server has said before it says anything, and what the client
// is to do then.
var phases = []struct {
	cfg  pop3.ClientConfig
	said []string
	do   []operation
}{
	{pop3.ClientConfig{}, nil, nil}, // it requires STLS
	{pop3.ClientConfig{}, []string{"+OK\r\n", "+OK\r\nSTLS\r\n.\r\n"}, nil},
	{pop3.ClientConfig{TLS: pop3.InsecureOpportunisticTLS}, []string{"+OK\r\n", "+OK\r\nSTLS\r\n.\r\n", "-ERR\r\n"}, []operation{stat}},
	{withAuth(testUser), []string{"+OK\r\n", "+OK\r\nSASL PLAIN\r\n.\r\n"}, []operation{stat}},
	{withAuth(testUser), []string{"+OK\r\n", "+OK\r\nSASL LOGIN\r\n.\r\n"}, []operation{stat}},
	{withAuth(testUser), []string{"+OK\r\n", "+OK\r\nUSER\r\nUTF8 USER\r\n.\r\n"}, []operation{stat}},
	{pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Auth: xoauth2, NoInitialResponse: true}, []string{"+OK\r\n", "+OK\r\nSASL XOAUTH2\r\n.\r\n"}, []operation{stat}},
	{pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Auth: testUser, InsecureAPOP: true}, nil, []operation{stat}},
	{cleartext, []string{"+OK\r\n", pipelining}, []operation{index, fetchAll, noop}},
	{cleartext, []string{"+OK\r\n", pipelining}, []operation{dele, noop}},
	{cleartext, []string{"+OK\r\n", pipelining}, []operation{fetchHalf, noop}},
	{cleartext, []string{"+OK\r\n", pipelining}, []operation{topEach, listEach, uidlEach, noop}},
	{pop3.ClientConfig{TLS: pop3.InsecureNoTLS, MissingCRLF: true}, []string{"+OK\r\n", pipelining, "+OK\r\n1 5\r\n2 7\r\n.\r\n"}, []operation{list, retr, fetchAll, fetchHalf}},
	{cleartext, []string{"+OK\r\n", "-ERR\r\n"}, []operation{languages, lang, retrHalf, quit}},
}

// FuzzClientPhases says anything to a client in each phase of a session, in segments
// of a length.
func FuzzClientPhases(tf *testing.F) {
	f := storm.New(tf)
	for _, file := range []string{"client", "client_rfc"} {
		for i, d := range transcript.Load(f, "testdata/"+file+".txtar") {
			f.Add(uint8(i), uint8(40), d.Octets('S')) // each in a phase, and each phase has some
		}
	}
	f.Fuzz(func(t *testing.T, phase, length uint8, octets []byte) {
		p := phases[int(phase)%len(phases)]
		arrives := slices.Clone(p.said)
		for piece := range slices.Chunk(octets, int(length)+1) {
			arrives = append(arrives, string(piece))
		}
		cfg := p.cfg
		cfg.MaxMessages, cfg.MaxDrain, cfg.MaxMessage, cfg.Timeout = 100, 1000, 10_000, time.Minute
		c, err := pop3.NewClient(t.Context(), &segments{rest: arrives}, "", &cfg)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\x00\x1b") {
				t.Fatalf("%q", err)
			}
			return
		}
		defer c.Close()
		if cs := c.ConnectionState(); cs.Identity != nil && cs.Phase != pop3.PhaseTransaction {
			t.Fatalf("logged in, and in %v", cs.Phase)
		}
		broken := false
		for i, do := range p.do {
			err := do(t.Context(), c)
			var refusal *pop3.Error
			switch {
			case broken && !errors.Is(err, pop3.ErrBroken):
				t.Fatalf("operation %d on a broken connection: %v", i, err)
			case err != nil && !errors.As(err, &refusal):
				broken = true
			}
		}
	})
}

func topEach(ctx context.Context, c *pop3.Client) (err error) {
	for _, e := range c.FetchTop(ctx, []int{1, 2, 3}, 1) {
		err = e
	}
	return err
}

func listEach(ctx context.Context, c *pop3.Client) (err error) {
	for _, e := range c.ListEach(ctx, []int{1, 2, 3}) {
		err = e
	}
	return err
}

func uidlEach(ctx context.Context, c *pop3.Client) (err error) {
	for _, e := range c.UIDLEach(ctx, []int{1, 2, 3}) {
		err = e
	}
	return err
}

func languages(ctx context.Context, c *pop3.Client) error { _, err := c.Languages(ctx); return err }
func lang(ctx context.Context, c *pop3.Client) error      { _, err := c.Lang(ctx, "*"); return err }

// retrHalf asks for a message and leaves it.
func retrHalf(ctx context.Context, c *pop3.Client) error {
	body, err := c.Retr(ctx, 1)
	if err != nil {
		return err
	}
	if _, err = body.Read(make([]byte, 3)); err == io.EOF {
		return nil
	}
	return errors.Join(err, body.Close())
}

// fetchHalf leaves a Fetch in the middle.
func fetchHalf(ctx context.Context, c *pop3.Client) error {
	for m, err := range c.Fetch(ctx, []int{1, 2, 3}) {
		if err != nil {
			return err
		}
		if _, err := m.Read(make([]byte, 3)); err != nil && err != io.EOF {
			return err
		}
		if m.Num == 2 {
			break
		}
	}
	return c.Noop(ctx)
}

// FuzzListings has LIST and UIDL say anything. What is returned has no number
// twice, none beyond the limit, and no unique-id with a blank.
func FuzzListings(tf *testing.F) {
	f := storm.New(tf)
	for _, seed := range []string{
		"1 120\r\n2 200\r\n", "2   a\r\n1 b\r\n", "1 1\r\n1 1\r\n", "0 1\r\n", "..\r\n", "100 1\r\n101 1\r\n",
		"9223372036854775808 1\r\n", "1 9223372036854775807\r\n", "1 -1\r\n", "\t1 1\r\n", "1 a b\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, lines []byte) {
		if bytes.Contains(lines, []byte("\r\n.\r\n")) || bytes.HasPrefix(lines, []byte(".\r\n")) {
			return
		}
		reply := "+OK\r\n" + string(lines) + ".\r\n"
		cfg := pop3.ClientConfig{MaxMessages: 100}
		c := clientOf(t, cfg, reply)
		list, err := c.List(t.Context())
		if err != nil && list != nil {
			t.Fatalf("%v and %v", list, err)
		}
		var seen [101]bool
		for _, l := range list {
			if l.Num < 1 || l.Num > 100 || seen[l.Num] || l.Size < 0 {
				t.Fatalf("%+v", list)
			}
			seen[l.Num] = true
		}
		c.Close()
		c = clientOf(t, cfg, reply)
		uids, err := c.UIDL(t.Context())
		if err != nil && uids != nil {
			t.Fatalf("%v and %v", uids, err)
		}
		clear(seen[:])
		for _, u := range uids {
			if u.Num < 1 || u.Num > 100 || seen[u.Num] || u.UID == "" || strings.ContainsAny(u.UID, " \t\r\n") {
				t.Fatalf("%+v", uids)
			}
			seen[u.Num] = true
		}
		c.Close()
	})
}
