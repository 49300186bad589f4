package pop3

import (
	"context"
	"errors"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Language is one that a [Server] can speak to people.
type Language struct {
	Tag  string // language tag of RFC 5646, such as "de" or "sr-Latn"
	Name string // the language's name in itself, such as "Deutsch"; UTF-8; may be empty

	// Translate returns the text of a reply, which it is given in English as one
	// line of ASCII, in the language, as one line of UTF-8; a text that it does not
	// know it returns as it is. What else it returns is made fit: see
	// pop3wire.AppendStatusUTF8. It is called for each reply, by many goroutines
	// at once. Nil leaves all texts in English.
	Translate func(text string) string
}

// lang answers LANG (RFC 6856 section 3.2).
func (s *session) lang(_ context.Context, args []byte) reply {
	if len(s.server.Languages) == 0 {
		return absent("LANG is not offered")
	}
	var c pop3wire.Lang
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	if c.Range == "" {
		return reply{ok: true, text: "language listing follows", body: (*session).writeLanguages}
	}
	l := s.server.language(c.Range)
	if l == nil {
		return refuse("language is not known")
	}
	s.language = l
	// RFC 6856 section 3.2: the tag, a blank, and a text in the language.
	s.scratch = append(append(append(s.scratch[:0], l.Tag...), ' '), l.translate("language changed")...)
	return reply{ok: true, made: s.scratch, data: true}
}

// language returns the language that a range asks for, or nil.
//
// A range matches a tag that it is equal to, or that begins with it and a hyphen
// (RFC 4647 section 3.3.1); "*" is the preferred language.
func (s *Server) language(wanted string) *Language {
	if wanted == "*" {
		return &s.Languages[0]
	}
	for i := range s.Languages {
		if ascii.EqualFold(s.Languages[i].Tag, wanted) {
			return &s.Languages[i]
		}
	}
	for i := range s.Languages {
		tag := s.Languages[i].Tag
		if len(tag) > len(wanted) && tag[len(wanted)] == '-' && ascii.EqualFold(tag[:len(wanted)], wanted) {
			return &s.Languages[i]
		}
	}
	return nil
}

func (l *Language) translate(text string) string {
	if l == nil || l.Translate == nil {
		return text
	}
	return l.Translate(text)
}

func (s *session) writeLanguages() error {
	w := s.conn.Writer()
	for _, l := range s.server.Languages {
		line, err := pop3wire.Language{Tag: l.Tag, Name: l.Name}.Append(w.AvailableBuffer())
		if err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	s.traceBody(int64(len(s.server.Languages)), "lines")
	_, err := w.WriteString(".\r\n")
	return err
}

// checkLanguages refuses what could not be listed.
func (s *Server) checkLanguages() error {
	for _, l := range s.Languages {
		if _, err := (pop3wire.Language{Tag: l.Tag, Name: l.Name}).Append(nil); err != nil {
			return errors.New("pop3: Server.Languages has one that cannot be listed: " + l.Tag)
		}
	}
	return nil
}
