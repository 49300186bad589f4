package crowd

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// room has those who hold a connection and do next to nothing with it.
type room struct {
	conns    []net.Conn
	dripping sync.WaitGroup
	stop     chan struct{}
	cut      int
}

// patience is how long a server may take for what it answers at once.
const patience = time.Minute

// dial connects, from one of several addresses of this machine: from one alone the ports
// would not do. It reads the greeting, and for SMTP says EHLO.
func dial(o Order, i int) (net.Conn, error) {
	const sources = 8
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%sources))}}
	nc, err := d.Dial("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	if err = await(nc); err == nil && o.Protocol == "smtp" {
		err = say(nc, "EHLO still.example.test")
	}
	if err == nil && o.Protocol == "pop3" && i < o.LoggedIn {
		if err = say(nc, fmt.Sprint("USER still", o.First+i)); err == nil {
			err = say(nc, "PASS "+o.Password)
		}
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

func say(nc net.Conn, line string) error {
	if _, err := io.WriteString(nc, line+"\r\n"); err != nil {
		return err
	}
	return await(nc)
}

// await reads one reply, which must be good.
func await(nc net.Conn) error {
	if err := nc.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	var buf [1024]byte
	n := 0
	for {
		got, err := nc.Read(buf[n:])
		if err != nil {
			return err
		}
		n += got
		last := buf[:n]
		if !bytes.HasSuffix(last, []byte("\r\n")) {
			continue
		}
		last = last[bytes.LastIndexByte(last[:n-2], '\n')+1:]
		if last[0] == '+' || len(last) > 3 && last[0] == '2' && last[3] == ' ' {
			return nil
		}
		if last[0] == '-' || last[3] == ' ' {
			return fmt.Errorf("the server said %q", last)
		}
	}
}

// fill has N come and sit still.
func (r *room) fill(o Order) (Answer, error) {
	for i := range o.N {
		nc, err := dial(o, i)
		if err != nil {
			return Answer{N: i}, fmt.Errorf("connection %d: %w", i, err)
		}
		r.conns = append(r.conns, nc)
	}
	return Answer{N: o.N}, nil
}

// drip has N come who from now on send an octet a second of a command that they never
// end. Whom the server cuts off comes again. One goroutine does it for all, some of them
// at each tick, so that the octets do not come all at once.
func (r *room) drip(o Order) (Answer, error) {
	from := len(r.conns)
	if a, err := r.fill(o); err != nil {
		return a, err
	}
	conns := r.conns[from:]
	r.stop = make(chan struct{})
	r.dripping.Go(func() {
		const ticks = 50 // a second
		tick := time.NewTicker(time.Second / ticks)
		defer tick.Stop()
		for turn := 0; ; turn++ {
			select {
			case <-r.stop:
				return
			case <-tick.C:
			}
			for i := turn % ticks; i < len(conns); i += ticks {
				if _, err := conns[i].Write([]byte("MAIL FROM:<xxxxxxxxxxxxxxxx"[turn/ticks%24:][:1])); err == nil {
					continue
				}
				r.cut++
				conns[i].Close()
				if nc, err := dial(o, i); err == nil {
					conns[i] = nc
				}
			}
		}
	})
	return Answer{N: o.N}, nil
}

// leave closes all connections.
func (r *room) leave() Answer {
	if r.stop != nil {
		close(r.stop)
		r.dripping.Wait()
	}
	a := Answer{N: len(r.conns), Cut: r.cut}
	for _, nc := range r.conns {
		nc.Close()
	}
	*r = room{}
	return a
}
