package objstore

import "strings"

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
	tib = int64(1) << 40
)

// Profiles returns the known profiles, freshly made, the generic one last.
// Their numbers and abilities are from the vendors' documents and from public
// code; docs/PROVIDERS.md says which were proven on a live server.
func Profiles() []Profile {
	return []Profile{awsProfile(), minioProfile(), versitygwProfile(), genericProfile()}
}

// ProfileByName finds a profile; ok is false where there is none of that name.
func ProfileByName(name string) (p Profile, ok bool) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// ProfileByHost finds the profile whose host suffix matches best. The host
// carries no port.
func ProfileByHost(host string) (p Profile, ok bool) {
	best := 0
	for _, q := range Profiles() {
		for _, suffix := range q.Hosts {
			if len(suffix) > best && strings.HasSuffix("."+host, suffix) {
				p, ok, best = q, true, len(suffix)
			}
		}
	}
	return p, ok
}

// ProfileByServer finds the profile of the Server header that an endpoint sent.
func ProfileByServer(server string) (p Profile, ok bool) {
	for _, q := range Profiles() {
		for _, prefix := range q.Servers {
			if len(server) >= len(prefix) && strings.EqualFold(server[:len(prefix)], prefix) {
				return q, true
			}
		}
	}
	return Profile{}, false
}

// genericProfile is the common subset that every known store keeps: equal
// parts without gaps, Content-MD5, no guard that could be ignored in silence.
func genericProfile() Profile {
	return Profile{
		Name:          "generic",
		Style:         PathStyle,
		SignAcceptEnc: true,
		XID:           true,
		ListV2:        true,
		ListURLEncode: true,
		DeleteDigest:  ContentMD5,
		ListUploads:   ListUploadsFull,
		UploadMarkers: true,
		Part:          PartLimits{Min: 5 * mib, Max: 5 * gib, Align: mib, MaxCount: 10000, Equal: true, Consecutive: true},
		MaxObject:     5 * tib,
		MaxPut:        5 * gib,
		MaxCopy:       5 * gib,
		Key:           KeyLimits{MaxBytes: 1024, XMLOnly: true},
		MetaBytes:     2048,
		Digest:        ContentMD5,
		PartETag:      ETagOpaque,
		FinalETag:     ETagOpaque,
		NoClobberPut:  GuardHeadFirst,
		NoClobberDone: GuardHeadFirst,
		PartCopy:      true,
	}
}

func awsProfile() Profile {
	p := genericProfile()
	p.Name = "aws"
	p.Hosts = []string{".amazonaws.com", ".amazonaws.com.cn"}
	p.Servers = []string{"AmazonS3"}
	p.Style = VirtualHost
	p.DeleteDigest = CRC32C
	p.Part.Equal, p.Part.Consecutive = false, false
	p.Key.XMLOnly = false
	p.MaxObject = 10000 * 5 * gib // 48.8 TiB, since 2025
	p.Digest, p.FullDigest = CRC64NVME, true
	p.PartETag, p.FinalETag = ETagMD5, ETagMD5OfMD5
	p.NoClobberPut, p.NoClobberDone = GuardIfNoneMatch, GuardIfNoneMatch
	p.IfMatchPut, p.IfMatchDone = true, true
	p.CopyGuards = true
	return p
}

func minioProfile() Profile {
	p := awsProfile()
	p.Name = "minio"
	p.FullDigest = false // declaring one breaks copied parts; each part's is verified all the same
	p.CopyGuards = false // would be ignored in silence
	p.Hosts = nil
	p.Servers = []string{"MinIO"}
	p.Style = PathStyle
	p.MaxObject = 50 * tib
	p.Key.MaxSegment = 255
	p.ListUploads = ListUploadsExactKey
	return p
}

func versitygwProfile() Profile {
	p := awsProfile()
	p.Name = "versitygw"
	p.FullDigest = false // declaring one breaks copied parts; each part's is verified all the same
	p.CopyGuards = false // would be ignored in silence
	p.Hosts = nil
	p.Servers = []string{"VERSITYGW"}
	p.Style = PathStyle
	p.Key.MaxSegment = 227 // longer ones can be made and never replaced: ".NAME.sgwtmp.<19 digits>" must fit in 255
	p.Key.XMLOnly = true
	p.UploadMarkers = false
	p.DoubtDone = true
	return p
}
