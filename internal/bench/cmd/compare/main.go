// Command compare measures this module beside its peers in one run:
//
//	go run ./cmd/compare
//	go run ./cmd/compare -only smtp-server,message -rounds 9
//
// It prints one table in Markdown, with the machine, the versions and the commit above
// it. Every contestant is a process of its own on the loopback interface and does the
// same work; the rounds are interleaved; a cost is the processor time, user and system,
// of the contestant's process and its children, or what the row names instead.
// Contestants that are not on the machine are named and left out; the script install of
// internal/interop installs them. Run it on a machine that does nothing else.
//
// Where the time goes, profiles tell: with BENCH_PROFILE=DIR in the environment each
// contestant in Go writes one there, for go tool pprof.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// groups are what can be asked for.
var groups = []struct {
	name string
	run  func(context.Context, *course) error
}{
	{"smtp-server", smtpServers},
	{"smtp-client", smtpClients},
	{"pop3-server", pop3Servers},
	{"pop3-client", pop3Clients},
	{"idle", idle},
	{"message", messages},
}

// course is where the races are run.
type course struct {
	rounds int
	works  *regexp.Regexp // only races whose work it matches are run
}

// run runs a race and prints its rows.
func (c *course) run(r *race.Race) error {
	if !c.works.MatchString(r.Work) {
		return nil
	}
	_, err := r.Run(c.rounds).WriteTo(os.Stdout)
	return err
}

func main() {
	peers.Main()
	peers.FindNodePackages()
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	only := flag.String("only", strings.Join(names, ","), "`groups` of races to run")
	works := flag.String("run", "", "only races whose work this `expression` matches")
	rounds := flag.Int("rounds", 5, "rounds of each race that count")
	flag.Parse()
	if err := compare(strings.Split(*only, ","), *works, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(only []string, works string, rounds int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	expression, err := regexp.Compile(works)
	if err != nil {
		return err
	}
	c := &course{rounds: max(1, rounds), works: expression}
	start := time.Now()
	describe(c.rounds)
	fmt.Print(race.Header)
	for _, g := range groups {
		if !slices.Contains(only, g.name) {
			continue
		}
		if err := g.run(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	fmt.Printf("\nTook %v.\n", time.Since(start).Round(time.Second))
	return nil
}

// describe prints what was measured, and where.
func describe(rounds int) {
	fmt.Printf("Medians of %d rounds, %s, %d processors (%s), load %s, %s, commit %s.\n",
		rounds, time.Now().UTC().Format("2006-01-02 15:04 MST"), runtime.NumCPU(), processor(), loadAverage(), runtime.Version(), commit())
	found, missing := versions()
	fmt.Printf("Beside: %s.\n", strings.Join(found, ", "))
	if len(missing) > 0 {
		fmt.Printf("Not on this machine, and left out: %s.\n", strings.Join(missing, ", "))
	}
	fmt.Println()
}

// versions are those of the peers, and which of them are missing.
func versions() (found, missing []string) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(libraries, m.Path) {
				found = append(found, m.Path+" "+m.Version)
			}
		}
	}
	for _, program := range [][]string{
		{"postfix", "postconf", "-d", "-h", "mail_version"},
		{"dovecot", "dovecot", "--version"},
		{"mpop", "mpop", "--version"},
		{peers.Nodemailer, "node", "-p", "require('nodemailer/package.json').version"},
	} {
		if v := peers.Version(program[1], program[2:]...); v != "" {
			found = append(found, program[0]+" "+strings.TrimPrefix(v, program[0]+" version "))
		} else {
			missing = append(missing, program[0])
		}
	}
	if v := peers.GMimeVersion(); v != "" {
		found = append(found, "gmime "+v)
	} else {
		missing = append(missing, "gmime")
	}
	return found, missing
}

// libraries are the modules of the contestants in Go.
var libraries = []string{
	"github.com/emersion/go-message", "github.com/emersion/go-smtp", "github.com/jhillyerd/enmime/v2", "github.com/wneessen/go-mail",
}

func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

func commit() string {
	output, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(output))
}
