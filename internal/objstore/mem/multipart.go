package mem

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// upload is an unfinished multipart upload.
type upload struct {
	key        string
	id         string
	begun      time.Time
	properties objstore.ObjectOptions
	parts      map[int32]*part
}

// part is a part that was received. It is never changed, only replaced.
type part struct {
	blob
	number int32
	etag   string
	digest objstore.Digest
	mod    time.Time
}

func (p *part) told() objstore.Part {
	return objstore.Part{Number: p.number, Size: p.size, ETag: p.etag, Digest: p.digest, ModTime: p.mod}
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.ObjectOptions) (id string, err error) {
	c := s.begin(objstore.OpCreateMultipart, key)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return "", err
	}
	if err := c.checkName(); err != nil {
		return "", err
	}
	if err := c.checkProperties(&opts); err != nil {
		return "", err
	}
	u := &upload{key: key, id: randomHex(16), begun: s.modTime(), properties: cloneOptions(opts), parts: map[int32]*part{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resolveTagsLocked(&u.properties)
	s.uploads[u.id] = u
	return u.id, nil
}

// UploadPart implements objstore.Store.
func (s *Store) UploadPart(ctx context.Context, up objstore.UploadRef, number int32, body objstore.Body) (p objstore.Part, err error) {
	c := s.begin(objstore.OpUploadPart, up.Key)
	defer func() { c.end(err) }()
	u, err := c.checkPart(ctx, up, number)
	if err != nil {
		return objstore.Part{}, err
	}
	if body.Size > s.profile.Part.Max {
		return objstore.Part{}, c.fail(objstore.ErrTooLarge, 400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	data, err := c.receive(body)
	if err != nil {
		return objstore.Part{}, err
	}
	got := s.newPart(u, number, data)
	if got.digest.IsZero() {
		got.digest = body.Digest
	}
	return c.addPart(ctx, up, got)
}

// newPart hashes what was received, outside the lock.
func (s *Store) newPart(u *upload, number int32, data blob) *part {
	return &part{
		blob:   data,
		number: number,
		etag:   s.bodyETag(s.profile.PartETag, data, u.properties.SSE),
		digest: data.sum(s.kept()),
		mod:    s.modTime(),
	}
}

// checkPart is what UploadPart and UploadPartCopy have in common.
func (c call) checkPart(ctx context.Context, up objstore.UploadRef, number int32) (*upload, error) {
	if err := c.alive(ctx); err != nil {
		return nil, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, err := c.uploadLocked(up)
	if err != nil {
		return nil, err
	}
	if number < 1 || number > c.s.profile.Part.MaxCount {
		return nil, c.fail(objstore.ErrInvalid, 400, "InvalidArgument",
			fmt.Sprintf("Part number must be an integer between 1 and %d, inclusive", c.s.profile.Part.MaxCount))
	}
	if sse := u.properties.SSE; sse.Mode == sseCustomer && !slices.Equal(sse.CustomerKey, up.SSE.CustomerKey) {
		return nil, c.fail(objstore.ErrInvalid, 400, "InvalidRequest", "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	}
	return u, nil
}

// uploadLocked finds an upload by its id, which is no good for another key.
func (c call) uploadLocked(up objstore.UploadRef) (*upload, error) {
	u := c.s.uploads[up.ID]
	if u == nil || u.key != up.Key {
		return nil, c.noUpload()
	}
	return u, nil
}

// addPart puts a part in its place, unless the upload ended meanwhile.
func (c call) addPart(ctx context.Context, up objstore.UploadRef, p *part) (objstore.Part, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, err := c.uploadLocked(up)
	if err != nil {
		return objstore.Part{}, err
	}
	if err := c.alive(ctx); err != nil {
		return objstore.Part{}, err
	}
	u.parts[p.number] = p
	return p.told(), nil
}

// Abort implements objstore.Store.
func (s *Store) Abort(ctx context.Context, up objstore.UploadRef) (err error) {
	c := s.begin(objstore.OpAbort, up.Key)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uploads[up.ID]; u != nil && u.key == up.Key {
		delete(s.uploads, up.ID)
	}
	return nil
}

// ListParts implements objstore.Store.
func (s *Store) ListParts(ctx context.Context, up objstore.UploadRef, after int32) (page objstore.PartPage, err error) {
	c := s.begin(objstore.OpListParts, up.Key)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return objstore.PartPage{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := c.uploadLocked(up)
	if err != nil {
		return objstore.PartPage{}, err
	}
	for _, n := range u.numbers() {
		if n <= after {
			continue
		}
		if len(page.Parts) == s.page {
			page.Next = page.Parts[len(page.Parts)-1].Number
			break
		}
		page.Parts = append(page.Parts, u.parts[n].told())
	}
	return page, nil
}

func (u *upload) numbers() []int32 {
	out := make([]int32, 0, len(u.parts))
	for n := range u.parts {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// ListUploads implements objstore.Store.
func (s *Store) ListUploads(ctx context.Context, opts objstore.ListUploadsOptions) (page objstore.UploadPage, err error) {
	c := s.begin(objstore.OpListUploads, opts.Prefix)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return objstore.UploadPage{}, err
	}
	if s.profile.ListUploads == objstore.ListUploadsNone {
		return objstore.UploadPage{}, c.unsupported("This store does not list uploads.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.pageSize(opts.Max)
	for _, u := range s.uploadsLocked(opts) {
		if len(page.Uploads) == limit {
			last := page.Uploads[limit-1]
			page.NextKeyMarker, page.NextUploadIDMarker = last.Key, last.ID
			break
		}
		page.Uploads = append(page.Uploads, objstore.Upload{
			Key: u.key, ID: u.id, Initiated: u.begun, StorageClass: seenClass(u.properties.StorageClass),
		})
	}
	return page, nil
}
