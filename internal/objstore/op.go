package objstore

// The operations by name, as they stand in [Error].Op, in counters and in the
// rules of a fault script. Each is the name of a method of [Store].
const (
	OpHeadBucket      = "HeadBucket"
	OpHead            = "Head"
	OpTags            = "Tags"
	OpGet             = "Get"
	OpList            = "List"
	OpPut             = "Put"
	OpCreateMultipart = "CreateMultipart"
	OpUploadPart      = "UploadPart"
	OpUploadPartCopy  = "UploadPartCopy"
	OpComplete        = "Complete"
	OpAbort           = "Abort"
	OpListParts       = "ListParts"
	OpListUploads     = "ListUploads"
	OpDelete          = "Delete"
	OpDeleteMany      = "DeleteMany"
	OpCopy            = "Copy"
)

// MaxPage is the most entries that any page of a listing holds, and the most
// keys that DeleteMany takes: the limit of S3 and of nearly all that follow it.
const MaxPage = 1000
