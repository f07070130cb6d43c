package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// checkEndpoint tells whether the text is the address of a store. It repeats the
// text in an error only where it cannot hold a secret.
func checkEndpoint(text string) error {
	if strings.Contains(text, "@") {
		return errors.New("the endpoint must not carry a user name or key: credentials come from the environment or the AWS config files")
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("endpoint %q: want http://HOST[:PORT] or https://HOST[:PORT]", text)
	}
	if u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("endpoint %q: want a host and nothing behind it", text)
	}
	return nil
}

// isAddress tells whether an endpoint names its host by an IP address.
func isAddress(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && net.ParseIP(u.Hostname()) != nil
}

// checkAuthorities tells whether a file has certificates to trust.
func checkAuthorities(path string) error {
	pem, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return fmt.Errorf("no certificate in %s", path)
	}
	return nil
}
