package program

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main runs a program under a context that SIGINT and SIGTERM cancel. An error
// is printed after the program's name, and ends it with exit status 1.
func Main(name string, run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Ready prints the one line of JSON that says where a program listens.
func Ready(names map[string]string) error {
	return json.NewEncoder(os.Stdout).Encode(names)
}
