package uploader

import "slices"

// strayLocked takes a part off an upload, because the file was cut before it. Most
// stores forget a part that Complete does not name. Those that complete an upload
// only with all of its parts have to be told of it all the same: it cannot be
// taken back, so the upload is finished as it is, and the file made of that.
func (u *Uploader) strayLocked(up *upload, number int32) {
	s, known := up.parts[number]
	delete(up.parts, number)
	if known && u.profile.CompleteListsAll {
		s.at = span{}
		up.strays = append(slices.DeleteFunc(up.strays, func(o sent) bool { return o.part.Number == number }), s)
	}
}

// straysLocked returns the strays of which the number was not used again since.
func (up *upload) straysLocked() []sent {
	var out []sent
	for _, s := range up.strays {
		if _, again := up.parts[s.part.Number]; !again {
			out = append(out, s)
		}
	}
	return out
}

// strays reports that parts were sent which the plan has no use for.
func (f *File) strays(pieces []piece) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.main == nil {
		return false
	}
	used := make(map[int32]bool, len(pieces))
	for _, p := range pieces {
		used[p.number] = true
	}
	for _, s := range f.main.straysLocked() {
		if !used[s.part.Number] {
			return true
		}
	}
	return false
}
