package message

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// sharedData returns the path of a collection of test data beside the repository;
// without it the test is skipped.
func sharedData(t testing.TB, elem ...string) string {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(name); err != nil {
		t.Skip("no test collections beside the repository")
	}
	return name
}

// readJSON reads a file with answers.
func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v), name)
}

// score compares field by field with the answers of a collection. Each difference must
// be among the known ones, which say why it is one: other parsers are no norm.
type score struct {
	t            testing.TB
	known        map[string]string // key of a field, as a pattern -> why we read it otherwise
	met          map[string]bool   // those of known that are differences indeed
	equal, total int
	least        int // of 100 fields, so many must be equal
}

func newScore(t testing.TB, known map[string]string) *score {
	return &score{t: t, known: known, met: make(map[string]bool), least: 97}
}

// field compares one field, and reports whether it is equal.
func (s *score) field(key string, want, got any) bool {
	s.t.Helper()
	s.total++
	w, g := show(want), show(got)
	if w == g {
		s.equal++
		return true
	}
	for known := range s.known {
		if ok, _ := path.Match(known, key); ok {
			s.met[known] = true
			return false
		}
	}
	s.t.Errorf("%s:\nwant %.400s\n got %.400s", key, w, g)
	return false
}

// finish demands that enough fields are equal and that each known difference is there.
func (s *score) finish() {
	s.t.Helper()
	s.t.Logf("%d of %d fields equal, %d known differences", s.equal, s.total, len(s.met))
	require.NotZero(s.t, s.total)
	if 100*s.equal < s.least*s.total {
		s.t.Errorf("only %d of %d fields are equal", s.equal, s.total)
	}
	for key, why := range s.known {
		if !s.met[key] {
			s.t.Errorf("%s is no difference: %s", key, why)
		}
	}
}

// filesBelow returns the files below root with that extension, in order.
func filesBelow(t testing.TB, root, ext string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(name) == ext {
			files = append(files, name)
		}
		return err
	})
	require.NoError(t, err)
	slices.Sort(files)
	return files
}

// show writes strings quoted and all else plain.
func show(v any) string {
	switch v.(type) {
	case string, []string:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}
