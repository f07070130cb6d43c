package s3server

import (
	"strings"
	"testing"
)

func TestTailKeepsTheEnd(t *testing.T) {
	long := strings.Repeat("0123456789", tailSize/4)
	tests := []struct {
		name   string
		writes []string
	}{
		{"Nothing", nil},
		{"Short", []string{"one", "two", "three"}},
		{"Exact", []string{long[:tailSize]}},
		{"OneLong", []string{long}},
		{"LongThenShort", []string{long, "end"}},
		{"ShortThenLong", []string{"begin", long}},
		{"ManyAcrossTheBound", []string{long[:tailSize-1], "ab", long[:tailSize-1], "cd", "ef"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var kept tail
			for _, w := range tt.writes {
				n, err := kept.Write([]byte(w))
				if n != len(w) || err != nil {
					t.Fatalf("Write of %d bytes: %d, %v", len(w), n, err)
				}
				if len(kept.buf) > 2*tailSize {
					t.Fatalf("%d bytes are held, the bound is %d", len(kept.buf), 2*tailSize)
				}
			}
			all := strings.Join(tt.writes, "")
			want := all[max(0, len(all)-tailSize):]
			if got := kept.String(); got != want {
				t.Errorf("kept %d bytes, want the last %d", len(got), len(want))
			}
		})
	}
}
