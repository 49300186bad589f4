package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/examples/internal/host"
	"github.com/posthouse/posthouse/examples/internal/program"
	"github.com/posthouse/posthouse/message"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/smtp"
)

const (
	alice, alicePassword = "alice", "correct horse"
	bob, bobPassword     = "bob", "battery staple"
)

// teller goes through the story and prints it.
type teller struct {
	out    io.Writer
	addrs  map[string]string
	tls    *tls.Config
	letter []byte
	uid    string
	talk   bool // the last line was of a dialogue
}

// tell starts a mail host in a temporary folder and carries the letter through
// it.
func tell(ctx context.Context, out io.Writer, letter []byte) (err error) {
	dir, err := os.MkdirTemp("", "posthouse-quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	serverTLS, ca, err := program.ServerTLS("", "", "localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	h, err := host.Start(host.Config{
		Domain: "example.test", Hostname: "mail.example.test",
		Submission: "127.0.0.1:0", POP3: "127.0.0.1:0",
		Maildir: dir, Users: map[string]string{alice: alicePassword, bob: bobPassword},
		TLS: serverTLS, MaxSize: 64 << 20, POPBeforeSMTP: 15 * time.Minute,
	})
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	t := &teller{out: out, addrs: h.Addrs(), tls: &tls.Config{RootCAs: roots}, letter: letter}
	err = t.story(ctx)
	drain, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, h.Shutdown(drain))
}

func (t *teller) story(ctx context.Context) error {
	t.say("A mail host for example.test is running: submission at %s, POP3 at %s.", t.addrs["submission"], t.addrs["pop3"])
	t.say("Lines that begin with C: are what the client sends, those with S: what the server answers.")
	for _, step := range []func(context.Context) error{
		t.strangerIsRefused, t.loginOpensTheRelay, t.strangerIsKnown,
		t.submit, t.fetch, t.copyIsLeft, t.maildropIsEmpty,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	t.say("Everything that was promised came true.")
	return nil
}

const note = "From: Bob <bob@example.test>\r\nTo: Alice <alice@example.test>\r\nSubject: Waiting\r\n\r\nIs the coach on its way?\r\n"

func (t *teller) strangerIsRefused(ctx context.Context) error {
	t.say("A client that nobody knows says STARTTLS, so that all that follows is encrypted, and tries to send.")
	t.say("It names sender and recipient and asks for DATA in one go: the server allows PIPELINING. It is refused: 530.")
	err := t.send(ctx, nil, bob, alice, []byte(note))
	var refused *smtp.Error
	if !errors.As(err, &refused) || refused.Code != 530 {
		return fmt.Errorf("a stranger was not refused by 530: %w", err)
	}
	return nil
}

func (t *teller) loginOpensTheRelay(ctx context.Context) error {
	t.say("Bob looks into his maildrop from the same address, over TLS and with his password. It is empty.")
	return t.findsNothing(ctx)
}

func (t *teller) strangerIsKnown(ctx context.Context) error {
	t.say("POP before SMTP: that login opened submission to Bob's address for 15 minutes. The same note is taken now.")
	return t.send(ctx, nil, bob, alice, []byte(note))
}

func (t *teller) submit(ctx context.Context) error {
	t.say("Alice's program is younger: it authenticates where it sends, by the strongest mechanism that the server offers. This transcript never shows what is said there.")
	t.say("SCRAM shows her password to nobody, and the server has to prove that it knows it too; with -PLUS that is worth nothing on another connection than this one.")
	t.say("PLAIN would show the password to the server, inside TLS only. Every program can do that, and the server may store any hash of it.")
	t.say("OAUTHBEARER and XOAUTH2 are for the tokens of providers, EXTERNAL is for certificates, and LOGIN, CRAM-MD5 and APOP are for old programs.")
	t.say("250 after the data means: the letter is on the disk, and the server is responsible for it from now on.")
	return t.send(ctx, auth.Password(alice, alicePassword), alice, bob, t.letter)
}

func (t *teller) fetch(ctx context.Context) error {
	t.say("Bob fetches the letter.")
	c, err := t.maildrop(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	list, err := c.List(ctx)
	if err != nil {
		return err
	}
	uids, err := c.UIDL(ctx)
	if err != nil {
		return err
	}
	if len(list) != 1 || len(uids) != 1 {
		return fmt.Errorf("the maildrop holds %d messages with %d unique ids, not one", len(list), len(uids))
	}
	t.uid = uids[0].UID
	var got bytes.Buffer
	for m, err := range c.Fetch(ctx, []int{1}) {
		if err != nil {
			return err
		}
		if _, err := io.Copy(&got, m); err != nil {
			return err
		}
	}
	if int64(got.Len()) != list[0].Size {
		return fmt.Errorf("LIST said %d octets, %d came", list[0].Size, got.Len())
	}
	if err := sameLetter(got.Bytes(), t.letter); err != nil {
		return err
	}
	t.say("What came back is what was sent, octet for octet, behind the two fields that the server put before it.")
	if err := t.tree(got.Bytes()); err != nil {
		return err
	}
	t.say("Bob quits without deleting: a copy is left on the server.")
	return c.Quit(ctx)
}

func (t *teller) copyIsLeft(ctx context.Context) error {
	t.say("The next session shows the copy, under the same unique id. Now Bob deletes it; QUIT makes that so.")
	c, err := t.maildrop(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	uid, err := c.UIDLOne(ctx, 1)
	if err != nil {
		return err
	}
	if uid != t.uid {
		return fmt.Errorf("the message was %q and is %q now", t.uid, uid)
	}
	if err := c.Dele(ctx, 1); err != nil {
		return err
	}
	return c.Quit(ctx)
}

func (t *teller) maildropIsEmpty(ctx context.Context) error {
	t.say("And the one after that finds nothing.")
	return t.findsNothing(ctx)
}

// findsNothing logs in as Bob and counts his messages.
func (t *teller) findsNothing(ctx context.Context) error {
	c, err := t.maildrop(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	st, err := c.Stat(ctx)
	if err != nil {
		return err
	}
	if st.Count != 0 {
		return fmt.Errorf("the maildrop holds %d messages, not 0", st.Count)
	}
	return c.Quit(ctx)
}

// send opens a connection to the submission server and sends one message.
func (t *teller) send(ctx context.Context, who auth.Credentials, from, to string, body []byte) error {
	cfg := &smtp.ClientConfig{TLSConfig: t.tls, Hello: "client.example.test", Auth: who, Transcript: t, AllowLongLines: true}
	sender, err1 := smtp.ParseAddress(from + "@example.test")
	recipient, err2 := smtp.ParseAddress(to + "@example.test")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	env := smtp.Envelope{From: sender, To: []smtp.Recipient{{Address: recipient}}, Size: int64(len(body))}
	_, err := smtp.Send(ctx, t.addrs["submission"], cfg, env, bytes.NewReader(body))
	return err
}

// maildrop logs in as Bob.
func (t *teller) maildrop(ctx context.Context) (*pop3.Client, error) {
	cfg := &pop3.ClientConfig{TLSConfig: t.tls, Auth: auth.Password(bob, bobPassword), Transcript: t}
	return pop3.Dial(ctx, t.addrs["pop3"], cfg)
}

// sameLetter checks that got is sent behind exactly the two fields of final
// delivery.
func sameLetter(got, sent []byte) error {
	trace, ok := bytes.CutSuffix(got, sent)
	if !ok {
		return errors.New("what came back is not what was sent")
	}
	var names []string
	for f := range message.ParseHeader(trace).All() {
		names = append(names, f.Name())
	}
	if s := strings.Join(names, " "); s != "Return-Path Received" {
		return fmt.Errorf("the server put the fields %q before the letter", s)
	}
	return nil
}

// say prints a line of explanation.
func (t *teller) say(format string, args ...any) {
	if t.talk {
		fmt.Fprintln(t.out)
	}
	t.talk = false
	fmt.Fprintf(t.out, "# "+format+"\n", args...)
}

// Write prints a line of a dialogue.
func (t *teller) Write(line []byte) (int, error) {
	t.talk = true
	return t.out.Write(append([]byte("  "), line...))
}

// tree prints the parts of a message.
func (t *teller) tree(text []byte) error {
	msg, err := message.ParseBytes(text)
	if err != nil {
		return err
	}
	t.say("The letter %q has these parts:", msg.Header().Subject())
	t.talk = true
	for p := range msg.Parts() {
		size, err := io.Copy(io.Discard, p.Open())
		if err != nil {
			return err
		}
		depth := strings.Count(p.Path(), ".")
		fmt.Fprintf(t.out, "  %s%s %s %d octets %s\n", strings.Repeat("  ", depth), p.Path(), p.MediaType(), size, p.Filename())
	}
	return nil
}
