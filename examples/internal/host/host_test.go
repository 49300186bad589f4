package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/examples/internal/host"
	"github.com/posthouse/posthouse/smtp"
)

func start(t *testing.T, change func(*host.Config)) (h *host.Host, dir string) {
	t.Helper()
	dir = t.TempDir()
	cfg := host.Config{
		Domain: "Example.Test", Hostname: "mail.example.test", MX: "127.0.0.1:0", Submission: "127.0.0.1:0",
		Maildir: dir, Users: map[string]string{"alice": "a", "bob": "b"}, Aliases: map[string]string{"Sales": "bob"},
		AllowPlaintext: true,
	}
	if change != nil {
		change(&cfg)
	}
	h, err := host.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, h.Shutdown(ctx))
	})
	return h, dir
}

func send(t *testing.T, addr string, who auth.Credentials, body string, to ...string) (*smtp.Result, error) {
	t.Helper()
	from, err := smtp.ParseAddress("sender@elsewhere.test")
	require.NoError(t, err)
	env := smtp.Envelope{From: from}
	for _, s := range to {
		a, err := smtp.ParseAddress(s)
		require.NoError(t, err)
		env.To = append(env.To, smtp.Recipient{Address: a})
	}
	return smtp.Send(t.Context(), addr, &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Auth: who}, env, strings.NewReader(body))
}

func mailOf(t *testing.T, dir, user string) (messages []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, user, "new", "*"))
	require.NoError(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		messages = append(messages, string(text))
	}
	return messages
}

// TestRecipients says of each address whether the MX takes it, and whose it is.
func TestRecipients(t *testing.T) {
	t.Parallel()
	h, dir := start(t, nil)
	for _, row := range []struct {
		to, user string
		code     int
	}{
		{"alice@example.test", "alice", 0},
		{"BOB@EXAMPLE.TEST", "bob", 0},
		{"sales@example.test", "bob", 0},
		{"postmaster@example.test", "alice", 0},
		{"nobody@example.test", "", 550},
		{"alice@elsewhere.test", "", 550},
		{`"../alice"@example.test`, "", 550},
		{`"alice@elsewhere.test"@example.test`, "", 550},
	} {
		before := len(mailOf(t, dir, "alice")) + len(mailOf(t, dir, "bob"))
		_, err := send(t, h.Addrs()["mx"], nil, "Subject: "+row.to+"\r\n\r\nx\r\n", row.to)
		if row.code == 0 {
			require.NoError(t, err, row.to)
			found := mailOf(t, dir, row.user)
			require.Contains(t, strings.Join(found, ""), "Subject: "+row.to+"\n", row.to)
			continue
		}
		var refused *smtp.Error
		require.ErrorAs(t, err, &refused, row.to)
		require.Equal(t, row.code, refused.Code, row.to)
		require.Len(t, append(mailOf(t, dir, "alice"), mailOf(t, dir, "bob")...), before, row.to)
	}
}

// TestLeftoversAreRemoved has what a program left that died while it delivered.
func TestLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	h, dir := start(t, nil)
	tmp := filepath.Join(dir, "alice", "tmp")
	require.NoError(t, os.MkdirAll(tmp, 0o700))
	for name, age := range map[string]time.Duration{"old": 37 * time.Hour, "under.way": time.Hour} {
		file := filepath.Join(tmp, name)
		require.NoError(t, os.WriteFile(file, []byte("Subject: par"), 0o600))
		require.NoError(t, os.Chtimes(file, time.Time{}, time.Now().Add(-age)))
	}
	_, err := send(t, h.Addrs()["mx"], nil, "\r\n", "alice@example.test")
	require.NoError(t, err)
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, "under.way", left[0].Name())
}

// TestNobodyRelays: not a stranger, and not even a user, since this host does
// not forward.
func TestNobodyRelays(t *testing.T) {
	t.Parallel()
	h, _ := start(t, nil)
	var refused *smtp.Error
	_, err := send(t, h.Addrs()["submission"], nil, "\r\n", "alice@example.test")
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 530, refused.Code)
	_, err = send(t, h.Addrs()["submission"], auth.InsecurePassword("alice", "a"), "\r\n", "x@elsewhere.test")
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 550, refused.Code)
	_, err = send(t, h.Addrs()["submission"], auth.InsecurePassword("alice", "wrong"), "\r\n", "alice@example.test")
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 535, refused.Code)
}

func TestTwoRecipientsOneCopyEach(t *testing.T) {
	t.Parallel()
	h, dir := start(t, nil)
	_, err := send(t, h.Addrs()["mx"], nil, "Subject: x\r\n\r\nbody\r\n", "bob@example.test", "alice@example.test", "sales@example.test")
	require.NoError(t, err)
	for _, user := range []string{"alice", "bob"} {
		mail := mailOf(t, dir, user)
		require.Len(t, mail, 1)
		require.True(t, strings.HasPrefix(mail[0], "Return-Path: <sender@elsewhere.test>\nReceived: from "), mail[0])
		require.True(t, strings.HasSuffix(mail[0], "\nSubject: x\n\nbody\n"), mail[0])
	}
}

// TestMaildirIsMadeAnew: a mailbox that was removed costs one temporary refusal.
func TestMaildirIsMadeAnew(t *testing.T) {
	t.Parallel()
	h, dir := start(t, nil)
	deliver := func() error {
		_, err := send(t, h.Addrs()["mx"], nil, "Subject: x\r\n\r\n", "bob@example.test")
		return err
	}
	require.NoError(t, deliver())
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "bob")))
	if err := deliver(); err != nil {
		require.True(t, smtp.SafeToRetry(err), err)
		require.NoError(t, deliver())
	}
	require.Len(t, mailOf(t, dir, "bob"), 1)
}

// TestBareLF is taken from users, and from nobody else.
func TestBareLF(t *testing.T) {
	t.Parallel()
	h, _ := start(t, nil)
	require.NotEqual(t, h.Addrs()["mx"], h.Addrs()["submission"])
	for service, want := range map[string]string{"mx": "550 ", "submission": "250 "} {
		reply := rawData(t, h.Addrs()[service], service == "submission", "Subject: x\n\n.\n\r\n.\r\n")
		require.True(t, strings.HasPrefix(reply, want), "%s: %s", service, reply)
	}
}

// TestReportOfSuccess goes to a user of this host, and is not promised to others.
func TestReportOfSuccess(t *testing.T) {
	t.Parallel()
	h, dir := start(t, nil)
	address := func(s string) smtp.Address {
		a, err := smtp.ParseAddress(s)
		require.NoError(t, err)
		return a
	}
	cfg := &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Auth: auth.InsecurePassword("alice", "a")}
	env := smtp.Envelope{From: address("alice@example.test"), ID: smtp.NewEnvelopeID("QQ 314"), To: []smtp.Recipient{
		{Address: address("sales@example.test"), Notify: smtp.NotifySuccess | smtp.NotifyFailure, Original: smtp.NewOriginalRecipient(address("shop@example.test"))},
		{Address: address("alice@example.test"), Notify: smtp.NotifyFailure},
	}}
	_, err := smtp.Send(t.Context(), h.Addrs()["submission"], cfg, env, strings.NewReader("Subject: x\r\nTo: shop\r\n\r\nsecret\r\n"))
	require.NoError(t, err)
	require.Len(t, mailOf(t, dir, "bob"), 1)
	mail := mailOf(t, dir, "alice")
	require.Len(t, mail, 2)
	report := mail[0]
	if !strings.Contains(report, "multipart/report") {
		report = mail[1]
	}
	require.True(t, strings.HasPrefix(report, "Return-Path: <>\n"))
	for _, want := range []string{
		"\nOriginal-Envelope-Id: QQ 314\n", "\nOriginal-Recipient: rfc822; shop@example.test\nFinal-Recipient: rfc822; sales@example.test\nAction: delivered\nStatus: 2.0.0\n",
		"\nContent-Type: text/rfc822-headers\n\nSubject: x\nTo: shop\n\n--report-",
	} {
		require.Contains(t, report, want)
	}
	require.NotContains(t, report, "secret")
	require.Equal(t, 1, strings.Count(report, "Final-Recipient"))

	env.From = address("alice@elsewhere.test")
	result, err := smtp.Send(t.Context(), h.Addrs()["submission"], cfg, env, strings.NewReader("\r\n"))
	require.Error(t, err)
	require.Equal(t, smtp.Refused, result.Recipients[0].Outcome)
	require.Equal(t, smtp.Accepted, result.Recipients[1].Outcome)
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]host.Config{
		"no users":     {Maildir: t.TempDir()},
		"stray alias":  {Maildir: t.TempDir(), Users: map[string]string{"a": "b"}, Aliases: map[string]string{"x": "nobody"}},
		"bad address":  {Maildir: t.TempDir(), Users: map[string]string{"a": "b"}, MX: "256.0.0.1:0"},
		"no such path": {Maildir: string([]byte{0}), Users: map[string]string{"a": "b"}},
	} {
		_, err := host.Start(cfg)
		require.Error(t, err, name)
		require.False(t, errors.Is(err, context.Canceled))
	}
}

// TestLMTP: a queue hears of each recipient what became of its copy.
func TestLMTP(t *testing.T) {
	t.Parallel()
	h, dir := start(t, func(cfg *host.Config) { cfg.LMTP = "127.0.0.1:0" })
	// What is no folder cannot be delivered into.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "alice"), nil, 0o600))
	from, err := smtp.ParseAddress("sender@elsewhere.test")
	require.NoError(t, err)
	env := smtp.Envelope{From: from}
	for _, s := range []string{"alice@example.test", "nobody@example.test", "bob@example.test"} {
		a, err := smtp.ParseAddress(s)
		require.NoError(t, err)
		env.To = append(env.To, smtp.Recipient{Address: a})
	}
	cfg := &smtp.ClientConfig{Protocol: auth.LMTP, TLS: smtp.InsecureNoTLS}
	result, err := smtp.Send(t.Context(), h.Addrs()["lmtp"], cfg, env, strings.NewReader("Subject: x\r\n\r\nbody\r\n"))
	require.Error(t, err)
	var outcomes []smtp.Outcome
	for _, r := range result.Recipients {
		outcomes = append(outcomes, r.Outcome)
	}
	require.Equal(t, []smtp.Outcome{smtp.Refused, smtp.Refused, smtp.Accepted}, outcomes)
	require.True(t, result.Recipients[0].Temporary)
	require.False(t, result.Recipients[1].Temporary)
	require.Len(t, mailOf(t, dir, "bob"), 1)
}
