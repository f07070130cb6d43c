package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
	gib = int64(1) << 30
	tib = int64(1) << 40
)

// byteSize is a flag's number of bytes. It takes 64M, 64MiB and 67108864 alike
// (one letter counts in 1024s, as programs that handle memory and parts do) and
// 64MB for 64 million.
type byteSize int64

var errSize = errors.New("want a size such as 64MiB, 512M or 1g")

// Set reads the value of a flag.
func (s *byteSize) Set(text string) error {
	digits := strings.TrimRight(strings.TrimSpace(text), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return errSize
	}
	unit, ok := unitOf(strings.TrimSpace(strings.TrimSpace(text)[len(digits):]))
	if !ok || n > math.MaxInt64/unit {
		return errSize
	}
	*s = byteSize(n * unit)
	return nil
}

func unitOf(name string) (bytes int64, ok bool) {
	switch strings.ToLower(name) {
	case "", "b":
		return 1, true
	case "k", "ki", "kib":
		return kib, true
	case "m", "mi", "mib":
		return mib, true
	case "g", "gi", "gib":
		return gib, true
	case "t", "ti", "tib":
		return tib, true
	case "kb":
		return 1e3, true
	case "mb":
		return 1e6, true
	case "gb":
		return 1e9, true
	case "tb":
		return 1e12, true
	}
	return 0, false
}

// String writes the size with the largest unit that divides it.
func (s *byteSize) String() string {
	n := int64(*s)
	for _, u := range []struct {
		bytes int64
		name  string
	}{{tib, "TiB"}, {gib, "GiB"}, {mib, "MiB"}, {kib, "KiB"}} {
		if n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(n, 10)
}

// Type names the value in the help.
func (*byteSize) Type() string { return "size" }
