package bombs

import "github.com/posthouse/posthouse/message"

// ReadAll parses b and reads all that there is in it.
func ReadAll(b []byte, parser message.Parser) error {
	m, err := parser.ParseBytes(b)
	if err != nil {
		return err
	}
	if _, err := m.AppendStructure(nil, true); err != nil {
		return err
	}
	if _, err := m.AppendIndex(nil); err != nil {
		return err
	}
	if _, err := m.Preview(0); err != nil {
		return err
	}
	var buf []byte
	for p := range m.Parts() {
		_, _, _ = p.Filename(), p.Charset(), p.Disposition()
		readHeader(p.Header())
		if buf, err = readBody(p, buf); err != nil {
			return err
		}
	}
	return nil
}

func readHeader(h message.Header) {
	_, _ = message.BaseSubject(h.Subject())
	_, _ = h.MessageIDs("References"), h.MessageID()
	_, _ = h.Addresses("To")
	_, _ = h.Groups("To")
	_, _ = h.ListID()
	_, _ = h.ListURLs("List-Id"), h.Keywords()
	for range h.Received() {
	}
	_, _ = h.Date()
}

// readBody reads the body of p, if there are no parts in it, into buf.
func readBody(p *message.Part, buf []byte) ([]byte, error) {
	for range p.Children() {
		return buf, nil
	}
	buf, err := p.AppendText(buf[:0])
	if err != nil {
		return buf, err
	}
	_ = message.AppendHTMLText(nil, buf)
	_ = message.Unflow(nil, buf, true)
	_, _ = p.TNEF()
	_, err = p.Embedded()
	return buf, err
}
