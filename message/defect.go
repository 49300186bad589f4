package message

import (
	"cmp"
	"fmt"
	"slices"
)

// DefectKind says what is wrong at the place of a Defect.
type DefectKind uint8

// Found by every parse.
const (
	_ DefectKind = iota
	// BadHeaderLine is a line in a header that is neither a field nor a continuation.
	BadHeaderLine
	// DuplicateField is a second field of a name that a header may have once
	// only (RFC 5322 section 3.6, RFC 2045 section 3, RFC 2183 section 2).
	DuplicateField
	// HeaderTooLong is where a header was cut because of Limits.HeaderBytes.
	HeaderTooLong
	// TooManyFields is where a header was cut because of Limits.Fields.
	TooManyFields
	// BadContentType is a Content-Type that cannot be read.
	BadContentType
	// BadTransferEncoding is a Content-Transfer-Encoding that is not known, or
	// one that RFC 2045 section 6.4 does not allow on a multipart or message.
	BadTransferEncoding
	// MissingBoundary is a multipart without a usable boundary parameter.
	MissingBoundary
	// DuplicateBoundary is a multipart with the boundary of one around it.
	DuplicateBoundary
	// MissingCloseBoundary is where a multipart ended without its closing boundary line.
	MissingCloseBoundary
	// EmptyMultipart is a multipart without any part.
	EmptyMultipart
	// TooDeep is a part not taken apart because of Limits.Depth.
	TooDeep
	// TooManyParts is where the index ends because of Limits.Parts.
	TooManyParts
	// BareLF is the first LF without a CR. Without Parser.Thorough it is
	// looked for in header and boundary lines only.
	BareLF
	// FalseBoundary is the first line that begins as a boundary line of the innermost
	// multipart and goes on: it is content here, and a boundary line for who compares
	// as RFC 2046 section 5.1.1 says.
	FalseBoundary
)

// Found by a Parser with Thorough set, besides those above.
const (
	// BareCR is the first CR without an LF.
	BareCR DefectKind = iota + 32
	// NUL is the first octet of value 0.
	NUL
	// LongLine is the first line of a part longer than 998 octets (RFC 5322 section 2.1.1).
	LongLine
	// BadHeaderText is the first octet of a header that is not valid UTF-8
	// (RFC 6532 section 3.2).
	BadHeaderText
	// EightBitBody is the first octet over 127 of a body that is declared to have
	// none (RFC 2045 section 2.7).
	EightBitBody
	// BadParameters is a Content-Type or Content-Disposition whose parameters
	// were read in part only, are more than 200, are there twice, or have encoded
	// words in them (RFC 2047 section 5). A file name may be there once in
	// each form, as many write it for old readers.
	BadParameters
	// UnknownCharset is a text part in a charset that is not known.
	UnknownCharset
	// BadBase64 is a base64 body with other characters, with bad padding, or with data
	// behind the padding.
	BadBase64
	// BadQuotedPrintable is a quoted-printable body with a broken escape.
	BadQuotedPrintable
	// BadUUOrYEnc is a body in uuencode or yEnc that does not begin or end, has lines
	// that cannot be, or does not have the size or sum that it names.
	BadUUOrYEnc
	// BadAddress is an address field not in the form of RFC 5322 section 3.4, or
	// without any address where RFC 5322 section 3.6 demands one.
	BadAddress
	// BadDate is a Date that ParseDate cannot read.
	BadDate
	// BlankBeforeColon is a field with blanks behind its name, an obsolete form (RFC 5322
	// section 4.5) in which many programs do not see the field.
	BlankBeforeColon
	// BlankHeaderLine is a line of nothing but blanks in a field, which
	// RFC 5322 section 4.2 calls obsolete: many programs end the header there.
	BlankHeaderLine
	// BoundaryBehindClose is the first boundary line behind the closing one of its
	// multipart.
	BoundaryBehindClose
)

var defectNames = map[DefectKind]string{
	BadHeaderLine:        "bad header line",
	DuplicateField:       "duplicate field",
	HeaderTooLong:        "header too long",
	TooManyFields:        "too many fields",
	BadContentType:       "bad content type",
	BadTransferEncoding:  "bad transfer encoding",
	MissingBoundary:      "missing boundary parameter",
	DuplicateBoundary:    "duplicate boundary",
	MissingCloseBoundary: "missing close boundary",
	EmptyMultipart:       "empty multipart",
	TooDeep:              "nested too deep",
	TooManyParts:         "too many parts",
	BareLF:               "bare LF",
	FalseBoundary:        "boundary line that goes on",
	BareCR:               "bare CR",
	NUL:                  "NUL",
	LongLine:             "long line",
	BadHeaderText:        "header text is not UTF-8",
	EightBitBody:         "8-bit octet in a 7-bit body",
	BadParameters:        "bad parameters",
	UnknownCharset:       "unknown charset",
	BadBase64:            "bad base64",
	BadQuotedPrintable:   "bad quoted-printable",
	BadUUOrYEnc:          "bad uuencode or yEnc",
	BadAddress:           "bad address",
	BadDate:              "bad date",
	BlankBeforeColon:     "blank before a colon",
	BlankHeaderLine:      "line of blanks in a header",
	BoundaryBehindClose:  "boundary line behind the closing one",
}

func (k DefectKind) String() string {
	if s, ok := defectNames[k]; ok {
		return s
	}
	return fmt.Sprintf("defect %d", uint8(k))
}

// Defect is one thing that is wrong with a message. It is an error so that
// a strict Parser can return it.
type Defect struct {
	Kind DefectKind
	// Offset is where, in octets from the start of the message. What is
	// found inside an encoded body is placed at the start of that body.
	Offset int64
	// Part is the path of the part concerned; see Part.Path.
	Part string
}

func (d Defect) Error() string {
	return fmt.Sprintf("message: %v at octet %d (part %s)", d.Kind, d.Offset, d.Part)
}

// found is a Defect while its part has no path yet.
type found struct {
	kind   DefectKind
	offset int64
	part   int32
}

// note records a defect. Of those that a whole file shares, such as bare LF, it
// records the first only.
func (s *scanner) note(kind DefectKind, offset int64, part int32) {
	switch kind {
	case BareLF, FalseBoundary, BareCR, NUL:
		if s.seen&(1<<kind) != 0 {
			return
		}
		s.seen |= 1 << kind
	}
	if len(s.found) < s.limits.Defects {
		s.found = append(s.found, found{kind, offset, part})
	}
}

// defects returns what was found, in the order of the message.
func (s *scanner) defects() []Defect {
	slices.SortStableFunc(s.found, func(a, b found) int { return cmp.Compare(a.offset, b.offset) })
	if len(s.found) == 0 {
		return nil
	}
	list := make([]Defect, len(s.found))
	for i, f := range s.found {
		if i > 0 && f.part == s.found[i-1].part {
			list[i] = Defect{f.kind, f.offset, list[i-1].Part}
		} else {
			list[i] = Defect{f.kind, f.offset, s.msg.parts[f.part].Path()}
		}
	}
	return list
}
