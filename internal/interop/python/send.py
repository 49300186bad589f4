"""Sends a letter as the account says: MODE PORT CA USER PASSWORD FROM TO FILE."""
import smtplib
import ssl
import sys

mode, port, ca, user, password, sender, recipient, name = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if mode == "implicit":
    smtp = smtplib.SMTP_SSL("localhost", int(port), "client.example.test", context=context, timeout=60)
else:
    smtp = smtplib.SMTP("localhost", int(port), "client.example.test", timeout=60)
    smtp.starttls(context=context)
with smtp, open(name, "rb") as f:
    smtp.login(user, password)
    refused = smtp.sendmail(sender, [recipient], f.read())
    sys.exit(str(refused) if refused else 0)
