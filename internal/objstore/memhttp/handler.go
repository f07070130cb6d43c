package memhttp

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Handler is a server of one bucket.
type Handler struct {
	store       objstore.Store
	bucket      string
	personality Personality

	requests atomic.Int64

	mu       sync.Mutex
	declared map[string]objstore.Algorithm // by upload id, while it is unfinished
}

var _ http.Handler = (*Handler)(nil)

// New returns a server of a store under a bucket's name.
func New(store objstore.Store, bucket string, p Personality) *Handler {
	return &Handler{store: store, bucket: bucket, personality: p, declared: map[string]objstore.Algorithm{}}
}

// Requests returns how many requests came.
func (h *Handler) Requests() int64 { return h.requests.Load() }

// request is one request, taken apart.
type request struct {
	h     *Handler
	w     http.ResponseWriter
	r     *http.Request
	key   string
	query url.Values
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := h.requests.Add(1)
	w.Header().Set("X-Amz-Request-Id", "R"+itoa(n))
	if skew := h.personality.Lies.Skew; skew != 0 {
		w.Header().Set("Date", time.Now().Add(time.Duration(skew)*time.Second).UTC().Format(http.TimeFormat))
	}
	if h.personality.Server != "" {
		w.Header().Set("Server", h.personality.Server)
	}
	q := &request{h: h, w: w, r: r, query: r.URL.Query()}
	bucket, key := h.split(r)
	q.key = key
	if err := q.serve(bucket); err != nil {
		q.answerError(err)
	}
}

// split finds bucket and key in either style of addressing.
func (h *Handler) split(r *http.Request) (bucket, key string) {
	if v := h.personality.VirtualHost; v != "" {
		if b, ok := strings.CutSuffix(r.Host, "."+v); ok {
			return b, strings.TrimPrefix(r.URL.Path, "/")
		}
	}
	if !h.personality.PathStyle {
		return "", ""
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return bucket, key
}

func (q *request) serve(bucket string) error {
	if err := q.admit(); err != nil {
		return err
	}
	if bucket == "" {
		return q.h.personality.PathRefusal.or(Refusal{403, "SecondLevelDomainForbidden", "Please use virtual hosted style to access."})
	}
	if bucket != q.h.bucket {
		return fail(404, "NoSuchBucket", "The specified bucket does not exist")
	}
	if q.key == "" {
		return q.serveBucket()
	}
	return q.serveObject()
}

func (q *request) serveBucket() error {
	switch {
	case q.r.Method == http.MethodHead:
		return q.headBucket()
	case q.r.Method == http.MethodPut:
		return nil // CreateBucket: it is there
	case q.r.Method == http.MethodPost && q.query.Has("delete"):
		return q.deleteObjects()
	case q.r.Method == http.MethodGet && q.query.Has("uploads"):
		return q.listUploads()
	case q.r.Method == http.MethodGet && q.query.Has("lifecycle"):
		return q.lifecycle()
	case q.r.Method == http.MethodGet && q.query.Get("list-type") == "2":
		return q.listV2()
	case q.r.Method == http.MethodGet:
		return q.listV1()
	}
	return notImplemented()
}

func (q *request) serveObject() error {
	copies := q.r.Header.Get("X-Amz-Copy-Source") != ""
	part := q.query.Has("uploadId")
	switch q.r.Method {
	case http.MethodHead:
		return q.headObject()
	case http.MethodGet:
		switch {
		case part:
			return q.listParts()
		case q.query.Has("tagging"):
			return q.getTags()
		}
		return q.getObject()
	case http.MethodPut:
		switch {
		case part && copies:
			return q.uploadPartCopy()
		case part:
			return q.uploadPart()
		case copies:
			return q.copyObject()
		}
		return q.putObject()
	case http.MethodPost:
		switch {
		case q.query.Has("uploads"):
			return q.createMultipart()
		case part:
			return q.complete()
		}
	case http.MethodDelete:
		if part {
			return q.abort()
		}
		return q.deleteObject()
	}
	return notImplemented()
}

func (q *request) headBucket() error {
	if err := q.h.store.HeadBucket(q.r.Context()); err != nil {
		return err
	}
	if r := q.h.personality.BucketRegion; r != "" {
		q.w.Header().Set("X-Amz-Bucket-Region", r)
	}
	return nil
}
