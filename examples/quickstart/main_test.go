package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

func TestOwnLetter(t *testing.T) {
	t.Parallel()
	letter, err := ownLetter()
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, tell(t.Context(), &out, letter))
	for _, want := range []string{
		"S: 530 5.7.0", // the stranger
		"C: AUTH SCRAM-SHA-512-PLUS ***",
		"Fahrplan für März.csv",
		"multipart/alternative",
		"C: DELE 1",
		"Everything that was promised came true.",
	} {
		require.Contains(t, out.String(), want)
	}
	require.NotContains(t, out.String(), alicePassword)
	require.NotContains(t, out.String(), bobPassword)
}

func TestLetterFromFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "m.eml")
	require.NoError(t, os.WriteFile(name, []byte("Subject: x\n\r\n.\nlast"), 0o600))
	letter, err := letterFrom(name)
	require.NoError(t, err)
	require.Equal(t, "Subject: x\r\n\r\n.\r\nlast\r\n", string(letter))
	require.NoError(t, tell(t.Context(), io.Discard, letter))
}

func TestBareCRIsRefused(t *testing.T) {
	t.Parallel()
	err := tell(t.Context(), io.Discard, []byte("Subject: x\r\n\r\na\rb\r\n"))
	var framing *smtp.FramingError
	require.ErrorAs(t, err, &framing)
	require.Equal(t, byte('\r'), framing.Octet)
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	require.ErrorIs(t, tell(ctx, io.Discard, []byte("Subject: x\r\n\r\n")), stop)
}

// corpus is a collection of messages from other projects, which is not part of
// this repository.
const corpus = "../../../shared/data/mime"

// TestCorpus carries 300 messages of at least 15 collections all the way, or 30 if it has
// to be short. Each comes back octet for octet, or is refused for an octet that cannot be
// sent.
func TestCorpus(t *testing.T) {
	t.Parallel()
	n := 300
	if testing.Short() {
		n = 30
	}
	files, sources := choose(t, n)
	if sources == 0 {
		t.Skip("no collection of messages beside the repository")
	}
	require.Len(t, files, n)
	require.GreaterOrEqual(t, sources, 15)
	refusals := map[string][]string{}
	for _, file := range files {
		letter, err := letterFrom(file)
		require.NoError(t, err)
		err = tell(t.Context(), io.Discard, letter)
		if framing := (*smtp.FramingError)(nil); errors.As(err, &framing) {
			require.Equal(t, firstUnsendable(letter), framing.Octet, file)
			refusals[fmt.Sprintf("octet %#02x", framing.Octet)] = append(refusals[fmt.Sprintf("octet %#02x", framing.Octet)], file)
			continue
		}
		require.NoError(t, err, file)
	}
	for why, refused := range refusals {
		t.Logf("%d refused for %s: %s", len(refused), why, strings.ReplaceAll(strings.Join(refused, " "), corpus+"/", ""))
	}
}

// firstUnsendable returns the first octet that no strict software sends: a CR
// that is not before LF, or NUL.
func firstUnsendable(letter []byte) byte {
	for i, c := range letter {
		if c == 0 || c == '\r' && (i+1 == len(letter) || letter[i+1] != '\n') {
			return c
		}
	}
	return 'x'
}

// choose picks n messages by a fixed rule: of each collection the files of up to
// 4 MiB that begin like a header, in the order of their names; and of the
// collections in turn one file each.
func choose(t *testing.T, n int) (files []string, sources int) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(corpus, "*"))
	require.NoError(t, err)
	var piles [][]string
	for _, dir := range dirs {
		if pile := messages(t, dir); len(pile) > 0 {
			piles = append(piles, pile)
		}
	}
	sources = len(piles)
	for len(files) < n && len(piles) > 0 {
		for i := range piles {
			if len(files) < n {
				files = append(files, piles[i][0])
			}
			piles[i] = piles[i][1:]
		}
		piles = slices.DeleteFunc(piles, func(p []string) bool { return len(p) == 0 })
	}
	return files, sources
}

var (
	messageName = regexp.MustCompile(`\.(eml|msg|raw|txt|mbox|com)$|/email\.\d+$`)
	headerStart = regexp.MustCompile(`^(From |[!-9;-~]+:[ \t])`)
)

func messages(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !messageName.MatchString(name) || d.Name() == "SOURCE.txt" {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() > 4<<20 {
			return err
		}
		text, err := os.ReadFile(name)
		if err == nil && headerStart.Match(text) {
			out = append(out, name)
		}
		return err
	})
	require.NoError(t, err)
	return out
}
