package message

import (
	"bytes"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/transform"
)

// iso2022KR is ISO-2022-KR (RFC 1557): EUC-KR in seven bits.
type iso2022KR struct{}

func (iso2022KR) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: transform.Chain(new(shiftDecoder), korean.EUCKR.NewDecoder())}
}

func (iso2022KR) NewEncoder() *encoding.Encoder { return encoding.Replacement.NewEncoder() }

// shiftDecoder gives what stands between SO and SI its highest bit. A line ends that too.
type shiftDecoder struct{ shifted bool }

func (d *shiftDecoder) Reset() { d.shifted = false }

func (d *shiftDecoder) Transform(dst, src []byte, atEOF bool) (nd, ns int, err error) {
	const so, si, designation = 0x0E, 0x0F, "\x1B$)C"
	for ns < len(src) {
		if nd == len(dst) {
			return nd, ns, transform.ErrShortDst
		}
		if src[ns] == designation[0] {
			if bytes.HasPrefix(src[ns:], []byte(designation)) {
				ns += len(designation)
				continue
			}
			if !atEOF && len(src)-ns < len(designation) {
				return nd, ns, transform.ErrShortSrc
			}
		}
		c := src[ns]
		ns++
		switch {
		case c == so || c == si:
			d.shifted = c == so
			continue
		case c == '\n':
			d.shifted = false
		case d.shifted && c > ' ':
			c |= 0x80
		}
		dst[nd] = c
		nd++
	}
	return nd, ns, nil
}
