package host

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/usersfile"
)

// accounts are the users: a table that stays, or a file that may change.
type accounts struct {
	table   auth.Passwords
	file    *usersfile.File // nil: the table
	saltKey []byte          // so that users who do not exist look the same each time
}

// openAccounts opens the users of cfg; changed is told whose passwords have changed.
func openAccounts(cfg *Config, changed func(users []string)) (accounts, error) {
	a := accounts{table: auth.Passwords(cfg.Users)}
	if cfg.UsersFile != "" {
		use := &usersfile.Config{
			Report:  func(err error) { cfg.Log.Error("the users are those of before", "err", err) },
			Changed: changed,
		}
		var err error
		if a.saltKey, err = usersfile.SaltKey(cfg.UsersFile + ".salt"); err != nil {
			cfg.Log.Warn("no key for salts: who asks before and after a restart can tell which users exist", "err", err)
		}
		use.SaltKey = a.saltKey
		a.file, err = usersfile.Open(cfg.UsersFile, use)
		var open *usersfile.PermissionError
		if errors.As(err, &open) {
			// A host to try things with takes it all the same.
			cfg.Log.Warn("others can read or change the users", "err", err)
			use.InsecurePermissions = true
			a.file, err = usersfile.Open(cfg.UsersFile, use)
		}
		if err != nil {
			return accounts{}, err
		}
	}
	if len(a.names()) == 0 {
		return accounts{}, errors.New("host: no users")
	}
	return a, nil
}

// names returns all users, in order.
func (a accounts) names() []string {
	if a.file != nil {
		return a.file.Users()
	}
	var names []string
	for name := range a.table {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// find returns the user of a local part, without regard to case.
func (a accounts) find(local string) (string, bool) {
	names := a.names()
	if i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, local) }); i >= 0 {
		return names[i], true
	}
	return "", false
}

// verify has s verify by what there is.
func (a accounts) verify(s *auth.Server, tokens bool) {
	s.Passwords, s.Secrets = a.table, a.table
	if a.file != nil {
		s.Passwords, s.SCRAM, s.Secrets, s.SaltKey = a.file, a.file, a.file, a.saltKey
	}
	if tokens {
		s.Tokens = auth.TokenFunc(func(ctx context.Context, t auth.BearerToken) (string, error) {
			return t.Name, s.Passwords.VerifyPassword(ctx, t.Name, t.Token)
		})
	}
}

// withoutPlus lists what s has to offer, save channel binding.
func withoutPlus(s *auth.Server) (names []string) {
	for _, name := range s.Mechanisms(auth.ConnectionState{TLS: &tls.ConnectionState{HandshakeComplete: true}}) {
		if !strings.HasSuffix(name, "-PLUS") {
			names = append(names, name)
		}
	}
	return names
}
