package s3

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"
)

// errXML says that a document is not plain enough for the scanner.
var errXML = errors.New("not the XML that was expected")

// scanner reads plain XML: elements, text and references, as S3 servers write
// it. Of attributes it sees nothing, and at a DOCTYPE, CDATA or a comment it
// gives up. It does no more checking than that: the SDK's decoder, which does,
// takes 15 ms for a page of a thousand keys, this one about 1 ms.
type scanner struct {
	doc  []byte
	pos  int
	path [][]byte // names of the elements that are open, without prefixes
	text []byte   // raw text before the tag that came last
}

// event is what next found.
type event int

const (
	opened event = iota
	closed
	ended // of the document
)

// next goes to the next tag. After closed, the name is that of the element that
// was closed, and the path that of those around it.
func (s *scanner) next() (event, []byte, error) {
	lt := bytes.IndexByte(s.doc[s.pos:], '<')
	if lt < 0 {
		if len(s.path) > 0 {
			return ended, nil, errXML
		}
		return ended, nil, nil
	}
	s.text = s.doc[s.pos : s.pos+lt]
	rest := s.doc[s.pos+lt+1:]
	gt := bytes.IndexByte(rest, '>')
	if gt < 1 || gt == 1 && rest[0] == '/' {
		return ended, nil, errXML
	}
	tag := rest[:gt]
	s.pos += lt + 1 + gt + 1
	switch tag[0] {
	case '?':
		return s.next()
	case '!':
		return ended, nil, errXML
	case '/':
		return s.close(tag[1:])
	}
	return s.open(tag)
}

func (s *scanner) open(tag []byte) (event, []byte, error) {
	end := 0
	for end < len(tag) && tag[end] > ' ' && tag[end] != '/' {
		end++
	}
	name := tag[:end]
	if bytes.Count(tag[end:], []byte{'"'})%2 != 0 {
		return ended, nil, errXML // a '>' within an attribute
	}
	if tag[len(tag)-1] == '/' { // an element with nothing in it
		s.text = nil
		return closed, local(name), nil
	}
	s.path = append(s.path, local(name))
	return opened, local(name), nil
}

func (s *scanner) close(tag []byte) (event, []byte, error) {
	for tag[len(tag)-1] <= ' ' && len(tag) > 1 {
		tag = tag[:len(tag)-1]
	}
	name := local(tag)
	last := len(s.path) - 1
	if last < 0 || !bytes.Equal(s.path[last], name) {
		return ended, nil, errXML
	}
	s.path = s.path[:last]
	return closed, name, nil
}

// local is a name without its prefix.
func local(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

// value is the text before the last tag, with its references resolved.
func (s *scanner) value() (string, error) {
	amp := bytes.IndexByte(s.text, '&')
	if amp < 0 {
		return string(s.text), nil
	}
	out := make([]byte, 0, len(s.text))
	rest := s.text
	for amp >= 0 {
		out = append(out, rest[:amp]...)
		rest = rest[amp+1:]
		semi := bytes.IndexByte(rest, ';')
		if semi < 0 {
			return "", errXML
		}
		var err error
		if out, err = appendReference(out, rest[:semi]); err != nil {
			return "", err
		}
		rest = rest[semi+1:]
		amp = bytes.IndexByte(rest, '&')
	}
	return string(append(out, rest...)), nil
}

func appendReference(out, name []byte) ([]byte, error) {
	switch string(name) {
	case "amp":
		return append(out, '&'), nil
	case "lt":
		return append(out, '<'), nil
	case "gt":
		return append(out, '>'), nil
	case "quot":
		return append(out, '"'), nil
	case "apos":
		return append(out, '\''), nil
	}
	if len(name) < 2 || name[0] != '#' {
		return nil, errXML
	}
	digits, base := string(name[1:]), 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return nil, errXML
	}
	return utf8.AppendRune(out, rune(n)), nil
}
