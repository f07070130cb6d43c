package memhttp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"
)

// Site is a server on loopback under a host name of its own, which only those who
// dial through it can reach.
type Site struct {
	Endpoint  string // URL, with the host name
	Authority []byte // PEM of who signed its certificate; nil for plain http

	address string // where it really listens
	server  *http.Server
	done    chan error
}

// Open serves h under a host name and every name below it, by TLS if secure.
func Open(h http.Handler, host string, secure bool) (*Site, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Site{
		Endpoint: "http://" + host, address: listener.Addr().String(), done: make(chan error, 1),
		server: &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute},
	}
	if secure {
		cert, authority, err := certify(host)
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		s.Endpoint, s.Authority = "https://"+host, authority
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
		go func() { s.done <- s.server.ServeTLS(listener, "", "") }()
		return s, nil
	}
	go func() { s.done <- s.server.Serve(listener) }()
	return s, nil
}

// Dial connects to the site, whatever host is asked for.
func (s *Site) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, s.address)
}

// Close ends the server and breaks its connections.
func (s *Site) Close() error {
	err := s.server.Close()
	<-s.done
	return err
}

// certify makes an authority and a certificate of it for a host and all below it.
func certify(host string) (cert tls.Certificate, authority []byte, err error) {
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sluicefs test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "*." + host},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, nil, fmt.Errorf("make a key: %w", err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, nil, fmt.Errorf("make a key: %w", err)
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return cert, nil, fmt.Errorf("make an authority: %w", err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &leafKey.PublicKey, rootKey)
	if err != nil {
		return cert, nil, fmt.Errorf("make a certificate: %w", err)
	}
	cert = tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}), nil
}
