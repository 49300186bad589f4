package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/ascii"
)

// The answers of a collection in which each message has the tree that another
// parser makes of it.
type (
	answerMessage struct {
		HTML        []int        `json:"html_body"`
		Text        []int        `json:"text_body"`
		Attachments []int        `json:"attachments"`
		Parts       []answerPart `json:"parts"`
	}
	answerPart struct {
		Headers []answerField   `json:"headers"`
		Body    json.RawMessage `json:"body"`
		Header  int64           `json:"offset_header"`
		Start   int64           `json:"offset_body"`
		End     int64           `json:"offset_end"`
	}
	answerField struct {
		Name  json.RawMessage `json:"name"`
		Value json.RawMessage `json:"value"`
		Start int64           `json:"offset_field"`
		End   int64           `json:"offset_end"`
	}
	answerValue struct {
		Text        *string
		TextList    []string
		Address     *answerAddresses
		DateTime    *answerDate
		ContentType *answerType
		Received    *answerReceived
	}
	answerAddresses struct {
		List  []answerMailbox
		Group []struct {
			Name      string          `json:"name"`
			Addresses []answerMailbox `json:"addresses"`
		}
	}
	answerMailbox struct{ Name, Address string }
	answerDate    struct {
		Year, Month, Day, Hour, Minute, Second int
		Before                                 bool `json:"tz_before_gmt"`
		ZoneHour                               int  `json:"tz_hour"`
		ZoneMinute                             int  `json:"tz_minute"`
	}
	answerType struct {
		Type       string `json:"c_type"`
		Subtype    string `json:"c_subtype"`
		Attributes []struct{ Name, Value string }
	}
	answerReceived struct {
		From, By *struct{ Name, IPAddr string }
		FromIP   string `json:"from_ip"`
		For      string `json:"for_"`
		With     string
		Via      string
		ID       string
		Date     *answerDate
	}
)

func (d *answerDate) time() string {
	zone := d.ZoneHour*3600 + d.ZoneMinute*60
	if d.Before {
		zone = -zone
	}
	return time.Date(d.Year, time.Month(d.Month), d.Day, d.Hour, d.Minute, d.Second, 0, time.FixedZone("", zone)).Format(time.RFC3339)
}

// messageParts returns the parts of the message whose first part is at root, as a
// list of its own: those in a message inside it are left out.
func messageParts(m *Message, root int32) (list []*Part) {
	for i := root; i < m.parts[root].next; {
		p := &m.parts[i]
		list = append(list, p)
		if i++; p.kind == nested {
			i = p.next
		}
	}
	return list
}

// TestStalwart compares structure, offsets, decoded text, header fields and what is
// text, HTML and attachment.
func TestStalwart(t *testing.T) {
	t.Parallel()
	root := sharedData(t, "mime", "stalwart-mail-parser")
	s := newScore(t, stalwart)
	s.trees(filepath.Join(root, "eml"))
	s.fields(root)
	s.finish()
}

func (s *score) trees(root string) {
	t := s.t
	for _, file := range filesBelow(t, root, ".eml") {
		name := strings.TrimSuffix(file, ".eml")
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		lf := bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		for ext, b := range map[string][]byte{".json": lf, ".crlf.json": crlf(string(lf))} {
			if _, err := os.Stat(name + ext); err != nil {
				continue
			}
			var want answerMessage
			readJSON(t, name+ext, &want)
			m, err := ParseBytes(b)
			require.NoError(t, err)
			key, err := filepath.Rel(root, name+strings.TrimSuffix(ext, "json"))
			require.NoError(t, err)
			s.message(key, &want, m, 0)
		}
	}
}

func (s *score) message(key string, want *answerMessage, m *Message, root int32) {
	parts := messageParts(m, root)
	same := s.field(key+"parts", len(want.Parts), len(parts))
	// Parts are known by where they begin, and what follows from a difference is not
	// counted again.
	begins := make(map[int64]*Part)
	starts := func(parts []*Part) (list []int64) {
		for _, p := range parts {
			list = append(list, p.start)
		}
		return list
	}
	for _, p := range parts {
		begins[p.start] = p
	}
	wanted := func(numbers []int) (list []int64) {
		for _, n := range numbers {
			list = append(list, want.Parts[n].Header)
		}
		return list
	}
	b := m.bodiesAt(root)
	if same {
		s.field(key+"text", wanted(want.Text), starts(b.Text))
		s.field(key+"html", wanted(want.HTML), starts(b.HTML))
		s.field(key+"attachments", wanted(want.Attachments), starts(b.Attachments))
	}
	for i := range want.Parts {
		if p := begins[want.Parts[i].Header]; p != nil {
			s.part(fmt.Sprintf("%s%d.", key, i), &want.Parts[i], p)
		} else if same {
			s.field(fmt.Sprintf("%s%d.begin", key, i), want.Parts[i].Header, "no part")
		}
	}
}

func (s *score) part(key string, want *answerPart, p *Part) {
	same := s.field(key+"offsets", []int64{want.Header, want.Start, want.End}, []int64{p.start, p.body, p.end})
	var body map[string]json.RawMessage
	require.NoError(s.t, json.Unmarshal(want.Body, &body))
	for kind, content := range body {
		if same {
			s.body(key, kind, content, p)
		}
	}
	for _, f := range want.Headers {
		var i int
		for i < p.Header().Len() && p.start+int64(p.Header().fields[i].start) != f.Start {
			i++
		}
		if i == p.Header().Len() {
			s.field(key+"fields", f.Start, "no field")
			break // what follows is told by the offsets
		}
		s.header(key, f.Value, p.Header().field(i))
	}
}

func (s *score) body(key, kind string, content json.RawMessage, p *Part) {
	switch kind {
	case "Multipart":
		s.field(key+"kind", multipart, p.kind)
	case "Message":
		var inner answerMessage
		require.NoError(s.t, json.Unmarshal(content, &inner))
		switch {
		case p.kind == nested:
			s.message(key, &inner, p.msg, p.index+1)
		case p.encoding == EncodingBase64 || p.encoding == EncodingQuotedPrintable:
			m, err := p.Nested()
			require.NoError(s.t, err)
			s.message(key, &inner, m, 0)
		default:
			s.field(key+"kind", nested, p.kind)
		}
	case "Text", "Html":
		var want string
		require.NoError(s.t, json.Unmarshal(content, &want))
		got, err := p.AppendText(nil)
		require.NoError(s.t, err)
		s.field(key+"text", want, string(got))
	default:
		var numbers []int
		require.NoError(s.t, json.Unmarshal(content, &numbers))
		want := make([]byte, len(numbers))
		for i, n := range numbers {
			want[i] = byte(n)
		}
		got, err := p.AppendBody(nil)
		require.NoError(s.t, err)
		s.field(key+"body", string(want), string(got))
	}
}

// header compares the value of a field, in the way of its kind.
func (s *score) header(key string, value json.RawMessage, f Field) {
	key += ascii.ToLower(f.Name())
	var want answerValue
	if value[0] == '"' {
		s.field(key, "", f.Text()) // "Empty"
		return
	}
	require.NoError(s.t, json.Unmarshal(value, &want))
	v := f.Value()
	switch {
	case want.TextList != nil:
		s.field(key, want.TextList, ParseHeader(append([]byte("X:"), f.body()...)).MessageIDs("X"))
	case want.Text != nil && strings.HasSuffix(ascii.ToLower(f.Name()), "-id"), want.Text != nil && ascii.ToLower(f.Name()) == "return-path", want.Text != nil && ascii.ToLower(f.Name()) == "in-reply-to":
		s.field(key, *want.Text, trimID(v))
	case want.Text != nil:
		s.field(key, squeeze(*want.Text), squeeze(f.Text()))
	case want.DateTime != nil:
		got, err := ParseDate(v)
		require.NoError(s.t, err, v)
		s.field(key, want.DateTime.time(), got.Format(time.RFC3339))
	case want.ContentType != nil:
		s.contentType(key, want.ContentType, f)
	case want.Received != nil:
		s.received(key, want.Received, ParseReceived(v))
	case want.Address != nil:
		s.addresses(key, want.Address, f)
	default:
		s.t.Errorf("%s: unknown value %s", key, value)
	}
}

// squeeze makes one blank of each run: whether folding leaves one or more is no matter
// here.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func (s *score) contentType(key string, want *answerType, f Field) {
	var got string
	var params Params
	if ascii.ToLower(f.Name()) == "content-type" {
		t, rest, ok := parseMediaType(f.body())
		if ok {
			got, params = t, parseParams(unfold(rest))
		}
		s.field(key, ascii.ToLower(want.Type+"/"+want.Subtype), got)
	} else {
		got, params = parseDisposition(f.body())
		s.field(key, ascii.ToLower(want.Type), got)
	}
	for _, a := range want.Attributes {
		if strings.HasSuffix(a.Name, "-language") {
			continue // we do not give the language
		}
		got := params.find(ascii.ToLower(a.Name)).Value
		if a.Name == "name" || a.Name == "filename" {
			got = params.text(a.Name)
		}
		s.field(key+"."+a.Name, a.Value, got)
	}
}

func (s *score) received(key string, want *answerReceived, got Received) {
	name := func(v *struct{ Name, IPAddr string }) string {
		if v == nil {
			return ""
		}
		return strings.TrimSpace(v.Name + v.IPAddr)
	}
	ip := ""
	if got.FromIP.IsValid() {
		ip = got.FromIP.String()
	}
	s.field(key+".from", name(want.From), strings.Trim(got.From, "[]"))
	s.field(key+".by", name(want.By), strings.Trim(got.By, "[]"))
	s.field(key+".for", want.For, got.For)
	s.field(key+".with", want.With, got.With)
	s.field(key+".via", want.Via, got.Via)
	s.field(key+".id", strings.TrimSpace(want.ID), got.ID)
	s.field(key+".ip", want.FromIP, ip)
	s.field(key+".date", want.Date.time(), got.Date.Format(time.RFC3339))
}

func (s *score) addresses(key string, want *answerAddresses, f Field) {
	if strings.HasPrefix(ascii.ToLower(f.Name()), "list-") {
		h := ParseHeader(f.Raw())
		for _, a := range want.List {
			if ascii.ToLower(f.Name()) == "list-id" {
				id, name := h.ListID()
				s.field(key, a, answerMailbox{name, id})
			}
		}
		if ascii.ToLower(f.Name()) != "list-id" {
			var urls []string
			for _, a := range want.List {
				urls = append(urls, a.Address)
			}
			s.field(key, urls, h.ListURLs(f.Name()))
		}
		return
	}
	groups, _ := ParseGroups(f.Value())
	var got, all []string
	for _, a := range want.List {
		all = append(all, a.Name+"|"+a.Address)
	}
	for _, g := range want.Group {
		for _, a := range g.Addresses {
			all = append(all, a.Name+"|"+a.Address)
		}
		if g.Name != "" {
			all = append(all, "group "+g.Name)
		}
	}
	for _, g := range groups {
		for _, a := range g.Members {
			if !strings.Contains(a.Addr, "@") && a.Name == "" {
				a.Name, a.Addr = a.Addr, "" // it has the word as a name
			}
			got = append(got, a.Name+"|"+a.Addr)
		}
		if g.Name != "" {
			got = append(got, "group "+g.Name)
		}
	}
	s.field(key, strings.Join(all, "\n"), strings.Join(got, "\n"))
}

// Why we read some things otherwise.
const (
	why8bit   = "octets that are not UTF-8 are windows-1252 and not U+FFFD, so that they can be read; RFC 6532 section 3.2 knows neither"
	whyMedia  = "RFC 8621 section 4.1.4: a picture outside multipart/related is in both texts and no attachment then"
	whyOuter  = "RFC 2046 section 5.1.2: the boundary line of an outer multipart ends the inner ones"
	whyOwn    = "the multipart begins in its header, where an empty line is missing; its part is not lost"
	whyTwice  = "two Content-Type fields: the first counts"
	whyEmpty  = "the disposition has no type, and its value is not empty as it stands"
	whyHeader = "RFC 2046 section 5.1.1: a boundary line ends a part, even one that lacks a header"
	whyLine   = "RFC 2046 section 5.1.1: a boundary line stands at the beginning of a line"
	whyBase64 = "RFC 2045 section 6.8: base64 ends with its padding"
	whyUTF16  = "half a character at the end of UTF-16 is U+FFFD"
	whyTrace  = "RFC 5321 section 4.4: the clause is there and read"
)

// stalwart are the differences that are meant.
var stalwart = map[string]string{
	"unstructured/2[178]":           "a blank is not made up where RFC 2047 section 5 wants one",
	"list/2":                        "blanks are kept as they are; RFC 5322 section 2.2.3 takes the line ends out and no more",
	"content_type/31/filename":      "RFC 2231 section 4.1: only the first piece has a charset",
	"content_type/34/name":          "RFC 2047 section 6.2: blanks between encoded words do not count",
	"content_type/4[78]":            "RFC 2045 section 5.1: no type at all, and we give none",
	"content_type/58":               "RFC 2045 section 5.1: no type at all, and we give none",
	"content_type/54*":              "RFC 2045 section 5.1: a token is ASCII",
	"content_type/54/*":             "RFC 2045 section 5.1: a token is ASCII",
	"content_type/5[56]/name":       "a quoted string that is not closed ends with the field, and blanks end no field",
	"content_type/59/key":           "RFC 2231 section 3: pieces are numbered without a gap",
	"content_type/61/*":             "names that RFC 2231 section 7 does not allow are left as they are",
	"content_type/7[678]":           "RFC 2045 section 5.1: a subtype has no slash",
	"legacy/0[125][026]*.0.to":      why8bit,
	"legacy/0[125][026]*.0.subject": why8bit,
	"legacy/016.*name":              why8bit,
	"legacy/023.*name":              why8bit,
	"legacy/052.*0.text":            why8bit,
	"legacy/035.*attachments":       whyMedia,
	"legacy/039.*attachments":       whyMedia,
	"legacy/044.*attachments":       whyMedia,
	"malformed/017.*attachments":    whyMedia,
	"thirdparty/013.*attachments":   whyMedia,
	"malformed/007.*":               whyOwn,
	"malformed/009.*":               whyOuter,
	"malformed/011.*":               whyOuter,
	"thirdparty/015.*parts":         whyOuter,
	"thirdparty/015.*offsets":       whyOuter,
	"thirdparty/015.*received.for":  whyTrace,
	"malformed/017.*disposition":    whyEmpty,
	"malformed/020.*":               whyTwice,
	"malformed/022.*":               whyHeader,
	"thirdparty/002.*":              whyBase64,
	"thirdparty/005.*5.*":           whyLine,
	"thirdparty/005.crlf.1.text":    whyUTF16,
	"thirdparty/014.*received.with": whyTrace,
}

// fields compares fields with the answers for each alone.
func (s *score) fields(root string) {
	t := s.t
	field := func(name, value string) Header { return ParseHeader([]byte(name + ":" + value)) }

	var texts []struct{ Header, Expected string }
	readJSON(t, filepath.Join(root, "unstructured.json"), &texts)
	for i, test := range texts {
		s.field(fmt.Sprint("unstructured/", i), squeeze(test.Expected), squeeze(field("Subject", test.Header).Subject()))
	}
	for name, get := range map[string]func(value string) []string{
		"id":   func(v string) []string { return field("References", v).MessageIDs("References") },
		"list": func(v string) []string { return field("Keywords", v).Keywords() },
	} {
		var lists []struct {
			Header   string
			Expected []string
		}
		readJSON(t, filepath.Join(root, name+".json"), &lists)
		for i, test := range lists {
			s.field(fmt.Sprint(name, "/", i), test.Expected, get(test.Header))
		}
	}
	var types []struct {
		Header   string
		Expected *struct {
			Type       string `json:"c_type"`
			Subtype    string `json:"c_subtype"`
			Attributes [][2]string
		}
	}
	readJSON(t, filepath.Join(root, "content_type.json"), &types)
	for i, test := range types {
		key := fmt.Sprint("content_type/", i)
		f, _ := field("Content-Type", test.Header).Lookup("Content-Type")
		got, rest, ok := parseMediaType(f.body())
		params := parseParams(unfold(rest))
		want := ""
		switch {
		case test.Expected != nil && test.Expected.Subtype != "":
			want = test.Expected.Type + "/" + test.Expected.Subtype
		case test.Expected != nil && !ok: // a disposition, or half a type
			got, params = parseDisposition(f.body())
			want = test.Expected.Type
		}
		s.field(key, ascii.ToLower(want), got)
		if test.Expected == nil {
			continue
		}
		for _, a := range test.Expected.Attributes {
			if strings.HasSuffix(a[0], "-language") {
				continue // we do not give the language
			}
			p := params.find(a[0])
			value := p.Value
			if a[0] == "name" || a[0] == "filename" {
				value = params.text(a[0])
			}
			if !s.field(key+"/"+a[0], a[1], value) {
				break // what follows is of one making
			}
		}
	}
}
