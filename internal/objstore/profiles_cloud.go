package objstore

// The vendors' stores. What is not set is the generic profile's.

// The encryptions of the S3 protocol.
func s3Encryption(modes ...string) []Encryption {
	var out []Encryption
	for _, m := range modes {
		out = append(out, Encryption{Mode: m})
	}
	return out
}

func awsProfile() Profile {
	p := genericProfile()
	p.Name = "aws"
	p.Hosts = []string{".amazonaws.com", ".amazonaws.com.cn"}
	p.Servers = []string{"AmazonS3"}
	p.Style = VirtualHost
	p.RegionHosts = []string{
		"s3.amazonaws.com", "s3-accelerate.amazonaws.com", "s3-accelerate.dualstack.amazonaws.com",
		"s3.dualstack.{region}.amazonaws.com", "s3-fips.dualstack.{region}.amazonaws.com", "s3-fips.{region}.amazonaws.com",
		"s3.{region}.amazonaws.com", "s3.dualstack.{region}.amazonaws.com.cn", "s3.{region}.amazonaws.com.cn",
	}
	p.RegionInBody = true
	p.Trailers = true
	p.DeleteDigest = CRC32C
	p.Part.Equal, p.Part.Consecutive = false, false
	p.Key.XMLOnly = false
	p.MaxObject = 10000 * 5 * gib // 48.8 TiB, since 2025
	p.Digest, p.FullDigest = CRC64NVME, true
	p.PartETag, p.FinalETag = ETagMD5, ETagMD5OfMD5
	p.NoClobberPut, p.NoClobberDone = GuardIfNoneMatch, GuardIfNoneMatch
	p.IfMatchPut, p.IfMatchDone = true, true
	p.CopyGuards = true
	p.AbortLifecycle = true
	p.Classes = []string{"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"}
	p.Encryption = s3Encryption("aes256", "kms", "kms:dsse", "c")
	p.ACLs = []string{"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"}
	return p
}

// ossProfile is Alibaba OSS by its S3-compatible endpoint. Its forbid-overwrite
// header has no effect on buckets with versioning.
func ossProfile() Profile {
	p := genericProfile()
	p.Name = "oss"
	p.Hosts = []string{".aliyuncs.com"}
	p.Servers = []string{"AliyunOSS"}
	p.Style = VirtualHost
	p.RegionHosts = []string{
		"oss-accelerate.aliyuncs.com", "oss-accelerate-overseas.aliyuncs.com",
		"s3.oss-{region}-internal.aliyuncs.com", "s3.oss-{region}.aliyuncs.com",
		"oss-{region}-internal.aliyuncs.com", "oss-{region}.aliyuncs.com",
	}
	p.ListUploads = ListUploadsUnproven
	p.Part = PartLimits{Min: mib, Max: 5 * gb, Align: mib, MaxCount: 10000}
	p.MaxObject = 48_800 * gb
	p.MaxPut, p.MaxCopy = 5*gb, 5*gb
	p.Key = KeyLimits{MaxBytes: 1023, Forbid: `/\`, Nesting: NestingFree}
	p.MetaBytes = 8192
	p.PartETag = ETagMD5
	p.AnswerDigest, p.AnswerHeader = CRC64ECMA, "X-Oss-Hash-Crc64ecma"
	p.NoClobberPut, p.NoClobberDone, p.ForbidOverwrite = GuardHeader, GuardHeader, "X-Oss-Forbid-Overwrite"
	p.AbortLifecycle = true
	p.Classes = []string{"STANDARD", "STANDARD_IA", "GLACIER"}
	p.Encryption = []Encryption{
		{Mode: "aes256"},
		{Mode: "kms", Header: "X-Oss-Server-Side-Encryption", Value: "KMS", KeyHeader: "X-Oss-Server-Side-Encryption-Key-Id"},
		{Mode: "sm4", Header: "X-Oss-Server-Side-Encryption", Value: "SM4"},
	}
	p.ACLs = []string{"private", "public-read", "public-read-write"}
	p.Traffic = TrafficLimit{Header: "X-Oss-Traffic-Limit", Min: 819_200, Max: 838_860_800}
	return p
}

// cosProfile is Tencent COS. Its buckets are named NAME-APPID.
func cosProfile() Profile {
	p := genericProfile()
	p.Name = "cos"
	p.Hosts = []string{".myqcloud.com", ".tencentcos.cn"}
	p.Servers = []string{"tencent-cos"}
	p.Style = VirtualHost
	p.RegionHosts = []string{"cos.accelerate.myqcloud.com", "cos-internal.{region}.tencentcos.cn", "cos.{region}.myqcloud.com", "cos.{region}.tencentcos.cn"}
	p.ListV2 = false
	p.Part = PartLimits{Min: mib, Max: 5 * gb, Align: mib, MaxCount: 10000, Consecutive: true}
	p.MaxObject = 48_820 * gb
	p.MaxPut, p.MaxCopy = 5*gb, 5*gb
	p.Key = KeyLimits{MaxBytes: 850, Forbid: `/\`, Refuse: "\x18\x19\x1a\x1b", Nesting: NestingFree}
	p.MetaForbid = "_"
	p.PartETag = ETagMD5
	p.AnswerDigest, p.AnswerHeader = CRC64ECMA, "X-Cos-Hash-Crc64ecma"
	p.NoClobberPut, p.NoClobberDone, p.ForbidOverwrite = GuardLookAndHeader, GuardLookAndHeader, "X-Cos-Forbid-Overwrite"
	p.AbortLifecycle = true
	p.Classes = []string{"STANDARD", "MAZ_STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA", "MAZ_STANDARD_IA", "ARCHIVE", "DEEP_ARCHIVE"}
	p.Encryption = []Encryption{
		{Mode: "aes256", Header: "X-Cos-Server-Side-Encryption", Value: "AES256"},
		{Mode: "kms", Header: "X-Cos-Server-Side-Encryption", Value: "cos/kms", KeyHeader: "X-Cos-Server-Side-Encryption-Cos-Kms-Key-Id"},
		{Mode: "c"},
	}
	p.ACLs = []string{"private", "public-read"}
	p.Traffic = TrafficLimit{Header: "X-Cos-Traffic-Limit", Min: 819_200, Max: 838_860_800}
	return p
}

// bosProfile is Baidu BOS by its S3-compatible endpoint. Parts must be larger
// than 5 MB or a multiple of 1 MB, which it tells only at Complete: both are kept.
func bosProfile() Profile {
	p := genericProfile()
	p.Name = "bos"
	p.Hosts = []string{".bcebos.com"}
	p.Servers = []string{"BceBos"}
	p.Style = VirtualHost
	p.RegionHosts = []string{"s3.{region}.bcebos.com", "{region}.bcebos.com"}
	p.Part.Equal, p.Part.Consecutive = false, false
	p.Part.Max = 5 * gb
	p.MaxObject = 48_800 * gb
	p.MaxPut, p.MaxCopy = 5*gb, 5*gb
	p.Key.XMLOnly = false
	p.MaxCompleteBytes = 1_000_000
	p.PartETag = ETagMD5
	p.NoClobberPut, p.NoClobberDone, p.ForbidOverwrite = GuardLookAndHeader, GuardLookAndHeader, "X-Bce-Forbid-Overwrite"
	p.Classes = []string{"STANDARD", "STANDARD_IA"}
	p.Encryption = []Encryption{}
	p.Tagging = false
	p.ACLs = []string{}
	p.Traffic = TrafficLimit{Header: "X-Bce-Traffic-Limit", Min: 819_200, Max: 838_860_800}
	return p
}

func r2Profile() Profile {
	p := genericProfile()
	p.Name = "r2"
	p.Hosts = []string{".r2.cloudflarestorage.com"}
	p.Region = "auto"
	p.HTTPSOnly = true
	p.Part.Max = 5115 * mib // 4.995 GiB
	p.MaxObject = 5115 * gib
	p.MaxPut, p.MaxCopy = 5115*mib, 5115*mib
	p.Key.XMLOnly = false
	p.MetaBytes = 8192
	p.NoClobberPut, p.IfMatchPut = GuardIfNoneMatch, true
	p.AbortLifecycle = true
	p.Classes = []string{"STANDARD", "STANDARD_IA"}
	p.Encryption = s3Encryption("c")
	p.Tagging = false
	p.ACLs = []string{}
	return p
}

func b2Profile() Profile {
	p := genericProfile()
	p.Name = "b2"
	p.Hosts = []string{".backblazeb2.com"}
	p.RegionHosts = []string{"s3.{region}.backblazeb2.com"}
	p.HTTPSOnly = true
	p.Part.Equal = false
	p.Part.Max = 5 * gb
	p.MaxObject = 10 * tb
	p.MaxPut, p.MaxCopy = 5*gb, 5*gb
	p.Key.XMLOnly = false
	p.AbortLifecycle = true
	p.Classes = []string{"STANDARD"}
	p.Encryption = s3Encryption("aes256", "c")
	p.Tagging = false
	p.ACLs = []string{"private", "public-read"}
	return p
}

// gcsProfile is Google Cloud Storage by its XML interface with HMAC keys.
func gcsProfile() Profile {
	p := genericProfile()
	p.Name = "gcs"
	p.Hosts = []string{"storage.googleapis.com"}
	p.Servers = []string{"UploadServer"}
	p.Region = "auto"
	p.SignAcceptEnc, p.XID = false, false
	p.DeleteDigest = DigestNone
	p.Part.Consecutive = false
	p.Key.XMLOnly = false
	p.MaxCopy = 5 * tib
	p.MetaBytes = 8192
	p.PartCopy = false
	p.AbortLifecycle = true
	p.Classes = []string{"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"}
	p.Encryption = []Encryption{}
	p.Tagging = false
	p.ACLs = []string{"private", "public-read", "public-read-write", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control"}
	return p
}

func wasabiProfile() Profile {
	p := genericProfile()
	p.Name = "wasabi"
	p.Hosts = []string{".wasabisys.com"}
	p.Servers = []string{"WasabiS3"}
	p.Style = VirtualHost
	p.RegionHosts = []string{"s3.wasabisys.com", "s3.{region}.wasabisys.com"}
	p.Part.Equal, p.Part.Consecutive = false, false
	p.MaxObject = 5 * tb
	p.MaxPut, p.MaxCopy = 5*gb, 5*gb
	p.Part.Max = 5 * gb
	p.Key.XMLOnly = false
	p.PartETag = ETagMD5
	p.AbortLifecycle = true
	p.Classes = []string{"STANDARD"}
	p.Encryption = s3Encryption("aes256", "c")
	p.ACLs = []string{"private", "public-read", "public-read-write", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control"}
	return p
}
