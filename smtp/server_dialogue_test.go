package smtp_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/smtp"
)

// TestServerDialogues plays the files in testdata/server, most of them examples of the
// RFCs, against a server as each file wants it.
func TestServerDialogues(t *testing.T) {
	t.Parallel()
	local := func(domain string) func(context.Context, smtp.Address) bool {
		return func(_ context.Context, to smtp.Address) bool { return strings.EqualFold(to.Domain(), domain) }
	}
	for _, tt := range []struct {
		file string
		srv  func(name string) *smtp.Server
	}{
		{"rfc5321", func(name string) *smtp.Server {
			srv := &smtp.Server{Hostname: "foo.com", Local: local("foo.com")}
			srv.Hooks.Recipient = func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
				if to.Address.Local() == "Green" {
					return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user here"}
				}
				return nil
			}
			if strings.HasPrefix(name, "3.1 ") {
				srv.Hooks.Connect = func(context.Context, auth.ConnectionState) error {
					return &smtp.Error{Code: 554, Text: "no SMTP service here"}
				}
			}
			return srv
		}},
		{"rfc2920", func(string) *smtp.Server {
			return &smtp.Server{Hostname: "innosoft.com", Local: local("innosoft.com")}
		}},
		{"rfc1870", func(string) *smtp.Server {
			srv := &smtp.Server{Hostname: "sigurd.innosoft.com"}
			srv.Local = func(context.Context, smtp.Address) bool { return true }
			srv.Hooks.Recipient = func(_ context.Context, tx *smtp.Transaction, to smtp.Recipient) error {
				switch {
				case tx.Envelope.Size != 500000:
					return errors.New("the declared size is lost")
				case to.Address.InDomain("ymir.claremont.edu"):
					return &smtp.Error{Code: 552, Enhanced: smtp.EnhancedCode{5, 2, 3}, Text: "channel size limit exceeded"}
				case to.Address.InDomain("hmcvax.claremont.edu"):
					return &smtp.Error{Code: 452, Enhanced: smtp.EnhancedCode{4, 3, 1}, Text: "insufficient channel storage"}
				}
				return nil
			}
			return srv
		}},
		{"rfc6152", func(string) *smtp.Server {
			return &smtp.Server{Hostname: "dbc.mtview.ca.us", Local: local("dbc.mtview.ca.us")}
		}},
		{"rfc3207", func(string) *smtp.Server {
			return withTLS(t, &smtp.Server{Hostname: "mail.imc.org"})
		}},
		{"rfc4954", func(string) *smtp.Server {
			return withTLS(t, &smtp.Server{Hostname: "smtp.example.com", Auth: &auth.Server{Passwords: passwords}})
		}},
		{"rfc6409", func(string) *smtp.Server {
			return withTLS(t, &smtp.Server{Hostname: "smtp.example.com", Protocol: auth.Submission, Auth: &auth.Server{Passwords: passwords}})
		}},
		{"rfc3030", func(string) *smtp.Server {
			return &smtp.Server{Hostname: "cnri.reston.va.us", BinaryMIME: true, Local: func(context.Context, smtp.Address) bool { return true }}
		}},
		{"rfc2033", func(string) *smtp.Server {
			srv := &smtp.Server{Hostname: "foo.edu", Protocol: auth.LMTP, Local: local("foo.edu"), Handler: smtp.HandlerFunc(quota)}
			srv.Hooks.Recipient = func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
				if to.Address.Local() == "jones" {
					return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user here"}
				}
				return nil
			}
			return srv
		}},
	} {
		for _, d := range transcript.Load(t, "testdata/server/"+tt.file+".txtar") {
			t.Run(tt.file+" "+d.Name, func(t *testing.T) {
				t.Parallel()
				coverComment(t, d.Comment)
				srv := tt.srv(d.Name)
				srv.MaxMessageBytes = 1_000_000
				s := newSite(t, srv)
				d.TLS = s.tls
				d.PlayClient(t, s.dial())
			})
		}
	}
}

// quota is a handler with no room for one of the recipients.
func quota(_ context.Context, tx *smtp.Transaction) error {
	for i, to := range tx.Envelope.To {
		if to.Address.Local() == "green" {
			tx.SetResult(i, &smtp.Error{
				Code: 452, Enhanced: smtp.EnhancedCode{4, 2, 2}, Text: "<" + to.Address.String() + "> is temporarily over quota",
			})
		}
	}
	return nil
}

// coverComment claims what a dialogue's comment says that it covers.
func coverComment(t *testing.T, comment string) {
	t.Helper()
	for line := range strings.Lines(comment) {
		if ids, ok := strings.CutPrefix(line, "Covers: "); ok {
			rfc.Covers(t, strings.Fields(ids)...)
		}
	}
}
