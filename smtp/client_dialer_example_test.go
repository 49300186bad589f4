package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/smtp"
)

// socks is a Dialer that connects through a SOCKS5 proxy (RFC 1928), which also looks
// up the name. A library for that can be used as well.
type socks struct{ proxy string }

func (s socks) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(host) > 255 {
		return nil, errors.New("socks: bad address")
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, s.proxy)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	hello := []byte{5, 1, 0}                                        // version 5, one method: no authentication
	connect := append([]byte{5, 1, 0, 3, byte(len(host))}, host...) // connect to a name
	connect = append(connect, byte(number>>8), byte(number))        // and a port
	answer := make([]byte, len(hello)-1+4+4+2)                      // with an IPv4 address that is of no use
	if _, err = conn.Write(append(hello, connect...)); err == nil { // in one flight
		if _, err = io.ReadFull(conn, answer); err == nil && answer[3] != 0 { // behind the choice of a method
			err = fmt.Errorf("socks: refused with code %d", answer[3])
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// socksProxy takes one connection and leads it to target, whatever it is asked.
func socksProxy(ln net.Listener, target net.Conn) {
	conn, err := ln.Accept()
	if err != nil {
		return
	}
	request := make([]byte, 3+5)
	io.ReadFull(conn, request)
	name := make([]byte, int(request[7])+2)
	io.ReadFull(conn, name)
	fmt.Printf("proxy: connect to %s\n", name[:len(name)-2])
	conn.Write([]byte{5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go io.Copy(target, conn)
	io.Copy(conn, target)
	conn.Close()
}

// Connections by way of a proxy.
func ExampleDialer() {
	server, stop := pickyServer()
	defer stop()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()
	go socksProxy(ln, server)

	cfg := &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Dialer: socks{ln.Addr().String()}}
	env := smtp.Envelope{To: addresses("bob@example.org")}
	result, err := smtp.Send(context.Background(), "mx.example.org:25", cfg, env, strings.NewReader("Subject: hello\r\n\r\nHello!\r\n"))
	fmt.Println(result.Outcome, err)
	// Output:
	// proxy: connect to mx.example.org
	// accepted <nil>
}

// Many messages over one connection, without waiting for the answer to one before the
// next is sent.
func ExampleClient_SendAll() {
	nc, stop := pickyServer()
	defer stop()
	ctx := context.Background()
	c, err := smtp.NewClient(ctx, nc, "mx.example.org", &smtp.ClientConfig{TLS: smtp.InsecureNoTLS})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	messages := func(yield func(smtp.Message) bool) {
		for _, to := range []string{"bob@example.org", "eve@example.org", "bob@example.org"} {
			m := smtp.Message{
				Envelope: smtp.Envelope{To: addresses(to)},
				Body:     strings.NewReader("Subject: hello\r\n\r\nHello!\r\n"),
			}
			if !yield(m) {
				return
			}
		}
	}
	for result, err := range c.SendAll(ctx, messages) {
		fmt.Println(result.Recipients[0].Recipient.Address, result.Outcome, err)
	}
	if err := c.Quit(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// bob@example.org accepted <nil>
	// eve@example.org refused smtp: not sent: RCPT: 550 5.1.1 no such mailbox
	// bob@example.org accepted <nil>
}
