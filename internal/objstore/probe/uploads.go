package probe

import (
	"errors"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// uploads asks whether unfinished uploads are listed, and whether they may be ended.
func (b *bench) uploads() {
	up, err := b.begin("unfinished/upload")
	if err != nil {
		b.tell(Check{Name: "list uploads", Verdict: Unknown, Detail: err.Error()})
		return
	}
	t, err := b.as(func(p *objstore.Profile) { p.ListUploads = objstore.ListUploadsFull })
	if err != nil {
		return
	}
	listed := func(prefix string) (found bool, err error) {
		page, err := t.ListUploads(b.ctx, objstore.ListUploadsOptions{Prefix: prefix})
		for _, u := range page.Uploads {
			found = found || u.ID == up.ID
		}
		return found, err
	}
	found := objstore.ListUploadsNone
	all, err := listed(b.prefix)
	if all {
		found = objstore.ListUploadsFull
	} else if exact, _ := listed(up.Key); exact {
		found = objstore.ListUploadsExactKey
	}
	uses := b.profile.ListUploads
	switch {
	case errors.Is(err, objstore.ErrAccessDenied):
		b.tell(Check{Name: "list uploads", Verdict: Warning, Detail: err.Error(), Permission: "s3:ListBucketMultipartUploads"})
	case found == uses:
		b.tell(Check{Name: "list uploads", Verdict: Good, Detail: string(found)})
	default:
		b.differs("list uploads", ifElseV(found == objstore.ListUploadsFull, Better, Warning), string(found), "list-uploads", string(found))
	}
	b.abort(up)
}

// abort ends an upload, and looks whether it is gone.
func (b *bench) abort(up objstore.UploadRef) {
	if err := b.target.Abort(b.ctx, up); err != nil {
		b.tell(Check{Name: "abort", Verdict: Warning, Detail: "unfinished uploads cannot be ended, and cost money: " + err.Error(), Permission: denied(err, "s3:AbortMultipartUpload")})
		return
	}
	if _, err := b.target.ListParts(b.ctx, up, 0); !errors.Is(err, objstore.ErrNoSuchUpload) {
		b.tell(Check{Name: "abort", Verdict: Warning, Detail: fmt.Sprintf("an upload that was ended is still there (%v)", err)})
		return
	}
	b.tell(Check{Name: "abort", Verdict: Good})
}
