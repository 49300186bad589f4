package bombs

import "encoding/binary"

// bodies are bombs of what a part may hold.
var bodies = []Bomb{
	{"base64 junk", around("Content-Transfer-Encoding: base64\r\n\r\n", "a-", "")},
	{"quoted-printable escapes", around("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=", "")},
	{"quoted-printable soft breaks", around("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=\n", "")},
	{"quoted-printable blanks", around("Content-Transfer-Encoding: quoted-printable\r\n\r\n", " ", "")},
	{"uuencode", around("Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n", "M", "")},
	{"uuencoded files", around("\r\n", "begin 644 a\r\n#0V%T\r\n", "")},
	{"yEnc", around("Content-Transfer-Encoding: x-yenc\r\n\r\n=ybegin size=1\r\n", "=", "")},
	{"flowed lines", around("Content-Type: text/plain; format=flowed\r\n\r\n", "> a \r\n> b", "")},
	{"quotations", around("\r\n", "a:\r\n>\r\n", "")},
	{"HTML that is not closed", around(htmlType, "<a b=\"<!--", "")},
	{"HTML tags", around(htmlType, "<div><br>", "")},
	{"HTML scripts", around(htmlType, "<script></", "")},
	{"HTML attributes", around(htmlType+"<img ", "a=b ", "")},
	{"HTML references", around(htmlType, "&aaaa", "")},
	{"HTML comments", around(htmlType, "<!--a--!", "")},
	{"HTML of unknown charset", around("Content-Type: text/html\r\n\r\n", "<meta charset=", "")},
	{"HTML control characters", around(htmlType, "\x01", "")},
	{"TNEF attributes", around(tnefHead, tnefAttribute(2, 0x9002, ""), "")},
	{"TNEF properties", func(n int) string {
		return tnefHead + tnefAttribute(1, 0x9003, "\xff\xff\xff\xff"+repeatTo(n, "\x03\x00\x37\x00\x00\x00\x00\x00"))
	}},
	{"UTF-7", around("Content-Type: text/plain; charset=utf-7\r\n\r\n", "+++3Q-", "")},
	{"ISO-2022-KR", around("Content-Type: text/plain; charset=iso-2022-kr\r\n\r\n", "\x1b$\x0ea\x0f", "")},
	{"charset switches", around("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n", "\x1b$B\x1b(B", "")},
}

const htmlType = "Content-Type: text/html; charset=utf-8\r\n\r\n"

// tnefHead is a part with the signature of TNEF and a key.
const tnefHead = "Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22\x01\x00"

// tnefAttribute returns an attribute with its sum, which does not matter.
func tnefAttribute(level byte, id uint32, data string) string {
	b := binary.LittleEndian.AppendUint32([]byte{level}, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return string(b) + data + "\x00\x00"
}
