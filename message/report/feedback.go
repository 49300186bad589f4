package report

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/posthouse/posthouse/message"
)

// Feedback is a feedback report: what a reader's mailbox provider says of
// a message, a complaint above all (RFC 5965 section 3).
type Feedback struct {
	// Type is such as "abuse", "fraud", "virus", "auth-failure" or "not-spam", in lower
	// case.
	Type               string
	UserAgent          string
	Version            string
	OriginalEnvelopeID string
	OriginalMailFrom   string // without angle brackets
	OriginalRcptTo     []string
	ArrivalDate        time.Time // zero if it is not told
	ReportingMTA       Typed
	SourceIP           netip.Addr // the zero Addr if it is not told
	// Incidents is how many messages the report stands for: 1 if it does not tell.
	Incidents             int
	AuthenticationResults []string
	ReportedDomain        []string
	ReportedURI           []string
	// Fields are all there are, extensions included.
	Fields message.Header
}

func readFeedback(p *message.Part) (*Feedback, error) {
	list, err := blocks(p)
	if err != nil || len(list) == 0 {
		return &Feedback{Incidents: 1}, err
	}
	h := list[0]
	f := &Feedback{
		Type:                  keyword(h.Get("Feedback-Type")),
		UserAgent:             h.Get("User-Agent"),
		Version:               keyword(h.Get("Version")),
		OriginalEnvelopeID:    h.Get("Original-Envelope-Id"),
		OriginalMailFrom:      unbracket(h.Get("Original-Mail-From")),
		ArrivalDate:           date(h, "Arrival-Date"),
		ReportingMTA:          parseTyped(h.Get("Reporting-MTA")),
		Incidents:             1,
		AuthenticationResults: values(h, "Authentication-Results"),
		ReportedDomain:        values(h, "Reported-Domain"),
		ReportedURI:           values(h, "Reported-URI"),
		Fields:                h,
	}
	if f.ArrivalDate.IsZero() { // an early name of the field (RFC 5965 section 3.2)
		f.ArrivalDate = date(h, "Received-Date")
	}
	for _, to := range values(h, "Original-Rcpt-To") {
		f.OriginalRcptTo = append(f.OriginalRcptTo, unbracket(to))
	}
	if n, err := strconv.Atoi(keyword(h.Get("Incidents"))); err == nil && n > 0 {
		f.Incidents = n
	}
	if ip, err := netip.ParseAddr(strings.Trim(keyword(h.Get("Source-IP")), "[]")); err == nil {
		f.SourceIP = ip
	}
	return f, nil
}

func unbracket(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(withoutComments(s)), "<"), ">")
}
