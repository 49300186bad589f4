package usersfile_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/popbefore"
	"github.com/posthouse/posthouse/auth/usersfile"
)

// One file for both servers. A password that is changed takes back what its user's
// logins have given.
func ExampleOpen() {
	grants := new(popbefore.Grants)
	users, err := usersfile.Open("/etc/mail/users", &usersfile.Config{
		Report: func(err error) { slog.Error("the users are those of before", "err", err) },
		Changed: func(users []string) {
			for _, user := range users {
				_ = grants.Revoke(context.Background(), user)
			}
		},
	})
	if err != nil {
		return
	}
	_ = &auth.Server{Passwords: users, SCRAM: users, Secrets: users, Observe: grants.Observe} // for smtp.Server.Auth and pop3.Server.Auth
	go users.Watch(context.Background())                                                      // until the program ends
}

// Tim has a password, and the server has a hash of it.
func ExampleSet() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "users")
	secret, err := usersfile.Make(usersfile.Argon2id, "tanstaaftanstaaf")
	if err != nil {
		return
	}
	fmt.Println(secret[:31])
	if err := usersfile.Set(name, "tim", secret); err != nil {
		fmt.Println(err)
		return
	}
	users, err := usersfile.Open(name, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(users.VerifyPassword(context.Background(), "tim", "tanstaaftanstaaf"))
	fmt.Println(users.VerifyPassword(context.Background(), "tim", "guess"))

	// Output:
	// $argon2id$v=19$m=19456,t=2,p=1$
	// <nil>
	// auth: credentials refused
}
