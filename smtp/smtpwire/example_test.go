package smtpwire_test

import (
	"fmt"
	"log"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

func ExampleSplitVerb() {
	verb, args := smtpwire.SplitVerb([]byte("MAIL FROM:<alice@example.org> SIZE=1000 BODY=8BITMIME"))
	if verb != smtpwire.MAIL {
		log.Fatal("not MAIL")
	}
	var mail smtpwire.Mail
	if err := mail.Parse(string(args)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(mail.From, mail.Size, mail.Body)
	// Output: alice@example.org 1000 8BITMIME
}

func ExampleParseEHLO() {
	extensions := smtpwire.ParseEHLO([]string{"PIPELINING", "SIZE 10485760", "AUTH PLAIN LOGIN"})
	limit, _ := extensions.Size()
	_, pipelining := extensions.Lookup("pipelining")
	fmt.Println(limit, extensions.Mechanisms(), pipelining)
	// Output: 10485760 [PLAIN LOGIN] true
}

func ExampleReply_Append() {
	reply := smtpwire.Reply{Code: 550, Enhanced: smtpwire.EnhancedCode{5, 1, 1}, Lines: []string{"no such user", "ask postmaster"}}
	fmt.Printf("%q\n", reply.Append(nil))
	// Output: "550-5.1.1 no such user\r\n550 5.1.1 ask postmaster\r\n"
}

func ExampleRcpt() {
	var rcpt smtpwire.Rcpt
	if err := rcpt.Parse("TO:<dana@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dana+2Bx@Ivory.EDU"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(rcpt.To, rcpt.Notify, rcpt.Original.Address())
	// Output: dana@example.net SUCCESS,FAILURE Dana+x@Ivory.EDU
}

func ExampleExtensions_Limits() {
	extensions := smtpwire.ParseEHLO([]string{"LIMITS RCPTMAX=20 MAILMAX=5"})
	fmt.Printf("%+v\n", extensions.Limits())
	// Output: {MailMax:5 RcptMax:20 RcptDomainMax:0}
}
