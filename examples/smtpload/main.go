// Command smtpload sends many messages as fast as a server takes them.
//
//	smtpload -addr 127.0.0.1:2525 -count 10000 -rcpts 2 -size 1024 -sessions 20
//
// Its last line is JSON: how many messages were sent, refused, or unknown (the
// end of the message left and no answer came), and the wall time in seconds. The
// exit status is 0 when all were sent.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posthouse/posthouse/examples/internal/program"
	"github.com/posthouse/posthouse/smtp"
)

func main() {
	var l load
	flag.StringVar(&l.addr, "addr", "127.0.0.1:2525", "`address` of the server")
	flag.IntVar(&l.count, "count", 1000, "messages in all")
	flag.IntVar(&l.rcpts, "rcpts", 1, "recipients of each")
	flag.IntVar(&l.size, "size", 1024, "`octets` of each")
	flag.IntVar(&l.sessions, "sessions", 1, "connections at a time")
	flag.StringVar(&l.from, "from", "sender@example.test", "reverse-path")
	flag.StringVar(&l.to, "to", "", "forward-path of every recipient (default recipientN@example.test)")
	flag.StringVar(&l.mode, "tls", "off", "off, opportunistic, starttls or implicit")
	flag.StringVar(&l.ca, "ca", "", "PEM `file` of certificates to trust")
	flag.StringVar(&l.user, "user", "", "user to authenticate as")
	flag.StringVar(&l.password, "password", "", "the user's password")
	flag.Parse()
	program.Main("smtpload", l.run)
}

// load is what the flags ask for.
type load struct {
	addr, from, to, mode, ca, user, password string
	count, rcpts, size, sessions             int
}

// tally is the last line of output. Messages that no session could take up are
// neither sent nor unknown: they count as refused.
type tally struct {
	Sent    int64   `json:"sent"`
	Refused int64   `json:"refused"`
	Unknown int64   `json:"unknown"`
	Wall    float64 `json:"wall"`
}

func (l *load) run(ctx context.Context) error {
	cfg, err := l.config()
	if err != nil {
		return err
	}
	env, err := l.envelope()
	if err != nil {
		return err
	}
	body := message(l.size)
	var (
		left, sent, unknown atomic.Int64
		wg                  sync.WaitGroup
		failures            = make(chan error, l.sessions)
	)
	left.Store(int64(l.count))
	start := time.Now()
	for range l.sessions {
		wg.Go(func() {
			messages := func(yield func(smtp.Message) bool) {
				for left.Add(-1) >= 0 && yield(smtp.Message{Envelope: env, Body: bytes.NewReader(body)}) {
				}
			}
			failures <- session(ctx, l.addr, cfg, messages, func(result *smtp.Result, err error) {
				switch {
				case err == nil:
					sent.Add(1)
				case result.Outcome == smtp.Unknown:
					unknown.Add(1)
				}
			})
		})
	}
	wg.Wait()
	wall := time.Since(start).Seconds()
	close(failures)
	var first error
	for err := range failures {
		if first == nil {
			first = err
		}
	}
	if first != nil {
		fmt.Fprintln(os.Stderr, "smtpload:", first)
	}
	t := tally{Sent: sent.Load(), Unknown: unknown.Load(), Wall: wall}
	t.Refused = int64(l.count) - t.Sent - t.Unknown
	if err := json.NewEncoder(os.Stdout).Encode(t); err != nil {
		return err
	}
	if t.Sent != int64(l.count) {
		return fmt.Errorf("%d of %d messages were not sent", int64(l.count)-t.Sent, l.count)
	}
	return nil
}

// session sends messages over one connection, one close behind the other, and
// reports each. A message that is refused is not the end, a broken connection is.
func session(ctx context.Context, addr string, cfg *smtp.ClientConfig, messages iter.Seq[smtp.Message], report func(*smtp.Result, error)) error {
	c, err := smtp.Dial(ctx, addr, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	var first error
	for result, err := range c.SendAll(ctx, messages) {
		report(result, err)
		if err != nil && first == nil {
			first = err
		}
		if errors.Is(err, smtp.ErrBroken) || ctx.Err() != nil {
			break
		}
	}
	if err := c.Quit(ctx); first == nil {
		first = err
	}
	return first
}

func (l *load) config() (*smtp.ClientConfig, error) {
	if l.count < 0 || l.rcpts < 1 || l.size < 0 || l.sessions < 1 {
		return nil, errors.New("-count and -size are 0 or more, -rcpts and -sessions 1 or more")
	}
	mode, tlsConfig, err := program.ClientTLS(l.mode, l.ca)
	if err != nil {
		return nil, err
	}
	return &smtp.ClientConfig{
		TLS:       mode,
		TLSConfig: tlsConfig,
		Hello:     "load.example.test",
		Auth:      program.Credentials(mode, l.user, l.password),
	}, nil
}

func (l *load) envelope() (smtp.Envelope, error) {
	to := make([]string, l.rcpts)
	for i := range to {
		if to[i] = l.to; l.to == "" {
			to[i] = fmt.Sprintf("recipient%d@example.test", i)
		}
	}
	return smtp.NewEnvelope(l.from, to...)
}

// message returns a message of the given size, or of its header's if that is
// more.
func message(size int) []byte {
	var b strings.Builder
	b.WriteString("From: <sender@example.test>\r\nSubject: load\r\nDate: Mon, 06 Jul 2026 10:00:00 +0000\r\n\r\n")
	for b.Len()+78 <= size {
		b.WriteString(strings.Repeat("x", 76) + "\r\n")
	}
	if n := size - b.Len(); n >= 2 {
		b.WriteString(strings.Repeat("x", n-2) + "\r\n")
	}
	return []byte(b.String())
}
