package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// keySize is that of a customer's key, in bytes.
const keySize = 32

var errKeyFile = errors.New("want a key of 32 bytes: as they are, as 64 hex digits, or in base64")

// readCustomerKey reads the key of a file that only its owner may read. Its errors
// tell nothing of what is in the file.
func readCustomerKey(path string) (s3.CustomerKey, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others than its owner may read or change %s: chmod 600 it", path)
	}
	raw, err := io.ReadAll(io.LimitReader(file, 256))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, errors.Unwrap(err))
	}
	key := decodeKey(raw)
	if key == nil {
		return nil, fmt.Errorf("%s: %w", path, errKeyFile)
	}
	return key, nil
}

func decodeKey(raw []byte) s3.CustomerKey {
	if len(raw) == keySize {
		return raw
	}
	text := strings.TrimSpace(string(raw))
	if key, err := hex.DecodeString(text); err == nil && len(key) == keySize {
		return key
	}
	if key, err := base64.StdEncoding.DecodeString(text); err == nil && len(key) == keySize {
		return key
	}
	return nil
}
