package message

// Limits bounds what one message may cost. A zero field means its default.
//
// A message that goes beyond a limit is still parsed: what was found so far
// stands, the rest is one opaque leaf, and a Defect says where and why.
type Limits struct {
	// Depth is how many parts may lie inside one another: a multipart or
	// message at this depth is not taken apart. Default 100.
	Depth int
	// Parts is how many parts are indexed; all that follows is one more
	// leaf, of type application/octet-stream. Default 10,000.
	Parts int
	// HeaderBytes is how many octets one header may have; all headers of the
	// message together may have eight times as many. Default 1 MiB; more
	// than 256 MiB counts as that.
	HeaderBytes int
	// Fields is how many fields one header may have; all headers of the
	// message together may have eight times as many. Default 10,000.
	Fields int
	// Defects is how many defects are recorded. Default 1,000.
	Defects int
}

const (
	defaultDepth       = 100
	defaultParts       = 10_000
	defaultHeaderBytes = 1 << 20
	defaultFields      = 10_000
	defaultDefects     = 1_000

	maxHeaderBytes = 256 << 20 // fields are indexed by 32 bits
	totalHeaders   = 8         // all headers together may have that many times what one may

	// maxParams is how many parameters of a field are read, RFC 2231
	// continuations counted one by one.
	maxParams = 200
	// maxBoundary is how long a boundary may be. RFC 2046 section 5.1.1 says
	// 70; mail is met that says more, but a line has room for no more than this.
	maxBoundary = 996
	// maxDelimiterLine is how many octets of a line are searched for its end
	// when it might be a boundary line.
	maxDelimiterLine = maxBoundary + 104
)

func (l Limits) withDefaults() Limits {
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&l.Depth, defaultDepth)
	set(&l.Parts, defaultParts)
	set(&l.HeaderBytes, defaultHeaderBytes)
	set(&l.Fields, defaultFields)
	set(&l.Defects, defaultDefects)
	l.HeaderBytes = min(l.HeaderBytes, maxHeaderBytes)
	return l
}
