package peers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/internal/bench/parsing"
	"github.com/posthouse/posthouse/internal/bench/proc"
)

// Posthouse is the name of the contestant that this module is.
const Posthouse = "posthouse"

// roleEnv tells a child process which contestant it is: a kind, a name, and
// what that kind needs.
const roleEnv = "BENCH_ROLE"

// Main makes a process that was started as a contestant one, and then does not
// return. In any other process it does nothing.
func Main() {
	role := strings.Fields(os.Getenv(roleEnv))
	if len(role) == 0 {
		return
	}
	stop, err := profile(role)
	if err == nil {
		err = play(role[0], role[1], role[2:])
		stop()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s %s: %v\n", role[0], role[1], err)
		os.Exit(1)
	}
	os.Exit(0)
}

func play(kind, name string, args []string) error {
	switch kind {
	case "smtp-server":
		return playSMTPServer(name, len(args) > 0)
	case "pop3-server":
		return playServer(func(ln net.Listener) { servePOP3(ln, args[0]) })
	case "smtp-client":
		return playClient(goClients[name])
	case "parser":
		if parse := parsing.Parsers[name]; parse != nil {
			runtime.GOMAXPROCS(1) // all that it costs is to be work
			return playClient(parseFolder(parse))
		}
	case "pop3-client":
		return playClient(retrieveAll)
	}
	return fmt.Errorf("no such role")
}

// start starts this program as a contestant.
func start(ctx context.Context, role ...string) (*proc.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return proc.Start(ctx, []string{roleEnv + "=" + strings.Join(role, " ")}, self)
}

// Server is a server that runs.
type Server struct {
	*proc.Process
	Addr   string
	counts bool // it can count what is in its process
}

// startServer starts this program as a server.
func startServer(ctx context.Context, role ...string) (*Server, error) {
	p, err := start(ctx, role...)
	if err != nil {
		return nil, err
	}
	addr, err := p.Line()
	if err != nil {
		p.Stop()
		return nil, err
	}
	return &Server{Process: p, Addr: addr, counts: true}, nil
}

// Allocations returns how many objects the server has allocated so far; zero if
// it cannot say.
func (s *Server) Allocations() (int64, error) { return s.count("allocations") }

// Goroutines returns how many the server has; zero if it cannot say.
func (s *Server) Goroutines() (int64, error) { return s.count("goroutines") }

// Heap returns the octets in use on the server's heap, once it has collected its
// garbage and given the memory back; zero if it cannot say.
func (s *Server) Heap() (int64, error) { return s.count("heap") }

func (s *Server) count(what string) (int64, error) {
	if !s.counts {
		return 0, nil
	}
	answer, err := s.Ask(what)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(answer, 10, 64)
}

// playServer serves until its standard input ends, and counts what is named by each line
// there.
func playServer(serve func(ln net.Listener)) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go serve(ln)
	fmt.Println(ln.Addr())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		switch in.Text() {
		case "goroutines":
			fmt.Println(runtime.NumGoroutine())
		case "heap":
			runtime.GC() // what a sync.Pool holds survives the first
			debug.FreeOSMemory()
			fmt.Println(memory().HeapAlloc)
		default:
			fmt.Println(allocations())
		}
	}
	return in.Err()
}

func allocations() uint64 { return memory().Mallocs }

func memory() (m runtime.MemStats) {
	runtime.ReadMemStats(&m)
	return m
}

// installed reports whether a program is on this machine.
func installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}
