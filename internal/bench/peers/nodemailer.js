// Does jobs, a line of JSON each, as child in client.go wants it.
const nodemailer = require('nodemailer');
const readline = require('readline');

function message(size) {
  const line = 'x'.repeat(76) + '\r\n';
  let text = 'Subject: load\r\n\r\n';
  while (text.length < size) text += line;
  return Buffer.from(text);
}

async function run(job) {
  const [host, port] = job.Addr.split(':');
  const transport = nodemailer.createTransport({
    pool: true, host, port: Number(port), secure: false, ignoreTLS: true,
    maxConnections: job.Sessions, maxMessages: Infinity, name: 'load.example.test',
  });
  const raw = message(job.Size);
  const envelope = { from: 'sender@example.test', to: ['one@example.test', 'two@example.test'] };
  let left = job.Messages;
  const session = async () => { while (left-- > 0) await transport.sendMail({ envelope, raw }); };
  await Promise.all(Array.from({ length: job.Sessions }, session));
  transport.close();
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer = { Allocations: 0, Error: '' };
    try { await run(JSON.parse(line)); } catch (e) { answer.Error = String(e); }
    console.log(JSON.stringify(answer));
  }
})();
