package message_test

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/posthouse/posthouse/message"
)

var letter = strings.ReplaceAll(`From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.org>
To: "Doe, Jo" <jo@example.net>, Friends: ann@example.net, bob@example.net;
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus =?utf-8?b?S8O2bG4=?=
Date: Mon, 06 Jul 2026 10:00:00 +0200
Message-ID: <2@example.org>
References: <0@example.net> <1@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=next

--next
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Sch=F6n ist es hier.
--next
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''Fahrpl%C3%A4ne.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjc=
--next--
`, "\n", "\r\n")

func ExampleParse() {
	m, err := message.Parse(strings.NewReader(letter), int64(len(letter)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Header().Subject())
	for p := range m.Parts() {
		fmt.Printf("%s %s %q\n", p.Path(), p.MediaType(), p.Filename())
	}
	// Output:
	// Grüße aus Köln
	// TEXT multipart/mixed ""
	// 1 text/plain ""
	// 2 application/pdf "Fahrpläne.pdf"
}

func ExamplePart_Text() {
	m, _ := message.ParseBytes([]byte(letter))
	_, err := io.Copy(os.Stdout, m.Part("1").Text())
	if err != nil {
		fmt.Println(err)
	}
	// Output: Schön ist es hier.
}

func ExamplePart_Open() {
	m, _ := message.ParseBytes([]byte(letter))
	_, err := io.Copy(os.Stdout, m.Part("2").Open())
	if err != nil {
		fmt.Println(err)
	}
	// Output: %PDF-1.7
}

func ExampleHeader_Addresses() {
	m, _ := message.ParseBytes([]byte(letter))
	to, err := m.Header().Addresses("To")
	if err != nil {
		fmt.Println("not all of them:", err)
	}
	for _, a := range to {
		fmt.Printf("%q %s\n", a.Name, a.Addr)
	}
	// Output:
	// "Doe, Jo" jo@example.net
	// "" ann@example.net
	// "" bob@example.net
}

func ExampleHeader_Groups() {
	m, _ := message.ParseBytes([]byte(letter))
	groups, _ := m.Header().Groups("To")
	for _, g := range groups {
		fmt.Printf("%q: %d\n", g.Name, len(g.Members))
	}
	// Output:
	// "": 1
	// "Friends": 2
}

func ExampleHeader_MessageIDs() {
	m, _ := message.ParseBytes([]byte(letter))
	fmt.Println(m.Header().MessageID(), m.Header().MessageIDs("References"))
	// Output: 2@example.org [0@example.net 1@example.org]
}

func ExampleMessage_Defects() {
	m, _ := message.ParseBytes([]byte("Subject: cut off\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello"))
	fmt.Println(m.Part("1").MediaType())
	for _, d := range m.Defects() {
		fmt.Println(d)
	}
	// Output:
	// text/plain
	// message: missing close boundary at octet 75 (part TEXT)
}

func ExampleParser_strict() {
	parser := message.Parser{Strict: true}
	_, err := parser.ParseBytes([]byte("Subject: x\r\n\r\nHello\nworld\r\n"))
	fmt.Println(err)
	// Output: message: bare LF at octet 19 (part 1)
}

// All that is wrong with a message, for who has to judge it. It is usable all the same.
func ExampleParser_thorough() {
	parser := message.Parser{Thorough: true}
	m, _ := parser.ParseBytes([]byte("From: a@example.org\r\nFrom: b@example.org\r\nDate: yesterday\r\nSubject : x\r\n\r\nH\xe9llo\nworld\r\n"))
	for _, d := range m.Defects() {
		fmt.Println(d.Offset, d.Kind)
	}
	// Output:
	// 21 duplicate field
	// 42 bad date
	// 59 blank before a colon
	// 75 8-bit octet in a 7-bit body
	// 79 bare LF
}

func ExampleParseMailbox() {
	m, err := message.ParseMailbox(`"Doe, Jo" <jo@example.net>`)
	fmt.Println(m.Name, m.Addr, err)
	_, err = message.ParseMailbox(`jo@example.net, evil@example.org`)
	fmt.Println(err)
	// Output:
	// Doe, Jo jo@example.net <nil>
	// message: bad address at octet 0: not one mailbox
}

func ExampleMessage_Bodies() {
	m, _ := message.ParseBytes([]byte(letter))
	b := m.Bodies()
	for _, p := range b.Text {
		text, _ := p.AppendText(nil)
		fmt.Printf("%s\n", text)
	}
	for _, p := range b.Attachments {
		fmt.Println(p.Filename())
	}
	// Output:
	// Schön ist es hier.
	// Fahrpläne.pdf
}

func ExampleHeader_Received() {
	h := message.ParseHeader([]byte("Received: from mail.example.org (mx.example.org [192.0.2.1])\r\n" +
		"\tby mx.example.net with ESMTPS id 42; Mon, 6 Jul 2026 10:00:00 +0200\r\n"))
	for r := range h.Received() {
		fmt.Println(r.By, r.With, r.FromIP, r.Date.UTC())
	}
	// Output: mx.example.net ESMTPS 192.0.2.1 2026-07-06 08:00:00 +0000 UTC
}

func ExampleHeader_ListURLs() {
	h := message.ParseHeader([]byte("List-Id: Friends of mail <friends.example.org>\r\n" +
		"List-Unsubscribe: <https://example.org/u?42>, <mailto:leave@example.org>\r\n" +
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"))
	fmt.Println(h.ListID())
	fmt.Println(h.ListURLs("List-Unsubscribe"), h.OneClick())
	// Output:
	// friends.example.org Friends of mail
	// [https://example.org/u?42 mailto:leave@example.org] true
}

func ExampleRead() {
	m, err := message.Read(strings.NewReader(letter))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	fmt.Println(m.Header().Subject())
	// Output: Grüße aus Köln
}

func ExampleMessage_AppendStructure() {
	m, _ := message.ParseBytes([]byte(letter))
	answer, _ := m.AppendStructure(nil, false)
	fmt.Printf("%s\n", answer)
	// Output: (("TEXT" "PLAIN" ("CHARSET" "iso-8859-1") NIL NIL "QUOTED-PRINTABLE" 20 1)("APPLICATION" "PDF" NIL NIL NIL "BASE64" 12) "MIXED")
}

func ExampleHeader_AppendEnvelope() {
	h := message.ParseHeader([]byte("Subject: Hello\r\nFrom: Jo <jo@example.org>\r\n"))
	fmt.Printf("%s\n", h.AppendEnvelope(nil))
	// Output: (NIL "Hello" (("Jo" NIL "jo" "example.org")) (("Jo" NIL "jo" "example.org")) (("Jo" NIL "jo" "example.org")) NIL NIL NIL NIL NIL)
}

func ExampleMessage_Section() {
	m, _ := message.ParseBytes([]byte(letter))
	r, ok := m.Section("1.MIME")
	b, _ := io.ReadAll(r)
	fmt.Printf("%v %q\n", ok, b)
	// Output: true "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
}

func ExampleLoad() {
	m, _ := message.ParseBytes([]byte(letter))
	index, _ := m.AppendIndex(nil)
	// Later, with the message still in its file:
	m, err := message.Load(index, strings.NewReader(letter), int64(len(letter)))
	fmt.Println(m.Header().Subject(), err)
	// Output: Grüße aus Köln <nil>
}

func ExamplePart_Embedded() {
	m, _ := message.ParseBytes([]byte("Subject: old\r\n\r\nHere it is.\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n"))
	files, _ := m.Root().Embedded()
	for _, f := range files {
		fmt.Printf("%s %s %v\n", f.Name, f.Content, f.Whole)
	}
	// Output: cat.txt Cat true
}

func ExampleAppendHTMLText() {
	fmt.Printf("%s\n", message.AppendHTMLText(nil, []byte("<h1>Horses</h1><p>Two &amp; a <b>spare</b><script>alert(1)</script><ul><li>Ajax<li>Bella</ul>")))
	// Output:
	// Horses
	//
	// Two & a spare
	//
	// - Ajax
	// - Bella
}

func ExampleMessage_Preview() {
	m, _ := message.ParseBytes([]byte("Subject: Re: horses\r\n\r\nJo wrote:\r\n> How many?\r\nTwo, and a spare.\r\n-- \r\nAnn\r\n"))
	fmt.Println(m.Preview(80))
	// Output: Two, and a spare. <nil>
}

func ExampleBaseSubject() {
	for _, s := range []string{"Re: [list] Lunch", "[list] Fwd: lunch (fwd)"} {
		base, reply := message.BaseSubject(s)
		fmt.Println(base, reply)
	}
	// Output:
	// Lunch true
	// lunch true
}

func ExampleUnflow() {
	fmt.Printf("%s", message.Unflow(nil, []byte("> How \r\n> many?\r\nTwo, and \r\na spare.\r\n"), false))
	// Output:
	// > How many?
	// Two, and a spare.
}

func ExampleParseTNEF() {
	m, _ := message.ParseBytes([]byte("Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		"eJ8+IgEAAgKQAAAAAAAAAAACEIAAAAYAAABhLnR4dADvAQIPgAAABQAAAGhlbGxvFAI=\r\n"))
	t, err := m.Root().TNEF()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range t.Files {
		fmt.Printf("%s %s %v\n", f.Name, f.Content, t.Whole)
	}
	// Output: a.txt hello true
}
