package interop

// The servers are programs of packages that install brings: Exim and OpenSMTPD are not
// installed, but unpacked.
var (
	postfix = &daemon{
		name: "postfix", program: "postfix",
		command:  []string{"{{.Program}}", "-c", "{{.Dir}}/etc", "start-fg"},
		services: []string{"mx", "submission", "submissions"},
		folders:  []string{"queue"}, owned: []string{"data"},
		owner: "postfix", mailer: "nobody", sasl: true,
	}
	exim = &daemon{
		name: "exim", program: "exim4-daemon-heavy/usr/sbin/exim4",
		command:  []string{"{{.Program}}", "-C", "{{.Dir}}/etc/configure", "-bdf", "-q1m"},
		services: []string{"mx", "submission", "submissions"},
		owned:    []string{"spool", "log"},
		owner:    "Debian-exim", mailer: "Debian-exim", sasl: true,
	}
	openSMTPD = &daemon{
		name: "opensmtpd", program: "opensmtpd/usr/sbin/smtpd",
		command:  []string{"bash", "{{.Dir}}/etc/run"},
		services: []string{"mx"},
		mailer:   "nobody",
	}
	dovecot = &daemon{
		name: "dovecot", program: "dovecot",
		command:  []string{"{{.Program}}", "-F", "-c", "{{.Dir}}/etc/dovecot.conf"},
		services: []string{"pop3", "pop3s", "lmtp", "submission", "submissions"},
		mailer:   "nobody", relay: postfix,
	}
)
