package smtptest

import (
	"bufio"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// failing says that this process runs TestServeFails for TestServe.
const failing = "SMTPTEST_SERVE_FAILS"

// TestServe runs a test that fails, in a process of its own with the flag, and
// finds its server alive.
func TestServe(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeFails$", "-smtptest.serve=127.0.0.1:0")
	cmd.Env = append(os.Environ(), failing+"=1")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	_, rest, found := strings.Cut(line, "TestServeFails has failed; its server stays at ")
	require.True(t, found, "%q", line)
	addr, _, _ := strings.Cut(rest, " ")

	c, err := smtp.Dial(t.Context(), addr, &smtp.ClientConfig{TLS: smtp.InsecureNoTLS})
	require.NoError(t, err)
	_, err = c.Send(t.Context(), envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
	require.NoError(t, err)
	require.NoError(t, c.Quit(t.Context()))
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	require.Equal(t, 1, exit.ExitCode())
}

func TestServeFails(t *testing.T) {
	if os.Getenv(failing) == "" {
		require.Nil(t, flag.Lookup(serveName), "no flag unless somebody uses it")
		return
	}
	NewServer(t)
	t.Fail()
}
