package objstore

import (
	"context"
	"io"
	"time"
)

// Store is an S3-like object store bound to one bucket. It is the wide type
// that adapters and decorators implement; consumers declare the few methods
// that they need as an interface of their own.
type Store interface {
	// Profile tells what the store can do. The value is shared: do not change it.
	Profile() *Profile

	// HeadBucket asks whether the bucket is there and may be used. It returns
	// ErrNoSuchBucket, ErrAccessDenied or the error of an unreachable endpoint.
	HeadBucket(ctx context.Context) error

	// Head returns everything known of an object, or ErrNotFound.
	Head(ctx context.Context, key string) (Info, error)

	// Tags returns an object's tags, or ErrNotFound.
	Tags(ctx context.Context, key string) (map[string]string, error)

	// Get reads a range of an object. The caller closes the body. With
	// opts.IfMatch set, an object of another ETag answers ErrPrecondition. A
	// range that begins at or after the end answers ErrRange. The body ends
	// with io.ErrUnexpectedEOF where the connection broke before the end of the
	// range: it never ends early with io.EOF.
	Get(ctx context.Context, key string, opts GetOptions) (io.ReadCloser, Info, error)

	// List returns one page of keys in ascending byte order.
	List(ctx context.Context, opts ListOptions) (ListPage, error)

	// Put stores a whole object in one request. Info of the answer has Key,
	// ETag, Size and, where the store told, Checksum; ModTime is the local time.
	Put(ctx context.Context, key string, body Body, opts PutOptions) (Info, error)

	// CreateMultipart begins an upload and returns its id.
	CreateMultipart(ctx context.Context, key string, opts ObjectOptions) (uploadID string, err error)

	// UploadPart sends one part. Sending a number again replaces that part.
	UploadPart(ctx context.Context, up UploadRef, number int32, body Body) (Part, error)

	// UploadPartCopy makes a part of a range of an object, at the server. The
	// Size of the answer is src.Length, also where that is 0 for the whole.
	UploadPartCopy(ctx context.Context, up UploadRef, number int32, src CopySource) (Part, error)

	// Complete makes the object of the parts, which are in ascending order.
	// ErrNoSuchUpload may also mean that an earlier attempt succeeded whose
	// answer was lost: the caller looks at the object to know. The same holds for
	// every error with Sent, ErrInternal of an answer without an ETag included.
	Complete(ctx context.Context, up UploadRef, parts []Part, opts CompleteOptions) (Info, error)

	// Abort ends an upload and frees its parts. An upload that is not there
	// any more answers nil.
	Abort(ctx context.Context, up UploadRef) error

	// ListParts returns one page of the parts of an upload, after the number given.
	ListParts(ctx context.Context, up UploadRef, after int32) (PartPage, error)

	// ListUploads returns one page of unfinished uploads. Where the profile says no
	// to UploadMarkers, it may have more than opts.Max.
	ListUploads(ctx context.Context, opts ListUploadsOptions) (UploadPage, error)

	// Delete removes one object; one that is not there answers nil.
	Delete(ctx context.Context, key string) error

	// DeleteMany removes up to 1000 objects. The map has an entry for each key
	// that could not be removed; err is set where the whole request failed.
	DeleteMany(ctx context.Context, keys []string) (failed map[string]error, err error)

	// Copy makes dst a copy of the object src, at the server. Objects over
	// Profile().MaxCopy are refused with ErrTooLarge. The Info of the answer has
	// Key, ETag and ModTime; its Size is 0, for the answer does not tell.
	Copy(ctx context.Context, dst string, src CopySource, opts CopyOptions) (Info, error)
}

// Info is what is known of one object.
type Info struct {
	Key     string
	Size    int64     // bytes
	ETag    string    // without quotes, otherwise as the store sent it
	ModTime time.Time // Last-Modified of the store

	// Full says that the fields below were asked for. It is false for entries
	// of a listing, which carry none of them.
	Full bool

	ObjectOptions
	StorageClassSeen string // as the store reported it; "" means its standard class
	Checksum         Digest // of the whole object, where the store told one
	VersionID        string
	Restore          bool // archived and not readable before it is restored

	// Told is when, by the store's own clock, a HEAD was answered, to the second; zero
	// where the answer does not say.
	Told time.Time
}

// ObjectOptions are the properties that an object gets when it is made and
// loses when it is replaced, unless they are sent again.
type ObjectOptions struct {
	ContentType        string
	CacheControl       string
	ContentDisposition string
	ContentEncoding    string
	ContentLanguage    string
	Expires            string            // as an HTTP date
	Metadata           map[string]string // x-amz-meta-*, lower-case names without the prefix
	StorageClass       string            // canonical S3 name; "" leaves it to the bucket
	Tags               map[string]string
	// TagsFrom is the key of an object whose tags these are, where Tags is nil: an
	// answer about an object tells that it has tags and not which.
	TagsFrom string
	ACL      string // canned
	Grants   Grants
	SSE      SSE
}

// Grants say who may do what with an object, each in the words of its header:
// id="…", uri="…", emailAddress="…". No answer ever tells them.
type Grants struct {
	FullControl string
	Read        string
	ReadACP     string
	WriteACP    string
}

// SSE says how the store encrypts an object at rest.
type SSE struct {
	Mode        string // "", "aes256", "kms", "kms:dsse", "c", "sm4"
	KMSKeyID    string
	KMSContext  string // base64 of a JSON object, as the wire has it
	BucketKey   bool
	CustomerKey []byte // 32 bytes, for mode "c"
}

// Body is what a Put or UploadPart sends. Reader is read from its start on
// every attempt and must stay valid until the call has returned; it is not read
// after that. A Reader that is also an io.WriterTo may be asked to write what it
// has left in pieces of its own memory, which spares a copy on the way out; the writer
// may be a VectorWriter.
type Body struct {
	Reader io.ReadSeeker
	Size   int64  // bytes, exactly what Reader gives
	Digest Digest // travels with the body; Algorithm none sends nothing
	Answer Digest // what the store will say of it by itself: see Profile.AnswerDigest; may be none
}

// GetOptions narrow a Get.
type GetOptions struct {
	Offset  int64
	Length  int64  // bytes; 0 means to the end
	IfMatch string // ETag, "" means any
	SSE     SSE    // mode "c" only: the key to read with
}

// PutOptions are an object's properties and the condition for its making.
type PutOptions struct {
	ObjectOptions
	Condition Condition
}

// Condition guards the making of an object. The zero value is no guard. A guard
// that does not hold answers ErrPrecondition, and one that the store cannot
// keep answers ErrUnsupported before anything is sent: see Profile.NoClobber
// and Profile.IfMatch.
type Condition struct {
	Absent bool   // only if no object has the key
	ETag   string // only if the object there has this ETag
}

// UploadRef names an unfinished upload.
type UploadRef struct {
	Key string
	ID  string
	SSE SSE // mode "c" only: its key goes with every part
}

// Part is a part as the store acknowledged it.
type Part struct {
	Number  int32
	Size    int64
	ETag    string
	Digest  Digest // as the store acknowledged or reported it; may be none
	ModTime time.Time
}

// CopySource is a range of an object of the same bucket.
type CopySource struct {
	Key     string
	Offset  int64
	Length  int64  // bytes; 0 means the whole object (Copy takes only that)
	IfMatch string // ETag, "" means any; another one answers ErrPrecondition
	SSE     SSE    // mode "c" only
}

// CompleteOptions guard and check a Complete.
type CompleteOptions struct {
	Condition Condition
	Size      int64  // bytes of the whole object, 0 if not known; checked where the store can
	Digest    Digest // of the whole object, none if not known; looked at with Profile.FullDigest or AnswerDigest
}

// CopyOptions say what the copy looks like. StorageClass, SSE and ACL are never
// taken from the source: a copy has those that are given here. Tags are taken
// from the source unless Replace is set and others are given.
type CopyOptions struct {
	ObjectOptions
	Replace   bool // use the other ObjectOptions too; false takes the source's
	Condition Condition
}

// ListOptions ask for one page of keys.
type ListOptions struct {
	Prefix     string
	Delimiter  string // "" or "/"
	StartAfter string // keys and prefixes above this one
	Token      string // of the page before; StartAfter is then ignored
	Max        int    // keys and prefixes; 0 means 1000
}

// ListPage is one page of a listing. Objects and Prefixes are each ascending.
type ListPage struct {
	Objects  []Info
	Prefixes []string // end with the delimiter
	Token    string   // "" when this was the last page
}

// PartPage is one page of an upload's parts, ascending by number.
type PartPage struct {
	Parts []Part
	Next  int32 // pass as after; 0 when this was the last page
}

// ListUploadsOptions ask for one page of unfinished uploads.
type ListUploadsOptions struct {
	Prefix         string
	KeyMarker      string
	UploadIDMarker string
	Max            int // 0 means 1000
}

// Upload is one unfinished multipart upload.
type Upload struct {
	Key          string
	ID           string
	Initiated    time.Time
	StorageClass string
}

// UploadPage is one page of unfinished uploads.
type UploadPage struct {
	Uploads            []Upload
	NextKeyMarker      string // "" when this was the last page
	NextUploadIDMarker string
}
