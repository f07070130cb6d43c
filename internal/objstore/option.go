package objstore

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// setting is one field of a profile under the name by which a user sets it.
type setting struct {
	name  string
	field func(*Profile) any // a pointer to it
}

// settings are all fields of a profile but its name, in the order printed.
var settings = []setting{
	{"hosts", func(p *Profile) any { return &p.Hosts }},
	{"servers", func(p *Profile) any { return &p.Servers }},
	{"style", func(p *Profile) any { return &p.Style }},
	{"region", func(p *Profile) any { return &p.Region }},
	{"region-hosts", func(p *Profile) any { return &p.RegionHosts }},
	{"region-in-body", func(p *Profile) any { return &p.RegionInBody }},
	{"https-only", func(p *Profile) any { return &p.HTTPSOnly }},
	{"unsigned-body", func(p *Profile) any { return &p.UnsignedBody }},
	{"expect", func(p *Profile) any { return &p.Expect }},
	{"sign-accept-encoding", func(p *Profile) any { return &p.SignAcceptEnc }},
	{"x-id", func(p *Profile) any { return &p.XID }},
	{"trailers", func(p *Profile) any { return &p.Trailers }},
	{"list-v2", func(p *Profile) any { return &p.ListV2 }},
	{"list-url-encode", func(p *Profile) any { return &p.ListURLEncode }},
	{"delete-digest", func(p *Profile) any { return &p.DeleteDigest }},
	{"list-uploads", func(p *Profile) any { return &p.ListUploads }},
	{"upload-markers", func(p *Profile) any { return &p.UploadMarkers }},
	{"part-min", func(p *Profile) any { return &p.Part.Min }},
	{"part-max", func(p *Profile) any { return &p.Part.Max }},
	{"part-align", func(p *Profile) any { return &p.Part.Align }},
	{"part-count", func(p *Profile) any { return &p.Part.MaxCount }},
	{"part-equal", func(p *Profile) any { return &p.Part.Equal }},
	{"part-consecutive", func(p *Profile) any { return &p.Part.Consecutive }},
	{"max-object", func(p *Profile) any { return &p.MaxObject }},
	{"max-put", func(p *Profile) any { return &p.MaxPut }},
	{"max-copy", func(p *Profile) any { return &p.MaxCopy }},
	{"key-bytes", func(p *Profile) any { return &p.Key.MaxBytes }},
	{"key-segment", func(p *Profile) any { return &p.Key.MaxSegment }},
	{"key-forbid-first", func(p *Profile) any { return &p.Key.Forbid }},
	{"key-refuse", func(p *Profile) any { return &p.Key.Refuse }},
	{"key-nesting", func(p *Profile) any { return &p.Key.Nesting }},
	{"key-xml-only", func(p *Profile) any { return &p.Key.XMLOnly }},
	{"meta-bytes", func(p *Profile) any { return &p.MetaBytes }},
	{"meta-forbid", func(p *Profile) any { return &p.MetaForbid }},
	{"complete-bytes", func(p *Profile) any { return &p.MaxCompleteBytes }},
	{"parallel", func(p *Profile) any { return &p.MaxParallel }},
	{"digest", func(p *Profile) any { return &p.Digest }},
	{"part-etag", func(p *Profile) any { return &p.PartETag }},
	{"final-etag", func(p *Profile) any { return &p.FinalETag }},
	{"full-digest", func(p *Profile) any { return &p.FullDigest }},
	{"answer-digest", func(p *Profile) any { return &p.AnswerDigest }},
	{"answer-header", func(p *Profile) any { return &p.AnswerHeader }},
	{"no-clobber-put", func(p *Profile) any { return &p.NoClobberPut }},
	{"no-clobber-complete", func(p *Profile) any { return &p.NoClobberDone }},
	{"forbid-overwrite", func(p *Profile) any { return &p.ForbidOverwrite }},
	{"if-match-put", func(p *Profile) any { return &p.IfMatchPut }},
	{"if-match-complete", func(p *Profile) any { return &p.IfMatchDone }},
	{"copy-guards", func(p *Profile) any { return &p.CopyGuards }},
	{"copy-source-guards", func(p *Profile) any { return &p.SourceGuards }},
	{"part-copy", func(p *Profile) any { return &p.PartCopy }},
	{"keeps-time", func(p *Profile) any { return &p.KeepsTime }},
	{"complete-lists-all", func(p *Profile) any { return &p.CompleteListsAll }},
	{"doubt-complete", func(p *Profile) any { return &p.DoubtDone }},
	{"abort-lifecycle", func(p *Profile) any { return &p.AbortLifecycle }},
	{"classes", func(p *Profile) any { return &p.Classes }},
	{"encryption", func(p *Profile) any { return &p.Encryption }},
	{"tagging", func(p *Profile) any { return &p.Tagging }},
	{"acls", func(p *Profile) any { return &p.ACLs }},
	{"traffic-header", func(p *Profile) any { return &p.Traffic.Header }},
	{"traffic-min", func(p *Profile) any { return &p.Traffic.Min }},
	{"traffic-max", func(p *Profile) any { return &p.Traffic.Max }},
}

// words are the values that the fields of named types may have.
var words = map[string][]string{
	"style":   {string(PathStyle), string(VirtualHost)},
	"digest":  {"none", string(ContentMD5), string(CRC32C), string(CRC64NVME), string(CRC64ECMA)},
	"etag":    {string(ETagOpaque), string(ETagMD5), string(ETagMD5OfMD5)},
	"guard":   {string(GuardIfNoneMatch), string(GuardHeader), string(GuardLookAndHeader), string(GuardHeadFirst), string(GuardNone)},
	"nesting": {string(NestingFree), string(NestingRefused), string(NestingHidden)},
	"list":    {string(ListUploadsFull), string(ListUploadsExactKey), string(ListUploadsUnproven), string(ListUploadsNone)},
}

// Set changes a field by its name, as a line of Print has it. Lists are
// separated by spaces; text with other than plain characters is quoted as in Go.
func (p *Profile) Set(name, value string) error {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.name == name })
	if i < 0 {
		return fmt.Errorf("a store has no property %q", name)
	}
	if err := parseSetting(settings[i].field(p), value); err != nil {
		return fmt.Errorf("%s=%s: %w", name, value, err)
	}
	return nil
}

// Apply changes fields by lines "name = value"; the name "provider" is the
// profile's own. Empty lines and lines that begin with # are passed over.
func (p *Profile) Apply(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case line == "" || line[0] == '#':
			continue
		case !ok:
			return fmt.Errorf("line %d: want name = value", n)
		case name == "provider":
			p.Name = value
			continue
		}
		if err := p.Set(name, value); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}

// Check finds fields that contradict each other, which only an override can bring.
func (p *Profile) Check() error {
	guards := []Guard{p.NoClobberPut, p.NoClobberDone}
	headers := slices.Contains(guards, GuardHeader) || slices.Contains(guards, GuardLookAndHeader)
	switch {
	case p.Part.Min < 1 || p.Part.Align < 1 || p.Part.MaxCount < 1 || p.MaxPut < 1 || p.MaxCopy < 1 || p.MaxObject < 1:
		return fmt.Errorf("part-min, part-align, part-count, max-put, max-copy and max-object must be 1 or more")
	case p.Part.Max < p.Part.Min:
		return fmt.Errorf("part-max is smaller than part-min")
	case headers && p.ForbidOverwrite == "":
		return fmt.Errorf("a guard by header needs forbid-overwrite, the header's name")
	case (p.AnswerDigest == DigestNone) != (p.AnswerHeader == ""):
		return fmt.Errorf("answer-digest and answer-header go together")
	case p.FullDigest && p.Digest != CRC64NVME && p.Digest != CRC32C:
		return fmt.Errorf("full-digest needs a digest that is a CRC")
	}
	return nil
}

// Print writes the profile as lines that Apply reads.
func (p *Profile) Print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "provider = %s\n", p.Name); err != nil {
		return err
	}
	for _, s := range settings {
		if _, err := fmt.Fprintf(w, "%s = %s\n", s.name, printSetting(s.field(p))); err != nil {
			return err
		}
	}
	return nil
}

// Get returns the value of a field by its name, as Print writes it.
func (p *Profile) Get(name string) (value string, ok bool) {
	for _, s := range settings {
		if s.name == name {
			return printSetting(s.field(p)), true
		}
	}
	return "", false
}

func parseSetting(field any, value string) (err error) {
	switch f := field.(type) {
	case *bool:
		*f, err = parseSwitch(value)
	case *int:
		*f, err = strconv.Atoi(value)
	case *int32:
		var n int64
		n, err = strconv.ParseInt(value, 10, 32)
		*f = int32(n)
	case *int64:
		*f, err = parseBytes(value)
	case *string:
		*f, err = parseText(value)
	case *[]string:
		*f = parseList(value)
	case *[]Encryption:
		*f, err = parseEncryption(value)
	case *Style:
		err = parseWord((*string)(f), value, words["style"])
	case *Algorithm:
		err = parseWord((*string)(f), value, words["digest"])
		if *f == "none" {
			*f = DigestNone
		}
	case *ETagKind:
		err = parseWord((*string)(f), value, words["etag"])
	case *Guard:
		err = parseWord((*string)(f), value, words["guard"])
	case *Nesting:
		err = parseWord((*string)(f), value, words["nesting"])
	case *ListUploadsKind:
		err = parseWord((*string)(f), value, words["list"])
	}
	return err
}

func printSetting(field any) string {
	switch f := field.(type) {
	case *bool:
		if *f {
			return "on"
		}
		return "off"
	case *int64:
		return printBytes(*f)
	case *string:
		return printText(*f)
	case *[]string:
		return printList(*f)
	case *[]Encryption:
		return printEncryption(*f)
	case *Algorithm:
		if *f == DigestNone {
			return "none"
		}
		return string(*f)
	case *int:
		return strconv.Itoa(*f)
	case *int32:
		return strconv.Itoa(int(*f))
	case *Style:
		return string(*f)
	case *ETagKind:
		return string(*f)
	case *Guard:
		return string(*f)
	case *ListUploadsKind:
		return string(*f)
	case *Nesting:
		return string(*f)
	}
	return ""
}

func parseSwitch(value string) (bool, error) {
	switch value {
	case "on", "true", "yes", "1":
		return true, nil
	case "off", "false", "no", "0":
		return false, nil
	}
	return false, fmt.Errorf("want on or off")
}

func parseWord(target *string, value string, words []string) error {
	if !slices.Contains(words, value) {
		return fmt.Errorf("want %s", strings.Join(words, " or "))
	}
	*target = value
	return nil
}

// units are those of sizes, the largest first.
var units = []struct {
	name string
	size int64
}{{"TiB", tib}, {"GiB", gib}, {"MiB", mib}, {"KiB", 1 << 10}, {"TB", tb}, {"GB", gb}, {"MB", 1_000_000}, {"", 1}}

// parseBytes reads a whole number with or without a unit.
func parseBytes(value string) (int64, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(value, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.size {
			return 0, fmt.Errorf("want a size, such as 5MiB")
		}
		return n * u.size, nil
	}
	return 0, fmt.Errorf("want a size, such as 5MiB")
}

// printBytes takes the largest unit of which the size is a whole number.
func printBytes(n int64) string {
	for _, u := range units {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

func parseText(value string) (string, error) {
	if !strings.HasPrefix(value, `"`) {
		return value, nil
	}
	text, err := strconv.Unquote(value)
	if err != nil {
		return "", fmt.Errorf("want text, or text in quotes as in Go")
	}
	return text, nil
}

func printText(s string) string {
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' || r == ',' })
	if plain {
		return s
	}
	return strconv.Quote(s)
}

// unknownList stands for a list of which nothing is known.
const unknownList = "any"

func parseList(value string) []string {
	if value == unknownList {
		return nil
	}
	return append([]string{}, strings.Fields(value)...)
}

func printList(list []string) string {
	if list == nil {
		return unknownList
	}
	return strings.Join(list, " ")
}

// parseEncryption reads MODE[:HEADER:VALUE[:KEYHEADER]] for each way; the colon
// of "kms:dsse" belongs to the mode.
func parseEncryption(value string) ([]Encryption, error) {
	if value == unknownList {
		return nil, nil
	}
	out := []Encryption{}
	for _, word := range strings.Fields(value) {
		var e Encryption
		rest := word
		if after, ok := strings.CutPrefix(word, "kms:dsse"); ok {
			e.Mode, rest = "kms:dsse", strings.TrimPrefix(after, ":")
		} else {
			e.Mode, rest, _ = strings.Cut(word, ":")
		}
		e.Header, rest, _ = strings.Cut(rest, ":")
		e.Value, e.KeyHeader, _ = strings.Cut(rest, ":")
		if !slices.Contains([]string{"aes256", "kms", "kms:dsse", "c", "sm4"}, e.Mode) || (e.Header == "") != (e.Value == "") {
			return nil, fmt.Errorf("want MODE or MODE:HEADER:VALUE, MODE one of aes256, kms, kms:dsse, c, sm4")
		}
		out = append(out, e)
	}
	return out, nil
}

func printEncryption(list []Encryption) string {
	if list == nil {
		return unknownList
	}
	var out []string
	for _, e := range list {
		word := e.Mode
		if e.Header != "" {
			word += ":" + e.Header + ":" + e.Value
		}
		if e.KeyHeader != "" {
			word += ":" + e.KeyHeader
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}
