// Sends a letter as the account says: WAY MECHANISM PORT CA USER PASSWORD FROM TO FILE.
const fs = require('fs');
const nodemailer = require('nodemailer');

const [way, mechanism, port, ca, user, pass, from, to, file] = process.argv.slice(2);
const token = mechanism === 'XOAUTH2';
const transport = nodemailer.createTransport({
  host: 'localhost', port: Number(port), name: 'client.example.test',
  secure: way === 'implicit', ignoreTLS: way === 'plain', requireTLS: way === 'starttls', tls: { ca: fs.readFileSync(ca) },
  auth: token ? { type: 'OAuth2', user, accessToken: pass } : { user, pass }, authMethod: token ? undefined : mechanism,
});
transport.sendMail({ envelope: { from, to: [to] }, raw: fs.readFileSync(file) }).catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
