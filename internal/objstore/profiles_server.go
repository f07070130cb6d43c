package objstore

// The servers that people run themselves. What is not set is the profile's that
// they begin with.

func minioProfile() Profile {
	p := awsProfile()
	p.Name = "minio"
	p.FullDigest = false // declaring one breaks copied parts; each part's is verified all the same
	p.CopyGuards = false // would be ignored in silence
	p.Hosts, p.RegionHosts, p.RegionInBody = nil, nil, false
	p.Servers = []string{"MinIO"}
	p.Style = PathStyle
	p.MaxObject = 50 * tib
	p.Key.MaxSegment = 255
	p.Key.Nesting = NestingHidden
	p.ListUploads = ListUploadsExactKey
	p.AbortLifecycle = false // the server ends them by itself after a day
	p.Classes = []string{"STANDARD", "REDUCED_REDUNDANCY"}
	p.Encryption = s3Encryption("aes256", "kms", "c")
	p.ACLs = []string{"private"}
	return p
}

func versitygwProfile() Profile {
	p := awsProfile()
	p.Name = "versitygw"
	p.FullDigest = false // declaring one breaks copied parts; each part's is verified all the same
	p.CopyGuards = false // would be ignored in silence
	p.Hosts, p.RegionHosts, p.RegionInBody = nil, nil, false
	p.Servers = []string{"VERSITYGW"}
	p.Style = PathStyle
	p.Key.MaxSegment = 227 // longer ones can be made and never replaced: ".NAME.sgwtmp.<19 digits>" must fit in 255
	p.Key.Nesting = NestingRefused
	p.Key.XMLOnly = true
	p.UploadMarkers = false
	p.DoubtDone = true
	p.KeepsTime = true
	p.AbortLifecycle = false
	p.Classes = []string{"STANDARD"}
	p.Encryption = []Encryption{}
	return p
}

// cephProfile is the RADOS Gateway. Trailers and conditions of Complete depend on
// its version, and are taken for missing.
func cephProfile() Profile {
	p := genericProfile()
	p.Name = "ceph"
	p.Servers = []string{"Ceph"}
	p.ListV2, p.ListURLEncode = false, false
	p.Part.Equal, p.Part.Consecutive = false, false
	p.MaxObject = 10000 * 5 * gib
	p.PartETag, p.FinalETag = ETagMD5, ETagMD5OfMD5
	p.NoClobberPut = GuardIfNoneMatch // If-Match it compares with the quotes, and refuses
	p.SourceGuards = false            // ignored in silence
	p.CompleteListsAll = true
	p.DoubtDone = true
	p.MetaForbid = "_" // comes back as "-"
	p.AbortLifecycle = true
	p.Encryption = s3Encryption("aes256", "kms", "c")
	return p
}

func seaweedfsProfile() Profile {
	p := genericProfile()
	p.Name = "seaweedfs"
	p.Servers = []string{"SeaweedFS"}
	p.Trailers = true
	p.ListURLEncode = false
	p.Part.Equal, p.Part.Consecutive = false, false
	p.Key.MaxSegment = 255
	p.Key.Nesting = NestingRefused
	p.Key.Refuse = `\` // comes back as "/"
	p.PartETag, p.FinalETag = ETagMD5, ETagMD5OfMD5
	p.NoClobberPut, p.NoClobberDone = GuardIfNoneMatch, GuardIfNoneMatch
	p.IfMatchPut, p.IfMatchDone = true, true
	p.AbortLifecycle = true
	p.Encryption = s3Encryption("aes256", "kms", "c")
	return p
}

// garageProfile is Garage 1.2, which ignores If-None-Match in silence.
func garageProfile() Profile {
	p := genericProfile()
	p.Name = "garage"
	p.Region = "garage"
	p.Trailers = true
	p.Part.Equal, p.Part.Consecutive = false, false
	p.AbortLifecycle = true
	p.Classes = []string{"STANDARD"}
	p.Encryption = s3Encryption("c")
	p.Tagging = false
	p.ACLs = []string{}
	return p
}
