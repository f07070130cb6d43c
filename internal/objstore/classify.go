package objstore

// Classify gives the kind of an answer from the store's own code, and from the
// HTTP status where the code is not known. sent is Error.Sent: an answer of 5xx
// does not tell whether the request took effect, unless it is a refusal to try.
func Classify(status int, code string) (kind error, sent bool) {
	if kind := kindOfCode(code); kind != nil {
		return kind, kind == ErrUnavailable
	}
	kind = kindOfStatus(status)
	return kind, kind == ErrUnavailable || kind == ErrInternal
}

// kindOfCode knows the codes of S3 and those of its followers that differ.
func kindOfCode(code string) error {
	switch code {
	case "NoSuchKey", "NoSuchObject", "NoSuchVersion":
		return ErrNotFound
	case "NoSuchUpload":
		return ErrNoSuchUpload
	case "NoSuchBucket":
		return ErrNoSuchBucket
	case "AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidAccessKeyId", "SignatureDoesNotMatch",
		"InvalidSecurity", "InvalidToken", "NotSignedUp", "SecondLevelDomainForbidden", "UserDisable":
		return ErrAccessDenied
	case "PreconditionFailed", "FileAlreadyExists", "ObjectAlreadyExists":
		return ErrPrecondition
	case "ConditionalRequestConflict", "OperationAborted":
		return ErrConflict
	case "InvalidRange":
		return ErrRange
	case "EntityTooLarge", "MaxMessageLengthExceeded":
		return ErrTooLarge
	case "KeyTooLongError", "KeyTooLong":
		return ErrKeyTooLong
	case "InvalidPart":
		return ErrInvalidPart
	case "BadDigest", "XAmzContentChecksumMismatch":
		return ErrBadDigest
	case "NotImplemented", "AccessControlListNotSupported", "MethodNotAllowed":
		return ErrUnsupported
	case "QuotaExceeded", "InsufficientStorage", "InsufficientCapacity", "XMinioStorageFull", "ServiceQuotaExceeded":
		return ErrNoSpace
	case "InvalidObjectState":
		return ErrArchived
	case "ExistingObjectIsDirectory", "ObjectParentIsFile", "XMinioObjectExistsAsDirectory", "XMinioParentIsObject":
		return ErrInvalid // 409, but no other writer is at it: folders of the store are in the way
	}
	return healingKind(code)
}

// healingKind knows the codes of failures that pass.
func healingKind(code string) error {
	switch code {
	case "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException", "RequestLimitExceeded",
		"TooManyRequests", "BandwidthLimitExceeded", "ReduceYourRate", "DownloadTrafficRateLimitExceeded", "UploadTrafficRateLimitExceeded":
		return ErrThrottled
	case "InternalError", "ServiceUnavailable", "ServerBusy", "Busy", "RequestTimeout", "XMinioServerNotInitialized", "GatewayTimeout", "IncompleteBody":
		return ErrUnavailable
	case "ExpiredToken", "TokenRefreshRequired", "RequestTimeTooSkewed", "RequestExpired":
		return ErrExpired
	}
	return nil
}

func kindOfStatus(status int) error {
	switch status {
	case 401, 403:
		return ErrAccessDenied
	case 404, 410:
		return ErrNotFound
	case 405, 501:
		return ErrUnsupported
	case 409:
		return ErrConflict
	case 412:
		return ErrPrecondition
	case 413:
		return ErrTooLarge
	case 416:
		return ErrRange
	case 429:
		return ErrThrottled
	case 503:
		return ErrThrottled
	case 507:
		return ErrNoSpace
	case 408:
		return ErrUnavailable
	}
	switch {
	case status >= 500:
		return ErrUnavailable
	case status >= 300:
		return ErrInvalid
	}
	return ErrInternal
}
