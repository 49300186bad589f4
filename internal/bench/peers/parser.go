package peers

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/internal/bench/parsing"
)

// MessageParsers are the names of the parsers on this machine, ours first.
func MessageParsers() []string {
	names := []string{parsing.Posthouse, parsing.GoMessage, parsing.Enmime}
	if GMimeVersion() != "" {
		names = append(names, parsing.GMime)
	}
	return names
}

// GMimeVersion is that of the library that a C program can be built with; empty if there
// is none.
func GMimeVersion() string {
	if !installed("gcc") {
		return ""
	}
	return Version("pkg-config", "--modversion", "gmime-3.0")
}

//go:embed c/gmime.c
var gmime string

// StartParser starts a parser, whose jobs are to parse all files of a folder so many
// times. What it needs to be built is made in dir.
func StartParser(ctx context.Context, name, dir string) (Client, error) {
	if name != parsing.GMime {
		return startClient(ctx, "parser", name)
	}
	program := filepath.Join(dir, "gmime")
	flags, err := exec.CommandContext(ctx, "pkg-config", "--cflags", "--libs", "gmime-3.0").Output()
	if err != nil {
		return nil, err
	}
	gcc := exec.CommandContext(ctx, "gcc", append([]string{"-O2", "-x", "c", "-o", program, "-"}, strings.Fields(string(flags))...)...)
	gcc.Stdin = strings.NewReader(gmime)
	if out, err := gcc.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gcc: %w: %s", err, out)
	}
	return tool{program, func(job Job) []string { return []string{job.Folder, strconv.Itoa(job.Messages)} }}, nil
}

// parseFolder returns what does the jobs of a parser. The files are kept for the next job.
func parseFolder(parse func([]byte) (int64, error)) func(Job) error {
	var folder string
	var messages [][]byte
	return func(job Job) error {
		if job.Folder != folder {
			names, err := filepath.Glob(filepath.Join(job.Folder, "*"))
			if err != nil {
				return err
			}
			messages = nil
			for _, name := range names {
				b, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				messages = append(messages, b)
			}
			folder = job.Folder
		}
		for _, m := range messages {
			for range job.Messages {
				if _, err := parse(m); err != nil {
					return err
				}
			}
		}
		return nil
	}
}
