package host_test

import (
	"bufio"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// rawData sends octets as the data of a message and returns the reply.
func rawData(t *testing.T, addr string, login bool, octets string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer nc.Close()
	r := bufio.NewReader(nc)
	hear := func() (line string) {
		for {
			line, err = r.ReadString('\n')
			require.NoError(t, err)
			if line[3] == ' ' {
				return line
			}
		}
	}
	hear()
	say := []string{"EHLO client.example.test", "MAIL FROM:<a@elsewhere.test>", "RCPT TO:<bob@example.test>", "DATA"}
	if login {
		say = append(say[:1:1], append([]string{"AUTH PLAIN AGJvYgBi"}, say[1:]...)...) // bob, b
	}
	for _, line := range say {
		fmt.Fprintf(nc, "%s\r\n", line)
		require.Contains(t, "23", hear()[:1], line)
	}
	_, err = nc.Write([]byte(octets))
	require.NoError(t, err)
	return hear()
}
