package peers

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net"
	nsmtp "net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	gosmtp "github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/proc"
	"github.com/posthouse/posthouse/smtp"
)

// Names of the clients beside ours; GoSMTP is one too.
const (
	NetSMTP    = "net/smtp"
	GoMail     = "go-mail"
	Nodemailer = "nodemailer"
	SMTPSource = "smtp-source"
)

const (
	sender = "sender@example.test"
	hello  = "load.example.test"
)

// recipients are those of every message.
var recipients = []string{"one@example.test", "two@example.test"}

// goClients are the clients in Go. Each sends messages to two recipients, over
// one connection a session.
var goClients = map[string]func(Job) error{
	Posthouse: inSessions(sendPosthouse),
	NetSMTP:   inSessions(sendNetSMTP),
	GoSMTP:    inSessions(sendGoSMTP),
	GoMail:    inSessions(sendGoMail),
}

// SMTPClients are the names of the clients on this machine, ours first.
func SMTPClients() []string {
	names := []string{Posthouse, NetSMTP, GoSMTP, GoMail}
	if installed("smtp-source") {
		names = append(names, SMTPSource)
	}
	if exec.Command("node", "-e", "require.resolve('nodemailer')").Run() == nil {
		names = append(names, Nodemailer)
	}
	return names
}

// FindNodePackages has node find what the script install of internal/interop has installed,
// when the working directory is this module's, and unless NODE_PATH says where to look.
func FindNodePackages() {
	const folder = "../interop/node/node_modules"
	if path, err := filepath.Abs(folder); err == nil && os.Getenv("NODE_PATH") == "" {
		_ = os.Setenv("NODE_PATH", path) // it fails for names that are none
	}
}

// StartSMTPClient starts a client.
func StartSMTPClient(ctx context.Context, name string) (Client, error) {
	switch name {
	case SMTPSource:
		return tool{"smtp-source", smtpSourceArgs}, nil
	case Nodemailer:
		p, err := proc.Start(ctx, nil, "node", "-e", nodemailer)
		if err != nil {
			return nil, err
		}
		return child{p}, nil
	}
	return startClient(ctx, "smtp-client", name)
}

//go:embed nodemailer.js
var nodemailer string

func smtpSourceArgs(job Job) []string {
	return []string{
		"-d", "-s", strconv.Itoa(job.Sessions), "-m", strconv.Itoa(job.Messages),
		"-r", strconv.Itoa(len(recipients)), "-l", strconv.Itoa(job.Size),
		"-f", sender, "-t", recipients[0], "-M", hello, job.Addr,
	}
}

// inSessions has a job done by several sessions at a time. The message is kept for the
// next job, so that the rounds that count do not pay for making it.
func inSessions(send func(Job, []byte) error) func(Job) error {
	var message []byte
	size := -1
	return func(job Job) error {
		if size != job.Size {
			message, size = load.Message(job.Size, false), job.Size
		}
		sessions := job.Sessions
		job.Messages /= sessions
		failures := make(chan error, sessions)
		for range sessions {
			go func() { failures <- send(job, message) }()
		}
		var first error
		for range sessions {
			if err := <-failures; first == nil {
				first = err
			}
		}
		return first
	}
}

func sendPosthouse(job Job, message []byte) error {
	ctx := context.Background()
	env, err := envelope()
	if err != nil {
		return err
	}
	c, err := smtp.Dial(ctx, job.Addr, &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Hello: hello})
	if err != nil {
		return err
	}
	defer c.Close()
	messages := func(yield func(smtp.Message) bool) {
		for range job.Messages {
			if !yield(smtp.Message{Envelope: env, Body: bytes.NewReader(message)}) {
				return
			}
		}
	}
	for _, err := range c.SendAll(ctx, messages) {
		if err != nil {
			return err
		}
	}
	return c.Quit(ctx)
}

func envelope() (env smtp.Envelope, err error) {
	if env.From, err = smtp.ParseAddress(sender); err != nil {
		return env, err
	}
	for _, to := range recipients {
		a, err := smtp.ParseAddress(to)
		if err != nil {
			return env, err
		}
		env.To = append(env.To, smtp.Recipient{Address: a})
	}
	return env, nil
}

func sendNetSMTP(job Job, message []byte) error {
	c, err := nsmtp.Dial(job.Addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello(hello); err != nil {
		return err
	}
	for range job.Messages {
		if err := c.Mail(sender); err != nil {
			return err
		}
		for _, to := range recipients {
			if err := c.Rcpt(to); err != nil {
				return err
			}
		}
		w, err := c.Data()
		if err != nil {
			return err
		}
		if _, err := w.Write(message); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return c.Quit()
}

func sendGoSMTP(job Job, message []byte) error {
	c, err := gosmtp.Dial(job.Addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello(hello); err != nil {
		return err
	}
	for range job.Messages {
		if err := c.SendMail(sender, recipients, bytes.NewReader(message)); err != nil {
			return err
		}
	}
	return c.Quit()
}

// sendGoMail builds each message, as go-mail does.
func sendGoMail(job Job, message []byte) error {
	host, port, err := net.SplitHostPort(job.Addr)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	c, err := gomail.NewClient(host, gomail.WithPort(n), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithHELO(hello))
	if err != nil {
		return err
	}
	if err := c.DialWithContext(context.Background()); err != nil {
		return err
	}
	text := string(message)
	for i := range job.Messages {
		m := gomail.NewMsg(gomail.WithEncoding(gomail.NoEncoding))
		if err := m.From(sender); err != nil {
			return err
		}
		if err := m.To(recipients...); err != nil {
			return err
		}
		m.Subject(fmt.Sprintf("load %d", i))
		m.SetBodyString(gomail.TypeTextPlain, text)
		if err := c.Send(m); err != nil {
			return err
		}
	}
	return c.Close()
}
