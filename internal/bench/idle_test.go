package bench

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// serveEnv names the contestant that a child process of this test serves.
const serveEnv = "BENCH_SERVE"

func TestMain(m *testing.M) {
	if name := os.Getenv(serveEnv); name != "" {
		serveAsChild(name)
		return
	}
	os.Exit(m.Run())
}

// serveAsChild serves until its standard input ends.
func serveAsChild(name string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	i := slices.IndexFunc(smtpServers, func(c contestant) bool { return c.name == name })
	stop := smtpServers[i].serve(ln)
	fmt.Println(ln.Addr())
	var one [1]byte
	os.Stdin.Read(one[:])
	stop()
}

// BenchmarkIdle reports the resident memory a connection costs a server process
// once it has said EHLO and waits: KB/conn, at 5,000 connections.
func BenchmarkIdle(b *testing.B) {
	const conns = 5000
	for _, c := range smtpServers {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				kb, err := idle(b, c.name, conns)
				if err != nil {
					b.Skip(err)
				}
				b.ReportMetric(kb/conns, "KB/conn")
			}
		})
	}
}

func idle(b *testing.B, name string, conns int) (kb float64, err error) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), serveEnv+"="+name)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := child.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := child.Start(); err != nil {
		return 0, err
	}
	defer func() {
		in.Close()
		child.Wait()
	}()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return 0, err
	}
	before, err := resident(child.Process.Pid)
	if err != nil {
		return 0, err
	}
	for range conns {
		s := dial(b, strings.TrimSpace(addr))
		s.r = nil // this side's memory is not measured, but it is not free
		defer s.Close()
	}
	after, err := resident(child.Process.Pid)
	return after - before, err
}

// resident returns the resident set of a process in KB.
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			return strconv.ParseFloat(f[1], 64)
		}
	}
	return 0, fmt.Errorf("no VmRSS for process %d", pid)
}
