package smtp_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/smtp"
)

// sessionBeginnings lead to each phase. The server speaks LMTP where one begins with LHLO.
var sessionBeginnings = []string{
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
	"EHLO a\r\nXCLIENT ADDR=198.51.100.7 LOGIN=tim\r\n",
	"EHLO a\r\nXCLIENT ADDR=198.51.100.7 NAME=[UNAVAILABLE]\r\nEHLO b\r\nMAIL FROM:<a@b>\r\n",
	"EHLO a\r\nMAIL FROM:<a@b> XFROM=1\r\nRCPT TO:<c@example.org> XTO=2\r\nXIN 250 a\r\n",
	"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nBDAT 4\r\ntextXIN 550\r\n",
	"LHLO a\r\n",
	"LHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nRCPT TO:<d@example.org>\r\n",
	"LHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nRCPT TO:<d@example.org>\r\nDATA\r\n",
	"LHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@example.org>\r\nRCPT TO:<d@example.org>\r\nBDAT 4\r\ntext",
}

// FuzzSession sends octets to a server in each phase and looks at what must hold
// whatever they are: the replies are well-formed, no handler is left behind, and a
// message that was accepted had its genuine end, as a plain reading finds it.
func FuzzSession(tf *testing.F) {
	f := storm.New(tf)
	files, err := filepath.Glob("testdata/server/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatal("no dialogues", err)
	}
	for _, file := range files {
		for _, d := range transcript.Load(f, file) {
			f.Add(uint8(0), uint8(0), d.Octets('C'))
		}
	}
	for phase := range sessionBeginnings {
		f.Add(uint8(phase), uint8(1), []byte("text\r\n..\r\n.\r\nQUIT\r\n"))
		f.Add(uint8(phase), uint8(3), []byte("te\nxt\r\n.\r\nNOOP\r\n"))
		f.Add(uint8(phase), uint8(0), []byte("XCOUNT 250 a\r\nXIN 421\r\nXCLIENT PORT=1\r\n"))
	}
	for _, octets := range []string{ // clients that are wrong in many ways, one after another
		"DATA\r\nHELO\r\nEHLO\r\nWHATISTHIS\r\nHELO a\r\nDATA\r\nMAIL LALA:<>\r\nMAIL FROM:\r\nMAIL FROM:<one>\r\nMAIL FROM:<a@xn--->\r\n",
		"EHLO a\r\nMAIL FROM: <>\r\nRCPT TO: c@example.org\r\nRCPT TO:<\u2163@example.org>\r\nRCPT TO:<" + strings.Repeat("a", 150) + "@b>\r\n",
		"EHLO a\r\nAUTH NONE\r\nAUTH PLAIN\r\ndGltAHRpbQ!==\r\nAUTH PLAIN\r\ndGltAHRpbQB3cm9uZw==\r\nAUTH PLAIN no base64\r\nAUTH PLAIN\r\n*\r\n",
		"HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@example.org>\r\nDATA\r\nSubject: \u00f1\r\nno field\r\n\r\n\u00f1\r\n\r\n\r\n.\r\nQUIT\r\nQUIT\r\n",
	} {
		f.Add(uint8(0), uint8(2), []byte(octets))
	}
	f.Fuzz(func(t *testing.T, phase, split uint8, octets []byte) {
		all := sessionBeginnings[int(phase)%len(sessionBeginnings)] + string(octets)
		var accepted []string
		answers := 0 // that acceptance is due
		srv := &smtp.Server{
			Hostname: "mx.example.org", MaxMessageBytes: 1000, MaxErrors: -1, ErrorDelay: -1,
			Local: func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
			Auth:  &auth.Server{Passwords: passwords, InsecureAllowCleartext: true},
			Log:   slog.New(slog.DiscardHandler),
			Offer: everything, BinaryMIME: true, XclientFrom: fromProxy, Extensions: []smtp.Extension{counter(answer)},
		}
		if strings.HasPrefix(all, "LHLO") {
			srv.Protocol = auth.LMTP
		}
		srv.Handler = smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			b, err := io.ReadAll(tx.Body)
			n := len(tx.Envelope.To)
			if n == 0 || tx.Conn.Hello == "" || len(b) > 1000 {
				t.Errorf("a message without an envelope, or too large")
			}
			if err != nil {
				return err
			}
			accepted = append(accepted, string(b))
			switch {
			case srv.Protocol == auth.LMTP:
				answers += n
			case tx.PerRecipient && n > 1:
				answers += n + 1
			default:
				answers++
			}
			return nil
		})
		replies := converse(t, srv, all, split)
		// By BDAT a message has no dots.
		byChunks := strings.Contains(strings.ToUpper(all), "BDAT")
		for _, body := range accepted {
			if !byChunks && !strings.Contains(unstuffed(all), body+".\r\n") {
				t.Errorf("a message that was not sent: %q", body)
			}
			if !strings.Contains(strings.ToUpper(all), "BINARYMIME") && strings.ContainsAny(strings.ReplaceAll(body, "\r\n", ""), "\r\n\x00") {
				t.Errorf("a message with bad octets: %q", body)
			}
		}
		if n := strings.Count(replies, "250 2.0.0 accepted as "); n != answers {
			t.Errorf("accepted %d times, %d are due for %d messages", n, answers, len(accepted))
		}
	})
}

// answer is the command of a program: it replies with the code and the text that it is
// given.
func answer(_ context.Context, _ auth.ConnectionState, _ *smtp.Transaction, args string) (smtp.Reply, error) {
	word, text, _ := strings.Cut(args, " ")
	code, err := strconv.Atoi(word)
	return smtp.Reply{Code: code, Lines: []string{text}}, err
}

// converse has a client send octets, split as testnet does, and returns the replies. All of
// the server ends.
func converse(t *testing.T, srv *smtp.Server, octets string, split uint8) string {
	ln := testnet.NewListener()
	served := make(chan error, 1)
	go func() {
		if srv.Protocol == auth.LMTP {
			served <- srv.Serve(localSocket{ln})
		} else {
			served <- srv.Serve(ln)
		}
	}()
	nc, err := ln.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nc.(*testnet.Conn).SplitWrites(int(split))
	go func() {
		_, _ = io.WriteString(nc, octets)
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
	return string(replies)
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
			if c != '\t' && (c < ' ' || c > '~') { // RFC 5321 section 4.2: textstring
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
func FuzzBdat(tf *testing.F) {
	f := storm.New(tf)
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
		replies := converse(t, srv, all, split)
		text := strings.ReplaceAll(string(body), "\r\n", "")
		good := binary || !strings.ContainsAny(text, "\r\n\x00")
		switch {
		case early && good && strings.Count(replies, "550 5.7.1 early") != 1:
			t.Errorf("the refusal is lost: %q", replies)
		case !early && good != (len(got) == 1 && got[0] == string(body)):
			t.Errorf("got %q of %q", got, body)
		case strings.Count(replies, "\n214 ") != 1 || !strings.Contains(replies, "\n221 "):
			t.Errorf("out of step: %q", replies)
		}
	})
}
