package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
)

// closedEarly is a body as the SDK's are once it has closed them, which it does as soon
// as the headers of an answer have come: net/http, which may still look whether there is
// more than was announced, is told of the end by WriteTo as if that were an error.
type closedEarly struct{ io.Reader }

func (closedEarly) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }
func (closedEarly) Close() error                     { return nil }

// TestAnswerOutlivesTheBodyOfItsRequest has a store answer in two parts, as those do that
// complete an upload, and the SDK close the body of the request in between.
func TestAnswerOutlivesTheBodyOfItsRequest(t *testing.T) {
	written := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		http.NewResponseController(w).Flush()
		<-written
		io.WriteString(w, "done")
	}))
	defer srv.Close()
	tr, err := newTransport(Config{Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(written) },
	})
	req, err := http.NewRequestWithContext((&exchange{}).in(ctx), http.MethodPost, srv.URL, closedEarly{strings.NewReader("parts")})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len("parts"))
	resp, err := tr.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != "done" {
		t.Errorf("%q, %v", got, err)
	}
}
