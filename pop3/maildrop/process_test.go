package maildrop_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// roleEnv makes a process that a test has started play its part in it.
const roleEnv = "MAILDROP_TEST_ROLE"

// startRole starts this test in a process of its own, with these arguments, and waits
// until it has said that it is ready.
func startRole(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no flock")
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), roleEnv+"="+strings.Join(args, " "))
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return child
}

// roleOf gives the arguments of this process; none if it is the one that runs the test.
func roleOf() []string { return strings.Fields(os.Getenv(roleEnv)) }

func testServer(root string) *pop3.Server {
	return &pop3.Server{
		Hostname: "pop.test",
		Auth: &auth.Server{
			Passwords:              auth.PasswordFunc(func(context.Context, string, string) error { return nil }),
			InsecureAllowCleartext: true,
		},
		Store: &maildrop.Maildir{Root: root},
	}
}

// TestKilledInUpdate kills a server while sessions are in UPDATE, 1,000 of them in all.
// What was not marked as deleted is there; what was is there whole, or is gone; and it
// is gone if the client has read the answer to QUIT.
func TestKilledInUpdate(t *testing.T) {
	if role := roleOf(); len(role) > 0 {
		ln, err := net.Listen("unix", role[1])
		require.NoError(t, err)
		fmt.Println("ready")
		_ = testServer(role[0]).Serve(ln) // until it is killed
		return
	}
	t.Parallel()
	rfc.Covers(t, "rfc1939-6-3")
	const sessions, messages = 50, 8
	kills := 1000 / sessions
	if testing.Short() {
		kills = 3
	}
	outcomes := map[string]int{}
	for kill := range kills {
		root := t.TempDir()
		for i := range sessions {
			fill(t, filepath.Join(root, fmt.Sprint("user", i)), messages)
		}
		socket := filepath.Join(root, "socket")
		child := startRole(t, root, socket)
		users := make([]*quitter, sessions)
		var wg sync.WaitGroup
		for i := range users {
			users[i] = &quitter{user: fmt.Sprint("user", i)}
			wg.Go(func() { users[i].mark(t, socket, messages) })
		}
		wg.Wait()
		for _, u := range users {
			u.say(t, "QUIT")
		}
		// So few have read their answer when all are cut.
		for _, u := range users[:kill%4] {
			u.answered = strings.HasPrefix(u.line(), "+OK")
		}
		require.NoError(t, child.Process.Kill())
		_ = child.Wait() // it was killed
		for _, u := range users {
			u.answered = u.answered || strings.HasPrefix(u.line(), "+OK")
			outcomes[u.check(t, root, messages)]++
			require.NoError(t, u.nc.Close())
		}
	}
	t.Log(outcomes)
}

// fill makes a Maildir of messages that tell their numbers.
func fill(t *testing.T, path string, messages int) {
	t.Helper()
	for _, dir := range []string{"tmp", "new", "cur"} {
		require.NoError(t, os.MkdirAll(filepath.Join(path, dir), 0o700))
	}
	for n := range messages {
		name := filepath.Join(path, "new", fmt.Sprintf("%d.a.test", 1_700_000_001+n))
		require.NoError(t, os.WriteFile(name, []byte(messageText(n+1)), 0o600))
	}
}

func messageText(n int) string {
	return fmt.Sprintf("Subject: %d\n\n%s", n, strings.Repeat(fmt.Sprintln("text of", n), 50))
}

// quitter is a client that deletes the messages of even numbers.
type quitter struct {
	user     string
	nc       net.Conn
	r        *bufio.Reader
	answered bool // by +OK to QUIT
}

func (q *quitter) say(t *testing.T, line string) {
	if _, err := io.WriteString(q.nc, line+"\r\n"); err != nil {
		t.Error(err)
	}
}

// line is what the server says, or nothing when it is gone.
func (q *quitter) line() string {
	line, _ := q.r.ReadString('\n')
	return line
}

func (q *quitter) mark(t *testing.T, socket string, messages int) {
	nc, err := net.Dial("unix", socket)
	if err != nil {
		t.Error(err)
		return
	}
	q.nc, q.r = nc, bufio.NewReader(nc)
	commands := []string{"USER " + q.user, "PASS x"}
	for n := 2; n <= messages; n += 2 {
		commands = append(commands, fmt.Sprint("DELE ", n))
	}
	q.say(t, strings.Join(commands, "\r\n"))
	for range len(commands) + 1 {
		if line := q.line(); !strings.HasPrefix(line, "+OK") {
			t.Errorf("%s: %q", q.user, line)
		}
	}
}

// check looks at what is left, by a store that knows nothing of before, and says how
// far the session came.
func (q *quitter) check(t *testing.T, root string, messages int) string {
	s := &maildrop.Maildir{Root: root}
	m, list := openDrop(t, s, &auth.Identity{User: q.user, Name: q.user})
	there := map[string]bool{}
	for _, info := range list {
		r, err := m.Message(t.Context(), info)
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		there[strings.ReplaceAll(string(text), "\r\n", "\n")] = true
	}
	require.Len(t, there, len(list))
	marked := 0
	for n := 1; n <= messages; n++ {
		ok := there[messageText(n)]
		delete(there, messageText(n))
		if n%2 == 1 {
			require.True(t, ok, "%s: message %d was not marked, and is lost", q.user, n)
		} else if ok {
			marked++
		}
	}
	require.Empty(t, there)
	switch {
	case q.answered:
		require.Zero(t, marked, "%s has read +OK", q.user)
		return "answered"
	case marked == messages/2:
		return "nothing removed"
	case marked > 0:
		return "some removed"
	}
	return "removed, not answered"
}

// TestDeliveryBesideSessions has processes deliver to a maildrop while a client fetches and
// deletes, session after session: each message is fetched once, whole.
func TestDeliveryBesideSessions(t *testing.T) {
	if role := roleOf(); len(role) > 0 {
		fmt.Println("ready")
		s := &maildrop.Maildir{Root: role[0]}
		for i := range 1000 {
			if fmt.Sprint(i) == role[2] {
				return
			}
			_, err := s.Deliver(t.Context(), "alice", strings.NewReader(beside(role[1], i)))
			require.NoError(t, err)
		}
		return
	}
	t.Parallel()
	processes, each := 4, 100
	if testing.Short() {
		processes, each = 2, 20
	}
	root := t.TempDir()
	var running sync.WaitGroup
	for p := range processes {
		child := startRole(t, root, fmt.Sprint(p), fmt.Sprint(each))
		running.Go(func() {
			if err := child.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	delivered := make(chan struct{})
	go func() { defer close(delivered); running.Wait() }()
	srv, ln := testServer(root), testnet.NewListener()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	fetched, uids, sessions := map[string]int{}, map[string]bool{}, 0
	for last := false; ; sessions++ {
		select {
		case <-delivered:
			last = true
		default:
		}
		n := fetchAndDelete(t, ln, fetched, uids)
		if last && n == 0 {
			break
		}
	}
	require.NoError(t, srv.Shutdown(t.Context()))
	require.Equal(t, pop3.ErrServerClosed, <-served)
	require.Len(t, uids, processes*each)
	for p := range processes {
		for i := range each {
			require.Equal(t, 1, fetched[beside(fmt.Sprint(p), i)], "message %d of process %d", i, p)
		}
	}
	require.Len(t, fetched, processes*each)
	t.Log(sessions, "sessions")
}

func beside(process string, i int) string {
	return fmt.Sprintf("Subject: %s %d\r\n\r\n%s", process, i, strings.Repeat("text\r\n", i))
}

// fetchAndDelete is a session that takes all there is.
func fetchAndDelete(t *testing.T, ln *testnet.Listener, fetched map[string]int, uids map[string]bool) int {
	t.Helper()
	nc, err := ln.Dial(t.Context())
	require.NoError(t, err)
	c, err := pop3.NewClient(t.Context(), nc, "pop.test", &pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Auth: auth.InsecurePassword("alice", "x")})
	require.NoError(t, err)
	defer c.Close()
	list, err := c.UIDL(t.Context())
	require.NoError(t, err)
	var nums []int
	for _, m := range list {
		require.False(t, uids[m.UID], "unique-id %q again", m.UID)
		uids[m.UID] = true
		nums = append(nums, m.Num)
	}
	for m, err := range c.Fetch(t.Context(), nums) {
		require.NoError(t, err)
		text, err := io.ReadAll(m)
		require.NoError(t, err)
		fetched[string(text)]++
	}
	require.NoError(t, c.Dele(t.Context(), nums...))
	require.NoError(t, c.Quit(t.Context()))
	return len(nums)
}

// TestUniqueIDsOverRestarts: a message has the same unique-id through 100 restarts of
// the server, wherever mail readers move it and from whatever copy it is restored, and
// no other message ever has it.
func TestUniqueIDsOverRestarts(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-7-14", "rfc1939-7-15")
	root := t.TempDir()
	fill(t, filepath.Join(root, "alice"), 5)
	texts, numbers := map[string]string{}, 0
	for restart := range 100 {
		srv, ln := testServer(root), testnet.NewListener()
		served := make(chan error, 1)
		go func() { served <- srv.Serve(ln) }()
		nc, err := ln.Dial(t.Context())
		require.NoError(t, err)
		c, err := pop3.NewClient(t.Context(), nc, "pop.test", &pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Auth: auth.InsecurePassword("alice", "x")})
		require.NoError(t, err)
		list, err := c.UIDL(t.Context())
		require.NoError(t, err)
		for _, m := range list {
			body, err := c.Retr(t.Context(), m.Num)
			require.NoError(t, err)
			text, err := io.ReadAll(body)
			require.NoError(t, err)
			if had, ok := texts[m.UID]; ok {
				require.Equal(t, had, string(text), "restart %d: unique-id %q", restart, m.UID)
			}
			texts[m.UID] = string(text)
		}
		if restart%3 == 0 {
			require.NoError(t, c.Dele(t.Context(), 1))
		}
		require.NoError(t, c.Quit(t.Context()))
		require.NoError(t, srv.Shutdown(t.Context()))
		require.Equal(t, pop3.ErrServerClosed, <-served)

		switch restart % 3 {
		case 0:
			_, err := (&maildrop.Maildir{Root: root}).Deliver(t.Context(), "alice", strings.NewReader(fmt.Sprint("new ", restart)))
			require.NoError(t, err)
			numbers++
		case 1:
			reflag(t, filepath.Join(root, "alice"), fmt.Sprintf("%c", 'a'+restart%26))
		case 2:
			restored := t.TempDir()
			require.NoError(t, os.CopyFS(restored, os.DirFS(root)))
			root = restored
		}
	}
	require.Len(t, texts, 5+numbers-1, "of the last one nobody has asked")
}

// reflag gives all messages a flag, as a mail reader does.
func reflag(t *testing.T, path, flags string) {
	t.Helper()
	d, err := maildir.Open(path)
	require.NoError(t, err)
	defer d.Close()
	entries, err := d.List(t.Context())
	require.NoError(t, err)
	for _, e := range entries {
		_, err := d.SetFlags(t.Context(), e, flags)
		require.NoError(t, err)
	}
}
