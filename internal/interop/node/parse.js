// Reads messages, each a line of base64, and prints for each a line of JSON: what
// mailparser finds.
const readline = require('readline');
const { simpleParser } = require('mailparser');

const addresses = (field) => [].concat(field || []).flatMap((f) => f.value)
  .flatMap((v) => v.group || [v]).map((v) => ({ Name: v.name, Addr: v.address }));

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const m = await simpleParser(Buffer.from(line, 'base64'), { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true });
    console.log(JSON.stringify({
      Subject: m.subject || '', From: addresses(m.from), To: addresses(m.to), Text: m.text || '', HTML: m.html || '',
      Date: m.date ? m.date.getTime() / 1000 : 0,
      Attachments: m.attachments.map((a) => ({ Name: a.filename || '', Type: a.contentType, Content: a.content.toString('base64') })),
    }));
  }
})();
