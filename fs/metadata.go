package fs

import (
	"maps"
	"math"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sluicefs/sluicefs/uploader"
)

// The names under which s3fs keeps what POSIX knows of a file; rclone reads and
// writes the same mtime.
const (
	metaMode  = "mode"  // st_mode with the type of the file, in decimal
	metaUID   = "uid"   // decimal
	metaGID   = "gid"   // decimal
	metaMtime = "mtime" // seconds, with nine decimals where they are not all zero
	metaRdev  = "rdev"  // st_rdev of a device, in decimal
)

// attributes are what POSIX knows of a file beside its bytes.
type attributes struct {
	known    known // which of the fields below were said by somebody; the rest are defaults
	mode     uint32
	uid, gid uint32
	rdev     uint32
	mtime    time.Time
	xattrs   string // as they are kept: see decodeXattrs
}

// known says which attributes an object carries, or shall carry.
type known uint8

const (
	knownMode known = 1 << iota
	knownUID
	knownGID
	knownMtime
	knownRdev
	knownXattrs
)

// decodeAttributes lays what an object's metadata says over the defaults. What
// cannot be understood is as if it were not there.
func decodeAttributes(meta map[string]string, defaults attributes) attributes {
	a := defaults
	a.known = 0
	if mode, ok := decodeMode(meta[metaMode]); ok {
		if mode&syscall.S_IFMT == 0 {
			mode |= defaults.mode & syscall.S_IFMT
		}
		a.mode, a.known = mode, a.known|knownMode
	}
	number := func(name string, to *uint32, k known) {
		s := meta[name]
		if s == "" {
			return // errors are dear
		}
		if v, err := strconv.ParseUint(s, 10, 32); err == nil {
			*to, a.known = uint32(v), a.known|k
		}
	}
	number(metaUID, &a.uid, knownUID)
	number(metaGID, &a.gid, knownGID)
	number(metaRdev, &a.rdev, knownRdev)
	if x, ok := meta[metaXattr]; ok {
		a.xattrs, a.known = x, a.known|knownXattrs
	}
	if t, ok := decodeTime(meta[metaMtime]); ok {
		a.mtime, a.known = t, a.known|knownMtime
	}
	return a
}

// decodeMode reads a mode as s3fs writes it, in decimal, or as rclone and people
// do, in octal. A decimal has the type of the file in it, which tells the two
// apart: 33188 is 0100644, and neither 100644 nor 644 has a type when it is taken
// for a decimal.
func decodeMode(s string) (mode uint32, ok bool) {
	if s == "" {
		return 0, false
	}
	octal := strings.HasPrefix(s, "0")
	if v, err := strconv.ParseUint(s, 10, 16); err == nil && !octal && validType(uint32(v)) {
		return uint32(v), true
	}
	v, err := strconv.ParseUint(s, 8, 16)
	if err != nil || (v > 0o7777 && !validType(uint32(v))) {
		return 0, false
	}
	return uint32(v), true
}

func validType(mode uint32) bool {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFREG, syscall.S_IFDIR, syscall.S_IFLNK, syscall.S_IFIFO, syscall.S_IFCHR, syscall.S_IFBLK, syscall.S_IFSOCK:
		return true
	}
	return false
}

// decodeTime reads decimal seconds with a fraction.
func decodeTime(s string) (t time.Time, ok bool) {
	if s == "" {
		return t, false
	}
	whole, fraction, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return t, false
	}
	nsec := int64(0)
	if fraction != "" {
		nsec, err = strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if err != nil || nsec < 0 {
			return t, false
		}
	}
	if strings.HasPrefix(whole, "-") {
		nsec = -nsec
	}
	return time.Unix(sec, nsec), true
}

// encodeTime writes a time so that s3fs, which takes the fraction for a count of
// nanoseconds, and rclone, which takes the whole for a decimal number, read the same.
func encodeTime(t time.Time) string {
	sec, nsec := t.Unix(), int64(t.Nanosecond())
	if nsec == 0 {
		return strconv.FormatInt(sec, 10)
	}
	sign := ""
	if sec < 0 { // -0.25 is second -1 and 750 million nanoseconds
		sign, sec, nsec = "-", -(sec + 1), 1_000_000_000-nsec
	}
	digits := strconv.FormatInt(nsec, 10)
	return sign + strconv.FormatInt(sec, 10) + "." + strings.Repeat("0", 9-len(digits)) + digits
}

// over lays what is known of a over other attributes of the same file.
func (a attributes) over(b attributes) attributes {
	if a.known&knownMode != 0 {
		b.mode = a.mode
	}
	if a.known&knownUID != 0 {
		b.uid = a.uid
	}
	if a.known&knownGID != 0 {
		b.gid = a.gid
	}
	if a.known&knownRdev != 0 {
		b.rdev = a.rdev
	}
	if a.known&knownMtime != 0 {
		b.mtime = a.mtime
	}
	if a.known&knownXattrs != 0 {
		b.xattrs = a.xattrs
	}
	b.known |= a.known
	return b
}

// encode returns a copy of the metadata with what is known laid over it.
func (a attributes) encode(meta map[string]string) map[string]string {
	out := make(map[string]string, len(meta)+4)
	maps.Copy(out, meta)
	number := func(k known, name string, v uint32) {
		if a.known&k != 0 {
			out[name] = strconv.FormatUint(uint64(v), 10)
		}
	}
	number(knownMode, metaMode, a.mode)
	number(knownUID, metaUID, a.uid)
	number(knownGID, metaGID, a.gid)
	number(knownRdev, metaRdev, a.rdev)
	if a.known&knownMtime != 0 {
		out[metaMtime] = encodeTime(a.mtime)
	}
	if a.known&knownXattrs != 0 {
		out[metaXattr] = a.xattrs
		if a.xattrs == "" {
			delete(out, metaXattr)
		}
	}
	return out
}

// longest is encode with everything at its longest that can still be set, and with what a
// commit may add: what is taken must not keep the file from being stored later.
func (a attributes) longest(meta map[string]string) map[string]string {
	a.known |= knownMode | knownUID | knownGID | knownMtime
	a.mode, a.uid, a.gid, a.mtime = syscall.S_IFMT|0o7777, math.MaxUint32, math.MaxUint32, latest
	out := a.encode(meta)
	out[uploader.MetaID] = uploader.LongestID
	return out
}

// latest is the time that takes most room among those that are likely to be set: in the year 2286
// the seconds get one digit more.
var latest = time.Unix(9_999_999_999, 999_999_999)
