// Sends a letter as the account says: MODE PORT CA USER PASSWORD FROM TO FILE.
const fs = require('fs');
const nodemailer = require('nodemailer');

const [mode, port, ca, user, pass, from, to, file] = process.argv.slice(2);
const transport = nodemailer.createTransport({
  host: 'localhost', port: Number(port), secure: mode === 'implicit', requireTLS: true,
  tls: { ca: fs.readFileSync(ca) }, auth: { user, pass }, name: 'client.example.test',
});
transport.sendMail({ envelope: { from, to: [to] }, raw: fs.readFileSync(file) }).catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
