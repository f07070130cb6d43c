package s3

import (
	"bytes"
	"io"
	"regexp"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// maxSanitised bounds an answer that is read whole to be made XML: a page of
// parts has some 300 KiB.
const maxSanitised = 4 << 20 // 4 MiB

// newSanitised returns the body with everything replaced that quotes a key and
// is no XML. Nothing that is looked at in such an answer is such a quote.
func newSanitised(body io.ReadCloser) io.ReadCloser {
	return &sanitised{under: body}
}

type sanitised struct {
	under io.ReadCloser
	clean *bytes.Reader // nil until the first Read
}

// illegalReference matches references to characters that may not be referred to.
var illegalReference = regexp.MustCompile(`&#(?:x0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));`)

// Read implements io.Reader.
func (s *sanitised) Read(p []byte) (int, error) {
	if s.clean == nil {
		raw, err := io.ReadAll(io.LimitReader(s.under, maxSanitised))
		if err != nil {
			return 0, err
		}
		raw = bytes.ToValidUTF8(raw, []byte("?"))
		raw = bytes.Map(func(r rune) rune {
			if objstore.XMLSafe(string(r)) {
				return r
			}
			return '?'
		}, raw)
		s.clean = bytes.NewReader(illegalReference.ReplaceAll(raw, []byte("?")))
	}
	return s.clean.Read(p)
}

// Close implements io.Closer.
func (s *sanitised) Close() error { return s.under.Close() }
