package report_test

import (
	"fmt"
	"strings"

	"github.com/posthouse/posthouse/message"
	"github.com/posthouse/posthouse/message/report"
)

func ExampleRead() {
	m, _ := message.ParseBytes([]byte(strings.ReplaceAll(`Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

Your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; jo@example.org
Action: failed
Status: 5.1.1
--b--
`, "\n", "\r\n")))
	r, err := report.Read(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rcpt := range r.Delivery.Recipients {
		fmt.Println(rcpt.Final.Value, rcpt.Action, rcpt.Status)
	}
	// Output: jo@example.org failed 5.1.1
}

// Which of the messages sent has come back, for whom, and whether it is of use to try
// again.
func ExampleReport_OriginalHeader() {
	m, _ := message.ParseBytes([]byte(strings.ReplaceAll(`Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; jo@example.org
Action: failed
Status: 4.4.7
Diagnostic-Code: smtp; 450 4.2.2 mailbox full
--b
Content-Type: text/rfc822-headers

Subject: lunch
Message-ID: <1@example.net>
--b--
`, "\n", "\r\n")))
	r, err := report.Read(m)
	if err != nil || r.Delivery == nil {
		fmt.Println("no bounce:", err)
		return
	}
	h, err := r.OriginalHeader()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rcpt := range r.Delivery.Recipients {
		if rcpt.Action == "failed" {
			fmt.Println(h.MessageID(), rcpt.Final.Value, rcpt.DiagnosticCode.Value)
		}
	}
	// Output: 1@example.net jo@example.org 450 4.2.2 mailbox full
}

// A complaint of a reader, by way of the provider.
func ExampleFeedback() {
	m, _ := message.ParseBytes([]byte(strings.ReplaceAll(`Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Example/1.0
Version: 1
Original-Rcpt-To: <jo@example.org>
Source-IP: 192.0.2.1
--b--
`, "\n", "\r\n")))
	r, err := report.Read(m)
	if err != nil || r.Feedback == nil {
		fmt.Println("no complaint:", err)
		return
	}
	fmt.Println(r.Feedback.Type, r.Feedback.OriginalRcptTo, r.Feedback.SourceIP, r.Feedback.Incidents)
	// Output: abuse [jo@example.org] 192.0.2.1 1
}
