package smtptest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// welcome is what a test might be about.
func welcome(ctx context.Context, addr string, cfg *smtp.ClientConfig, user string) error {
	from, err := smtp.ParseAddress("office@example.org")
	if err != nil {
		return err
	}
	to, err := smtp.ParseAddress(user)
	if err != nil {
		return err
	}
	env := smtp.Envelope{From: from, To: []smtp.Recipient{{Address: to}}}
	_, err = smtp.Send(ctx, addr, cfg, env, strings.NewReader("Subject: welcome\r\n\r\nHello!\r\n"))
	return err
}

// A test of a program that sends mail, to a server that works and to one that
// hangs up.
func ExampleServer() {
	var t *testing.T // as a test function is given it

	s := smtptest.NewServer(t)
	if err := welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net"); err != nil {
		t.Error(err)
	}
	messages := s.Messages()
	if len(messages) != 1 || messages[0].Envelope.To[0].Address.String() != "new@example.net" {
		t.Errorf("sent %v", messages)
	}

	s.CutAfter(500)
	if err := welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net"); err == nil {
		t.Error("welcome does not notice that the server is gone")
	}
}

// TestExample does what ExampleServer shows.
func TestExample(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		require.NoError(t, welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net"))
		messages := s.Messages()
		require.Len(t, messages, 1)
		require.Equal(t, "new@example.net", messages[0].Envelope.To[0].Address.String())
		s.CutAfter(500)
		require.Error(t, welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net"))
	})
}
