package message

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// base64Lines encodes b in lines of 76 characters.
func base64Lines(b []byte) []byte {
	s := base64.StdEncoding.EncodeToString(b)
	var out bytes.Buffer
	for len(s) > 76 {
		out.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	out.WriteString(s + "\r\n")
	return out.Bytes()
}

// typicalMessage is a message of 50 KB as most are: text, HTML and a picture.
func typicalMessage() []byte {
	var b bytes.Buffer
	b.WriteString("Return-Path: <bounce-12345@lists.example.org>\r\n")
	for i := range 3 {
		fmt.Fprintf(&b, "Received: from mx%d.example.org (mx%d.example.org [192.0.2.%d])\r\n\tby mail.example.net (Postfix) with ESMTPS id 4XyZ1234567\r\n\tfor <jo@example.net>; Mon, 06 Jul 2026 10:00:0%d +0200 (CEST)\r\n", i, i, i, i)
	}
	b.WriteString("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=sel;\r\n\tt=1783324800; h=from:to:subject:date:mime-version;\r\n\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=" + strings.Repeat("AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/\r\n\t ", 6) + "==\r\n")
	b.WriteString("From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <juergen@example.org>\r\nTo: \"Doe, Jo\" <jo@example.net>, Ann <ann@example.net>\r\n" +
		"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=\r\nDate: Mon, 06 Jul 2026 10:00:00 +0200\r\nMessage-ID: <20260706.12345@example.org>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"----=_Part_1\"\r\n\r\nThis is a message in MIME format.\r\n" +
		"------=_Part_1\r\nContent-Type: multipart/alternative; boundary=\"----=_Part_2\"\r\n\r\n" +
		"------=_Part_2\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	for i := range 40 {
		fmt.Fprintf(&b, "Line %d of the letter, with an umlaut =C3=BC now and then, and a soft line =\r\nbreak after it - as is usual.\r\n", i)
	}
	b.WriteString("------=_Part_2\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html>\r\n")
	for i := range 80 {
		fmt.Fprintf(&b, "<p style=3D\"color: red\">Line %d of the letter, with an umlaut =C3=BC in it=\r\n and a soft line break.</p>\r\n", i)
	}
	b.WriteString("</html>\r\n------=_Part_2--\r\n------=_Part_1\r\nContent-Type: image/png; name=\"picture.png\"\r\nContent-Disposition: attachment; filename=\"picture.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	picture := make([]byte, 26_000)
	for i := range picture {
		picture[i] = byte(i * i >> 3)
	}
	b.Write(base64Lines(picture))
	b.WriteString("------=_Part_1--\r\n")
	return b.Bytes()
}

func BenchmarkParse(b *testing.B) {
	msg := typicalMessage()
	b.Run("structure", func(b *testing.B) {
		b.SetBytes(int64(len(msg)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseBytes(msg); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("structure-readerat", func(b *testing.B) {
		r := bytes.NewReader(msg)
		b.SetBytes(int64(len(msg)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(r, int64(len(msg))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("envelope", func(b *testing.B) {
		b.SetBytes(int64(len(msg)))
		b.ReportAllocs()
		for b.Loop() {
			m, _ := ParseBytes(msg)
			envelope(m)
		}
	})
	b.Run("full", func(b *testing.B) {
		var buf []byte
		b.SetBytes(int64(len(msg)))
		b.ReportAllocs()
		for b.Loop() {
			m, _ := ParseBytes(msg)
			envelope(m)
			for p := range m.Parts() {
				if p.kind != leaf {
					continue
				}
				if strings.HasPrefix(p.MediaType(), "text/") {
					buf, _ = p.AppendText(buf[:0])
				} else {
					buf, _ = p.AppendBody(buf[:0])
				}
			}
		}
	})
	b.Run("thorough", func(b *testing.B) {
		parser := Parser{Thorough: true}
		b.SetBytes(int64(len(msg)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := parser.ParseBytes(msg); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func envelope(m *Message) {
	_ = m.Header().Subject()
	_, _ = m.Header().Addresses("From")
	_, _ = m.Header().Addresses("To")
}

func BenchmarkDecode(b *testing.B) {
	raw := make([]byte, 1<<20)
	for i := range raw {
		raw[i] = byte(i * i >> 5)
	}
	lines := base64Lines(raw)
	b.Run("base64", func(b *testing.B) {
		dst := make([]byte, base64Room(len(lines)))
		b.SetBytes(int64(len(lines)))
		for b.Loop() {
			var d base64Decoder
			d.decode(dst, lines)
		}
	})
	b.Run("base64-encoding/base64", func(b *testing.B) {
		src := []byte(base64.StdEncoding.EncodeToString(raw))
		dst := make([]byte, len(raw))
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			_, _ = base64.StdEncoding.Decode(dst, src)
		}
	})
	qp := bytes.Repeat([]byte("Line of a letter, with an umlaut =C3=BC now and then, and a soft line =\r\nbreak after it - as is usual.\r\n"), 10_000)
	b.Run("quoted-printable", func(b *testing.B) {
		dst := make([]byte, len(qp))
		b.SetBytes(int64(len(qp)))
		for b.Loop() {
			var d qpDecoder
			d.decode(dst, qp, true)
		}
	})
}
