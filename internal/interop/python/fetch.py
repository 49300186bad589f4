"""Fetches all letters into a folder and deletes them: MODE PORT CA USER PASSWORD FOLDER."""
import poplib
import ssl
import sys

mode, port, ca, user, password, folder = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if mode == "implicit":
    pop = poplib.POP3_SSL("localhost", int(port), context=context, timeout=60)
else:
    pop = poplib.POP3("localhost", int(port), timeout=60)
    pop.stls(context=context)
pop.user(user)
pop.pass_(password)
for line in pop.list()[1]:
    n = int(line.split()[0])
    with open(f"{folder}/{n}", "wb") as f:
        f.write(b"".join(line + b"\n" for line in pop.retr(n)[1]))
    pop.dele(n)
pop.quit()
