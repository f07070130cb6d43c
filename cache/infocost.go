package cache

import (
	"unsafe"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// infoCost estimates the memory of an Info that is kept, in bytes.
func infoCost(i *objstore.Info) int64 {
	n := int(unsafe.Sizeof(*i)) + len(i.Key) + len(i.ETag) + len(i.StorageClassSeen) + len(i.VersionID) + len(i.Checksum.Sum) +
		len(i.ContentType) + len(i.CacheControl) + len(i.ContentDisposition) + len(i.ContentEncoding) + len(i.ContentLanguage) +
		len(i.Expires) + len(i.StorageClass) + len(i.ACL) + len(i.SSE.Mode) + len(i.SSE.KMSKeyID) + len(i.SSE.KMSContext) + len(i.SSE.CustomerKey)
	return int64(n + mapCost(i.Metadata) + mapCost(i.Tags))
}

// mapCost knows that a map of Go begins with room for eight pairs.
func mapCost(m map[string]string) int {
	if m == nil {
		return 0
	}
	const pair = 2 * int(unsafe.Sizeof(""))
	n := 48 + max(8, 2*len(m))*pair
	for k, v := range m {
		n += len(k) + len(v)
	}
	return n
}
