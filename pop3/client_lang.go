package pop3

import (
	"context"
	"errors"
	"strings"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// maxLanguages bounds a listing of LANG.
const maxLanguages = 1000

var errNoRange = errors.New("no language given")

// UTF8 reports whether the server has turned to UTF-8 mode, in which it gives
// messages as they are (RFC 6856 section 2). The client asks for it before the
// login if the server offers it, unless ClientConfig.ASCIIOnly is set.
func (c *Client) UTF8() bool { return c.utf8 }

// Lang asks for the texts of the server's replies in a language: a basic language
// range such as "de", or "*" for the one that the server prefers. It returns the
// tag of the language that was chosen, which is empty if the server does not tell
// it as it should, or an [*Error] if there is none such; the
// texts of errors are in that language from now on. Servers may not have the
// command: the capability LANG tells (RFC 6856 section 3).
func (c *Client) Lang(ctx context.Context, languageRange string) (tag string, err error) {
	if languageRange == "" {
		return "", argumentError(pop3wire.LANG, errNoRange)
	}
	st, err := c.run(ctx, pop3wire.LANG, pop3wire.Lang{Range: languageRange})
	if err != nil {
		return "", err
	}
	tag, _, _ = strings.Cut(st.Text, " ")
	if !pop3wire.ValidLanguage(tag) {
		// Nothing depends on it but what is shown to people.
		tag = ""
	}
	return tag, nil
}

// Languages returns the languages that Lang can ask for. Lines of the reply that
// name none are left out.
func (c *Client) Languages(ctx context.Context) ([]pop3wire.Language, error) {
	release, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if _, err := c.exchange(pop3wire.LANG, pop3wire.Lang{}); err != nil {
		return nil, err
	}
	var list []pop3wire.Language
	err = c.readLines("LANG", maxLanguages, func(line []byte) error {
		if l, err := pop3wire.ParseLanguage(line); err == nil {
			list = append(list, l)
		}
		return nil
	})
	return list, err
}
