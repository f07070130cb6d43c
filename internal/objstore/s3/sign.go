package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// signer signs requests as the SDK's signer does (TestSignatures), with less than
// half of its work: what a request needs is put together in one buffer that the next one uses
// again, and its query is in the order of a signature already.
type signer struct {
	region  string
	host    string    // as the requests name it
	buffers sync.Pool // of *signing

	mu  sync.Mutex
	key *signingKey // the one that was used last
}

// signingKey is what a secret becomes for a day.
type signingKey struct {
	secret, day string
	macs        sync.Pool // of hash.Hash
}

// signing is the room that one signature needs.
type signing struct {
	names []string // of signed headers, as they are written in the request
	text  []byte
	sum   [sha256.Size]byte
	hex   [2 * sha256.Size]byte
}

const (
	signingTime = "20060102T150405Z"
	signingDay  = len("20060102") // of it
	algorithm   = "AWS4-HMAC-SHA256"
	scopeEnd    = "/" + signedService + "/aws4_request"
)

// newSigner returns the signer of requests to a place. The port that is meant anyhow is
// not named in them.
func newSigner(region string, at *url.URL) *signer {
	s := &signer{region: region, host: at.Host}
	if port := at.Port(); at.Scheme == "http" && port == "80" || at.Scheme == "https" && port == "443" {
		s.host = strings.TrimSuffix(at.Host, ":"+port)
	}
	return s
}

// sign adds the headers that sign a request. hash is that of its body.
func (s *signer) sign(req *http.Request, hash string, creds aws.Credentials, now time.Time) {
	req.Host = s.host
	req.URL.RawQuery = strings.ReplaceAll(req.URL.RawQuery, "+", "%20") // a space
	date := now.UTC().Format(signingTime)
	day := date[:signingDay]
	req.Header["X-Amz-Date"] = []string{date}
	if creds.SessionToken != "" {
		req.Header["X-Amz-Security-Token"] = []string{creds.SessionToken}
	}
	w, _ := s.buffers.Get().(*signing)
	if w == nil {
		w = &signing{}
	}
	defer s.buffers.Put(w)
	w.canonical(req, hash)
	w.sum = sha256.Sum256(w.text)
	hex.Encode(w.hex[:], w.sum[:])

	b := append(w.text[:0], algorithm+"\n"...)
	b = append(append(b, date...), '\n')
	b = s.appendScope(b, day)
	w.text = append(append(b, '\n'), w.hex[:]...)
	s.keyOf(creds.SecretAccessKey, day).mac(w)

	b = append(w.text[:0], algorithm+" Credential="...)
	b = append(append(b, creds.AccessKeyID...), '/')
	b = s.appendScope(b, day)
	b = w.appendNames(append(b, ", SignedHeaders="...))
	w.text = append(append(b, ", Signature="...), w.hex[:]...)
	req.Header["Authorization"] = []string{string(w.text)}
}

func (s *signer) appendScope(b []byte, day string) []byte {
	b = append(append(b, day...), '/')
	return append(append(b, s.region...), scopeEnd...)
}

// canonical writes a request as it is signed.
func (w *signing) canonical(req *http.Request, hash string) {
	w.names = append(w.names[:0], "Host")
	if req.ContentLength > 0 {
		w.names = append(w.names, "Content-Length")
	}
	for name := range req.Header {
		if name != "User-Agent" { // which proxies change
			w.names = append(w.names, name)
		}
	}
	slices.SortFunc(w.names, compareFold)

	path := req.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	b := append(append(w.text[:0], req.Method...), '\n')
	b = append(append(b, path...), '\n')
	b = append(append(b, req.URL.RawQuery...), '\n')
	for _, name := range w.names {
		b = append(appendLower(b, name), ':')
		switch name {
		case "Host":
			b = append(b, req.Host...)
		case "Content-Length":
			b = strconv.AppendInt(b, req.ContentLength, 10)
		default:
			for i, value := range req.Header[name] {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendTrimmed(b, value)
			}
		}
		b = append(b, '\n')
	}
	b = w.appendNames(append(b, '\n'))
	w.text = append(append(b, '\n'), hash...)
}

func (w *signing) appendNames(b []byte) []byte {
	for i, name := range w.names {
		if i > 0 {
			b = append(b, ';')
		}
		b = appendLower(b, name)
	}
	return b
}

// keyOf is the key of a day.
func (s *signer) keyOf(secret, day string) *signingKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.key; k != nil && k.secret == secret && k.day == day {
		return k
	}
	sum := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	key := sum(sum(sum(sum([]byte("AWS4"+secret), day), s.region), signedService), "aws4_request")
	s.key = &signingKey{secret: secret, day: day}
	s.key.macs.New = func() any { return hmac.New(sha256.New, key) }
	return s.key
}

// mac leaves the signature of the text in w.hex.
func (k *signingKey) mac(w *signing) {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	h.Write(w.text)
	hex.Encode(w.hex[:], h.Sum(w.sum[:0]))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func appendLower(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, lower(s[i]))
	}
	return b
}

// compareFold orders names by how they are written in small letters.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// appendTrimmed writes a value without spaces around it, and with one of each run
// of them inside.
func appendTrimmed(b []byte, s string) []byte {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "  ") {
		return append(b, s...)
	}
	for i := range len(s) {
		if s[i] != ' ' || s[i-1] != ' ' {
			b = append(b, s[i])
		}
	}
	return b
}
