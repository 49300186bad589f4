package usersfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrLocked says that somebody else is changing the file, or was when the machine died:
// the file NAME.new is there, which is to be removed in the latter case.
var ErrLocked = errors.New("usersfile: file is being changed by another")

// Set gives a user these secrets, as [Make] makes them, in place of what lines the user
// has: one secret, or keys of SCRAM for several hashes. It makes the file if there is
// none, readable for its owner alone.
//
// The new file takes the place of the old one in one step: whoever reads has the one or
// the other, and after Set has returned the new one survives a crash. Of two changes at a
// time one gets [ErrLocked]. Other lines, comments too, stay as they are. A file
// with an error in it is left alone: a [*SyntaxError]; so is one of more than 16 MiB.
func Set(file, user string, secrets ...string) error {
	if len(secrets) == 0 {
		return errors.New("usersfile: no secret")
	}
	var lines strings.Builder
	for _, s := range secrets {
		if strings.ContainsAny(s, "\r\n") {
			return errors.New("usersfile: secret of more than one line")
		}
		fmt.Fprintf(&lines, "%s:%s\n", user, s)
	}
	made, err := parse("the new entry", []byte(lines.String()))
	if err != nil {
		return err
	}
	if len(made) != 1 {
		return errors.New("usersfile: not a name of a user")
	}
	return edit(file, func(old []byte) ([]byte, error) {
		rest, _, err := without(file, old, user)
		if len(rest) > 0 && rest[len(rest)-1] != '\n' {
			rest = append(rest, '\n')
		}
		return append(rest, lines.String()...), err
	})
}

// Remove takes a user out of the file, as Set puts one in. It is [fs.ErrNotExist] if
// there is no such file or no such user.
func Remove(file, user string) error {
	return edit(file, func(old []byte) ([]byte, error) {
		rest, n, err := without(file, old, user)
		if n == 0 && err == nil {
			err = fmt.Errorf("usersfile: user: %w", fs.ErrNotExist)
		}
		return rest, err
	})
}

// without returns a file's text without the lines of a user, and their number.
func without(file string, text []byte, user string) (rest []byte, n int, err error) {
	if _, err := parse(file, text); err != nil {
		return nil, 0, err
	}
	user, reason := prepareName(user)
	if reason != "" {
		return nil, 0, fmt.Errorf("usersfile: %s", reason)
	}
	for line := range bytes.Lines(text) {
		name, _, ok := strings.Cut(string(line), ":")
		if prepared, _ := prepareName(name); ok && line[0] != '#' && prepared == user {
			n++
			continue
		}
		rest = append(rest, line...)
	}
	return rest, n, nil
}

// edit changes a file. What stops it, and where:
//
//  1. NAME.new is made, which nobody else can do at the same time: the old file is in use
//  2. it is written and synced: the old file is in use
//  3. it is renamed to NAME: the new file is in use, and a crash may undo it
//  4. the folder is synced: the new file is in use for good
//
// An error before 3 removes NAME.new; a crash leaves it, and ErrLocked then tells of it.
func edit(file string, change func(old []byte) ([]byte, error)) (err error) {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // what the link leads to is replaced, and not the link
	}
	temp := file + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s exists", ErrLocked, temp)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	if err := errors.Join(rewrite(f, file, change), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// rewrite fills the new file from the old one, and gives it the same owner and mode.
func rewrite(f *os.File, file string, change func(old []byte) ([]byte, error)) error {
	old, err := readOld(f, file)
	if err != nil {
		return err
	}
	text, err := change(old)
	if err != nil {
		return err
	}
	if len(text) > defaultMaxBytes {
		return tooLarge(file)
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}

// readOld returns what is in the old file; nothing if there is none.
func readOld(f *os.File, file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("usersfile: %s: not a regular file", file)
	}
	old, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer old.Close()
	if err := errors.Join(keepOwner(f, info), f.Chmod(info.Mode().Perm())); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(old, defaultMaxBytes+1))
	if err == nil && len(text) > defaultMaxBytes { // the rest of it would be lost
		err = tooLarge(file)
	}
	return text, err
}

func tooLarge(file string) error {
	return fmt.Errorf("usersfile: %s: larger than %d octets", file, defaultMaxBytes)
}
