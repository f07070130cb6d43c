package byname

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// change sets one property.
type change func(*objstore.ObjectOptions)

// MetaPrefix and GrantPrefix begin the names of properties of which there are several.
const (
	MetaPrefix  = "meta-"
	GrantPrefix = "grant-"
)

// Set changes one property as a rule would.
func Set(o *objstore.ObjectOptions, name, value string) error {
	change, err := changeOf(name, value)
	if err == nil {
		change(o)
	}
	return err
}

// changeOf reads a property as it stands in a rule. An empty value takes it away.
func changeOf(name, value string) (change, error) {
	if !headerSafe(value) {
		return nil, errors.New("a value cannot have control characters")
	}
	if meta, ok := strings.CutPrefix(name, MetaPrefix); ok {
		return metadataChange(meta, value)
	}
	switch name {
	case "content-type":
		if _, _, err := mime.ParseMediaType(value); value != "" && (err != nil || !strings.Contains(value, "/")) {
			return nil, errors.New("want a content type such as image/jpeg")
		}
		return func(o *objstore.ObjectOptions) { o.ContentType = value }, nil
	case "cache-control":
		return func(o *objstore.ObjectOptions) { o.CacheControl = value }, nil
	case "content-disposition":
		return func(o *objstore.ObjectOptions) { o.ContentDisposition = value }, nil
	case "content-encoding":
		return func(o *objstore.ObjectOptions) { o.ContentEncoding = value }, nil
	case "content-language":
		return func(o *objstore.ObjectOptions) { o.ContentLanguage = value }, nil
	case "expires":
		when, err := ParseExpires(value)
		return func(o *objstore.ObjectOptions) { o.Expires = when }, err
	case "storage-class":
		return func(o *objstore.ObjectOptions) { o.StorageClass = value }, nil
	case "tags":
		tags, err := ParseTags(value)
		return func(o *objstore.ObjectOptions) { o.Tags = tags }, err
	case "acl":
		return func(o *objstore.ObjectOptions) { o.ACL = value }, nil
	}
	if permission, ok := strings.CutPrefix(name, GrantPrefix); ok {
		return grantChange(permission, value)
	}
	return encryptionChange(name, value)
}

func metadataChange(name, value string) (change, error) {
	name = strings.ToLower(name)
	if !token(name) {
		return nil, errors.New("want a name of letters, digits and dashes after " + MetaPrefix)
	}
	return func(o *objstore.ObjectOptions) {
		o.Metadata = maps.Clone(o.Metadata)
		if o.Metadata == nil {
			o.Metadata = map[string]string{}
		}
		o.Metadata[name] = value
		if value == "" {
			delete(o.Metadata, name)
		}
	}, nil
}

func grantChange(permission, grantee string) (change, error) {
	switch permission {
	case "full-control":
		return func(o *objstore.ObjectOptions) { o.Grants.FullControl = grantee }, nil
	case "read":
		return func(o *objstore.ObjectOptions) { o.Grants.Read = grantee }, nil
	case "read-acp":
		return func(o *objstore.ObjectOptions) { o.Grants.ReadACP = grantee }, nil
	case "write-acp":
		return func(o *objstore.ObjectOptions) { o.Grants.WriteACP = grantee }, nil
	}
	return nil, errors.New("want grant-full-control, grant-read, grant-read-acp or grant-write-acp")
}

func encryptionChange(name, value string) (change, error) {
	switch name {
	case "sse":
		mode := objstore.SSE{Mode: value}
		switch value {
		case "", "aes256", "kms", "kms:dsse", "c", "sm4":
			return func(o *objstore.ObjectOptions) {
				if mode.Mode != o.SSE.Mode {
					o.SSE = mode // a key is of one mode only
				}
			}, nil
		}
		return nil, errors.New("want aes256, kms, kms:dsse, c or sm4")
	case "sse-kms-key-id":
		return func(o *objstore.ObjectOptions) { o.SSE.KMSKeyID = value }, nil
	case "sse-kms-context":
		context, err := ParseContext(value)
		return func(o *objstore.ObjectOptions) { o.SSE.KMSContext = context }, err
	case "sse-bucket-key":
		if value != "true" && value != "false" {
			return nil, errors.New("want true or false")
		}
		return func(o *objstore.ObjectOptions) { o.SSE.BucketKey = value == "true" }, nil
	}
	return nil, errors.New("no such property; there are content-type, cache-control, content-disposition, content-encoding, " +
		"content-language, expires, storage-class, sse, sse-kms-key-id, sse-kms-context, sse-bucket-key, acl, grant-…, tags and meta-…")
}

// ParseTags reads "name=value" pairs with commas, or as in a URL with "&", between
// them. In a value, "%" and two digits stand for any character.
func ParseTags(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	tags := map[string]string{}
	for pair := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '&' }) {
		escapedName, escapedValue, _ := strings.Cut(strings.TrimSpace(pair), "=")
		name, err1 := url.PathUnescape(escapedName)
		value, err2 := url.PathUnescape(escapedValue)
		switch _, twice := tags[name]; {
		case err1 != nil || err2 != nil || name == "":
			return nil, fmt.Errorf("%q: want name=value,…", pair)
		case twice:
			return nil, fmt.Errorf("the tag %q is there twice", name)
		case len([]rune(name)) > 128 || len([]rune(value)) > 256:
			return nil, fmt.Errorf("the tag %.20q is longer than 128 characters, or its value than 256", name)
		}
		tags[name] = value
	}
	if len(tags) > objstore.MaxTags {
		return nil, fmt.Errorf("%d tags: an object has %d at the most", len(tags), objstore.MaxTags)
	}
	return tags, nil
}

// ParseExpires reads a moment as HTTP or as RFC 3339 writes it, and returns it as
// HTTP does.
func ParseExpires(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	when, err := http.ParseTime(text)
	if err != nil {
		when, err = time.Parse(time.RFC3339, text)
	}
	if err != nil {
		return "", errors.New("want a time such as 2030-01-31T12:00:00Z")
	}
	return when.UTC().Format(http.TimeFormat), nil
}

// ParseContext reads an encryption context, "name=value,…" or a JSON object, and
// returns it as the wire has it.
func ParseContext(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	pairs := map[string]string{}
	if strings.HasPrefix(text, "{") {
		if err := json.Unmarshal([]byte(text), &pairs); err != nil {
			return "", errors.New("want name=value,… or a JSON object of texts")
		}
	} else {
		for pair := range strings.SplitSeq(text, ",") {
			name, value, ok := strings.Cut(pair, "=")
			if !ok || name == "" {
				return "", errors.New("want name=value,… or a JSON object of texts")
			}
			pairs[name] = value
		}
	}
	raw, err := json.Marshal(pairs)
	if err != nil {
		return "", fmt.Errorf("encode the context: %w", err)
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

func headerSafe(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// token tells whether a name can follow x-amz-meta- everywhere.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}
