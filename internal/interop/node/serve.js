// Serves as the account says: MODE CERTIFICATE KEY USER PASSWORD. It says its port in
// a line, and then in a line of JSON each message that it took. Nobody is refused.
const fs = require('fs');
const { SMTPServer } = require('smtp-server');

const [mode, cert, key, user, pass] = process.argv.slice(2);
const server = new SMTPServer({
  secure: mode === 'implicit', cert: fs.readFileSync(cert), key: fs.readFileSync(key),
  authOptional: mode === 'plain', hideSTARTTLS: mode === 'plain', disabledCommands: mode === 'plain' ? ['AUTH'] : [],
  authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'],
  onAuth(auth, session, done) {
    const right = {
      'CRAM-MD5': () => auth.validatePassword(pass),
      XOAUTH2: () => auth.accessToken === pass,
    }[auth.method] || (() => auth.password === pass);
    if (auth.username === user && right()) return done(null, { user });
    return done(new Error('no such account'));
  },
  onRcptTo(address, session, done) {
    done(address.address.startsWith('nobody@') ? Object.assign(new Error('no such user'), { responseCode: 550 }) : null);
  },
  onData(stream, session, done) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = session.envelope;
      const message = { From: mailFrom.address, To: rcptTo.map((r) => r.address), Text: Buffer.concat(chunks).toString('base64') };
      console.log(JSON.stringify(message));
      done(null, 'kept');
    });
  },
});
server.on('error', () => {}); // clients that break off
server.listen(0, 'localhost', () => console.log(server.server.address().port));
process.stdin.on('end', () => process.exit()).resume();
