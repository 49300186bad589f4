package smtp_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/smtp"
)

// FuzzSession sends octets to a server in each phase and looks at what must hold
// whatever they are: the replies are well-formed, no handler is left behind, and a
// message that was accepted had its genuine end, as a plain reading finds it.
func FuzzSession(tf *testing.F) {
	f := storm.New(tf)
	beginnings := []string{
		"",
		"HELO a\r\n",
		"EHLO a\r\n",
		"EHLO a\r\nMAIL FROM:<a@b>\r\n",
		"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\n",
		"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n",
		"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nBDAT 4\r\ntext",
		"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nBDAT 40\r\n",
		"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nBDAT 2\r\n\n\n",
		"EHLO a\r\nMAIL FROM:<a@b> BODY=BINARYMIME PRDR\r\nRCPT TO:<c@example.org>\r\nRCPT TO:<d@example.org>\r\n",
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
			Offer: everything, BinaryMIME: true, XclientFrom: fromProxy,
		}
		// Behind XCLIENT there is another greeting, and by BDAT a message has no dots.
		byChunks := strings.Contains(strings.ToUpper(all), "BDAT")
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
			if !byChunks && !strings.Contains(unstuffed(all), body+".\r\n") {
				t.Errorf("a message that was not sent: %q", body)
			}
			if !strings.Contains(strings.ToUpper(all), "BINARYMIME") && strings.ContainsAny(strings.ReplaceAll(body, "\r\n", ""), "\r\n\x00") {
				t.Errorf("a message with bad octets: %q", body)
			}
		}
		prdr := strings.Contains(strings.ToUpper(all), "PRDR")
		if n := strings.Count(string(replies), "250 2.0.0 accepted as "); n > len(accepted) && !prdr {
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

// FuzzBdat sends a message in chunks, cut anywhere, over a network that cuts anywhere. It
// is accepted as it is if it is good, and refused if it is not, and what follows it is a
// command either way.
func FuzzBdat(f *testing.F) {
	f.Add([]byte("text\r\n"), uint16(1), uint16(5), uint8(1), false, false)
	f.Add([]byte("te\nxt\r\n.\r\n"), uint16(2), uint16(3), uint8(2), false, true)
	f.Add([]byte("\r\r\x00"), uint16(2), uint16(3), uint8(2), true, false)
	f.Fuzz(func(t *testing.T, body []byte, cut1, cut2 uint16, split uint8, binary, early bool) {
		var got []string
		srv := &smtp.Server{
			Hostname: "mx.example.org", MaxErrors: -1, ErrorDelay: -1, BinaryMIME: true, Log: slog.New(slog.DiscardHandler),
			Local: func(context.Context, smtp.Address) bool { return true },
			Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
				if early {
					_, _ = tx.Body.Read(make([]byte, 3))
					return smtp.Reject("early")
				}
				b, err := io.ReadAll(tx.Body)
				if err == nil {
					got = append(got, string(b))
				}
				return err
			}),
		}
		i, j := int(cut1)%(len(body)+1), int(cut2)%(len(body)+1)
		i, j = min(i, j), max(i, j)
		params := ""
		if binary {
			params = " BODY=BINARYMIME"
		}
		all := fmt.Sprintf("EHLO a\r\nMAIL FROM:<>%s\r\nRCPT TO:<a@b>\r\nBDAT %d\r\n%sBDAT %d\r\n%sBDAT %d LAST\r\n%sHELP\r\nQUIT\r\n",
			params, i, body[:i], j-i, body[i:j], len(body)-j, body[j:])
		ln := testnet.NewListener()
		served := make(chan error)
		go func() { served <- srv.Serve(ln) }()
		nc, err := ln.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		nc.(*testnet.Conn).SplitWrites(int(split))
		go func() { _, _ = io.WriteString(nc, all) }()
		_ = nc.SetReadDeadline(time.Now().Add(time.Minute))
		replies, err := io.ReadAll(nc)
		if err != nil {
			t.Fatalf("the server does not end: %v", err)
		}
		_ = nc.Close()
		_ = srv.Close()
		_ = srv.Shutdown(context.Background())
		<-served
		checkReplies(t, string(replies))
		text := strings.ReplaceAll(string(body), "\r\n", "")
		good := binary || !strings.ContainsAny(text, "\r\n\x00")
		switch {
		case early && good && strings.Count(string(replies), "550 5.7.1 early") != 1:
			t.Errorf("the refusal is lost: %q", replies)
		case !early && good != (len(got) == 1 && got[0] == string(body)):
			t.Errorf("got %q of %q", got, body)
		case strings.Count(string(replies), "\n214 ") != 1 || !strings.Contains(string(replies), "\n221 "):
			t.Errorf("out of step: %q", replies)
		}
	})
}
