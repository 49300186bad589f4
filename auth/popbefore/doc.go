// Package popbefore is POP before SMTP: who has just logged in to fetch mail may
// send some for a while from the same address. It is for clients that cannot
// authenticate when they send; whoever can should do that instead. A program that
// does not wire it in does not have it.
//
// [Grants] stands between two servers and knows neither:
//
//	grants := new(popbefore.Grants)
//	pop := &pop3.Server{Auth: &auth.Server{Passwords: users, Observe: grants.Observe}}
//	out := &smtp.Server{
//		Protocol: auth.Submission,
//		MayRelay: grants.MayRelay,
//		Hooks:    smtp.Hooks{Data: onGrant(grants)}, // asks grants.Relay: see the example
//	}
//
// # What a grant is worth
//
// An address is not a person. A grant serves everybody who shares the address:
// the household behind a router, the customers behind a carrier's translator,
// and whoever gets the address next. Therefore
//
//   - a grant ends 15 minutes after the login, and only a new login renews it;
//   - it is for one exact address, of IPv6 too unless the contrary is asked for;
//   - it is for so many messages and recipients, and then used up;
//   - only a login over TLS gives one, unless the contrary is asked for by name;
//   - addresses that stand for many get none unless they are listed: loopback,
//     private and link-local ranges, and the range of carriers' translators
//     (RFC 6598). Proxies of your own are to be listed as those that get none;
//   - nobody is authenticated by it: an SMTP session has no Identity for it. The
//     user who logged in is bound to the grant: [Grants.VerifySender] holds the sender
//     of a message against that, and the log joins each message to the login.
//
// Use it on a submission port. On the port where other servers deliver it
// opens a relay to them if one of their users should happen to log in from there.
// A proxy in front of either server must hand over the client's address, by the
// PROXY protocol or XCLIENT, or everybody has the proxy's.
//
// # Several machines
//
// The grants are in a [Store]: [Memory], or one of your own that several servers
// share. Nobody sends on a grant that cannot be found out.
//
// # Bugs
//
// In memory a restart forgets the grants, which costs a login. A client that
// fetches over IPv6 and sends over IPv4 has the wrong grant. While a machine sleeps
// the clock of Memory may, by system, stand still. A client that sends before it
// fetches, as some do, is refused the first time.
package popbefore
