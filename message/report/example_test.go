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
