package smtpwire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMailParams: each parameter of MAIL is read into its field, and written as it was
// read.
func TestMailParams(t *testing.T) {
	t.Parallel()
	gruen := address(t, "grün@bücher.example")
	for _, tt := range []struct {
		args string
		want Mail
		out  string // "": as args
	}{
		{"FROM:<> BODY=BINARYMIME", Mail{Body: BodyBinaryMIME}, ""},
		{"FROM:<> SMTPUTF8", Mail{UTF8: true}, ""},
		{"FROM:<grün@bücher.example> SMTPUTF8", Mail{From: gruen, UTF8: true}, ""},
		{"FROM:<grün@bücher.example> smtputf8 x=ü", Mail{From: gruen, UTF8: true, Params: []Param{{"x", "ü"}}}, "FROM:<grün@bücher.example> SMTPUTF8 x=ü"},
		{"FROM:<> SMTPUTF8 AUTH=gr+C3+BCn@b+C3+BCcher.example", Mail{UTF8: true, Auth: gruen, HasAuth: true}, ""},
		{"FROM:<> REQUIRETLS", Mail{RequireTLS: true}, ""},
		{"FROM:<> PRDR", Mail{PRDR: true}, ""},
		{"FROM:<> RET=HDRS", Mail{Return: ReturnHeaders}, ""},
		{"FROM:<> ret=full", Mail{Return: ReturnFull}, "FROM:<> RET=FULL"},
		{"FROM:<> ENVID=QQ314159", Mail{EnvelopeID: "QQ314159"}, ""},
		{"FROM:<> ENVID=+41+20b+2B", Mail{EnvelopeID: "+41+20b+2B"}, ""},
		{"FROM:<> ENVID=" + strings.Repeat("x", 100), Mail{EnvelopeID: EnvelopeID(strings.Repeat("x", 100))}, ""},
		{"FROM:<> BY=120;R", Mail{DeliverBy: DeliverBy{Seconds: 120, Mode: ByReturn}}, ""},
		{"FROM:<> BY=-999999999;NT", Mail{DeliverBy: DeliverBy{Seconds: -999999999, Mode: ByNotify, Trace: true}}, ""},
		{"FROM:<> by=+0;nt", Mail{DeliverBy: DeliverBy{Mode: ByNotify, Trace: true}}, "FROM:<> BY=0;NT"},
		{"FROM:<> MT-PRIORITY=3", Mail{Priority: 3, HasPriority: true}, ""},
		{"FROM:<> MT-PRIORITY=-9", Mail{Priority: -9, HasPriority: true}, ""},
		{"FROM:<> MT-PRIORITY=0", Mail{HasPriority: true}, ""},
		{"FROM:<> HOLDFOR=86400", Mail{HoldFor: 86400}, ""},
		{"FROM:<> HOLDUNTIL=2028-02-29T23:59:60Z", Mail{HoldUntil: "2028-02-29T23:59:60Z"}, ""},
		{"FROM:<> HOLDUNTIL=2026-11-25t00:00:00.123z", Mail{HoldUntil: "2026-11-25t00:00:00.123z"}, ""},
		{
			"FROM:<> MT-PRIORITY=1 BY=1;R RET=HDRS ENVID=a SIZE=5 X=y",
			Mail{Size: 5, Return: ReturnHeaders, EnvelopeID: "a", DeliverBy: DeliverBy{1, ByReturn, false}, Priority: 1, HasPriority: true, Params: []Param{{"X", "y"}}},
			"FROM:<> SIZE=5 RET=HDRS ENVID=a BY=1;R MT-PRIORITY=1 X=y",
		},
	} {
		t.Run(tt.args[:min(len(tt.args), 60)], func(t *testing.T) {
			t.Parallel()
			var m Mail
			require.NoError(t, m.Parse(tt.args))
			if tt.want.Size == 0 {
				tt.want.Size = -1
			}
			require.Equal(t, tt.want, m)
			checkLine(t, &m, "MAIL "+tt.args, tt.out)
		})
	}
}

// checkLine holds what a command writes to what it was read from.
func checkLine(t *testing.T, cmd command, in, out string) {
	t.Helper()
	if out != "" {
		verb, _, _ := strings.Cut(in, " ")
		in = verb + " " + out
	}
	line, err := cmd.Append([]byte("before|"))
	require.NoError(t, err)
	require.Equal(t, "before|"+in+"\r\n", string(line))
	require.Equal(t, in, string(cmd.AppendPublic(nil)))
}

func TestRcptParams(t *testing.T) {
	t.Parallel()
	since := ValidSince{Since: "2014-04-03T23:01:00Z"}
	for _, tt := range []struct {
		args string
		want Rcpt
		out  string // "": as args
	}{
		{"TO:<a@b> NOTIFY=NEVER", Rcpt{Notify: NotifyNever}, ""},
		{"TO:<a@b> notify=delay,Success,FAILURE,delay", Rcpt{Notify: NotifySuccess | NotifyFailure | NotifyDelay}, "TO:<a@b> NOTIFY=SUCCESS,FAILURE,DELAY"},
		{"TO:<a@b> ORCPT=rfc822;Bob@Example.COM", Rcpt{Original: "rfc822;Bob@Example.COM"}, ""},
		{"TO:<a@b> ORCPT=RFC822;+42ob+2Bx@e.org", Rcpt{Original: "RFC822;+42ob+2Bx@e.org"}, ""},
		{"TO:<a@b> ORCPT=x400;" + strings.Repeat("x", 495), Rcpt{Original: OriginalRecipient("x400;" + strings.Repeat("x", 495))}, ""},
		{`TO:<a@b> ORCPT=utf-8;gr\x{FC}n\x{20}\x{1F600}@e.org`, Rcpt{Original: `utf-8;gr\x{FC}n\x{20}\x{1F600}@e.org`}, ""},
		{"TO:<a@b> ORCPT=utf-8;grün@e.org", Rcpt{Original: "utf-8;grün@e.org", UTF8: true}, ""},
		{"TO:<ü@b> NOTIFY=NEVER", Rcpt{To: address(t, "ü@b"), Notify: NotifyNever, UTF8: true}, ""},
		{"TO:<a@b> RRVS=2014-04-03T23:01:00Z", Rcpt{ValidSince: since}, ""},
		{"TO:<a@b> RRVS=2014-04-03T23:01:00-08:00;c", Rcpt{ValidSince: ValidSince{"2014-04-03T23:01:00-08:00", NoSupportContinue}}, "TO:<a@b> RRVS=2014-04-03T23:01:00-08:00;C"},
		{"TO:<a@b> RRVS=2014-04-03T23:01:00+14:00;R", Rcpt{ValidSince: ValidSince{"2014-04-03T23:01:00+14:00", NoSupportReject}}, ""},
		{"TO:<a@b> NOTIFY=NEVER X RRVS=2014-04-03T23:01:00Z ORCPT=rfc822;a@b", Rcpt{Notify: NotifyNever, Original: "rfc822;a@b", ValidSince: since, Params: []Param{{"X", ""}}}, "TO:<a@b> NOTIFY=NEVER ORCPT=rfc822;a@b RRVS=2014-04-03T23:01:00Z X"},
	} {
		t.Run(tt.args[:min(len(tt.args), 60)], func(t *testing.T) {
			t.Parallel()
			r := Rcpt{UTF8: tt.want.UTF8}
			require.NoError(t, r.Parse(tt.args))
			if tt.want.To.IsZero() {
				tt.want.To = address(t, "a@b")
			}
			require.Equal(t, tt.want, r)
			checkLine(t, &r, "RCPT "+tt.args, tt.out)
		})
	}
}

// TestParamsRefused: a value that is wrong, and a parameter that is there twice.
func TestParamsRefused(t *testing.T) {
	t.Parallel()
	for _, params := range []string{
		"SMTPUTF8=1", "SMTPUTF8 smtputf8", "REQUIRETLS=YES", "REQUIRETLS REQUIRETLS", "PRDR=1", "X=ü", "AUTH=gr+C3+BCn@e.org",
		"RET", "RET=", "RET=BODY", "RET=FULL RET=FULL", "ENVID", "ENVID=+", "ENVID=+0A", "ENVID=+7F", "ENVID=+C3+BC", "ENVID=a ENVID=a",
		"ENVID=" + strings.Repeat("x", 101),
		"BY", "BY=5", "BY=5;", "BY=;R", "BY=0;R", "BY=-1;R", "BY=1000000000;N", "BY=--1;N", "BY=+-1;N", "BY=5;X", "BY=5;RX", "BY=5;RTT", "BY=5;R BY=5;R",
		"MT-PRIORITY", "MT-PRIORITY=10", "MT-PRIORITY=-0", "MT-PRIORITY=+1", "MT-PRIORITY=-10", "MT-PRIORITY=a", "MT-PRIORITY=1 MT-PRIORITY=1",
		"HOLDFOR", "HOLDFOR=0", "HOLDFOR=-1", "HOLDFOR=1000000000", "HOLDFOR=1 HOLDFOR=1", "HOLDFOR=1 HOLDUNTIL=2026-11-25T00:00:00Z",
		"HOLDUNTIL=2026-11-25T00:00:00+01:00", "HOLDUNTIL=2026-11-25T00:00:00", "HOLDUNTIL=2026-11-25T00:00:00.Z", "HOLDUNTIL=2026-11-25T00:00:00.1234567890Z",
		"HOLDUNTIL=2026-02-29T00:00:00Z", "HOLDUNTIL=2100-02-29T00:00:00Z", "HOLDUNTIL=2026-04-31T00:00:00Z", "HOLDUNTIL=2026-13-01T00:00:00Z", "HOLDUNTIL=2026-00-01T00:00:00Z",
		"HOLDUNTIL=2026-11-00T00:00:00Z", "HOLDUNTIL=2026-11-25T24:00:00Z", "HOLDUNTIL=2026-11-25T00:60:00Z", "HOLDUNTIL=2026-11-25T00:00:61Z", "HOLDUNTIL=2026/11/25T00:00:00Z", "HOLDUNTIL=2026-11-25",
	} {
		err := new(Mail).Parse("FROM:<a@b> " + params)
		var se *SyntaxError
		require.ErrorAs(t, err, &se, params)
		if params == "AUTH=gr+C3+BCn@e.org" {
			require.Equal(t, 550, se.Code, params)
			continue
		}
		require.Equal(t, 501, se.Code, params)
		require.Equal(t, badArgument, se.Enhanced, params)
	}
	for _, params := range []string{
		"NOTIFY", "NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=ALWAYS", "NOTIFY=DELAY,", "NOTIFY=,DELAY", "NOTIFY=NEVER NOTIFY=NEVER",
		"ORCPT", "ORCPT=a@b", "ORCPT=;a@b", "ORCPT=rfc822;", "ORCPT=rfc(;a@b", "ORCPT=rfc822;+", "ORCPT=rfc822;+0D+0A", "ORCPT=rfc822;+C3+BC", "ORCPT=rfc822;ü@b", "ORCPT=rfc822;a@b ORCPT=rfc822;a@b",
		"ORCPT=x400;" + strings.Repeat("x", 496),
		`ORCPT=utf-8;a+\x{FC}`, `ORCPT=utf-8;\x{FC}+`, `ORCPT=utf-8;\x{`, `ORCPT=utf-8;\x{}`, `ORCPT=utf-8;\x{0}`, `ORCPT=utf-8;\x{FFFFFFF}`, `ORCPT=utf-8;\x{D800}`, `ORCPT=utf-8;\x{fc}`, `ORCPT=utf-8;\x{00FC}`, `ORCPT=utf-8;\x{41}`,
		`ORCPT=utf-8;\x{0A}`, `ORCPT=utf-8;\x{7F}`, `ORCPT=utf-8;\x{85}`, `ORCPT=utf-8;a\b`, `ORCPT=utf-8;a+2Bb`, `ORCPT=utf-8;`,
		"RRVS", "RRVS=2014-04-03", "RRVS=2014-04-03T23:01:00", "RRVS=2014-04-03T23:01:00.5Z", "RRVS=2014-04-03T23:01:00Z;", "RRVS=2014-04-03T23:01:00Z;X", "RRVS=2014-04-03T23:01:00+24:00", "RRVS=2014-04-03T23:01:00+0100",
		"RRVS=2014-04-03T23:01:00Z RRVS=2014-04-03T23:01:00Z", "X X", "X x=1",
	} {
		for _, utf8 := range []bool{false, true} {
			r := Rcpt{UTF8: utf8}
			err := r.Parse("TO:<a@b> " + params)
			var se *SyntaxError
			require.ErrorAs(t, err, &se, params)
			require.Equal(t, 501, se.Code, params)
			require.Equal(t, badArgument, se.Enhanced, params)
		}
	}
	require.Error(t, new(Rcpt).Parse("TO:<a@b> ORCPT=utf-8;grün@e.org"), "UTF-8 without SMTPUTF8")
	require.Error(t, new(Rcpt).Parse("TO:<a@b> X=ü"), "UTF-8 without SMTPUTF8")
}

// TestAppendRefusesParams: what a caller can put into a field becomes that parameter or
// an error.
func TestAppendRefusesParams(t *testing.T) {
	t.Parallel()
	bob := address(t, "bob@example.org")
	for _, tt := range []struct {
		cmd  command
		what string
	}{
		{&Mail{Return: 3}, "RET"},
		{&Mail{EnvelopeID: "a b"}, "ENVID"},
		{&Mail{EnvelopeID: "a\r\nRSET"}, "ENVID"},
		{&Mail{EnvelopeID: NewEnvelopeID("ü")}, "ENVID"},
		{&Mail{EnvelopeID: NewEnvelopeID("a\nb")}, "ENVID"},
		{&Mail{EnvelopeID: EnvelopeID(strings.Repeat("x", 101))}, "ENVID"},
		{&Mail{DeliverBy: DeliverBy{Seconds: 5}}, "BY"},
		{&Mail{DeliverBy: DeliverBy{Trace: true}}, "BY"},
		{&Mail{DeliverBy: DeliverBy{Mode: ByReturn}}, "BY"},
		{&Mail{DeliverBy: DeliverBy{Seconds: 1_000_000_000, Mode: ByNotify}}, "BY"},
		{&Mail{Priority: 10}, "MT-PRIORITY"},
		{&Mail{HoldFor: -1}, "HOLDFOR"},
		{&Mail{HoldFor: 1_000_000_000}, "HOLDFOR"},
		{&Mail{HoldFor: 1, HoldUntil: "2026-11-25T00:00:00Z"}, "HOLDFOR"},
		{&Mail{HoldUntil: "2026-11-25T00:00:00Z X"}, "HOLDUNTIL"},
		{&Mail{Params: []Param{{"size", "1"}}}, "parameter"},
		{&Mail{Params: []Param{{"X", ""}, {"x", "1"}}}, "parameter"},
		{&Mail{Params: []Param{{"X", "ü"}}}, "parameter"},
		{&Rcpt{To: bob, Notify: NotifyNever | NotifyDelay}, "NOTIFY"},
		{&Rcpt{To: bob, Notify: 16}, "NOTIFY"},
		{&Rcpt{To: bob, Original: "bob@example.org"}, "ORCPT"},
		{&Rcpt{To: bob, Original: "rfc822;bob\r\nRSET"}, "ORCPT"},
		{&Rcpt{To: bob, Original: "rfc822;a b"}, "ORCPT"},
		{&Rcpt{To: bob, Original: OriginalRecipient("utf-8;" + strings.Repeat("ü", 200))}, "ORCPT"},
		{&Rcpt{To: bob, ValidSince: ValidSince{NoSupport: NoSupportReject}}, "RRVS"},
		{&Rcpt{To: bob, ValidSince: ValidSince{Since: "2026-11-25T00:00:00Z", NoSupport: 3}}, "RRVS"},
		{&Rcpt{To: bob, Params: []Param{{"ORCPT", "rfc822;a@b"}}}, "parameter"},
		{&Vrfy{Text: "a SMTPUTF8"}, "argument"},
		{&Expn{Text: ""}, "argument"},
		{&Expn{Text: "a\nb", UTF8: true}, "argument"},
		{&Bdat{Size: -1}, "size"},
		{&Etrn{Node: "example"}, "node"},
		{&Etrn{Node: "a.b c"}, "node"},
		{&Etrn{Option: '#'}, "node"},
		{&Etrn{Option: '!', Node: "a.b"}, "node"},
		{&Xclient{}, "attribute"},
		{&Xclient{Attributes: []XclientAttribute{{"name", "x"}}}, "attribute"},
		{&Xclient{Attributes: []XclientAttribute{{"NAME", ""}}}, "attribute"},
		{&Xclient{Attributes: []XclientAttribute{{"NAME", "a\r\nb"}}}, "attribute"},
		{&Xclient{Attributes: []XclientAttribute{{"NAME", "a"}, {"NAME", "b"}}}, "attribute"},
	} {
		line, err := tt.cmd.Append([]byte("before"))
		var unsafe *UnsafeError
		require.ErrorAs(t, err, &unsafe, "%#v", tt.cmd)
		require.Equal(t, tt.what, unsafe.What, "%#v", tt.cmd)
		require.Equal(t, "before", string(line))
		require.NotContains(t, string(tt.cmd.AppendPublic(nil)), "\n")
	}
}

func TestOriginalRecipient(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		original             OriginalRecipient
		addrType, text, wire string
	}{
		{NewOriginalRecipient(address(t, "Dana+x@Ivory.example.net")), "rfc822", "Dana+x@Ivory.example.net", "rfc822;Dana+2Bx@Ivory.example.net"},
		{NewOriginalRecipient(address(t, `"a=b c"@e.org`)), "rfc822", `"a=b c"@e.org`, "rfc822;\"a+3Db+20c\"@e.org"},
		{NewOriginalRecipient(address(t, "gr\u00fcn+x@b\u00fccher.example")), "utf-8", "gr\u00fcn+x@b\u00fccher.example", `utf-8;gr\x{FC}n\x{2B}x@b\x{FC}cher.example`},
		{NewOriginalRecipient(address(t, "\"\u00fc\\\\ =\"@e.org")), "utf-8", "\"\u00fc\\\\ =\"@e.org", `utf-8;"\x{FC}\x{5C}\x{5C}\x{20}\x{3D}"@e.org`},
		{"utf-8;gr\u00fcn@e.org", "utf-8", "gr\u00fcn@e.org", `utf-8;gr\x{FC}n@e.org`},
		{"x400;+2FS+3DJim", "x400", "/S=Jim", ""},
		{"none", "none", "", "refused"},
	} {
		require.Equal(t, tt.addrType, tt.original.Type())
		require.Equal(t, tt.text, tt.original.Address())
		r := Rcpt{To: address(t, "a@b"), Original: tt.original}
		line, err := r.Append(nil)
		if tt.wire == "refused" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		want := tt.wire
		if want == "" {
			want = string(tt.original)
		}
		require.Equal(t, "RCPT TO:<a@b> ORCPT="+want+"\r\n", string(line))
		r.UTF8 = true
		line, err = r.Append(nil)
		require.NoError(t, err)
		require.Equal(t, "RCPT TO:<a@b> ORCPT="+string(tt.original)+"\r\n", string(line))
	}
	require.Equal(t, "a b+", NewEnvelopeID("a b+").Text())
	require.Empty(t, EnvelopeID("+").Text())
}

func TestParameterNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "BINARYMIME", BodyBinaryMIME.String())
	require.Equal(t, "SUCCESS,DELAY", (NotifySuccess | NotifyDelay).String())
	for _, s := range []interface{ String() string }{Body(9), Return(9), Notify(0), ByMode(9), NoSupport(9), BodyUnspecified, ReturnUnspecified, ByUnspecified, NoSupportUnspecified} {
		require.Empty(t, s.String())
	}
}
