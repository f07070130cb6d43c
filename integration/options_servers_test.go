//go:build integration

package integration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicefs/sluicefs/integration/s3server"
	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// TestPropertiesOnMinIO runs the clauses on properties, as far as MinIO has them.
func TestPropertiesOnMinIO(t *testing.T) {
	server := s3server.MinIO(t)
	for _, id := range []string{"P1", "P2", "P4", "P5"} {
		t.Run(id, func(t *testing.T) {
			client := newBucket(t, server, "minio", bucketFor("properties"))
			optionClauses()[id].run(newEnv(t, retry.New(client, retry.Config{})))
		})
	}
}

// certificate makes a certificate of 127.0.0.1 and its key, in a folder as MinIO
// wants it.
func certificate(t *testing.T) (dir, ca string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sluicefs test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	dir = t.TempDir()
	ca = filepath.Join(dir, "public.crt")
	must(os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600))
	must(os.WriteFile(filepath.Join(dir, "private.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return dir, ca
}

// TestEncryptionOnMinIO mounts with each form of encryption that MinIO has. It takes
// a customer's key over TLS only.
func TestEncryptionOnMinIO(t *testing.T) {
	certs, ca := certificate(t)
	server := s3server.MinIO(t, "--certs-dir", certs)
	key := bytes.Repeat([]byte("k"), 32)
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte(base64.StdEncoding.EncodeToString(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode  string
		flags []string
		key   s3.CustomerKey // of the other client
	}{
		{"aes256", []string{"--sse", "aes256"}, nil},
		{"kms", []string{"--sse", "kms", "--sse-kms-key-id", s3server.KMSKey, "--sse-kms-context", "for=tests"}, nil},
		{"c", []string{"--sse-c-key-file", keyFile}, key},
	} {
		t.Run(c.mode, func(t *testing.T) {
			p, _ := objstore.ProfileByName("minio")
			cfg := storeConfig(server, p, bucketFor("encryption"))
			cfg.CAFile, cfg.CustomerKey = ca, c.key
			client, err := s3.New(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			if err := client.CreateBucket(t.Context()); err != nil {
				t.Fatal(err)
			}
			pl := &place{env: newEnv(t, retry.New(client, retry.Config{})), server: server, bucket: cfg.Bucket, flags: []string{"--ca-file", ca}}
			pl.put("plain", "was there", nil)
			m := pl.begin(append(c.flags, "--log-level", "trace")...)
			m.keepsEncrypted(c.mode)
			for _, secret := range []string{string(key), base64.StdEncoding.EncodeToString(key), server.SecretKey} {
				if strings.Contains(m.said.String(), secret) {
					t.Error("the log tells a secret")
				}
			}
		})
	}
}

// keepsEncrypted does with files what there is to do, and looks at what became of
// them.
func (m *realMount) keepsEncrypted(mode string) {
	m.Helper()
	check := func(what, key, content string) {
		m.Helper()
		if got := m.head(key).SSE.Mode; got != mode {
			m.Errorf("%s: %s has the encryption %q, want %q", what, key, got, mode)
		}
		m.stored(key, content)
		m.shows(key, content)
	}
	big := noise(streamed)
	m.write("small", "content")
	check("small", "small", "content")
	m.write("big", big)
	check("in parts", "big", big)
	m.appends("small", "+")
	check("appended", "small", "content+")
	m.appends("big", "+")
	check("appended, big", "big", big+"+")
	if mode == "c" { // MinIO holds the key against the object that an If-Match is about
		m.shows("plain", "was there")
		m.fails("append to an object without the key", m.append("plain", "+"), syscall.EINVAL)
		m.stored("plain", "was there")
		m.ok(os.Remove(m.at("plain")))
		m.write("plain", "was there+")
	} else {
		m.appends("plain", "+")
	}
	check("written over one that was not encrypted", "plain", "was there+")
	m.ok(os.Rename(m.at("big"), m.at("moved")))
	check("renamed", "moved", big+"+")
	m.ok(os.Chmod(m.at("moved"), 0o600))
	m.eventually("the mode is stored", func() bool { return m.head("moved").Metadata["mode"] == "33152" })
	check("after chmod", "moved", big+"+")
	m.unmount()
}

func (m *realMount) appends(name, text string) {
	m.Helper()
	m.ok(m.append(name, text))
}

func (m *realMount) append(name, text string) error {
	f, err := os.OpenFile(m.at(name), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
