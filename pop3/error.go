package pop3

// Response codes of RFC 2449 section 8.1, RFC 3206 section 4 and RFC 6856 section 5,
// as they stand in Error.Code.
const (
	CodeInUse      = "IN-USE"      // another session has the maildrop
	CodeLoginDelay = "LOGIN-DELAY" // logged in too soon after the last time
	CodeAuth       = "AUTH"        // the credentials are at fault
	CodeSysTemp    = "SYS/TEMP"    // a failure that will pass
	CodeSysPerm    = "SYS/PERM"    // a failure that someone has to mend
	CodeUTF8       = "UTF8"        // the message cannot be had without the command UTF8
)

// Error is a negative reply. From a [Store] or [Maildrop] it goes to the
// client as it is, as -ERR [Code] Text; any other error becomes -ERR with
// [CodeSysTemp] and a fixed text, and its own text goes to the log alone.
type Error struct {
	Code string // response code without its brackets; empty for none
	Text string // one line of printable ASCII
}

// Error returns the reply as a line of text.
func (e *Error) Error() string {
	if e.Code == "" {
		return "pop3: " + e.Text
	}
	return "pop3: [" + e.Code + "] " + e.Text
}
