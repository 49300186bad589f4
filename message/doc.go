// Package message reads and writes Internet messages: headers (RFC 5322), MIME
// structure and bodies (RFC 2045, RFC 2046, RFC 2183), and text outside ASCII in both
// (RFC 2047, RFC 2231, RFC 6532).
//
// # Reading
//
// A parsed [Message] is an index over octets that stay where they are. [Parse] goes
// once over the message and notes where each part, header and field begins and ends;
// nothing is decoded until it is asked for.
//
//	m, err := message.Parse(file, size)
//	if err != nil {
//		return err // the file could not be read; broken mail is no error
//	}
//	fmt.Println(m.Header().Subject())
//	for p := range m.Parts() {
//		if p.Disposition() == "attachment" {
//			save(p.Filename(), p.Open())
//		}
//	}
//
// [Read] takes a message from an io.Reader, by way of a temporary file if it is large.
// A store keeps what [Message.AppendIndex] gives beside the mail: [Load] makes the
// Message of it again without parsing. IMAP answers come from the same index:
// [Header.AppendEnvelope], [Message.AppendStructure], [Message.Section]; [BaseSubject]
// is what its lists are sorted by. [Message.Bodies] tells text, HTML and attachments
// apart.
//
// Guarantees:
//
//   - Every octet of the message is reachable as it was: [Part.Raw] is fit for
//     checking a multipart/signed, [Header.Raw] and [Field.Raw] for DKIM.
//   - Broken mail yields a usable message and a list of [Defect] values, never
//     an error and never a lost part. Only a [Parser] with Strict set turns
//     defects into errors.
//   - Time and memory are linear in the size of the message, whatever is in
//     it, and every depth, count and size has a limit; see [Limits]. Beyond a
//     limit the rest is one opaque leaf and a defect says so.
//   - Parse reads an io.ReaderAt through a window of 64 KiB. What it keeps is
//     the headers, and some 150 octets a part and 16 a field. ParseBytes
//     copies nothing: the message is a view of the caller's slice, which must
//     not change while the message is in use.
//   - A Message and its parts are never changed after they were parsed and may
//     be used by several goroutines at once. What Open and Text return belongs
//     to one.
//
// # How broken or ambiguous mail is read
//
// Two programs that read one message differently are a way around the one that checks
// it. So there is one reading, and it is written down:
//
//   - Only LF ends a line, with any CRs before it. A CR elsewhere is content.
//   - A header ends at an empty line, at a boundary line of a multipart around
//     it, or at the boundary line that its own multipart begins with. A line that is
//     neither a field nor a continuation is kept as a [Field] without a name, and the
//     header goes on behind it; but a parameter goes with the Content-Type or
//     Content-Disposition that ended in a semicolon on the line before. Where no line is a field there is no header, and all of
//     it is body.
//   - The fields of MIME count with or without a MIME-Version, whatever it says.
//   - Of several Content-Type, Content-Transfer-Encoding or
//     Content-Disposition fields, and of parameters of one name, the first counts, but
//     a parameter in the form of RFC 2231 before a plain one.
//   - A Content-Type that cannot be read counts as text/plain, as RFC 2045
//     section 5.2 has it for a missing one. Its parameters count.
//   - A boundary line is "--", a boundary, and nothing but blanks behind it. RFC
//     2046 section 5.1.1 would be content with a beginning, but then one
//     boundary could not be the beginning of another, which is common.
//   - A boundary line closes whatever is open inside the multipart it belongs
//     to. Behind its closing line a multipart has no more parts.
//   - Between two boundary lines with nothing between them there is no part.
//   - A multipart's or nested message's own transfer encoding is not undone. A
//     multipart is taken apart all the same; a message/rfc822 encoded as
//     base64 or quoted-printable is a leaf, and [Part.Nested] parses it.
//   - Padding ends base64 (RFC 2045 section 6.8); anything else outside the
//     alphabet is passed over.
//   - The transfer encodings x-uuencode and x-yenc and their like are undone;
//     what lies before the line that begins the file, and behind the one that
//     ends it, is no part of it. [Part.Embedded] finds such files in text.
//   - An unknown transfer encoding is not undone. What a semicolon behind one parts
//     from it does not count.
//   - A file name is, in this order: filename* of the Content-Disposition, its
//     filename, name* of the Content-Type, its name. See [Part.Filename].
//   - A disposition that is not known is an attachment.
//   - HTML without a charset that is known is in the one that a <meta> in its first
//     1,024 octets names.
//   - Other text without one, or declared as us-ascii, is UTF-8 if it begins with a byte
//     order mark or has at least as many characters outside ASCII that are valid as
//     that as octets that are not, and otherwise windows-1252. ISO-8859-1 and its like are read as the supersets that
//     the WHATWG Encoding standard names, as every mail reader does.
//   - Encoded words are decoded wherever they stand in text and in display
//     names, also inside quotes, and never in an address.
//
// # Writing
//
// A [Draft] is a message to be written: authors, recipients, subject, text, HTML, and
// files, each an [Attachment] that is opened when it is sent.
//
//	draft := &message.Draft{
//		From:        []message.Mailbox{{Name: "Alice", Addr: "alice@example.org"}},
//		To:          []message.Mailbox{{Addr: "bob@example.net"}},
//		Subject:     "Fahrpläne",
//		Text:        "See the file.\n",
//		Attachments: []message.Attachment{message.FromFile("timetable.pdf")},
//	}
//	body, err := draft.Reader() // and draft.Recipients() for the envelope
//
// Guarantees:
//
//   - Nothing that a field holds can become another field, line or part: what could is
//     refused with a [*DraftError] before an octet is written. The recipients of Bcc are
//     not written.
//   - The message is what any server takes: CRLF at the end of each line, no line over 998
//     octets, and those of the header folded between words; ASCII, unless SMTPUTF8 is asked
//     for or a message inside it is not.
//   - Date and Message-ID are made if they are not given; Message-ID and boundaries are of
//     random bits, and say nothing of the host.
//   - Text arrives as it was given, but for its line ends. A file that cannot be read to
//     its end is an error of the reader: who sends what it reads never takes a part for the
//     whole.
//
// [Draft.SetParent] makes it a reply. [ExtraField.Append] and [Mailbox.Append] write a field
// and an address by themselves, for programs that change a message: those of
// [Header.All] that stay are copied from [Field.Raw].
//
// # Limits of this package
//
// message/partial and message/external-body are leaves. HTML is not made safe for
// showing; [AppendHTMLText] makes text of it. No text is made of the RTF in TNEF, and
// BinHex is not read.
package message
