package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// binary is the test binary of a package, with one mutant or a schema of many in it.
type binary struct {
	name, pkg, dir string
	baseline       *outcome // of a schema while none of its mutants is chosen
}

// newBinary says where the tests of a package are built to, and where they run.
func newBinary(pkg, name string) (*binary, error) {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", pkg, err)
	}
	return &binary{name: name, pkg: pkg, dir: strings.TrimSpace(string(dir))}, nil
}

// build builds the tests with an overlay in place.
func (b *binary) build(overlay string) (said []byte, err error) {
	return exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-w", "-gcflags=-e", "-overlay="+overlay, "-o", b.name, b.pkg).CombinedOutput()
}

// run runs the named tests with mutant n of the schema in place, until they end or hang.
func (b *binary) run(n int, tests []string) (*outcome, error) {
	var out bytes.Buffer
	cmd := exec.Command(b.name, "-test.v=test2json", "-test.short", "-test.timeout="+timeout, "-test.run="+pattern(tests))
	cmd.Dir, cmd.Stdout = b.dir, &out
	cmd.Env = append(os.Environ(), variable+"="+strconv.Itoa(n))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := watch(cmd.Process)
	_ = cmd.Wait() // how the tests went is in what they said
	stop()
	convert := exec.Command("go", "tool", "test2json", "-p", b.pkg)
	convert.Stdin = &out
	events, err := convert.Output()
	if err != nil {
		return nil, fmt.Errorf("go tool test2json: %w", err)
	}
	o, err := readOutcome(events)
	if err == nil {
		o.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return o, err
}

// A mutant may well make a test hang. Whether it does the processor time tells: on a busy
// machine the clock says little.
const (
	timeout  = "10m" // where the processor time is not known
	patience = 5 * time.Second
	idle     = 50 * time.Millisecond // of processor time within that
	mostWork = time.Minute           // of processor time in all
)

// watch kills a process that does nothing any more, or works on and on, until stop is
// called.
func watch(p *os.Process) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(patience)
		defer tick.Stop()
		before := -idle
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			worked, ok := processorTime(p.Pid)
			if !ok {
				return
			}
			if worked-before < idle || worked > mostWork {
				_ = p.Kill() // it may have ended meanwhile
				return
			}
			before = worked
		}
	}()
	return func() { close(done) }
}

// processorTime returns how long a process has worked, where Linux tells it.
func processorTime(pid int) (time.Duration, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	return parseStat(string(text))
}

// parseStat reads the 14th and 15th field of proc_pid_stat(5), in hundredths of a
// second. The second is a name in parentheses with anything in it.
func parseStat(text string) (time.Duration, bool) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, false
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, err1 == nil && err2 == nil
}
