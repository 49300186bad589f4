package storm

// words are what the grammars of mail give a meaning to as a whole. Changing single
// octets hardly ever makes one.
var words = []string{
	// Lines, and their ends.
	"\r\n", "\r\n.\r\n", "\n.\n", "\r.\r", "\r\n..\r\n", "\r\n\r\n", "\n\n", "\r\n ", "\r\n\t", "--", "\r\n--", "--\r\n",

	// SMTP and LMTP.
	"HELO a\r\n", "EHLO a\r\n", "LHLO a\r\n", "MAIL FROM:<", "RCPT TO:<", "<>", ">\r\n", "DATA\r\n", "BDAT ", " LAST\r\n", "RSET\r\n", "NOOP\r\n",
	"QUIT\r\n", "VRFY ", "EXPN ", "HELP\r\n", "STARTTLS\r\n", "XCLIENT ADDR=", " SIZE=", " BODY=8BITMIME", " BODY=BINARYMIME", " SMTPUTF8",
	" RET=HDRS", " ENVID=", " NOTIFY=NEVER", " ORCPT=rfc822;", " BY=", " MT-PRIORITY=", " HOLDFOR=", " REQUIRETLS", " PRDR", " AUTH=<>", "+3D",
	"250 ", "250-", "354 ", "421 ", "550 5.1.1 ", "2.0.0 ", "postmaster", "[192.0.2.1]", "[IPv6:::1]", "xn--", "@",

	// POP3.
	"+OK", "-ERR", "+ ", "[IN-USE]", "[AUTH]", "[SYS/TEMP]", "USER ", "PASS ", "APOP ", "CAPA\r\n", "STAT\r\n", "LIST\r\n", "UIDL\r\n",
	"RETR 1\r\n", "TOP 1 0\r\n", "DELE 1\r\n", "STLS\r\n", "UTF8\r\n", "LANG *\r\n", "<1.2@a>",

	// SASL.
	"AUTH PLAIN ", "AUTH LOGIN\r\n", "AUTH CRAM-MD5\r\n", "AUTH SCRAM-SHA-256 ", "AUTH EXTERNAL =\r\n", "n,,", "y,,", "p=tls-exporter,,", "n=", ",r=",
	",s=", ",i=4096", "c=biws", ",p=", "m=", "e=other-error", "=2C", "=3D", "auth=Bearer ", "\x01", "\x00", "AGEAYg==",

	// Messages.
	"From: ", "To: ", "Cc: ", "Subject: ", "Date: ", "Message-ID: <", "References: ", "Received: from ", "; by ", " with ESMTP", "List-Unsubscribe: <",
	"MIME-Version: 1.0\r\n", "Content-Type: ", "Content-Transfer-Encoding: ", "Content-Disposition: ", "Content-ID: <", "text/plain", "text/html",
	"multipart/mixed", "multipart/alternative", "multipart/digest", "multipart/report", "message/rfc822", "message/delivery-status", "application/ms-tnef",
	"; boundary=", "; boundary=\"", "; charset=", "; name=", "; filename=", "; filename*=utf-8''", "; filename*0*=", "; filename*1=", "; format=flowed",
	"; delsp=yes", "; report-type=", "base64", "quoted-printable", "8bit", "binary", "x-uuencode", "attachment", "inline", "us-ascii", "utf-8",
	"iso-2022-jp", "windows-1252", "gb18030", "utf-7", "utf-16", "=?utf-8?B?", "=?utf-8?Q?", "=?iso-8859-1*en?q?", "?=", "?= =?", "=\r\n", "=20", "=E2=82=AC",
	"%E2%82%AC", "(comment)", "group: ", ":;", "<@a,@b:c@d>", "\\\"", "Mon, 01 Jan 2020 12:00:00 +0000", " -0500", " EST", " GMT", "Feb", "Sat, ",
	"begin 644 a\n", "`\nend\n", "=ybegin line=128 size=", "=yend size=", "> ", ">> ", "-- \r\n", "<br>", "<style>", "<!--", "-->", "&amp;", "&#x41;",
	"Final-Recipient: rfc822;", "Action: failed\r\n", "Status: 5.1.1\r\n",

	// Letters that fold, or look alike, only by Unicode; and octets that are none.
	"\u017f", "\u212a", "\u2163", "\u0308", "\u202e", "\u00ad", "\ufeff", "\u3002", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x1b$B", "\x1b(B",
}
