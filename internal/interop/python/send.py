"""Sends a letter as the account says: WAY MECHANISM PORT CA USER PASSWORD FROM TO FILE."""
import smtplib
import ssl
import sys

way, mechanism, port, ca, user, password, sender, recipient, name = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if way == "implicit":
    smtp = smtplib.SMTP_SSL("localhost", int(port), "client.example.test", context=context, timeout=60)
else:
    smtp = smtplib.SMTP("localhost", int(port), "client.example.test", timeout=60)
if way == "starttls":
    smtp.starttls(context=context)
with smtp, open(name, "rb") as f:
    smtp.ehlo()
    smtp.user, smtp.password = user, password
    smtp.auth(mechanism, getattr(smtp, "auth_" + mechanism.lower().replace("-", "_")))
    refused = smtp.sendmail(sender, [recipient], f.read())
    sys.exit(str(refused) if refused else 0)
