package smtp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// useALabels puts A-labels in the place of the U-labels of the domains in an
// envelope, where the server lacks SMTPUTF8 and the caller has said how: then an
// address whose local part is ASCII needs no extension (RFC 6531 section 3.2).
func (s *sending) useALabels(mail *smtpwire.Mail) (err error) {
	if s.c.cfg.ToASCII == nil || s.offers("SMTPUTF8") {
		return nil
	}
	for _, a := range []*Address{&mail.From, &mail.Auth} {
		if *a, err = s.toASCII(*a); err != nil {
			return err
		}
	}
	s.env.From, s.env.Auth = mail.From, mail.Auth
	if !slices.ContainsFunc(s.env.To, func(to Recipient) bool { return !to.Address.IsASCII() }) {
		return nil
	}
	s.env.To = slices.Clone(s.env.To) // the caller's stays what it was
	for i := range s.env.To {
		to := &s.env.To[i].Address
		if *to, err = s.toASCII(*to); err != nil {
			return err
		}
	}
	return nil
}

// toASCII returns an address with A-labels. One that is not ASCII for another
// reason stays as it is, for others to refuse.
func (s *sending) toASCII(a Address) (Address, error) {
	local := strings.TrimSuffix(a.String(), a.Domain())
	if a.IsASCII() || index8Bit([]byte(local)) >= 0 {
		return a, nil
	}
	domain, err := s.c.cfg.ToASCII(a.Domain())
	if err == nil {
		a, err = ParseAddress(local + domain)
	}
	if err != nil {
		return a, fmt.Errorf("%w, and its domain has no A-labels: %w", &ExtensionError{Keyword: "SMTPUTF8"}, err)
	}
	return a, nil
}
