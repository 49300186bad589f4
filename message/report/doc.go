// Package report reads the reports that programs send about mail: delivery
// status notifications (RFC 3464, RFC 6533), message disposition notifications
// (RFC 8098) and feedback reports (RFC 5965), each the second part of a
// multipart/report (RFC 6522).
//
//	r, err := report.Read(m)
//	if err != nil {
//		return err // no report
//	}
//	for _, rcpt := range r.Delivery.Recipients {
//		fmt.Println(rcpt.Final.Value, rcpt.Action, rcpt.Status)
//	}
//
// Anybody can write a report: that a message was refused is no more certain than
// its From. Values are what the fields say, on one line, without comments where
// the grammar has a keyword; what cannot be read is empty, and nothing but the
// lack of a report is an error.
//
// How a relay writes a bounce is shown in an example; this package writes none.
//
// A report is found by the type of its part, wherever that lies in the message;
// those in a message inside it are another's. Values are copies: the message is
// not needed any more but for Text and Original.
package report
