package auth_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/posthouse/posthouse/auth"
)

// In a table of an SQL database the users have keys of SCRAM, and nobody's password is
// there. They serve for passwords too. A user who is not there costs what the others
// cost: the same hash is made.
func ExamplePasswordVerifier_sql() {
	var db *sql.DB // sql.Open, with the driver of the database
	nobody, err := auth.NewSCRAMKeys(auth.SCRAMSHA256, "of nobody", 0)
	if err != nil {
		return
	}
	users := auth.PasswordFunc(func(ctx context.Context, user, password string) error {
		var text string
		err := db.QueryRowContext(ctx, `SELECT scram FROM users WHERE name = $1`, user).Scan(&text)
		keys, known := nobody, false
		switch {
		case err == nil:
			if keys, err = auth.ParseSCRAMKeys(text); err != nil {
				return err
			}
			known = true
		case !errors.Is(err, sql.ErrNoRows):
			return err // 454 and [SYS/TEMP]: try again later
		}
		if right := keys.Verify(password); !right || !known {
			return auth.ErrCredentials
		}
		return nil
	})
	_ = &auth.Server{Passwords: users}
}

// directory is what is needed of a client of LDAP.
type directory interface {
	// Find returns the names of the entries with a mail address.
	Find(ctx context.Context, mail string) (names []string, err error)
	// Bind asks the directory whether a password is that of an entry.
	Bind(ctx context.Context, name, password string) error
}

var errInvalidCredentials = errors.New("LDAP result 49")

// An LDAP directory is asked by a bind. Two traps: a bind with an empty password succeeds
// for everybody, which cannot happen here as a Server never asks about one; and a user
// who is not found must cost a bind, too.
func ExamplePasswordVerifier_ldap() {
	users := func(ldap directory) auth.PasswordFunc {
		return func(ctx context.Context, user, password string) error {
			names, err := ldap.Find(ctx, user) // which quotes it, as RFC 4515 has it
			if err != nil {
				return err
			}
			name := "cn=nobody,dc=example,dc=org"
			if len(names) == 1 {
				name = names[0]
			}
			err = ldap.Bind(ctx, name, password)
			if errors.Is(err, errInvalidCredentials) || err == nil && len(names) != 1 {
				return auth.ErrCredentials
			}
			return err
		}
	}
	check := users(office{"tim@example.org": "tanstaaf"})
	fmt.Println(check(context.Background(), "tim@example.org", "tanstaaf"))
	fmt.Println(check(context.Background(), "tim@example.org", "guess"))
	fmt.Println(check(context.Background(), "nobody@example.org", "guess"))

	// Output:
	// <nil>
	// auth: credentials refused
	// auth: credentials refused
}

// office is a directory of a handful.
type office map[string]string

func (o office) Find(_ context.Context, mail string) ([]string, error) {
	if _, ok := o[mail]; !ok {
		return nil, nil
	}
	return []string{mail}, nil
}

func (o office) Bind(_ context.Context, name, password string) error {
	if o[name] != password {
		return errInvalidCredentials
	}
	return nil
}
