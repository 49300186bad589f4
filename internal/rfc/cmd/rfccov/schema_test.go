package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

const program = `package main

import "fmt"

var word = "one"

var pair = [...]int{1, 2}

const number = 1

type box struct{ n int }

func (b *box) add(ns ...int) (int, error) {
	for _, n := range ns {
		b.n += n
	}
	return b.n, nil
}

func say(string) { fmt.Println(word) }

func main() {
	b := new(box)
	fmt.Println(b.add(pair[:]...))
	say(word)
}
`

// TestSchema builds a program with several mutants in it, and runs it with each.
func TestSchema(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("main.go", []byte(program), 0o600))
	require.NoError(t, os.WriteFile("go.mod", []byte("module example.org/x\n\ngo 1.26\n"), 0o600))
	s := &schema{dir: t.TempDir(), files: map[string]*patched{}, mutants: map[int]rfc.Mutant{}}
	mutant := func(before, after string) rfc.Mutant { return rfc.Mutant{File: "main.go", Old: before, New: after} }
	require.True(t, s.add(1, mutant("b.n += n", "b.n -= n")))
	require.True(t, s.add(2, mutant(`"one"`, `"two"`)))
	require.True(t, s.add(3, mutant("return b.n, nil", "return 7, nil")))
	require.True(t, s.add(4, mutant("return b.n, nil", "return b.m, nil")), "does not compile, which is found out later")
	require.False(t, s.add(5, mutant("= 1", "= 2")), "in a constant")
	require.False(t, s.add(6, mutant("fmt.Println(word)", "fmt.Println()")), "a parameter without a name")
	require.False(t, s.add(7, mutant("return b.n, nil", "return )")), "is not Go")
	require.False(t, s.add(8, mutant("not there", "")))
	require.True(t, s.add(9, mutant("{1, 2}", "{1, 2, 3}")), "of another type, which is found out later")

	build := func() ([]byte, map[string]map[int]int, error) {
		overlay, owners, err := s.write()
		require.NoError(t, err)
		said, err := exec.Command("go", "build", "-overlay="+overlay, "-o", "x.bin", ".").CombinedOutput()
		return said, owners, err
	}
	said, owners, err := build()
	for err != nil {
		require.True(t, s.dropFailed(said, owners), "%s", said)
		said, owners, err = build()
	}
	require.NotContains(t, s.mutants, 4)
	require.NotContains(t, s.mutants, 9)
	require.Len(t, s.mutants, 3)
	for n, want := range map[string]string{"0": "3 <nil>\none\n", "1": "-3 <nil>\none\n", "2": "3 <nil>\ntwo\n", "3": "7 <nil>\none\n"} {
		cmd := exec.Command("./x.bin")
		cmd.Env = append(os.Environ(), variable+"="+n)
		out, err := cmd.Output()
		require.NoError(t, err)
		require.Equal(t, want, string(out), n)
	}
}
