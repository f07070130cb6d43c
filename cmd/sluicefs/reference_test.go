package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

var update = flag.Bool("update", false, "write the flags into the manual page and the README")

// TestReference holds the lists of flags in the manual page and the README
// against the flags themselves.
func TestReference(t *testing.T) {
	p := &program{argv: []string{"sluicefs"}, host: host{root: true}}
	t.Setenv("XDG_STATE_HOME", "")
	mount, umount, doctor := p.mountCommand(), p.umountCommand(), p.doctorCommand()
	for _, c := range []struct {
		file, begin, end string
		want             string
	}{
		{"../../packaging/sluicefs.1", `.\" flags of mount: begin`, `.\" flags of mount: end`, manualFlags(mount)},
		{"../../packaging/sluicefs.1", `.\" flags of umount: begin`, `.\" flags of umount: end`, manualFlags(umount)},
		{"../../packaging/sluicefs.1", `.\" flags of status: begin`, `.\" flags of status: end`, manualFlags(p.statusCommand())},
		{"../../packaging/sluicefs.1", `.\" flags of doctor: begin`, `.\" flags of doctor: end`, manualFlags(doctor)},
		{"../../README.md", "<!-- flags: begin", "<!-- flags: end", readmeFlags(mount)},
	} {
		text, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, ok := bytes.Cut(text, []byte(c.begin))
		line, rest, ok2 := bytes.Cut(rest, []byte("\n"))
		got, tail, ok3 := bytes.Cut(rest, []byte(c.end))
		if !ok || !ok2 || !ok3 {
			t.Errorf("%s has no lines %q and %q", c.file, c.begin, c.end)
			continue
		}
		if string(got) == c.want {
			continue
		}
		if !*update {
			t.Errorf("the flags in %s are out of date: go test ./cmd/sluicefs -update", c.file)
			continue
		}
		out := fmt.Sprintf("%s%s%s\n%s%s%s", head, c.begin, line, c.want, c.end, tail)
		if err := os.WriteFile(c.file, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// manualFlags writes the flags of a command in the language of man(7).
func manualFlags(cmd *cobra.Command) string {
	escape := strings.NewReplacer(`\`, `\e`, "-", `\-`)
	var out strings.Builder
	for _, g := range groupsOf(cmd) {
		if g.title != "Flags" {
			fmt.Fprintf(&out, ".SS %s\n", g.title)
		}
		for _, f := range g.flags {
			value, usage := pflag.UnquoteUsage(f)
			out.WriteString(".TP\n")
			if f.Shorthand != "" {
				fmt.Fprintf(&out, ".BR \\-%s \", \" ", f.Shorthand)
			} else {
				out.WriteString(".B ")
			}
			out.WriteString(escape.Replace("--" + f.Name))
			if value != "" {
				fmt.Fprintf(&out, " \" \\fI%s\\fR\"", escape.Replace(value))
			}
			fmt.Fprintf(&out, "\n%s%s.\n", escape.Replace(usage), escape.Replace(showDefault(f)))
		}
	}
	return strings.ReplaceAll(out.String(), ".B \\-\\-", ".BR \\-\\-")
}

// readmeFlags writes the flags of a command as tables in Markdown.
func readmeFlags(cmd *cobra.Command) string {
	escape := strings.NewReplacer("|", `\|`, "<", "&lt;")
	var out strings.Builder
	out.WriteString("\n| flag | meaning |\n|---|---|\n")
	for _, g := range groupsOf(cmd) {
		fmt.Fprintf(&out, "| **%s** | |\n", g.title)
		for _, f := range g.flags {
			value, usage := pflag.UnquoteUsage(f)
			name := "--" + f.Name
			if f.Shorthand != "" {
				name += ", -" + f.Shorthand
			}
			if value != "" {
				name += " " + value
			}
			fmt.Fprintf(&out, "| `%s` | %s%s |\n", escape.Replace(name), escape.Replace(usage), showDefault(f))
		}
	}
	out.WriteString("\n")
	return out.String()
}

func showDefault(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "[]":
		return ""
	}
	return " (" + f.DefValue + ")"
}

// TestProvidersDocument holds docs/PROVIDERS.md against the profiles.
func TestProvidersDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/PROVIDERS.md")
	if err != nil {
		t.Fatal(err)
	}
	style := map[objstore.Style]string{objstore.PathStyle: "path", objstore.VirtualHost: "virtual host"}
	create := map[objstore.Guard]string{
		objstore.GuardIfNoneMatch: "at the store", objstore.GuardHeader: "at the store, by its own header",
		objstore.GuardLookAndHeader: "by a look first, and its own header", objstore.GuardHeadFirst: "by a look first",
	}
	digest := map[objstore.Algorithm]string{objstore.ContentMD5: "Content-MD5", objstore.CRC64NVME: "CRC64NVME", objstore.CRC32C: "CRC32C"}
	notices := map[bool]string{true: "yes", false: "no"}
	parts := map[bool]string{true: "one size", false: "any size"}
	for _, p := range objstore.Profiles() {
		row := fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |", p.Name, style[p.Style], digest[p.Digest],
			create[p.NoClobberDone], notices[p.IfMatchDone], parts[p.Part.Equal])
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/PROVIDERS.md has no row %q", row)
		}
	}
}
