"""Fetches all letters into a folder and deletes them: WAY MECHANISM PORT CA USER PASSWORD FOLDER."""
import poplib
import ssl
import sys

way, mechanism, port, ca, user, password, folder = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if way == "implicit":
    pop = poplib.POP3_SSL("localhost", int(port), context=context, timeout=60)
else:
    pop = poplib.POP3("localhost", int(port), timeout=60)
if way == "starttls":
    pop.stls(context=context)
if mechanism == "APOP":
    pop.apop(user, password)
else:
    pop.user(user)
    pop.pass_(password)
for line in pop.list()[1]:
    n = int(line.split()[0])
    with open(f"{folder}/{n}", "wb") as f:
        f.write(b"".join(line + b"\n" for line in pop.retr(n)[1]))
    pop.dele(n)
pop.quit()
