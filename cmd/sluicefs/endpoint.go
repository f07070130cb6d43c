package main

import (
	"errors"
	"fmt"
	"net/url"
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
