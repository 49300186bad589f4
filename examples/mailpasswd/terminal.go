package main

import (
	"errors"
	"os"
	"os/exec"
)

// isTerminal reports whether somebody types.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&(os.ModeDevice|os.ModeCharDevice) == os.ModeDevice|os.ModeCharDevice && info.Name() != "null"
}

// hideInput keeps what is typed from being shown, by stty(1). Where there is none, a
// password can still come by a pipe.
func hideInput(in *os.File) (restore func(), err error) {
	if !isTerminal(in) {
		return func() {}, nil
	}
	if err := stty(in, "-echo"); err != nil {
		return nil, errors.Join(errors.New("cannot hide the password: give it on standard input, not by a terminal"), err)
	}
	return func() { _ = stty(in, "echo") }, nil
}

func stty(in *os.File, what string) error {
	cmd := exec.Command("stty", what)
	cmd.Stdin = in
	return cmd.Run()
}
