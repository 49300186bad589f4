package smtp

import (
	"io"
	"time"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// prepare checks everything there is to check before a word is said, and returns
// the group of commands that begins the transaction: RSET if one was left
// behind, MAIL, and RCPT for each recipient.
func (s *sending) prepare(body io.Reader) ([]byte, error) {
	if len(s.env.To) == 0 {
		return nil, errNoRecipients
	}
	if body == nil {
		return nil, errNoBody
	}
	if err := s.source.load(body, s.scanner()); err != nil {
		return nil, err
	}
	mail := s.env.mailCommand(time.Now())
	if err := s.declare(&mail); err != nil {
		return nil, err
	}
	var err error
	group := s.c.scratch[:0]
	if s.reset = s.c.open.Load() != 0; s.reset {
		group = append(group, "RSET\r\n"...)
	}
	if group, err = mail.Append(group); err != nil {
		return nil, err
	}
	for i := range s.env.To {
		rcpt := s.rcptCommand(&s.env.To[i], mail.UTF8)
		if group, err = rcpt.Append(group); err != nil {
			return nil, err
		}
	}
	if cap(group) <= maxIdleBuffer {
		s.c.scratch = group
	}
	return group, nil
}

// scanner returns what looks through the body for what must not be there.
func (s *sending) scanner() bodyScanner {
	binary := s.env.Body == BodyBinaryMIME
	return bodyScanner{
		binary:    binary,
		normalize: s.c.cfg.NormalizeLineEnds && !binary,
		longLines: s.c.cfg.AllowLongLines || binary,
		eightBit:  -1,
	}
}

// declare settles what the message needs, and says so in MAIL.
func (s *sending) declare(mail *smtpwire.Mail) (err error) {
	if err := s.checkExtensions(); err != nil {
		return err
	}
	if mail.Body, err = s.declareBody(); err != nil {
		return err
	}
	if s.offers("CHUNKING") && !s.c.cfg.NoChunking && s.fitsChunks() {
		s.chunks = new(chunking)
	}
	if mail.Size, err = s.declareSize(); err != nil {
		return err
	}
	if err := s.useALabels(mail); err != nil {
		return err
	}
	if mail.UTF8, err = s.declareUTF8(); err != nil {
		return err
	}
	s.prdr = s.c.cfg.PRDR && len(s.env.To) > 1 && s.offers("PRDR")
	mail.PRDR = s.prdr
	return nil
}

// offers reports whether the server offers an extension, given in upper case.
func (s *sending) offers(keyword string) bool {
	_, ok := s.c.extensions[keyword]
	return ok
}

// fitsChunks reports whether the body can leave as it is. Only the writer that
// adds dots also mends line ends.
func (s *sending) fitsChunks() bool {
	facts := &s.source.facts
	return !s.c.cfg.NormalizeLineEnds || facts.known && !facts.bare
}

// declareSize returns the value of the SIZE parameter, -1 for none, and refuses
// what the server has said it will not take (RFC 1870 section 6).
func (s *sending) declareSize() (int64, error) {
	facts, size := &s.source.facts, s.env.Size
	if facts.known {
		size = facts.size
	}
	limit, offered := s.c.extensions.Size()
	switch {
	case !offered || size <= 0 && !facts.known:
		return -1, nil
	case limit > 0 && size > limit:
		return 0, &SizeError{Size: size, Max: limit}
	}
	return size, nil
}

// declareBody returns the value of the BODY parameter, and decides what octets
// the body may have (RFC 6152).
func (s *sending) declareBody() (Body, error) {
	offered, facts := s.offers("8BITMIME"), &s.source.facts
	has8Bit := facts.eightBit >= 0
	body := s.env.Body
	if body == BodyBinaryMIME {
		// Text gets a last CRLF that octets do not want, if that can be helped.
		unended := facts.openEnded && s.binaryRefused() == nil
		if facts.bare || facts.longest > maxTextLine || !facts.known || unended {
			return s.declareBinary()
		}
		body = BodyUnspecified // it is text, as it happens
		if facts.openEnded {
			facts.size += int64(len(crlf))
		}
		if check := s.source.check; check != nil {
			check.binary = false
		}
	}
	switch body {
	case Body7Bit:
		if has8Bit {
			return 0, ErrNot7Bit
		}
		s.sevenBit = ErrNot7Bit
		if offered {
			return Body7Bit, nil
		}
		return BodyUnspecified, nil
	case Body8BitMIME, BodyUnspecified:
		has8Bit = has8Bit || body == Body8BitMIME && !facts.known
		if offered && (has8Bit || !facts.known) {
			return Body8BitMIME, nil
		}
	default:
		return s.env.Body, nil // for Append to refuse
	}
	// The rest goes without the extension, and so without octets above 127.
	if s.sevenBit = (&ExtensionError{Keyword: "8BITMIME"}); has8Bit {
		return 0, s.sevenBit
	}
	return BodyUnspecified, nil
}

// declareBinary is declareBody for what BDAT alone can carry (RFC 3030 section 3).
func (s *sending) declareBinary() (Body, error) {
	if err := s.binaryRefused(); err != nil {
		return 0, err
	}
	s.binary = true
	return BodyBinaryMIME, nil
}

// binaryRefused says why a body cannot go as BINARYMIME; nil if it can.
func (s *sending) binaryRefused() error {
	switch {
	case !s.offers("BINARYMIME"):
		return &ExtensionError{Keyword: "BINARYMIME"}
	case !s.offers("CHUNKING") || s.c.cfg.NoChunking:
		return &ExtensionError{Keyword: "CHUNKING"}
	}
	return nil
}

// declareUTF8 reports whether an address or the header is not ASCII, so that
// nobody without SMTPUTF8 may get the message (RFC 6531 section 3.4).
func (s *sending) declareUTF8() (bool, error) {
	need := s.env.UTF8 || s.source.facts.header8 || !s.env.From.IsASCII() || !s.env.Auth.IsASCII()
	for i := range s.env.To {
		need = need || !s.env.To[i].Address.IsASCII()
	}
	if need && !s.offers("SMTPUTF8") {
		return false, &ExtensionError{Keyword: "SMTPUTF8"}
	}
	return need, nil
}
