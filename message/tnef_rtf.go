package message

import (
	"encoding/binary"
	"hash/crc32"
)

// The kinds of RTF in a property (MS-OXRTFCP section 2.1.3.1.1).
const (
	rtfCompressed = 0x75465A4C // "LZFu"
	rtfPlain      = 0x414C454D // "MELA"
)

// rtfWindow is how far back a reference may reach; it begins as rtfStart and blanks.
const rtfWindow = 4096

const rtfStart = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor ` +
	`MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` + "\r\n" + `\par \pard\plain\f0\fs20\b\i\u\tab\tx`

// rtf returns the RTF that is compressed in b, as far as that can be read, and whether
// that is all of it. It takes no more room than the 17 octets that two of b may stand
// for, and no more than b says.
//
//	header = COMPSIZE RAWSIZE COMPTYPE CRC
func rtf(b []byte) (text []byte, whole bool) {
	if len(b) < 16 {
		return nil, false
	}
	size, raw := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	kind, sum := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	whole = uint64(size)+4 <= uint64(len(b)) && size >= 12
	if whole {
		b = b[:size+4]
	}
	b = b[16:]
	most := int(min(uint64(raw), uint64(len(b))*17/2))
	switch kind {
	case rtfPlain:
		text = b[:min(most, len(b))]
	case rtfCompressed:
		// Their sum begins with 0, and is not turned over at the end.
		whole = whole && ^crc32.Update(^uint32(0), crc32.IEEETable, b) == sum
		text = inflateRTF(b, most)
	}
	return text, whole && uint64(len(text)) == uint64(raw)
}

// inflateRTF undoes the compression of MS-OXRTFCP section 2.2, up to most octets.
//
//	run = control 8(literal / reference)
func inflateRTF(b []byte, most int) []byte {
	var window [rtfWindow]byte
	for i := copy(window[:], rtfStart); i < len(window); i++ {
		window[i] = ' '
	}
	at := len(rtfStart)
	text := make([]byte, 0, most)
	for len(b) > 0 {
		control := b[0]
		b = b[1:]
		for bit := range 8 {
			from, n := 0, 0
			if control>>bit&1 != 0 {
				if len(b) < 2 {
					return text
				}
				reference := binary.BigEndian.Uint16(b)
				b = b[2:]
				from, n = int(reference>>4), int(reference&15)+2
				if from == at { // the end
					return text
				}
			} else {
				if len(b) == 0 {
					return text
				}
				from, n = at, 1
				window[at] = b[0]
				b = b[1:]
			}
			for ; n > 0; n-- {
				if len(text) == most {
					return text
				}
				c := window[from]
				window[at] = c
				text = append(text, c)
				from, at = (from+1)%rtfWindow, (at+1)%rtfWindow
			}
		}
	}
	return text
}
