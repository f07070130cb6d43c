package byname

import (
	"fmt"
	"io"
	"maps"
	"mime"
	"strings"
)

// Types are content types by the endings of names, in lower case and without the dot.
type Types map[string]string

// With adds the types of a file of lines
//
//	type ending ending …
//
// with "#" before comments, as Apache's mime.types has them. They go before those
// that are there.
func (t Types) With(r io.Reader, name string) (Types, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	out := maps.Clone(t)
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(strings.ReplaceAll(line, ";", " ;"))
		if len(fields) == 0 {
			continue
		}
		kind, endings := joinParameters(fields)
		if _, _, err := mime.ParseMediaType(kind); err != nil || !strings.Contains(kind, "/") {
			return nil, fmt.Errorf("%s, line %d: %q is no content type; want lines such as \"image/jpeg jpg jpeg\"", name, number, kind)
		}
		for _, ending := range endings {
			out[strings.ToLower(strings.TrimPrefix(ending, "."))] = kind
		}
	}
	return out, nil
}

// joinParameters splits "text/html ;charset=utf-8 html htm" into a type with
// parameters, and endings.
func joinParameters(fields []string) (kind string, endings []string) {
	kind = fields[0]
	for i, f := range fields[1:] {
		if !strings.HasPrefix(f, ";") {
			return kind, fields[1+i:]
		}
		kind += "; " + f[1:]
	}
	return kind, nil
}

// Of returns the type of a file; "" where its name tells none. A name that begins
// with its only dot has no ending.
func (t Types) Of(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 {
		return ""
	}
	return t[strings.ToLower(name[dot+1:])]
}

// CommonTypes returns the types that are built in, freshly made: those that
// browsers and players need to be told, and archives. Text has no charset, since
// nobody here knows it.
func CommonTypes() Types {
	return Types{
		"css": "text/css", "csv": "text/csv", "htm": "text/html", "html": "text/html", "ics": "text/calendar",
		"js": "text/javascript", "log": "text/plain", "markdown": "text/markdown", "md": "text/markdown",
		"mjs": "text/javascript", "tsv": "text/tab-separated-values", "txt": "text/plain", "vtt": "text/vtt", "xml": "text/xml",

		"avif": "image/avif", "bmp": "image/bmp", "gif": "image/gif", "heic": "image/heic", "ico": "image/vnd.microsoft.icon",
		"jpeg": "image/jpeg", "jpg": "image/jpeg", "jxl": "image/jxl", "png": "image/png", "svg": "image/svg+xml",
		"tif": "image/tiff", "tiff": "image/tiff", "webp": "image/webp",

		"aac": "audio/aac", "flac": "audio/flac", "m4a": "audio/mp4", "mid": "audio/midi", "midi": "audio/midi",
		"mp3": "audio/mpeg", "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg", "wav": "audio/wav", "weba": "audio/webm",

		"avi": "video/x-msvideo", "m4s": "video/iso.segment", "m4v": "video/mp4", "mkv": "video/matroska", "mov": "video/quicktime",
		"mp4": "video/mp4", "mpeg": "video/mpeg", "mpg": "video/mpeg", "ogv": "video/ogg", "webm": "video/webm", "wmv": "video/x-ms-wmv",
		"m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml",

		"otf": "font/otf", "ttf": "font/ttf", "woff": "font/woff", "woff2": "font/woff2",

		"doc":  "application/msword",
		"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"epub": "application/epub+zip",
		"odp":  "application/vnd.oasis.opendocument.presentation",
		"ods":  "application/vnd.oasis.opendocument.spreadsheet",
		"odt":  "application/vnd.oasis.opendocument.text",
		"pdf":  "application/pdf",
		"ppt":  "application/vnd.ms-powerpoint",
		"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		"rtf":  "application/rtf",
		"xls":  "application/vnd.ms-excel",
		"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",

		"7z": "application/x-7z-compressed", "bz2": "application/x-bzip2", "gz": "application/gzip", "jar": "application/java-archive",
		"rar": "application/vnd.rar", "tar": "application/x-tar", "tgz": "application/gzip", "xz": "application/x-xz",
		"zip": "application/zip", "zst": "application/zstd",

		"atom": "application/atom+xml", "geojson": "application/geo+json", "json": "application/json", "jsonl": "application/jsonl",
		"jsonld": "application/ld+json", "parquet": "application/vnd.apache.parquet", "ps": "application/postscript",
		"rss": "application/rss+xml", "sql": "application/sql", "wasm": "application/wasm", "webmanifest": "application/manifest+json",
		"xhtml": "application/xhtml+xml", "yaml": "application/yaml", "yml": "application/yaml",
	}
}
