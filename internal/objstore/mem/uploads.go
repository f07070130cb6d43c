package mem

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// uploadsLocked returns the uploads that a listing shows after its markers, in
// order of key and id.
func (s *Store) uploadsLocked(opts objstore.ListUploadsOptions) []*upload {
	var out []*upload
	for _, u := range s.uploads {
		if s.showsUpload(u, opts.Prefix) && afterMarkers(u, opts) {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *upload) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.id, b.id))
	})
	return out
}

func (s *Store) showsUpload(u *upload, prefix string) bool {
	if s.profile.ListUploads == objstore.ListUploadsExactKey {
		return u.key == prefix
	}
	return strings.HasPrefix(u.key, prefix)
}

// afterMarkers keeps S3's rule that the marker of ids counts only together
// with that of keys.
func afterMarkers(u *upload, opts objstore.ListUploadsOptions) bool {
	switch {
	case opts.KeyMarker == "" || u.key > opts.KeyMarker:
		return true
	case u.key < opts.KeyMarker:
		return false
	}
	return opts.UploadIDMarker != "" && u.id > opts.UploadIDMarker
}
