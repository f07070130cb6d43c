package main

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	var tb table
	tb.add(row{what: "cp -r a", files: 300, bytes: 3 << 20, took: 2 * time.Second})
	tb.add(row{what: "cat > stream", files: 1, bytes: 1 << 30, took: 4 * time.Second, note: "as parts"})
	tb.add(row{what: "rsync -a", note: "SKIPPED"})
	var out strings.Builder
	tb.print(&out)
	const want = `
what           files      bytes     time        speed  files/s
cp -r a          300    3.0 MiB    2.0 s    1.5 MiB/s      150
cat > stream       1   1024 MiB    4.0 s    256 MiB/s           as parts
rsync -a                                                        SKIPPED

`
	if out.String() != want {
		t.Errorf("prints\n%s\nwant\n%s", out.String(), want)
	}
}
