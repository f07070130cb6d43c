package objstore

import "strings"

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
	tib = int64(1) << 40

	gb = int64(1_000_000_000) // of vendors who count in tens
	tb = 1000 * gb
)

// Profiles returns the known profiles, freshly made, the generic one last.
// Their numbers and abilities are from the vendors' documents and from public
// code; docs/PROVIDERS.md says which were proven on a live server.
func Profiles() []Profile {
	return []Profile{
		awsProfile(), ossProfile(), cosProfile(), bosProfile(), minioProfile(), cephProfile(), r2Profile(), b2Profile(),
		gcsProfile(), wasabiProfile(), versitygwProfile(), seaweedfsProfile(), garageProfile(), genericProfile(),
	}
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

// DefaultProfile is that of the store where no endpoint is given.
func DefaultProfile() Profile { return awsProfile() }

// GenericProfile is that of a store of which nothing is known.
func GenericProfile() Profile { return genericProfile() }

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

// RegionOf returns the region that an endpoint's host tells, "" where it tells none.
func (p *Profile) RegionOf(host string) string {
	for _, pattern := range p.RegionHosts {
		before, after, named := strings.Cut(pattern, "{region}")
		rest, ok := strings.CutPrefix(host, before)
		if !ok {
			continue
		}
		region, ok := strings.CutSuffix(rest, after)
		switch {
		case !named && rest == "":
			return "" // a host of its own, which the patterns behind it must not take apart
		case named && ok && region != "" && !strings.Contains(region, "."):
			return region
		}
	}
	return ""
}

// genericProfile is the common subset that every known store keeps: equal
// parts without gaps, Content-MD5, no guard that could be ignored in silence.
func genericProfile() Profile {
	return Profile{
		Name:          "generic",
		Style:         PathStyle,
		UnsignedBody:  true,
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
		Key:           KeyLimits{MaxBytes: 1024, Nesting: NestingFree, XMLOnly: true},
		MetaBytes:     2048,
		Digest:        ContentMD5,
		PartETag:      ETagOpaque,
		FinalETag:     ETagOpaque,
		NoClobberPut:  GuardHeadFirst,
		NoClobberDone: GuardHeadFirst,
		SourceGuards:  true,
		PartCopy:      true,
		Tagging:       true, // sent only where the user gives tags
	}
}
