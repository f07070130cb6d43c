package main

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	tab := table{work: "seqwrite", size: 512 << 20, order: []string{null, ours, "slow", "fast"}, runs: map[string][]measurement{}}
	for i, took := range []time.Duration{3, 1, 2} {
		tab.add(null, measurement{took: took * time.Second})
		tab.add(ours, measurement{took: 2 * took * time.Second, cpu: time.Second, peak: 100 << 20, requests: int64(60 + i)})
		tab.add("slow", measurement{took: 9 * took * time.Second})
		tab.add("fast", measurement{took: 8 * took * time.Second})
	}
	var out strings.Builder
	tab.print(&out)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"seqwrite time MB/s × null × peer CPU s/GiB peak MiB requests",
		"null 2.000s 268 0.12 0.00 0 0",
		"sluicefs 4.000s 134 2.00 0.25 2.00 100 61",
		"slow 18.000s 30 9.00 1.12 0.00 0 0",
		"fast 16.000s 34 8.00 0.00 0 0",
	} {
		if i >= len(lines) || strings.Join(strings.Fields(lines[i]), " ") != want {
			t.Fatalf("line %d is not %q:\n%s", i, want, out.String())
		}
	}
}

func TestParseUsage(t *testing.T) {
	const stat = "12 (a ) b) S 1 12 12 0 -1 4194560 5000 0 0 0 150 25 0 0 20 0 9 0 100 1000 2000"
	cpu, peak, err := parseUsage(stat, "Name:\ta\nVmHWM:\t  2048 kB\n")
	if err != nil || cpu != 1750*time.Millisecond || peak != 2<<20 {
		t.Errorf("%v, %d bytes, %v", cpu, peak, err)
	}
	if _, _, err := parseUsage(stat, "Name:\ta\n"); err == nil {
		t.Error("no memory is no error")
	}
	if _, _, err := parseUsage("12 (a) S 1", ""); err == nil {
		t.Error("no CPU time is no error")
	}
}
