package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// MaxDescriptors returns how many descriptors a process may have open, after it has tried
// to allow that many. The runtime of Go asks for all that is allowed by itself.
func MaxDescriptors(want int) (int, error) {
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(want), Max: uint64(want)}) // root may; then children have it too
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(limit.Max), nil
}

// stopTimeout is how long a process may take to end when it is told to.
const stopTimeout = 10 * time.Second

// Process is a running program. It is used by one goroutine.
type Process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Start runs a program until Stop is called or ctx ends. What it writes to its
// standard error is ours.
func Start(ctx context.Context, env []string, name string, args ...string) (*Process, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{cmd, in, bufio.NewReader(out)}, nil
}

// Line returns the next line that the process prints.
func (p *Process) Line() (string, error) {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s: %w", p.cmd.Path, err)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// Ask sends a line and returns the line that comes back.
func (p *Process) Ask(question string) (answer string, err error) {
	if _, err := io.WriteString(p.in, question+"\n"); err != nil {
		return "", fmt.Errorf("%s: %w", p.cmd.Path, err)
	}
	return p.Line()
}

// CPU returns what the process and its descendants have taken so far.
func (p *Process) CPU() (time.Duration, error) { return CPU(p.cmd.Process.Pid) }

// Resident returns the octets of memory of the process and its descendants.
func (p *Process) Resident() (int64, error) { return Resident(p.cmd.Process.Pid) }

// Descriptors returns how many the process has open.
func (p *Process) Descriptors() (int64, error) {
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return int64(len(names)), err
}

// Stop ends the process and waits for that.
func (p *Process) Stop() error {
	p.in.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	kill := time.AfterFunc(stopTimeout, func() { p.cmd.Process.Kill() })
	defer kill.Stop()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // by our signal
	}
	return err
}

// Run runs a program to its end, and tells the time it took: of the processor,
// and of the clock.
func Run(ctx context.Context, name string, args ...string) (cpu, wall time.Duration, err error) {
	cmd := exec.CommandContext(ctx, name, args...)
	start := time.Now()
	output, err := cmd.CombinedOutput()
	wall = time.Since(start)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w: %s", name, err, output)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), wall, nil
}
