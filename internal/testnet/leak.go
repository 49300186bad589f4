package testnet

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// leakWait is how long goroutines have to end when all tests have.
const leakWait = 10 * time.Second

// Main runs the tests of a package for its TestMain, and fails when goroutines of this
// module are left behind:
//
//	func TestMain(m *testing.M) { testnet.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := leftBehind(leakWait); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "FAIL: %d goroutines left behind\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// leftBehind returns the stacks of the goroutines, besides the caller's, that are in
// code of this module and still are when so much time has passed.
func leftBehind(wait time.Duration) []string {
	for pause, until := time.Millisecond, time.Now().Add(wait); ; pause *= 2 {
		left := ours(stacks())
		if len(left) == 0 || time.Now().After(until) {
			return left
		}
		<-time.After(pause)
	}
}

// stacks returns the stack of each goroutine, that of the caller first.
func stacks() []string {
	for size := 64 << 10; ; size *= 2 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size {
			return strings.Split(string(b[:n]), "\n\n")
		}
	}
}

func ours(stacks []string) (left []string) {
	for _, stack := range stacks[1:] {
		if strings.Contains(stack, "github.com/posthouse/posthouse/") {
			left = append(left, stack)
		}
	}
	return left
}
