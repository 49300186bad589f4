package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/message"
)

func parse(t testing.TB, s string) *message.Message {
	t.Helper()
	m, err := message.ParseBytes([]byte(strings.ReplaceAll(s, "\n", "\r\n")))
	require.NoError(t, err)
	return m
}

// wrap makes a multipart/report of a part of that type.
func wrap(mediaType, body string) string {
	return "Content-Type: multipart/report; boundary=aa\n\n--aa\n\nfor people\n--aa\nContent-Type: " + mediaType + "\n\n" + body +
		"\n--aa\nContent-Type: message/rfc822\n\nSubject: returned\nContent-Type: message/delivery-status\n\nAction: inner\n--aa--\n"
}

const delivery = `Original-Envelope-Id: id+2B1
Reporting-MTA: dns; mx.example.org (really)
Received-From-MTA: dns;a.example.net
DSN-Gateway: dns; gw
Arrival-Date: Mon, 6 Jul 2026 10:00:00 +0200

Original-Recipient: rfc822;<jo@example.org>
Final-Recipient: RFC822; jo@mx.example.org
Action: Failed (for good)
Status: 5.1.1 (no such user)
Remote-MTA: dns; mx2.example.org
Diagnostic-Code: smtp; 550 5.1.1
 no (such) user
Last-Attempt-Date: Mon, 6 Jul 2026 10:00:01 +0200
Final-Log-ID: 42
Will-Retry-Until: bad
X-New: y


Final-Recipient: utf-8; j\x{F6}@example.org
Action: delayed
`

func TestDelivery(t *testing.T) {
	t.Parallel()
	r, err := Read(parse(t, wrap("message/delivery-status", delivery)))
	require.NoError(t, err)
	require.Equal(t, "1", r.Text.Path())
	require.Equal(t, "3", r.Original.Path())
	require.Nil(t, r.Disposition)
	require.Nil(t, r.Feedback)
	d := r.Delivery
	require.Equal(t, "id+2B1", d.OriginalEnvelopeID)
	require.Equal(t, []Typed{{"dns", "mx.example.org (really)"}, {"dns", "a.example.net"}, {"dns", "gw"}}, []Typed{d.ReportingMTA, d.ReceivedFromMTA, d.DSNGateway})
	require.Equal(t, "2026-07-06T10:00:00+02:00", d.ArrivalDate.Format(time.RFC3339))
	require.Len(t, d.Recipients, 2)
	one := d.Recipients[0]
	require.Equal(t, "2026-07-06T10:00:01+02:00", one.LastAttempt.Format(time.RFC3339))
	require.Equal(t, "y", one.Fields.Get("X-New"))
	one.Fields, one.LastAttempt = message.Header{}, time.Time{}
	require.Equal(t, Recipient{
		Original: Typed{"rfc822", "jo@example.org"}, Final: Typed{"rfc822", "jo@mx.example.org"}, Action: "failed", Status: "5.1.1",
		RemoteMTA: Typed{"dns", "mx2.example.org"}, DiagnosticCode: Typed{"smtp", "550 5.1.1 no (such) user"}, FinalLogID: "42",
	}, one)
	require.Equal(t, Typed{"utf-8", "jö@example.org"}, d.Recipients[1].Final)
	require.Equal(t, "delayed", d.Recipients[1].Action)

	// The empty line between the two kinds of fields is missing.
	r, err = Read(parse(t, "Content-Type: message/global-delivery-status\n\nReporting-MTA: dns; a\nFinal-Recipient: jo@b\nAction: relayed\n"))
	require.NoError(t, err)
	require.Equal(t, Typed{"dns", "a"}, r.Delivery.ReportingMTA)
	require.Equal(t, Typed{"", "jo@b"}, r.Delivery.Recipients[0].Final)
	require.Nil(t, r.Original)

	r, err = Read(parse(t, "Content-Type: message/delivery-status\n\nOriginal-Recipient: a\nFinal-Recipient: b\nAction: failed\nOriginal-Recipient: c\nAction: delayed\n"))
	require.NoError(t, err)
	require.Len(t, r.Delivery.Recipients, 2)
	require.Equal(t, "c delayed", r.Delivery.Recipients[1].Original.Value+" "+r.Delivery.Recipients[1].Action)

	r, err = Read(parse(t, "Content-Type: message/delivery-status\n\n"))
	require.NoError(t, err)
	require.Empty(t, r.Delivery.Recipients)
}

// TestManyRecipients crosses the limit with recipients that empty lines part and with such
// that nothing parts.
func TestManyRecipients(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"Final-Recipient: rfc822; a@b\r\n\r\n", "Final-Recipient: rfc822; a@b\r\n"} {
		for n, want := range map[int]int{maxRecipients - 1: maxRecipients - 1, maxRecipients + 1: maxRecipients} {
			list := strings.Repeat(unit, n/2) + "\r\n" + strings.Repeat(unit, n-n/2)
			m, err := message.ParseBytes([]byte("Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n" + list))
			require.NoError(t, err)
			r, err := Read(m)
			require.NoError(t, err)
			require.Len(t, r.Delivery.Recipients, want)
		}
	}
}

func TestDisposition(t *testing.T) {
	t.Parallel()
	r, err := Read(parse(t, wrap("message/disposition-notification", `Reporting-UA: mail.example.org; Coach 1.0
MDN-Gateway: dns; gw
Original-Recipient: rfc822;jo@example.org
Final-Recipient: rfc822; jo@mx.example.org
Original-Message-ID: <1@example.org>
Disposition: Manual-action/MDN-sent-automatically (yes) ; Displayed/error , x-new
Error: one
Error: two
`)))
	require.NoError(t, err)
	d := r.Disposition
	d.Fields = message.Header{}
	require.Equal(t, &Disposition{
		ReportingUA: "mail.example.org; Coach 1.0", Gateway: Typed{"dns", "gw"}, Original: Typed{"rfc822", "jo@example.org"}, Final: Typed{"rfc822", "jo@mx.example.org"},
		OriginalMessageID: "1@example.org", ActionMode: "manual-action", SendingMode: "mdn-sent-automatically", Type: "displayed",
		Modifiers: []string{"error", "x-new"}, Errors: []string{"one", "two"},
	}, d)
	for in, want := range map[string]Disposition{
		"displayed (x)":             {Type: "displayed"},
		"Displayed / error":         {Type: "displayed", Modifiers: []string{"error"}},
		"automatic-action; deleted": {ActionMode: "automatic-action", Type: "deleted"},
	} {
		r, err = Read(parse(t, "Content-Type: message/disposition-notification\n\nDisposition: "+in+"\n"))
		require.NoError(t, err)
		want.Fields = r.Disposition.Fields
		require.Equal(t, &want, r.Disposition)
	}
	r, err = Read(parse(t, "Content-Type: message/disposition-notification\n\n"))
	require.NoError(t, err)
	require.Equal(t, &Disposition{}, r.Disposition)
}

func TestFeedback(t *testing.T) {
	t.Parallel()
	r, err := Read(parse(t, wrap("message/feedback-report", `Feedback-Type: Abuse (x)
User-Agent: Loop/1.0
Version: 1
Original-Mail-From: <a@example.org>
Original-Rcpt-To: <b@example.org>
Original-Rcpt-To: c@example.org
Received-Date: Mon, 6 Jul 2026 10:00:00 +0200
Source-IP: [192.0.2.1]
Incidents: 3
Reported-Domain: example.org
Reported-URI: https://example.org/
Authentication-Results: x; spf=fail
Reporting-MTA: dns; mx
`)))
	require.NoError(t, err)
	f := r.Feedback
	require.Equal(t, int64(1783324800), f.ArrivalDate.Unix())
	f.Fields, f.ArrivalDate = message.Header{}, time.Time{}
	require.Equal(t, &Feedback{
		Type: "abuse", UserAgent: "Loop/1.0", Version: "1", OriginalMailFrom: "a@example.org", OriginalRcptTo: []string{"b@example.org", "c@example.org"},
		SourceIP: netip.MustParseAddr("192.0.2.1"), Incidents: 3, ReportedDomain: []string{"example.org"}, ReportedURI: []string{"https://example.org/"},
		AuthenticationResults: []string{"x; spf=fail"}, ReportingMTA: Typed{"dns", "mx"},
	}, f)
	r, err = Read(parse(t, "Content-Type: message/feedback-report\n\n"))
	require.NoError(t, err)
	require.Equal(t, &Feedback{Incidents: 1}, r.Feedback)
}

func TestNoReport(t *testing.T) {
	t.Parallel()
	_, err := Read(parse(t, "Content-Type: message/rfc822\n\nContent-Type: message/delivery-status\n\nAction: x\n"))
	require.ErrorIs(t, err, ErrNoReport)

	r, err := ReadForwarded(parse(t, "Content-Type: message/rfc822\n\nContent-Type: message/delivery-status\n\nAction: x\n").Root())
	require.NoError(t, err)
	require.Len(t, r.Delivery.Recipients, 1)
	_, err = ReadForwarded(parse(t, "\n").Root())
	require.ErrorIs(t, err, ErrNoReport)

	broken := errors.New("disk on fire")
	text := []byte(strings.ReplaceAll(wrap("message/delivery-status", delivery), "\n", "\r\n"))
	src := &onceReader{Reader: bytes.NewReader(text), err: broken}
	m, err := message.Parse(src, int64(len(text)))
	require.NoError(t, err)
	src.fail = true
	_, err = Read(m)
	require.ErrorIs(t, err, broken)
}

// onceReader fails when it is told to.
type onceReader struct {
	*bytes.Reader
	err  error
	fail bool
}

func (r *onceReader) ReadAt(p []byte, off int64) (int, error) {
	if r.fail {
		return 0, r.err
	}
	return r.Reader.ReadAt(p, off)
}

func TestUTF8Address(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`a\x{F6}b\x{1F600}`: "aöb😀", `\x{`: `\x{`, `\x{}`: `\x{}`, `\x{zz}a`: `\x{zz}a`, `\x{D800}`: `\x{D800}`, `\x{0A}`: `\x{0A}`, `\x{00000F6}`: "ö", `\x{F6`: `\x{F6`,
	} {
		require.Equal(t, want, decodeUTF8Address(in), in)
	}
}

// shared returns a folder of test data beside the repository.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(name); err != nil {
		t.Skip("no test collections beside the repository")
	}
	return name
}

// TestBounces reads real bounces, and finds recipient, action and status wherever a
// search for lines finds them in a message/delivery-status.
func TestBounces(t *testing.T) {
	t.Parallel()
	root := shared(t, "dsn", "sisimai")
	line := regexp.MustCompile(`(?im)^(Final-Recipient|Action|Status)[ \t]*:(.*(?:\n[ \t].*)*)`)
	bounces, reports, recipients := 0, 0, 0
	err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) == ".txt" {
			return err
		}
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		m, err := message.ParseBytes(b)
		require.NoError(t, err)
		bounces++
		r, err := Read(m)
		if err != nil || r.Delivery == nil {
			return nil
		}
		reports++
		var p *message.Part
		for q := range m.Parts() {
			if strings.HasSuffix(q.MediaType(), "delivery-status") {
				p = q
				break
			}
		}
		body, err := io.ReadAll(p.Open())
		require.NoError(t, err)
		want := make(map[string]int)
		for _, f := range line.FindAllStringSubmatch(strings.ReplaceAll(string(body), "\r", ""), -1) {
			if strings.TrimSpace(f[2]) != "" {
				want[ascii.ToLower(f[1])]++
			}
		}
		got := make(map[string]int)
		for _, rcpt := range r.Delivery.Recipients {
			recipients++
			for name, value := range map[string]string{"final-recipient": rcpt.Final.Value, "action": rcpt.Action, "status": rcpt.Status} {
				if value != "" {
					got[name]++
				}
			}
		}
		require.Equal(t, want, got, name)
		return nil
	})
	require.NoError(t, err)
	t.Logf("%d bounces, %d with a delivery status of %d recipients", bounces, reports, recipients)
	require.Greater(t, recipients, 100)
}

// TestFeedbackFiles compares feedback reports with the answers of a collection.
func TestFeedbackFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(shared(t, "mime", "mail-auth", "arf"), "*.eml"))
	require.NoError(t, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		m, err := message.ParseBytes(b)
		require.NoError(t, err)
		r, err := Read(m)
		require.NoError(t, err, name)
		f := r.Feedback
		var want struct {
			Type     string   `json:"feedback_type"`
			Arrival  *int64   `json:"arrival_date"`
			From     *string  `json:"original_mail_from"`
			To       *string  `json:"original_rcpt_to"`
			Domain   []string `json:"reported_domain"`
			URI      []string `json:"reported_uri"`
			MTA      *string  `json:"reporting_mta"`
			IP       *string  `json:"source_ip"`
			Agent    *string  `json:"user_agent"`
			Incident int      `json:"incidents"`
		}
		b, err = os.ReadFile(strings.TrimSuffix(name, ".eml") + ".json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &want))
		text := func(s *string) string {
			if s == nil {
				return ""
			}
			return unbracket(*s)
		}
		require.Equal(t, strings.ToLower(want.Type), strings.ReplaceAll(f.Type, "-", ""), name)
		if want.Arrival != nil {
			require.Equal(t, *want.Arrival, f.ArrivalDate.Unix(), name)
		}
		require.Equal(t, text(want.From), f.OriginalMailFrom, name)
		require.Equal(t, text(want.To), strings.Join(f.OriginalRcptTo, ""), name)
		require.ElementsMatch(t, want.Domain, f.ReportedDomain, name)
		require.ElementsMatch(t, want.URI, f.ReportedURI, name)
		require.Equal(t, text(want.MTA), f.ReportingMTA.Value, name)
		require.Equal(t, text(want.Agent), f.UserAgent, name)
		require.Equal(t, want.Incident, f.Incidents, name)
		if want.IP != nil {
			require.Equal(t, *want.IP, f.SourceIP.String(), name)
		}
	}
}

// TestOriginalHeader finds the header of what came back, in whatever form it did.
func TestOriginalHeader(t *testing.T) {
	t.Parallel()
	for _, original := range []string{
		"message/rfc822\n\nSubject: returned\nTo: jo@example.org\n\nbody",
		"text/rfc822-headers\n\nSubject: returned\nTo: jo@example.org\n",
		"text/rfc822-headers\nContent-Transfer-Encoding: quoted-printable\n\nSubject: =\nreturned\nTo: jo=40example.org",
		"message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogcmV0dXJuZWQKVG86IGpvQGV4YW1wbGUub3JnCgpib2R5Cg==",
		"message/global-headers\n\nSubject: returned\nTo: jo@example.org",
	} {
		r, err := Read(parse(t, "Content-Type: multipart/report; boundary=aa\n\n--aa\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n"+
			"--aa\nContent-Type: "+original+"\n--aa--\n"))
		require.NoError(t, err)
		h, err := r.OriginalHeader()
		require.NoError(t, err)
		require.Equal(t, "returned", h.Subject(), original)
		require.Equal(t, "jo@example.org", h.Get("To"), original)
		require.Equal(t, 2, h.Len(), original)
	}
	r, err := Read(parse(t, "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n"))
	require.NoError(t, err)
	h, err := r.OriginalHeader()
	require.NoError(t, err)
	require.Zero(t, h.Len())
}

func FuzzRead(tf *testing.F) {
	f := storm.New(tf)
	for i := range kinds {
		f.Add([]byte(strings.ReplaceAll(delivery, "\n", "\r\n")), uint8(i))
	}
	f.Add([]byte("Disposition: a/b;c/d,e\r\nSource-IP: [::1]\r\nIncidents: 9\r\nFinal-Recipient: utf-8;\\x{F6}\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, kind uint8) {
		m, err := message.ParseBytes(append([]byte("Content-Type: "+kinds[int(kind)%len(kinds)]+"\r\n\r\n"), b...))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Read(m)
		if err != nil || !r.found() {
			t.Fatal(err)
		}
		if d := r.Delivery; d != nil {
			for _, rcpt := range d.Recipients {
				if strings.ContainsAny(rcpt.Action+rcpt.Status, " \t\r\n(") {
					t.Fatalf("%q, %q", rcpt.Action, rcpt.Status)
				}
			}
		}
	})
}

var kinds = []string{"message/delivery-status", "message/disposition-notification", "message/feedback-report"}

// TestRFC3464 checks that nothing is lost whose case may count.
func TestRFC3464(t *testing.T) {
	t.Parallel()
	read := func(fields string) *Delivery {
		r, err := Read(parse(t, "Content-Type: message/delivery-status\n\n"+fields))
		require.NoError(t, err)
		return r.Delivery
	}
	t.Run("the envelope id as it was given", func(t *testing.T) {
		rfc.Covers(t, "rfc3464-2.2.1-3")
		require.Equal(t, "QQ+2B(314159)", read("Original-Envelope-Id: QQ+2B(314159)\n").OriginalEnvelopeID)
	})
	t.Run("the names of servers in their spelling", func(t *testing.T) {
		rfc.Covers(t, "rfc3464-2.2.4-2")
		d := read("Reporting-MTA: X-Local; Some.Host!A\nReceived-From-MTA: DNS; Mail.Example.ORG\n")
		require.Equal(t, Typed{"x-local", "Some.Host!A"}, d.ReportingMTA)
		require.Equal(t, Typed{"dns", "Mail.Example.ORG"}, d.ReceivedFromMTA)
	})
	t.Run("addresses in their case", func(t *testing.T) {
		rfc.Covers(t, "rfc3464-2.3.2-4")
		d := read("Reporting-MTA: dns; x\n\nOriginal-Recipient: rfc822;Jo@Example.ORG\nFinal-Recipient: X400; /G=Jo/S=Doe/\nAction: failed\n")
		require.Equal(t, Typed{"rfc822", "Jo@Example.ORG"}, d.Recipients[0].Original)
		require.Equal(t, Typed{"x400", "/G=Jo/S=Doe/"}, d.Recipients[0].Final)
	})
}

// TestReports checks what is demanded of who reads any report.
func TestReports(t *testing.T) {
	t.Parallel()
	t.Run("one without fields for programs is none", func(t *testing.T) {
		rfc.Covers(t, "rfc6522-3-2")
		_, err := Read(parse(t, "Content-Type: multipart/report; report-type=delivery-status; boundary=aa\n\n--aa\n\nfor people\n--aa--\n"))
		require.ErrorIs(t, err, ErrNoReport)
	})
	t.Run("types in UTF-8 count as those they stand for", func(t *testing.T) {
		rfc.Covers(t, "rfc6533-4.4-1", "rfc6533-4.4-2")
		for _, status := range []string{"message/delivery-status", "message/global-delivery-status"} {
			for _, original := range []string{"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"} {
				r, err := Read(parse(t, strings.Replace(wrap(status, delivery), "message/rfc822", original, 1)))
				require.NoError(t, err, status)
				require.Len(t, r.Delivery.Recipients, 2)
				require.NotNil(t, r.Original, original)
				require.Equal(t, original, r.Original.MediaType())
			}
		}
	})
}

// TestRFC5965 checks what is demanded of who reads feedback reports.
func TestRFC5965(t *testing.T) {
	t.Parallel()
	read := func(fields string) *Feedback {
		r, err := Read(parse(t, "Content-Type: message/feedback-report\n\n"+fields))
		require.NoError(t, err)
		return r.Feedback
	}
	t.Run("the early name of the arrival date", func(t *testing.T) {
		rfc.Covers(t, "rfc5965-3.2-4")
		require.Equal(t, int64(1783324800), read("Feedback-Type: abuse\nReceived-Date: Mon, 6 Jul 2026 10:00:00 +0200\n").ArrivalDate.Unix())
	})
	t.Run("types and fields that are not known", func(t *testing.T) {
		rfc.Covers(t, "rfc5965-6-1", "rfc5965-7.1-2")
		f := read("X-New: y\nFeedback-Type: x-new\nX-New: z\nIncidents: 2\n")
		require.Equal(t, "x-new", f.Type)
		require.Equal(t, 2, f.Incidents)
	})
	t.Run("values that cannot be", func(t *testing.T) {
		rfc.Covers(t, "rfc5965-8.4-1")
		f := read("Feedback-Type: abuse\nArrival-Date: 31 Feb 2026\nSource-IP: 192.0.2.256\nIncidents: -5\n")
		require.True(t, f.ArrivalDate.IsZero())
		require.False(t, f.SourceIP.IsValid())
		require.Equal(t, 1, f.Incidents)
	})
}

// TestRFC8098 checks what is demanded of who reads disposition notifications.
func TestRFC8098(t *testing.T) {
	t.Parallel()
	read := func(fields string) *Disposition {
		r, err := Read(parse(t, "Content-Type: message/disposition-notification\n\n"+fields))
		require.NoError(t, err)
		return r.Disposition
	}
	t.Run("comments wherever blanks may be", func(t *testing.T) {
		rfc.Covers(t, "rfc8098-2.3-4", "rfc8098-7-3")
		d := read("Final-Recipient: (a;b) rfc822 (c;(d)\\;) ; jo@example.org\nOriginal-Message-ID: (x <y>)\n <1@b> (z)\n" +
			"Disposition: (;)\n automatic-action (/)\n / (;) MDN-sent-automatically (a) ; (b/) processed (c) /\n (d,) error (,) , warning (e)\n")
		require.Equal(t, Typed{"rfc822", "jo@example.org"}, d.Final)
		require.Equal(t, "1@b", d.OriginalMessageID)
		require.Equal(t, []string{"automatic-action", "mdn-sent-automatically", "processed"}, []string{d.ActionMode, d.SendingMode, d.Type})
		require.Equal(t, []string{"error", "warning"}, d.Modifiers)
	})
	t.Run("addresses in their case", func(t *testing.T) {
		rfc.Covers(t, "rfc8098-3.2.4-3")
		require.Equal(t, Typed{"rfc822", "Jo.Doe@Example.ORG"}, read("Final-Recipient: RFC822;Jo.Doe@Example.ORG\n").Final)
	})
}
