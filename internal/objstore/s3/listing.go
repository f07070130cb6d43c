package s3

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// listing is a page of keys that the transport took from an answer before the
// SDK saw it.
type listing struct {
	page      objstore.ListPage
	encoded   bool // names are still in URL encoding
	truncated bool
	token     string // NextContinuationToken
	marker    string // NextMarker
}

// nothingListed is what the SDK sees instead.
const nothingListed = `<ListBucketResult></ListBucketResult>`

// takeListing reads a page out of an answer. An answer that is not plain enough
// is left to the SDK, as is one that breaks off.
func takeListing(resp *http.Response) *listing {
	if resp.StatusCode != http.StatusOK {
		return nil
	}
	var raw bytes.Buffer
	if n := resp.ContentLength; n > 0 && n < 64<<20 {
		raw.Grow(int(n) + bytes.MinRead)
	}
	_, err := raw.ReadFrom(resp.Body)
	if err == nil {
		if l, err := scanListing(raw.Bytes()); err == nil {
			resp.Body.Close()
			resp.Body = io.NopCloser(strings.NewReader(nothingListed))
			return l
		}
	}
	resp.Body = &resumed{io.MultiReader(&raw, failing{err}), resp.Body}
	return nil
}

// resumed is a body of which the beginning was read already.
type resumed struct {
	io.Reader
	io.Closer
}

// failing is the end of a body: a nil error stands for a good one.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// scanListing reads a ListBucketResult of either version.
func scanListing(doc []byte) (*listing, error) {
	s := &scanner{doc: doc}
	l := &listing{}
	if n := bytes.Count(doc, []byte("<Contents>")); n > 0 {
		l.page.Objects = make([]objstore.Info, 0, n)
	}
	var o objstore.Info
	for {
		e, name, err := s.next()
		if err != nil {
			return nil, err
		}
		depth := len(s.path)
		switch {
		case e == ended:
			if s.pos == 0 {
				return nil, errXML
			}
			l.decode()
			return l, nil
		case e == opened && depth == 1 && string(name) != "ListBucketResult":
			return nil, errXML
		case e != closed:
			continue
		case depth == 1 && string(name) == "Contents":
			l.page.Objects = append(l.page.Objects, o)
			o = objstore.Info{}
		case depth == 1:
			err = l.set(s, name)
		case depth == 2 && string(s.path[1]) == "Contents":
			err = setListed(&o, s, name)
		case depth == 2 && string(s.path[1]) == "CommonPrefixes" && string(name) == "Prefix":
			var p string
			p, err = s.value()
			l.page.Prefixes = append(l.page.Prefixes, p)
		}
		if err != nil {
			return nil, err
		}
	}
}

// set reads a field of the page itself.
func (l *listing) set(s *scanner, name []byte) (err error) {
	switch string(name) {
	case "IsTruncated":
		l.truncated = string(bytes.TrimSpace(s.text)) == "true"
	case "EncodingType":
		l.encoded = string(s.text) == "url"
	case "NextContinuationToken":
		l.token, err = s.value()
	case "NextMarker":
		l.marker, err = s.value()
	}
	return err
}

// setListed reads a field of one object.
func setListed(o *objstore.Info, s *scanner, name []byte) (err error) {
	switch string(name) {
	case "Key":
		o.Key, err = s.value()
	case "ETag":
		var etag string
		etag, err = s.value()
		o.ETag = strings.Trim(etag, `"`)
	case "Size":
		o.Size, err = strconv.ParseInt(string(s.text), 10, 64)
	case "LastModified":
		o.ModTime, err = time.Parse(time.RFC3339, string(s.text))
	case "StorageClass":
		if string(s.text) != "STANDARD" {
			o.StorageClassSeen, err = s.value()
		}
	}
	return err
}

// decode undoes the encoding of names, which the store tells of only somewhere
// in the document.
func (l *listing) decode() {
	if !l.encoded {
		return
	}
	for i := range l.page.Objects {
		l.page.Objects[i].Key = decodeKey(l.page.Objects[i].Key, true)
	}
	for i, p := range l.page.Prefixes {
		l.page.Prefixes[i] = decodeKey(p, true)
	}
	l.marker = decodeKey(l.marker, true)
}
