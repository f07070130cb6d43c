package main

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const bucket = "bench"

// sink is an S3 server of one bucket that takes everything, and keeps of it the
// names and sizes. What is read from it is always the same.
type sink struct {
	latency  time.Duration
	requests atomic.Int64
	server   *http.Server
	serving  sync.WaitGroup
	url      string

	mu      sync.Mutex
	objects map[string]object
	uploads map[string]map[int]object // parts by number
	names   int
}

type object struct {
	size    int64
	etag    string
	made    time.Time
	headers http.Header // x-amz-meta-* and Content-Type
}

func newSink(latency time.Duration) (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{latency: latency, url: "http://" + l.Addr().String(), objects: map[string]object{}, uploads: map[string]map[int]object{}}
	s.server = &http.Server{Handler: s}
	s.serving.Go(func() { _ = s.server.Serve(l) }) // its end is close
	return s, nil
}

func (s *sink) close() error {
	err := s.server.Close()
	s.serving.Wait()
	return err
}

// fill makes an object that can be read.
func (s *sink) fill(key string, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = s.objectLocked(size, nil)
}

// objectLocked gives bytes that nobody kept an ETag of their own.
func (s *sink) objectLocked(size int64, headers http.Header) object {
	s.names++
	sum := md5.Sum(strconv.AppendInt(nil, int64(s.names), 10))
	o := object{size: size, etag: hex.EncodeToString(sum[:]), made: time.Now(), headers: http.Header{}}
	for name, values := range headers {
		if strings.HasPrefix(name, "X-Amz-Meta-") || name == "Content-Type" {
			o.headers[name] = values
		}
	}
	return o
}

// ServeHTTP implements http.Handler.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	time.Sleep(s.latency)
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	id := query.Get("uploadId")
	switch {
	case name != bucket:
		http.Error(w, "", http.StatusNotFound)
	case key == "" && r.Method == http.MethodGet:
		s.list(w, query.Get("prefix"), query.Get("delimiter"))
	case key == "": // the bucket is there
	case r.Method == http.MethodPut && id != "":
		s.part(w, r, id, query.Get("partNumber"))
	case r.Method == http.MethodPut:
		s.put(w, r, key)
	case r.Method == http.MethodPost && query.Has("uploads"):
		s.begin(w, key)
	case r.Method == http.MethodPost:
		s.complete(w, r, key, id)
	case r.Method == http.MethodDelete:
		s.remove(w, key, id)
	default:
		s.get(w, r, key)
	}
}

func (s *sink) put(w http.ResponseWriter, r *http.Request, key string) {
	size, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return
	}
	told, _ := base64.StdEncoding.DecodeString(r.Header.Get("Content-Md5"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[key]; ok && r.Header.Get("If-None-Match") == "*" {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	o := s.objectLocked(size, r.Header)
	if len(told) == md5.Size { // which some clients expect to see again
		o.etag = hex.EncodeToString(told)
	}
	s.objects[key] = o
	w.Header().Set("ETag", `"`+o.etag+`"`)
}

func (s *sink) part(w http.ResponseWriter, r *http.Request, id, number string) {
	size, err := io.Copy(io.Discard, r.Body)
	n, bad := strconv.Atoi(number)
	if err != nil || bad != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.uploads[id]
	if parts == nil {
		http.Error(w, "<Error><Code>NoSuchUpload</Code></Error>", http.StatusNotFound)
		return
	}
	o := s.objectLocked(size, nil)
	parts[n] = o
	w.Header().Set("ETag", `"`+o.etag+`"`)
}

func (s *sink) begin(w http.ResponseWriter, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names++
	id := fmt.Sprint("upload", s.names)
	s.uploads[id] = map[int]object{}
	answer(w, struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: bucket, Key: key, UploadId: id})
}

// complete gives the object the ETag that S3 would: the MD5 of those of its parts.
func (s *sink) complete(w http.ResponseWriter, r *http.Request, key, id string) {
	io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.uploads[id]
	if parts == nil {
		http.Error(w, "<Error><Code>NoSuchUpload</Code></Error>", http.StatusNotFound)
		return
	}
	delete(s.uploads, id)
	numbers := make([]int, 0, len(parts))
	for n := range parts {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	o := s.objectLocked(0, nil)
	h := md5.New()
	for _, n := range numbers {
		o.size += parts[n].size
		raw, _ := hex.DecodeString(parts[n].etag)
		h.Write(raw)
	}
	o.etag = fmt.Sprintf("%x-%d", h.Sum(nil), len(numbers))
	s.objects[key] = o
	answer(w, struct {
		XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket, Key, ETag string
	}{Bucket: bucket, Key: key, ETag: `"` + o.etag + `"`})
}

func (s *sink) remove(w http.ResponseWriter, key, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != "" {
		delete(s.uploads, id)
	} else {
		delete(s.objects, key)
	}
	w.WriteHeader(http.StatusNoContent)
}

// get answers GET and HEAD.
func (s *sink) get(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	o, ok := s.objects[key]
	s.mu.Unlock()
	if !ok {
		http.Error(w, "<Error><Code>NoSuchKey</Code></Error>", http.StatusNotFound)
		return
	}
	for name, values := range o.headers {
		w.Header()[name] = values
	}
	w.Header().Set("ETag", `"`+o.etag+`"`)
	http.ServeContent(w, r, "", o.made, io.NewSectionReader(endless{}, 0, o.size))
}

// endless is what every object holds.
type endless struct{}

// ReadAt implements io.ReaderAt.
func (endless) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		n += copy(p[n:], noise[(off+int64(n))%int64(len(noise)):])
	}
	return len(p), nil
}

// list answers with all that there is, in one page.
func (s *sink) list(w http.ResponseWriter, prefix, delimiter string) {
	type content struct {
		Key, LastModified, ETag string
		Size                    int64
	}
	type common struct{ Prefix string }
	result := struct {
		XMLName                 xml.Name `xml:"ListBucketResult"`
		Name, Prefix, Delimiter string
		KeyCount, MaxKeys       int
		IsTruncated             bool
		Contents                []content
		CommonPrefixes          []common
	}{Name: bucket, Prefix: prefix, Delimiter: delimiter, MaxKeys: 1000}
	s.mu.Lock()
	for key, o := range s.objects {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			p := common{prefix + rest[:i+len(delimiter)]}
			if !slices.Contains(result.CommonPrefixes, p) {
				result.CommonPrefixes = append(result.CommonPrefixes, p)
			}
			continue
		}
		result.Contents = append(result.Contents, content{key, o.made.UTC().Format(time.RFC3339), `"` + o.etag + `"`, o.size})
	}
	s.mu.Unlock()
	slices.SortFunc(result.Contents, func(a, b content) int { return strings.Compare(a.Key, b.Key) })
	result.KeyCount = len(result.Contents) + len(result.CommonPrefixes)
	answer(w, result)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/xml")
	if err := xml.NewEncoder(w).Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// received tells whether the store has all that a work wrote.
func (s *sink) received(bytes int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.objects {
		bytes -= o.size
	}
	return bytes <= 0
}
