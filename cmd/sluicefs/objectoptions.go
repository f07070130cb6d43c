package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicefs/sluicefs/internal/byname"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// objectOptions are the properties of new objects.
type objectOptions struct {
	given   map[string]string // of flags, by the names that rules have for them
	keyFile string            // of --sse-c-key-file
	typeMap string            // file of --content-type-map
	rules   string            // file of --object-rules

	properties byname.Properties // what check made of them
	key        s3.CustomerKey
}

func (o *objectOptions) addFlags(cmd *cobra.Command) {
	o.given = map[string]string{}
	addGroup(cmd, "New objects", func(f *pflag.FlagSet) {
		set := func(name, usage string) { f.Var(&property{o.given, name, "string"}, name, usage) }
		set("storage-class", "storage `CLASS`, such as STANDARD_IA")
		f.Var(&property{o.given, "sse", "aes256|kms|kms:dsse|c|sm4"}, "sse", "encryption at the store; c is with the key of --sse-c-key-file, sm4 at Alibaba OSS")
		set("sse-kms-key-id", "`KEY` to encrypt with, for --sse kms")
		set("sse-kms-context", "encryption context of the key, as `NAME=VALUE,...` or a JSON object")
		f.Var(&property{o.given, "sse-bucket-key", "bool"}, "sse-bucket-key", "encrypt with a key of the bucket that the KMS made, which is asked less often")
		f.Lookup("sse-bucket-key").NoOptDefVal = "true"
		f.StringVar(&o.keyFile, "sse-c-key-file", "", "encrypt with the 32 bytes of this `FILE`, which nobody else may read (binary, hex or base64)")
		set("acl", "canned `ACL`, such as bucket-owner-full-control")
		f.Var(&properties{o.given, byname.GrantPrefix}, "grant", "`PERMISSION=GRANTEE`: read, read-acp, write-acp or full-control to id=…, uri=… or emailAddress=…; repeat for more")
		markRepeatable(f, "grant")
		set("tags", "tags, as `NAME=VALUE,...`")
		f.Var(&properties{o.given, byname.MetaPrefix}, "meta", "user metadata, as `NAME=VALUE`; repeat for more")
		markRepeatable(f, "meta")
		set("cache-control", "Cache-Control `HEADER`")
		set("content-disposition", "Content-Disposition `HEADER`")
		set("content-encoding", "Content-Encoding `HEADER`")
		set("content-language", "Content-Language `HEADER`")
		set("expires", "Expires header: a `TIME` such as 2030-01-31T12:00:00Z")
		f.StringVar(&o.typeMap, "content-type-map", "", "content types by endings, from a `FILE` like /etc/mime.types, before those that are built in")
		f.StringVar(&o.rules, "object-rules", "", "properties by path, from a `FILE` of lines PATTERN: NAME=VALUE ...")
	})
}

// property is a flag that gives new objects one property.
type property struct {
	given map[string]string
	name  string
	kind  string
}

// Set reads the value of a flag.
func (p *property) Set(value string) error {
	if err := byname.Set(&objstore.ObjectOptions{}, p.name, value); err != nil {
		return err
	}
	p.given[p.name] = value
	return nil
}

// String returns the value given.
func (p *property) String() string { return p.given[p.name] }

// Type names the value in the help.
func (p *property) Type() string { return p.kind }

// properties is a flag that may be given several times, with NAME=VALUE.
type properties struct {
	given  map[string]string
	prefix string // before the names
}

// Set reads the value of a flag.
func (p *properties) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("want NAME=VALUE")
	}
	return (&property{given: p.given, name: p.prefix + name}).Set(value)
}

// String returns what was given.
func (p *properties) String() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(p.given)) {
		if short, ok := strings.CutPrefix(name, p.prefix); ok {
			out = append(out, short+"="+p.given[name])
		}
	}
	return strings.Join(out, ",")
}

// Type names the value in the help.
func (p *properties) Type() string { return "NAME=VALUE" }

// check puts the flags and the files that they name together, and finds mistakes
// in how they go with each other.
func (o *objectOptions) check() error {
	var err error
	if o.keyFile != "" {
		if o.key, err = readCustomerKey(o.keyFile); err != nil {
			return fmt.Errorf("--sse-c-key-file: %w", err)
		}
		if o.given["sse"] == "" {
			o.given["sse"] = "c"
		}
	}
	flags := objstore.ObjectOptions{}
	// The mode of encryption first: it forgets the key of another.
	for _, name := range append([]string{"sse"}, slices.Sorted(maps.Keys(o.given))...) {
		if err := byname.Set(&flags, name, o.given[name]); err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
	}
	o.properties = byname.Properties{Types: byname.CommonTypes(), Flags: flags}
	if o.typeMap != "" {
		file, err := os.Open(o.typeMap)
		if err != nil {
			return fmt.Errorf("--content-type-map: %w", err)
		}
		defer file.Close()
		if o.properties.Types, err = o.properties.Types.With(file, o.typeMap); err != nil {
			return err
		}
	}
	if o.rules != "" {
		file, err := os.Open(o.rules)
		if err != nil {
			return fmt.Errorf("--object-rules: %w", err)
		}
		defer file.Close()
		if o.properties.Rules, err = byname.ReadRules(file, o.rules); err != nil {
			return err
		}
	}
	return o.properties.Each(o.checkOne)
}

// checkOne finds properties that exclude each other.
func (o *objectOptions) checkOne(p objstore.ObjectOptions) error {
	kms := strings.HasPrefix(p.SSE.Mode, "kms")
	switch {
	case !kms && p.SSE.KMSKeyID != "":
		return errors.New("--sse-kms-key-id needs --sse kms")
	case !kms && p.SSE.KMSContext != "":
		return errors.New("--sse-kms-context needs --sse kms")
	case !kms && p.SSE.BucketKey:
		return errors.New("--sse-bucket-key needs --sse kms")
	case p.SSE.Mode == "c" && o.key == nil:
		return errors.New("--sse c needs --sse-c-key-file")
	case p.ACL != "" && p.Grants != (objstore.Grants{}):
		return errors.New("--acl and --grant exclude each other")
	}
	return nil
}

// checkStore refuses what a kind of store cannot do.
func (o *objectOptions) checkStore(p *objstore.Profile, endpoint string) error {
	if u, err := url.Parse(endpoint); err == nil && o.key != nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return errors.New("--sse-c-key-file: the key would go to the store in the clear; use an https:// endpoint")
	}
	return o.properties.Each(func(wanted objstore.ObjectOptions) error {
		if err := p.CheckOptions(&wanted); err != nil {
			return err
		}
		return p.CheckWanted(&wanted)
	})
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// of returns the properties that a new object gets by its key in the bucket.
func (o *mountOptions) of(key string) objstore.ObjectOptions {
	return o.object.properties.Of(strings.TrimPrefix(key, o.where.prefix))
}
