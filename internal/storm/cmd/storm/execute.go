package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// options say how targets are executed.
type options struct {
	count  int           // how often; 0: for span
	span   time.Duration // how long, if count is 0
	fuzzer bool          // by the fuzzer of package testing
	jobs   int
}

// result is what became of a target.
type result struct {
	target target
	times  int
	in     time.Duration
	err    error
}

func (r result) String() string {
	name := "`" + r.target.pkg.path[strings.LastIndex(r.target.pkg.path, "/")+1:] + "." + r.target.name + "`"
	if r.err != nil {
		return fmt.Sprintf("| %s | failed |\n\n%v\n", name, r.err)
	}
	return fmt.Sprintf("| %s | %d | %.0f |", name, r.times, float64(r.times)/r.in.Seconds())
}

// execute executes targets, several at a time, and hands each result on as it comes.
func (o options) execute(targets []target) <-chan result {
	out := make(chan result)
	next := make(chan target)
	tests := binaries{dir: filepath.Join(os.TempDir(), "storm."+strconv.Itoa(os.Getpid())), of: map[*listed]*binary{}}
	var wg sync.WaitGroup
	jobs := max(o.jobs, 1)
	if o.fuzzer {
		jobs = 1
	}
	for range jobs {
		wg.Go(func() {
			for t := range next {
				out <- o.one(t, &tests)
			}
		})
	}
	go func() {
		for _, t := range targets {
			next <- t
		}
		close(next)
		wg.Wait()
		if err := os.RemoveAll(tests.dir); err != nil {
			fmt.Fprintln(os.Stderr, "storm:", err)
		}
		close(out)
	}()
	return out
}

func (o options) one(t target, tests *binaries) result {
	if o.fuzzer {
		return o.byFuzzer(t)
	}
	file, err := tests.build(t.pkg)
	if err != nil {
		return result{target: t, err: err}
	}
	args := []string{"-test.run", "^" + t.name + "$", "-test.timeout", "0", "-storm.corpus", cache(t.pkg)}
	if o.count > 0 {
		args = append(args, "-storm", strconv.Itoa(o.count))
	} else {
		args = append(args, "-storm.time", o.span.String())
	}
	cmd := exec.Command(file, args...)
	cmd.Dir = t.pkg.dir
	return t.result(cmd, stormSays)
}

func (o options) byFuzzer(t target) result {
	span := o.span.String()
	if o.count > 0 {
		span = strconv.Itoa(o.count) + "x"
	}
	cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", span, ".")
	cmd.Dir = t.pkg.dir
	return t.result(cmd, fuzzerSays)
}

// What tells the number of executions, and the time they took.
var (
	stormSays  = regexp.MustCompile(`storm: \w+: (\d+) executions in (\S+)`)
	fuzzerSays = regexp.MustCompile(`elapsed: (\S+), execs: (\d+)`)
)

func (t target) result(cmd *exec.Cmd, says *regexp.Regexp) result {
	text, err := cmd.CombinedOutput()
	r := result{target: t}
	if err != nil && bytes.Contains(text, []byte("flag provided but not defined: -storm")) {
		r.err = errors.New("not made by storm.New: only the fuzzer can execute it")
		return r
	}
	if err != nil {
		r.err = fmt.Errorf("%w\n%s", err, text)
		return r
	}
	told := says.FindAllStringSubmatch(string(text), -1)
	if told == nil {
		r.err = fmt.Errorf("no count of executions: not made by storm.New?\n%s", text)
		return r
	}
	last := told[len(told)-1]
	times, in := last[1], last[2]
	if says == fuzzerSays {
		times, in = in, times
	}
	if r.times, err = strconv.Atoi(times); err == nil {
		r.in, err = time.ParseDuration(in)
	}
	r.err = err
	return r
}

// cache is the folder in which the fuzzer keeps what it has found.
var cacheRoot = sync.OnceValue(func() string {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return "" // and there is no corpus
	}
	return strings.TrimSpace(string(out))
})

func cache(pkg *listed) string {
	return filepath.Join(cacheRoot(), "fuzz", filepath.FromSlash(pkg.path))
}

// binaries are the tests of packages, each built when the first of its targets is executed.
type binaries struct {
	dir string
	mu  sync.Mutex
	of  map[*listed]*binary
}

type binary struct {
	once sync.Once
	err  error
}

func (b *binaries) build(pkg *listed) (file string, err error) {
	b.mu.Lock()
	test := b.of[pkg]
	if test == nil {
		test = new(binary)
		b.of[pkg] = test
	}
	b.mu.Unlock()
	file = filepath.Join(b.dir, strings.ReplaceAll(pkg.path, "/", "_")+".test")
	test.once.Do(func() {
		if out, err := exec.Command("go", "test", "-c", "-o", file, pkg.path).CombinedOutput(); err != nil {
			test.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	return file, test.err
}
