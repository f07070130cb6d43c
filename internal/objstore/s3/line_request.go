package s3

import (
	"net/http"
	"strings"
)

// plainHost reports that a host is written on the wire as it is in a URL.
func plainHost(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return r >= 0x80 || r == '%' })
}

// appendRequest writes a request without a body, as net/http does but for the order of
// its headers, and without a User-Agent where none is given. net/http thinks of much that
// such a request has not, which takes it as long as to sign one.
func appendRequest(b []byte, req *http.Request) []byte {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	b = append(append(b, req.Method...), ' ')
	b = append(append(b, req.URL.RequestURI()...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, host...), "\r\n"...)
	for name, values := range req.Header {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue // net/http has them from elsewhere, and this request has none
		}
		for _, value := range values {
			b = append(append(b, name...), ": "...)
			b = append(appendValue(b, value), "\r\n"...)
		}
	}
	return append(b, "\r\n"...)
}

// appendValue writes the value of a header, in which the end of a line is a space.
func appendValue(b []byte, value string) []byte {
	value = strings.Trim(value, " \t\r\n")
	if strings.IndexByte(value, '\r') < 0 && strings.IndexByte(value, '\n') < 0 {
		return append(b, value...)
	}
	for i := range len(value) {
		c := value[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		b = append(b, c)
	}
	return b
}
