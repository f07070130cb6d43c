package memhttp

import "github.com/sluicefs/sluicefs/internal/objstore"

// PersonalityOf is the personality of the server that a profile describes: what
// follows from the profile, and what is known of the vendor besides.
func PersonalityOf(p *objstore.Profile) Personality {
	out := Personality{
		PathStyle:     true,
		AWSChunked:    p.Trailers,
		Checksums:     p.Digest != objstore.ContentMD5,
		Undeclared:    !p.FullDigest,
		RequireMD5:    p.DeleteDigest == objstore.ContentMD5,
		BulkDelete:    p.DeleteDigest != objstore.DigestNone,
		Expect:        true,
		XID:           p.XID,
		SignedAccept:  p.SignAcceptEnc,
		PutGuard:      manner(p.NoClobberPut),
		DoneGuard:     manner(p.NoClobberDone),
		CopyGuard:     Ignores,
		Classes:       p.Classes,
		CompleteBytes: p.MaxCompleteBytes,
		ListUploads:   p.ListUploads == objstore.ListUploadsFull || p.ListUploads == objstore.ListUploadsExactKey,
		AbortRule:     p.AbortLifecycle,
	}
	if p.CopyGuards {
		out.CopyGuard = Keeps
	}
	if len(p.Servers) > 0 {
		out.Server = p.Servers[0]
	}
	if p.NoClobberPut == objstore.GuardHeader {
		out.ForbidOverwrite = p.ForbidOverwrite
	}
	if !p.Tagging {
		out.Refused = append(out.Refused, "X-Amz-Tagging")
	}
	if p.ACLs != nil && len(p.ACLs) == 0 {
		out.Refused = append(out.Refused, "X-Amz-Acl", "X-Amz-Grant-")
	}
	if change := vendors[p.Name]; change != nil {
		change(&out)
	}
	out.VirtualHost = out.Host
	return out
}

func manner(g objstore.Guard) Manner {
	if g == objstore.GuardIfNoneMatch {
		return Keeps
	}
	return Refuses
}

// vendors are what is known of the vendors' servers, and what is not known taken
// for the worst: a header that they mention only in passing is ignored in silence.
var vendors = map[string]func(*Personality){
	"aws": func(p *Personality) {
		p.Host = "s3.eu-west-1.amazonaws.com"
		p.BucketRegion = "eu-west-1"
	},
	"oss": func(p *Personality) {
		p.Host = "oss-cn-hangzhou.aliyuncs.com"
		p.PathStyle = false
		p.UpperETag = true
	},
	"cos": func(p *Personality) {
		p.Host = "cos.ap-guangzhou.myqcloud.com"
		p.PathStyle = false
		p.PathRefusal = &Refusal{403, "PathStyleDomainForbidden", "The bucket you are attempting to access must be addressed using COS virtual-styled domain."}
		p.PutGuard, p.DoneGuard = Ignores, Ignores
		p.PaddedAnswers = true
	},
	"bos": func(p *Personality) {
		p.Host = "s3.bj.bcebos.com"
		p.PathStyle = false
		p.PathRefusal = &Refusal{403, "AccessDenied", "Path-style requests are not allowed for this bucket."}
		p.PutGuard, p.DoneGuard = Ignores, Ignores
		p.Refused = append(p.Refused, "X-Amz-Server-Side-Encryption")
	},
	"ceph": func(p *Personality) {
		p.ChunkedRefusal = &Refusal{400, "XAmzContentSHA256Mismatch", ""}
		p.DoneGuard = Ignores
	},
	"r2": func(p *Personality) {
		p.Host = "account.r2.cloudflarestorage.com"
		p.Expect = false
		p.ChunkedRefusal = &Refusal{501, "NotImplemented", "STREAMING-UNSIGNED-PAYLOAD-TRAILER not implemented"}
		p.DoneGuard = Ignores
		p.Refused = append(p.Refused, "X-Amz-Server-Side-Encryption-Aws-Kms", "X-Amz-Server-Side-Encryption-Context")
	},
	"b2": func(p *Personality) {
		p.Host = "s3.us-west-004.backblazeb2.com"
		p.ChunkedRefusal = &Refusal{400, "InvalidArgument", "Unsupported header 'x-amz-trailer' received for this API call."}
	},
	"gcs": func(p *Personality) {
		p.Host = "storage.googleapis.com"
		p.ChunkedRefusal = &Refusal{403, "SignatureDoesNotMatch", "Access denied."}
		p.PutGuard, p.DoneGuard = Ignores, Ignores
	},
	"wasabi": func(p *Personality) {
		p.Host = "s3.eu-central-1.wasabisys.com"
		p.PutGuard, p.DoneGuard = Ignores, Ignores
	},
	"seaweedfs": func(p *Personality) {
		p.Checksums, p.Undeclared, p.RequireMD5 = true, true, false
	},
	"garage": func(p *Personality) {
		p.Checksums, p.Unknown, p.Undeclared, p.Declared, p.RequireMD5 = true, []string{"CRC64NVME"}, true, true, false
		p.PutGuard, p.DoneGuard = Ignores, Ignores
	},
}
