package report

import (
	"errors"

	"github.com/posthouse/posthouse/message"
)

// ErrNoReport is the error of Read for a message without a report.
var ErrNoReport = errors.New("report: no report in the message")

// Report is a report in a message. One of Delivery, Disposition and Feedback is set.
type Report struct {
	Delivery    *Delivery
	Disposition *Disposition
	Feedback    *Feedback
	// Text is the part for people, nil if there is none.
	Text *message.Part
	// Original is the part with the message that the report is about, or with
	// its header alone; nil if there is none. See also OriginalHeader.
	Original *message.Part
}

// OriginalHeader returns the header of the message that the report is about, such as it
// came back; the zero Header if it did not. By its Message-ID a sender finds what was sent.
// The error is that of reading the message; from memory there is none.
func (r *Report) OriginalHeader() (message.Header, error) {
	if r.Original == nil {
		return message.Header{}, nil
	}
	for m := range r.Original.Children() {
		return m.Header(), nil
	}
	// The header alone, or a message that is encoded or lies too deep.
	body, err := r.Original.AppendBody(nil)
	if err != nil {
		return message.Header{}, err
	}
	return message.ParseHeader(body), nil
}

// Read reads the first report in m. The error is ErrNoReport or that of reading the
// message; from memory there is none of those.
func Read(m *message.Message) (*Report, error) { return read(m.Root()) }

// ReadForwarded is Read for the message in p, a message/rfc822.
func ReadForwarded(p *message.Part) (*Report, error) {
	for inner := range p.Children() {
		return read(inner)
	}
	return nil, ErrNoReport
}

func read(p *message.Part) (*Report, error) {
	r := new(Report)
	if err := r.walk(p); err != nil {
		return nil, err
	}
	if !r.found() {
		return nil, ErrNoReport
	}
	return r, nil
}

func (r *Report) found() bool { return r.Delivery != nil || r.Disposition != nil || r.Feedback != nil }

// walk looks at p and the parts inside it. Parts lie no deeper than the limits of the
// message's parser allow.
func (r *Report) walk(p *message.Part) (err error) {
	switch p.MediaType() {
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers":
		if r.found() && r.Original == nil {
			r.Original = p
		}
		return nil // what is inside is another's
	case "text/plain", "text/html":
		if r.Text == nil && !r.found() {
			r.Text = p
		}
		return nil
	}
	if !r.found() {
		switch p.MediaType() {
		case "message/delivery-status", "message/global-delivery-status": // RFC 6533 section 4
			r.Delivery, err = readDelivery(p)
		case "message/disposition-notification", "message/global-disposition-notification": // RFC 6533 section 5
			r.Disposition, err = readDisposition(p)
		case "message/feedback-report":
			r.Feedback, err = readFeedback(p)
		}
	}
	for c := range p.Children() {
		if err == nil {
			err = r.walk(c)
		}
	}
	return err
}

// blocks returns the runs of fields in the body of p, which empty lines part.
func blocks(p *message.Part) ([]message.Header, error) {
	body, err := p.AppendBody(nil)
	if err != nil {
		return nil, err
	}
	var list []message.Header
	for len(body) > 0 && len(list) < maxBlocks {
		h := message.ParseHeader(body)
		if h.Len() > 0 {
			list = append(list, h)
		}
		rest := skipEmptyLines(body[len(h.Raw()):])
		if len(rest) == len(body) {
			break
		}
		body = rest
	}
	return list, nil
}

// maxBlocks is how many runs of fields are read at most: those of the message and of
// each recipient.
const maxBlocks = 1 + maxRecipients

func skipEmptyLines(b []byte) []byte {
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}
