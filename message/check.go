package message

// check looks for what the structure of a message does not show.
func (s *scanner) check() error {
	for i := range s.msg.parts {
		p := &s.msg.parts[i]
		s.checkHeader(p)
		if err := s.checkLines(p); err != nil {
			return err
		}
		check := s.checkBody
		if p.kind == multipart {
			check = s.checkEpilogue
		}
		if p.kind != nested {
			if err := check(p); err != nil {
				return err
			}
		}
	}
	return nil
}
