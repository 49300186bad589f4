package popbefore_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/popbefore"
)

// A login at the maildrop opens the relay. The verifier's server is told to
// the POP3 server, and grants.MayRelay to the SMTP server; what they do with
// them is shown here.
func ExampleGrants() {
	grants := new(popbefore.Grants)
	verifier := &auth.Server{
		Passwords: auth.Passwords{"tim": "tanstaaftanstaaf"},
		Observe:   grants.Observe,
	}
	ctx := context.Background()
	client := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 40000}

	sending := auth.ConnectionState{Protocol: auth.Submission, RemoteAddr: client}
	fmt.Println("before:", grants.MayRelay(ctx, sending))

	fetching := auth.ConnectionState{ID: "pop-1", Protocol: auth.POP3, RemoteAddr: client, TLS: &tls.ConnectionState{}}
	if _, err := verifier.Password(ctx, fetching, "tim", "tanstaaftanstaaf"); err != nil {
		fmt.Println(err)
		return
	}
	grant, _ := grants.Lookup(sending)
	fmt.Println("after:", grants.MayRelay(ctx, sending), "thanks to", grant.Identity.User, "in", grant.ID)

	grants.Revoke("tim")
	fmt.Println("password changed:", grants.MayRelay(ctx, sending))

	// Output:
	// before: false
	// after: true thanks to tim in pop-1
	// password changed: false
}
