package memhttp

import (
	"encoding/xml"
	"net/http"
)

type lifecycleResult struct {
	XMLName xml.Name `xml:"LifecycleConfiguration"`
	NS      string   `xml:"xmlns,attr"`
	Rule    []lifecycleRule
}

type lifecycleRule struct {
	ID     string
	Filter struct{ Prefix string }
	Status string
	Abort  struct{ DaysAfterInitiation int } `xml:"AbortIncompleteMultipartUpload"`
}

// lifecycle tells the rules of the bucket: one that ends unfinished uploads, or none.
func (q *request) lifecycle() error {
	switch p := q.h.personality; {
	case p.LifecycleHidden:
		return fail(403, "AccessDenied", "Access Denied")
	case !p.AbortRule:
		return fail(404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
	}
	rule := lifecycleRule{ID: "unfinished", Status: "Enabled"}
	rule.Abort.DaysAfterInitiation = 7
	q.answerXML(http.StatusOK, lifecycleResult{NS: namespace, Rule: []lifecycleRule{rule}})
	return nil
}
