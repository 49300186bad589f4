// Package posthouse is a Go SDK for mail: SMTP client and server, POP3 client
// and server, MIME, and the authentication that they share. It is for programs
// that send, receive, store and read mail, and for people who want to read in
// code what the RFCs say.
//
// This package holds no code. It holds the picture of the house:
//
//	examples/                                            programs; may import anything public
//	---------------------------------------------------- 6  implementations and assemblies
//	pop3/maildrop
//	---------------------------------------------------- 4  formats and policies, one standard each
//	message/{maildir,report,gomessage}     auth/popbefore (popbeforetest)     auth/usersfile
//	---------------------------------------------------- 3  protocols: no arrows between the three
//	smtp (smtptest)     pop3 (pop3test)     message
//	---------------------------------------------------- 2  the shared contract, and the connection
//	auth                internal/serve      internal/conn     internal/{testpeer,transcript}
//	---------------------------------------------------- 1  wire codecs and tables: no net, no clock, no goroutine
//	smtp/smtpwire       pop3/pop3wire       internal/{textwire,elastic}
//	---------------------------------------------------- 0  the alphabet that all of them are written in
//	internal/ascii
//	---------------------------------------------------- beside the stack, for tests only
//	internal/{testnet,rfc,layers,storm,bombs}     internal/{bench,interop}: modules of their own
//
// Imports point to a lower floor only; smtp, pop3 and message never import each
// other. The test in internal/layers holds the house to this drawing.
//
// # Rooms
//
//   - [github.com/posthouse/posthouse/smtp]: Server, Client, Transport, Handler,
//     Transaction, Envelope; one file a command. smtp/smtpwire is its codec,
//     smtp/smtptest a server for your tests, and one that misbehaves by a table.
//   - [github.com/posthouse/posthouse/pop3]: Server, Client, Store, Maildrop.
//     pop3/pop3wire is its codec, pop3/pop3test a server for your tests and the
//     suite that every Store must pass.
//   - [github.com/posthouse/posthouse/message]: Parse for any mail there is, Draft
//     for the mail you write.
//   - [github.com/posthouse/posthouse/auth]: ConnectionState, Identity, verifiers
//     and Credentials: who is there, told alike to every protocol.
//   - [github.com/posthouse/posthouse/auth/popbefore]: POP before SMTP: a login
//     at the maildrop opens the relay for a while.
//   - [github.com/posthouse/posthouse/auth/usersfile]: the users in a file of text,
//     with their passwords in any form, read again when it changes.
//   - [github.com/posthouse/posthouse/message/report]: bounces, receipts and
//     complaints, read.
//   - [github.com/posthouse/posthouse/message/gomessage]: to and from the values of
//     go-message, for programs that already use it.
//   - [github.com/posthouse/posthouse/message/maildir]: durable delivery into a
//     Maildir.
//   - [github.com/posthouse/posthouse/pop3/maildrop]: a pop3.Store over a Maildir
//     tree, and one in memory.
//
// # What is promised
//
// A line ends at CRLF and data at CRLF.CRLF, and at nothing else. A client
// never finishes a message whose body failed, and says of a lost reply that
// the outcome is unknown. A server's 250 after the data, and a POP3 server's +OK
// to QUIT, come after the store said that its work is durable. Every wait has
// a deadline and every size a limit, by default. Secrets and bodies do not reach
// logs or transcripts.
//
// # RFCs
//
//	1557  ISO-2022-KR                        message
//	1870  SMTP SIZE                          smtp
//	1939  POP3                               pop3
//	1985  SMTP ETRN                          smtp
//	2033  LMTP                               smtp
//	2034  SMTP ENHANCEDSTATUSCODES           smtp
//	2045  MIME: bodies                       message
//	2046  MIME: media types                  message
//	2047  MIME: encoded words                message
//	2049  MIME: conformance                  message
//	2152  UTF-7                              message
//	2183  Content-Disposition                message
//	2195  SASL CRAM-MD5                      auth
//	2231  MIME: parameters                   message
//	2369  List-* fields                      message
//	2387  multipart/related                  message
//	2392  Content-ID URLs                    message
//	2449  POP3 CAPA                          pop3
//	2595  POP3 STLS                          pop3
//	2781  UTF-16                             message
//	2852  SMTP DELIVERBY                     smtp
//	2919  List-Id                            message
//	2920  SMTP PIPELINING                    smtp
//	3030  SMTP CHUNKING, BINARYMIME          smtp
//	3206  POP3 AUTH-RESP-CODE                pop3
//	3207  SMTP STARTTLS                      smtp
//	3282  Content-Language                   message
//	3454  stringprep                         auth
//	3461  SMTP DSN                           smtp
//	3463  enhanced status codes              smtp/smtpwire
//	3464  delivery status notifications      message/report, examples/internal/host
//	3676  format=flowed                      message
//	3834  automatic responses                examples/internal/host
//	3848  transmission types in Received     smtp
//	4013  SASLprep                           auth
//	4422  SASL                               auth
//	4505  SASL ANONYMOUS                     auth
//	4616  SASL PLAIN                         auth
//	4647  language ranges                    pop3
//	4648  base64                             auth
//	4865  SMTP FUTURERELEASE                 smtp
//	4954  SMTP AUTH                          smtp
//	5034  POP3 AUTH                          pop3
//	5256  IMAP SORT: base subjects           message
//	5321  SMTP                               smtp
//	5322  message format                     message
//	5802  SASL SCRAM                         auth
//	5803  stored keys of SCRAM               auth
//	5929  channel bindings of TLS            auth
//	5965  feedback reports                   message/report
//	6152  SMTP 8BITMIME                      smtp
//	6409  submission                         smtp
//	6522  multipart/report                   message/report
//	6531  SMTPUTF8                           smtp
//	6532  UTF-8 in headers                   message
//	6533  UTF-8 addresses in reports         smtp/smtpwire, message, message/report
//	6598  carriers' translators              auth/popbefore
//	6710  SMTP MT-PRIORITY                   smtp
//	6750  bearer tokens                      auth
//	6854  groups of authors                  message
//	6856  POP3 UTF8 and LANG                 pop3
//	7293  SMTP RRVS                          smtp
//	7628  SASL OAUTHBEARER                   auth
//	7677  SASL SCRAM-SHA-256                 auth
//	8058  one-click unsubscribing            message
//	8098  disposition notifications          message/report
//	8305  hosts of several addresses         internal/conn
//	8314  implicit TLS                       smtp, pop3
//	8621  JMAP for mail: bodies told apart   message
//	8689  SMTP REQUIRETLS                    smtp
//	8970  previews                           message
//	8981  temporary IPv6 addresses           auth/popbefore
//	9051  IMAP: answers about a message      message
//	9106  Argon2                             auth/usersfile
//	9266  channel binding tls-exporter       auth
//	9422  SMTP LIMITS                        smtp
package posthouse
