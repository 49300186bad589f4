// Package popbefore is POP before SMTP: who has just logged in to fetch mail may
// send some for a while from the same address. It is for clients that cannot
// authenticate when they send; whoever can should do that instead.
//
// [Grants] stands between two servers and knows neither:
//
//	grants := new(popbefore.Grants)
//	pop := &pop3.Server{Auth: &auth.Server{Passwords: users, Observe: grants.Observe}}
//	out := &smtp.Server{Protocol: auth.Submission, MayRelay: grants.MayRelay}
//
// # What a grant is worth
//
// An address is not a person. A grant serves everybody who shares the address:
// the household behind a router, the customers behind a carrier's translator,
// and whoever gets the address next. Therefore
//
//   - a grant ends 15 minutes after the login, and only a new login renews it;
//   - it is for one exact address, of IPv6 too;
//   - only a login over TLS gives one, unless the contrary is asked for by name;
//   - addresses that stand for many, or for a proxy of our own, get none unless
//     they are listed: loopback, private and link-local ranges, and the range of
//     carriers' translators (RFC 6598);
//   - nobody is authenticated by it: an SMTP session has no Identity for it. Who
//     logged in is kept for the record, and can be held against the sender
//     of a message: see [Grants.Lookup].
//
// Use it on a submission port. On the port where other servers deliver it
// opens a relay to them if one of their users should happen to log in from there.
// A proxy in front of either server must hand over the client's address, or
// everybody has the proxy's.
//
// # Bugs
//
// Grants live in memory: a restart forgets them, and servers on several machines
// do not share them. A client that fetches over IPv6 and sends over IPv4 has
// the wrong grant. While a machine sleeps the clock of the grants may, by
// system, stand still.
package popbefore
