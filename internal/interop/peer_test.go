package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience is how long anything may take. It is for what hangs: on a machine whose disk
// is busy, a program that syncs each file takes minutes.
const patience = 10 * time.Minute

// need skips the test where a program is not installed, and where tests are to be short.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("short: no other programs are run")
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: run internal/interop/install", program)
		}
	}
}

// needPerl skips the test where Perl lacks a module.
func needPerl(t *testing.T, modules ...string) {
	t.Helper()
	need(t, "perl")
	for _, module := range modules {
		if exec.Command("perl", "-M"+module, "-e", "1").Run() != nil {
			t.Skipf("Perl's %s is not installed: run internal/interop/install", module)
		}
	}
}

// needNode skips the test where a package of npm is not in the folder node.
func needNode(t *testing.T, pkg string) {
	t.Helper()
	need(t, "node")
	if _, err := os.Stat(filepath.Join("node", "node_modules", pkg)); err != nil {
		t.Skipf("%s is not installed: run internal/interop/install", pkg)
	}
}

// run runs a program to its end, at home in a folder of its own. What it says is in
// the error when it fails.
func run(t *testing.T, home string, cmd ...string) error {
	t.Helper()
	_, err := output(t, home, cmd...)
	return err
}

// output is run for a program whose output counts.
func output(t *testing.T, home string, cmd ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, cmd[0], cmd[1:]...)
	c.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C.UTF-8")
	c.WaitDelay = time.Second
	out, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", cmd[0], err, out)
	}
	return out, err
}
