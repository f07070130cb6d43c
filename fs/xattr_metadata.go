package fs

import (
	"encoding/json"
	"net/url"
	"strings"
)

// metaXattr is the name under which s3fs keeps extended attributes: a JSON object
// of base64 values by name, with percent signs as in a URL.
const metaXattr = "xattr"

// xattrs are extended attributes by their full names.
type xattrs map[string][]byte

// decodeXattrs reads what is kept. What cannot be understood is as if it were not there.
func decodeXattrs(s string) xattrs {
	text, err := url.PathUnescape(s)
	if err != nil {
		return nil
	}
	var x xattrs
	if json.Unmarshal([]byte(text), &x) != nil {
		return nil
	}
	return x
}

// encode is what is kept: "" for none.
func (x xattrs) encode() string {
	if len(x) == 0 {
		return ""
	}
	text, err := json.Marshal(x)
	if err != nil {
		return "" // names and bytes can always be written
	}
	// s3fs takes a "+" for one.
	return strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20")
}
