package smtp_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/smtp"
)

// FuzzSession sends octets to a server in each phase and looks at what must hold
// whatever they are: the replies are well-formed, no handler is left behind, and a
// message that was accepted had its genuine end, as a plain reading finds it.
func FuzzSession(f *testing.F) {
	beginnings := []string{
		"",
		"HELO a\r\n",
		"EHLO a\r\n",
		"EHLO a\r\nMAIL FROM:<a@b>\r\n",
		"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\n",
		"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n",
		"EHLO a\r\nAUTH LOGIN\r\n",
		"EHLO a\r\nAUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n",
	}
	files, err := filepath.Glob("testdata/server/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatal("no dialogues", err)
	}
	for _, file := range files {
		for _, d := range transcript.Load(f, file) {
			f.Add(uint8(0), uint8(0), d.Octets('C'))
		}
	}
	for phase := range beginnings {
		f.Add(uint8(phase), uint8(1), []byte("text\r\n..\r\n.\r\nQUIT\r\n"))
		f.Add(uint8(phase), uint8(3), []byte("te\nxt\r\n.\r\nNOOP\r\n"))
	}
	f.Fuzz(func(t *testing.T, phase, split uint8, octets []byte) {
		all := beginnings[int(phase)%len(beginnings)] + string(octets)
		var accepted []string
		srv := &smtp.Server{
			Hostname: "mx.example.org", MaxMessageBytes: 1000, MaxErrors: -1, ErrorDelay: -1,
			Local: func(_ context.Context, to smtp.Address) bool { return to.Domain() == "example.org" },
			Auth:  &auth.Server{Passwords: passwords, InsecureAllowCleartext: true},
			Log:   slog.New(slog.DiscardHandler),
			Offer: everything,
		}
		srv.Handler = smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			b, err := io.ReadAll(tx.Body)
			if err == nil {
				accepted = append(accepted, string(b))
			}
			if len(tx.Envelope.To) == 0 || tx.Conn.Hello == "" || len(b) > 1000 {
				t.Errorf("a message without an envelope, or too large")
			}
			return err
		})
		ln := testnet.NewListener()
		served := make(chan error)
		go func() { served <- srv.Serve(ln) }()
		nc, err := ln.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		nc.(*testnet.Conn).SplitWrites(int(split))
		go func() {
			_, _ = io.WriteString(nc, all)
			_ = nc.(*testnet.Conn).CloseWrite()
		}()
		_ = nc.SetReadDeadline(time.Now().Add(time.Minute))
		replies, err := io.ReadAll(nc)
		if err != nil {
			t.Fatalf("the server does not end: %v", err)
		}
		_ = nc.Close()
		_ = srv.Close()
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		<-served
		checkReplies(t, string(replies))
		for _, body := range accepted {
			if !strings.Contains(unstuffed(all), body+".\r\n") {
				t.Errorf("a message that was not sent: %q", body)
			}
			if strings.ContainsAny(strings.ReplaceAll(body, "\r\n", ""), "\r\n\x00") {
				t.Errorf("a message with bad octets: %q", body)
			}
		}
		if n := strings.Count(string(replies), "250 2.0.0 accepted as "); n > len(accepted) {
			t.Errorf("%d messages accepted, %d handled", n, len(accepted))
		}
	})
}

func checkReplies(t *testing.T, replies string) {
	t.Helper()
	for line := range strings.SplitAfterSeq(replies, "\r\n") {
		if line == "" {
			continue
		}
		body, ok := strings.CutSuffix(line, "\r\n")
		if !ok || len(line) > 512 || len(body) < 4 || body[0] < '2' || body[0] > '5' || body[3] != ' ' && body[3] != '-' {
			t.Errorf("bad reply line %q", line)
		}
		for _, c := range []byte(body) {
			if c < ' ' || c > '~' {
				t.Errorf("bad octet in reply line %q", line)
			}
		}
	}
}

// unstuffed takes a dot off each line that begins with one and has more.
func unstuffed(octets string) string {
	lines := strings.Split(octets, "\r\n")
	for i, line := range lines {
		if len(line) > 1 && line[0] == '.' {
			lines[i] = line[1:]
		}
	}
	return strings.Join(lines, "\r\n")
}
