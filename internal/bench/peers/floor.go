package peers

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
)

// Floor is the least that a server in Go does: it looks for the ends of what the load
// sends, answers as one that takes everything, and looks at nothing else.
const Floor = "floor"

// floorReplies answer what ends in these octets.
var floorReplies = []struct{ end, reply string }{
	{"\r\n.\r\n", "250 2.0.0 accepted as 0123456789.1\r\n"},
	{"DATA\r\n", "250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n354 send message, end with CRLF.CRLF\r\n"},
	{"load.example.test\r\n", "250 bench.example.test\r\n"},
}

func serveFloor(ln net.Listener, _ *tls.Config) (stop func()) {
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go floor(nc)
		}
	}()
	return func() { ln.Close() }
}

func floor(nc net.Conn) {
	defer nc.Close()
	if _, err := io.WriteString(nc, "220 bench.example.test ESMTP\r\n"); err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	n := 0
	for {
		got, err := nc.Read(buf[n:])
		if err != nil {
			return
		}
		n += got
		for _, r := range floorReplies {
			if !bytes.HasSuffix(buf[:n], []byte(r.end)) {
				continue
			}
			if _, err := io.WriteString(nc, r.reply); err != nil {
				return
			}
			n = 0
			break
		}
		if n == len(buf) { // all but what may begin an end is passed over
			n = copy(buf, buf[n-8:])
		}
	}
}
