package message

import "strings"

// Bodies are the leaves of a message told apart by what a reader does with
// them, in the way of RFC 8621 section 4.1.4. A message in a message/rfc822
// counts as one leaf; it has Bodies of its own.
type Bodies struct {
	// Text is what to show one after the other to who prefers plain text, and
	// HTML to who prefers HTML. Of a multipart/alternative each holds its
	// kind if there is one, otherwise the other. Pictures, sound and video
	// among the text are in both.
	Text, HTML []*Part
	// Attachments are all other leaves, the inline pictures of a
	// multipart/related among them: no leaf is in none of the three. Who shows
	// HTML passes over those that it refers to; see Inline.
	Attachments []*Part
}

// Bodies tells the leaves of the message apart.
func (m *Message) Bodies() Bodies { return m.bodiesAt(0) }

// Bodies tells the leaves of the message in a message/rfc822 apart; of any other
// part, those inside that part.
func (p *Part) Bodies() Bodies {
	if p.kind == nested {
		return p.msg.bodiesAt(p.index + 1)
	}
	return p.msg.bodiesAt(p.index)
}

// Inline returns the attachment that HTML refers to as "cid:" and id (RFC 2392
// section 2), nil if there is none. The id may have the escapes of a URL, or not.
func (b Bodies) Inline(id string) *Part {
	plain := string(appendPercent(nil, id))
	for _, p := range b.Attachments {
		if cid := p.ContentID(); cid != "" && (cid == id || cid == plain) {
			return p
		}
	}
	return nil
}

// bodyFrame is a multipart around the part looked at.
type bodyFrame struct {
	end           int32 // index of the part behind the last inside it
	alternative   bool  // it is a multipart/alternative
	related       bool
	inAlternative bool // it is one or is inside one
	text, html    bool // a leaf may still go to that list
	texts, htmls  int  // how long the lists were at its beginning
}

// bodiesAt goes over the part at root and those inside it.
func (m *Message) bodiesAt(root int32) (b Bodies) {
	stack := []bodyFrame{{end: m.parts[root].next, text: true, html: true}}
	for i := root; i < m.parts[root].next; {
		for i >= stack[len(stack)-1].end {
			b.leave(&stack[len(stack)-1])
			stack = stack[:len(stack)-1]
		}
		p := &m.parts[i]
		up := &stack[len(stack)-1]
		if p.kind == multipart && p.children > 0 {
			alternative := p.mediaType == "multipart/alternative"
			stack = append(stack, bodyFrame{
				end: p.next, alternative: alternative, related: p.mediaType == "multipart/related",
				inAlternative: up.inAlternative || alternative, text: up.text, html: up.html,
				texts: len(b.Text), htmls: len(b.HTML),
			})
			i++
			continue
		}
		b.add(up, p, p.number == 1 || i == root)
		i = p.next // over the message in a message/rfc822
	}
	for i := len(stack) - 1; i >= 0; i-- {
		b.leave(&stack[i])
	}
	return b
}

// add puts a leaf where it belongs; first says that it is the first in its multipart.
func (b *Bodies) add(up *bodyFrame, p *Part, first bool) {
	plain, html := p.mediaType == "text/plain", p.mediaType == "text/html"
	media := isMedia(p.mediaType)
	inline := (plain || html || media) && p.shown() && (first || !up.related && (media || p.Filename() == ""))
	switch {
	case !inline:
		b.Attachments = append(b.Attachments, p)
		return
	case up.alternative && plain:
		b.Text = append(b.Text, p)
		return
	case up.alternative && html:
		b.HTML = append(b.HTML, p)
		return
	case up.alternative:
		b.Attachments = append(b.Attachments, p)
		return
	case up.inAlternative && plain:
		up.html = false
	case up.inAlternative && html:
		up.text = false
	}
	if up.text {
		b.Text = append(b.Text, p)
	}
	if up.html {
		b.HTML = append(b.HTML, p)
	}
	if media && !(up.text && up.html) || !up.text && !up.html {
		b.Attachments = append(b.Attachments, p)
	}
}

// shown reports whether the part is to be shown without being asked for. A
// disposition that is not known counts as attachment (RFC 2183 section 2.8).
func (p *Part) shown() bool {
	d := p.Disposition()
	return d == "" || d == "inline"
}

// leave makes up for the kind of text that a multipart/alternative lacks.
func (b *Bodies) leave(f *bodyFrame) {
	if !f.alternative || !f.text || !f.html {
		return
	}
	texts, htmls := b.Text[f.texts:], b.HTML[f.htmls:]
	switch {
	case len(texts) == 0:
		b.Text = append(b.Text, htmls...)
	case len(htmls) == 0:
		b.HTML = append(b.HTML, texts...)
	}
}

// isMedia reports whether a part of that type is shown among text.
func isMedia(mediaType string) bool {
	return strings.HasPrefix(mediaType, "image/") || strings.HasPrefix(mediaType, "audio/") || strings.HasPrefix(mediaType, "video/")
}
