package memhttp

import "github.com/sluicefs/sluicefs/internal/objstore"

// Personality is how a kind of server differs from others on the wire, where
// the profile of its store does not say it already. It is data; the strict
// personalities of vendors are to be added to PersonalityOf.
type Personality struct {
	Server       string // the Server header
	BucketRegion string // the x-amz-bucket-region header, "" for none
	PathStyle    bool   // takes /bucket/key
	VirtualHost  string // takes bucket.<this host>; "" for not
	AWSChunked   bool   // takes bodies in aws-chunked encoding, with or without trailers
	Checksums    bool   // takes x-amz-checksum-* headers
	Undeclared   bool   // takes checksums of parts that CreateMultipartUpload did not announce
	AccessKey    string // the only one it lets in; "" lets everybody in
	RequireMD5   bool   // DeleteObjects must carry Content-MD5
}

// PersonalityOf is the personality of the server that a profile describes.
func PersonalityOf(p *objstore.Profile) Personality {
	out := Personality{PathStyle: true, AWSChunked: true, Checksums: p.Digest != objstore.ContentMD5}
	if len(p.Servers) > 0 {
		out.Server = p.Servers[0]
	}
	out.Undeclared = !p.FullDigest
	if p.Name == "aws" {
		out.BucketRegion = "us-east-1"
	}
	if p.DeleteDigest == objstore.ContentMD5 {
		out.RequireMD5 = true
		out.AWSChunked = false
	}
	return out
}
