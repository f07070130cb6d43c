package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

const samplePage = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>not this</Prefix><KeyCount>3</KeyCount>
<MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<Contents><Key>a+b%2Bc</Key><LastModified>2025-01-02T03:04:05.678Z</LastModified><ETag>&quot;e1&quot;</ETag><Size>12</Size>
<Owner><ID>o</ID><DisplayName>not this</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>
<Contents><ETag>"e2"</ETag><Key>%C3%BC</Key><Size>0</Size><LastModified>2025-01-02T03:04:05Z</LastModified><StorageClass>GLACIER</StorageClass><Owner/></Contents>
<CommonPrefixes><Prefix>d%26/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>e&amp;&#x41;&#66;/</Prefix></CommonPrefixes>
<NextContinuationToken>tok&lt;en&gt;</NextContinuationToken><NextMarker>m%2F</NextMarker></ListBucketResult>`

func TestScanListing(t *testing.T) {
	l, err := scanListing([]byte(samplePage))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.page.Objects) != 2 || len(l.page.Prefixes) != 2 || !l.truncated || l.token != "tok<en>" || l.marker != "m/" {
		t.Fatalf("%+v", l)
	}
	one, two := l.page.Objects[0], l.page.Objects[1]
	if one.Key != "a b+c" || one.ETag != "e1" || one.Size != 12 || one.StorageClassSeen != "" ||
		!one.ModTime.Equal(time.Date(2025, 1, 2, 3, 4, 5, 678e6, time.UTC)) {
		t.Errorf("%+v", one)
	}
	if two.Key != "ü" || two.ETag != "e2" || two.Size != 0 || two.StorageClassSeen != "GLACIER" {
		t.Errorf("%+v", two)
	}
	if l.page.Prefixes[0] != "d&/" || l.page.Prefixes[1] != "e&AB/" {
		t.Errorf("%q", l.page.Prefixes)
	}
}

func TestNotForTheScanner(t *testing.T) {
	for _, doc := range []string{
		"", "no XML", "<ListBucketResult>", "<Error><Code>X</Code></Error>", "<ListBucketResult></Other>", "</ListBucketResult>",
		"<ListBucketResult><!-- comment --></ListBucketResult>", "<ListBucketResult><Contents><Key><![CDATA[k]]></Key></Contents></ListBucketResult>",
		"<!DOCTYPE x><ListBucketResult></ListBucketResult>", `<ListBucketResult a="x>y"></ListBucketResult>`, "<>", "<ListBucketResult></>",
		"<ListBucketResult><Contents><Key>&unknown;</Key></Contents></ListBucketResult>", "<ListBucketResult><Contents><Key>&amp</Key></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>&#xD800;</Key></Contents></ListBucketResult>", "<ListBucketResult><Contents><Size>x</Size></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><LastModified>now</LastModified></Contents></ListBucketResult>", "<ListBucketResult",
	} {
		if l, err := scanListing([]byte(doc)); !errors.Is(err, errXML) && err == nil {
			t.Errorf("%q was read as %+v", doc, l)
		}
	}
}

// TestListingThatTheSDKReads has documents that are XML and not plain.
func TestListingThatTheSDKReads(t *testing.T) {
	for name, doc := range map[string]string{
		"plain":   samplePage,
		"comment": strings.Replace(samplePage, "<Name>", "<!-- x --><Name>", 1),
		"cdata":   strings.Replace(samplePage, "a+b%2Bc", "<![CDATA[a+b%2Bc]]>", 1),
		"prefix":  strings.NewReplacer("</", "</s:", "<?", "<?", "<", "<s:", "xmlns=", "xmlns:s=").Replace(samplePage),
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, doc) }))
		t.Cleanup(srv.Close)
		p, _ := objstore.ProfileByName("aws")
		c, err := New(t.Context(), Config{Endpoint: srv.URL, Bucket: "b", Profile: p, Style: objstore.PathStyle, Credentials: Credentials{Anonymous: true}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		page, err := c.List(t.Context(), objstore.ListOptions{Delimiter: "/"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(page.Objects) != 2 || page.Objects[0].Key != "a b+c" || page.Objects[1].StorageClassSeen != "GLACIER" ||
			len(page.Prefixes) != 2 || page.Prefixes[1] != "e&AB/" || page.Token != "tok<en>" {
			t.Errorf("%s: %+v", name, page)
		}
	}
}

// FuzzScanListing holds the scanner against the standard library: what both can
// read must be the same.
func FuzzScanListing(f *testing.F) {
	f.Add(samplePage)
	f.Add("<ListBucketResult><Contents><Key>a&#10;b</Key></Contents></ListBucketResult>")
	f.Add("<ListBucketResult ><Contents/><Contents><Key/></Contents ></ListBucketResult>\n")
	f.Fuzz(func(t *testing.T, doc string) {
		l, err := scanListing([]byte(doc))
		if err != nil {
			return
		}
		var want struct {
			XMLName  xml.Name `xml:"ListBucketResult"`
			Contents []struct{ Key string }
		}
		if err := xml.Unmarshal([]byte(doc), &want); err != nil || l.encoded {
			return
		}
		if len(want.Contents) != len(l.page.Objects) {
			t.Fatalf("%d objects, want %d", len(l.page.Objects), len(want.Contents))
		}
		for i, o := range want.Contents {
			// XML makes one newline of both kinds of line end; keys with a bare one are encoded.
			if got := l.page.Objects[i].Key; got != o.Key && !strings.Contains(doc, "\r") && strings.Count(doc, "<Key") == len(want.Contents) {
				t.Fatalf("key %q, want %q", got, o.Key)
			}
		}
	})
}

// BenchmarkScanListing reads a page of a thousand keys.
func BenchmarkScanListing(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>`)
	for i := range 1000 {
		fmt.Fprintf(&doc, `<Contents><Key>dir/file-%06d.txt</Key><LastModified>2025-01-02T03:04:05.678Z</LastModified><ETag>&quot;%032x&quot;</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>`, i, i, i)
	}
	doc.WriteString(`</ListBucketResult>`)
	raw := []byte(doc.String())
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scanListing(raw); err != nil {
			b.Fatal(err)
		}
	}
}
