package objstore

// Profile is what is known of one kind of store, as data. It is never changed
// once a mount has begun, so it may be shared without locks. Each field is an
// option by a name of its own (option.go), so a user can correct what the table
// has wrong.
type Profile struct {
	Name  string   // "aws", "minio", …
	Hosts []string // endpoint hosts by suffix; the longest match wins
	// Servers are prefixes of the Server response header by which an endpoint on
	// an unknown host gives itself away.
	Servers []string

	// Addressing and wire.
	Style         Style
	Region        string   // used where neither the user nor the host names one; "" means us-east-1
	RegionHosts   []string // endpoint hosts with "{region}" in them, that tell the region; the first match wins
	RegionInBody  bool     // CreateBucket names the region in its body
	HTTPSOnly     bool
	UnsignedBody  bool // takes bodies that the signature leaves out; elsewhere they are hashed first
	Expect        bool // large bodies wait for "100 Continue"
	SignAcceptEnc bool // may sign Accept-Encoding (GCS may not)
	XID           bool // may carry x-id in the query (GCS may not)
	Trailers      bool // takes digests in trailers (none are sent: a fact about the store)
	ListV2        bool
	ListURLEncode bool
	DeleteDigest  Algorithm // digest of DeleteObjects' body: CRC32C stands for the SDK's default, none for a store without it
	ListUploads   ListUploadsKind
	// UploadMarkers says that a page of uploads may end between those of one key
	// and the next go on there. Stores that say no go on behind the key.
	UploadMarkers bool

	// Limits, in bytes unless said otherwise.
	Part             PartLimits
	MaxObject        int64 // largest object
	MaxPut           int64 // largest PutObject
	MaxCopy          int64 // largest CopyObject, and largest range of UploadPartCopy
	Key              KeyLimits
	MetaBytes        int    // user metadata: names and values together
	MetaForbid       string // bytes that a name of user metadata must not contain
	MaxCompleteBytes int64  // body of Complete; 0 means no limit
	MaxParallel      int    // requests at once; 0 means no cap

	// Integrity.
	Digest    Algorithm // sent with bodies and verified by the store
	PartETag  ETagKind
	FinalETag ETagKind
	// FullDigest says that an upload declares Digest when it begins, and that
	// Complete then takes a digest of the whole object. Stores that verify the
	// parts' digests undeclared, and mix declared ones up with copied parts, say no.
	FullDigest bool
	// AnswerDigest is a checksum that the store computes by itself and tells in the
	// response header AnswerHeader, of bodies and of completed objects.
	AnswerDigest Algorithm
	AnswerHeader string

	// Guards.
	NoClobberPut    Guard  // object must not exist, on Put
	NoClobberDone   Guard  // the same on Complete
	ForbidOverwrite string // request header of GuardHeader, and its like on Copy
	IfMatchPut      bool
	IfMatchDone     bool
	CopyGuards      bool // Copy keeps a Condition: If-None-Match and If-Match for the target
	SourceGuards    bool // copies keep CopySource.IfMatch; elsewhere the source is looked at before

	// Abilities.
	PartCopy         bool // UploadPartCopy
	KeepsTime        bool // other metadata, by a copy of an object onto itself, does not change its Last-Modified
	CompleteListsAll bool // Complete must name every part that was sent (Ceph)
	// DoubtDone says that an upload that is gone cannot be told from the answer to
	// Complete: 200 if any object has the key (versitygw), or 500 (Ceph). What it made
	// is looked at, unless the answer has a checksum: that is of an object just made.
	// After a failure it is asked whether the upload is there.
	DoubtDone      bool
	AbortLifecycle bool // a lifecycle rule can end unfinished uploads

	// Properties of objects. A nil list means that nothing is known: what the
	// user asks for is sent, and the store has the say.
	Classes    []string     // storage classes by their S3 names
	Encryption []Encryption // at rest
	Tagging    bool
	ACLs       []string // canned ones
	Traffic    TrafficLimit
}

// PartLimits bound the parts of an upload.
type PartLimits struct {
	Min         int64 // of every part but the last
	Max         int64
	Align       int64 // part sizes are multiples of it, but the last
	MaxCount    int32
	Equal       bool // all parts but the last must have one size (R2)
	Consecutive bool // numbers must have no gaps at Complete (COS)
}

// KeyLimits bound an object's key.
type KeyLimits struct {
	MaxBytes   int
	MaxSegment int    // bytes between slashes; 0 means no limit
	Forbid     string // bytes that a key must not begin with
	Refuse     string // bytes that a key must not contain
	Nesting    Nesting
	XMLOnly    bool // listings are not encoded: what XML cannot say comes back changed
}

// Nesting says whether objects "a" and "a/b" can be there together. In a mount they
// never are, unless another client made one of them.
type Nesting string

// The kinds of nesting.
const (
	NestingFree    Nesting = "free"
	NestingRefused Nesting = "refused" // whichever comes second (versitygw)
	NestingHidden  Nesting = "hidden"  // both are taken, and listings leave the longer out (MinIO)
)

// Encryption is a way to encrypt at rest that a store offers. Without a Header
// it is asked for as the S3 protocol does; else by that header and its value.
type Encryption struct {
	Mode      string // of SSE: "aes256", "kms", "kms:dsse", "c", "sm4"
	Header    string
	Value     string
	KeyHeader string // carries the KMS key's id, "" for the protocol's own
}

// TrafficLimit is a rate that the store itself keeps a request to.
type TrafficLimit struct {
	Header   string // "" where there is none
	Min, Max int64  // bits a second
}

// Style is how the bucket is named in a request.
type Style string

// The styles of addressing.
const (
	PathStyle   Style = "path"
	VirtualHost Style = "virtual-host"
)

// ETagKind says what an ETag is.
type ETagKind string

// The kinds of ETag.
const (
	ETagOpaque   ETagKind = "opaque"
	ETagMD5      ETagKind = "md5"         // of the body, unless encrypted with KMS or a customer's key
	ETagMD5OfMD5 ETagKind = "md5-of-md5s" // with "-N" behind it
)

// Guard says how a store keeps an object from being overwritten.
type Guard string

// The guards. The last three leave a gap in which another writer can win:
// GuardLookAndHeader closes it only if the store does what its vendor says in
// passing, which sluicefs doctor can find out.
const (
	GuardIfNoneMatch   Guard = "if-none-match"
	GuardHeader        Guard = "header" // Profile.ForbidOverwrite
	GuardLookAndHeader Guard = "head-first-and-header"
	GuardHeadFirst     Guard = "head-first"
	GuardNone          Guard = "none"
)

// Sent tells whether the guard travels with the request.
func (g Guard) Sent() bool {
	return g == GuardIfNoneMatch || g == GuardHeader || g == GuardLookAndHeader
}

// Kept tells whether the store is known to keep the guard, so that nobody need
// look beforehand.
func (g Guard) Kept() bool { return g == GuardIfNoneMatch || g == GuardHeader }

// ListUploadsKind says how far ListMultipartUploads can be trusted.
type ListUploadsKind string

// The kinds of ListMultipartUploads.
const (
	ListUploadsFull     ListUploadsKind = "full"
	ListUploadsExactKey ListUploadsKind = "exact-key" // the prefix must be the whole key (MinIO)
	ListUploadsUnproven ListUploadsKind = "unproven"  // asked all the same; the store may refuse (OSS)
	ListUploadsNone     ListUploadsKind = "none"
)
