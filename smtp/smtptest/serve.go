package smtptest

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

const serveName = "smtptest.serve"

// serveAddr is where the servers of failing tests stay. As in httptest the flag
// is there only for those who use it, so that programs that import this package
// do not have it among theirs.
var serveAddr = serveFlag(os.Args[1:])

func serveFlag(args []string) *string {
	for _, arg := range args {
		if strings.HasPrefix(strings.TrimLeft(arg, "-"), serveName+"=") {
			return flag.String(serveName, "", "keep the server of a failing test at this `address` until interrupted")
		}
	}
	return new(string)
}

// linger keeps the server of a test that has failed, if that is asked for, until
// somebody has seen enough of it.
func (s *Server) linger() {
	if *serveAddr == "" || s.Memory || !s.t.Failed() {
		return
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	// The test's log comes to light only when the test has ended.
	fmt.Fprintf(os.Stderr, "smtptest: %s has failed; its server stays at %s until interrupted\n", s.t.Name(), s.Addr)
	<-interrupted
}
