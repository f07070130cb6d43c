package uploader_test

// kept are sequences that failed once, by what was wrong then. Those that are here
// failed with mistakes that were made to see whether the model finds them; a
// sequence that fails by itself is kept like these.
var kept = map[string]string{
	"a page that was being sent lost its bytes when it was written to": `
		write off=2619 n=2932 salt=45943
		write off=4639 n=59 salt=22255`,
	"what was written while its part was on its way was taken for sent": `
		write off=2582 n=1662 salt=26535
		write off=4244 n=2298 salt=64239
		write off=4231 n=80 salt=30325`,
	"the checksum of a page outlived the bytes": `
		write off=2054 n=1128 salt=37210
		write off=2778 n=64 salt=61735`,
	"a part came back with what had been cut off": `
		write off=3997 n=2155 salt=16485
		write off=6152 n=1277 salt=10449
		write f=1 off=2268 n=2102 salt=27844
		write off=7705 n=2349 salt=30679
		truncate n=5969
		write off=9075 n=4 salt=19043`,
	"a range of the base was copied from its beginning": `
		write f=1 off=14400 n=145 salt=31675
		commit f=1
		write f=1 off=6375 n=6 salt=18956`,
	"a cell that was punched was sent": `
		write n=80 salt=61281
		write off=80 n=2101 salt=28369
		punch n=1600`,
	"a name was left with what had been staged under it": `
		write f=1 n=2137 salt=61677
		write f=1 off=8232 n=2 salt=23745
		truncate f=1 n=1581
		write f=1 off=1600 n=12 salt=5980`,
	"the guard did not know the object that was put back": `
		write off=4056 n=4 salt=43209
		write f=1 off=2067 n=960 salt=51372
		commit
		write off=2194 n=6415 salt=51910
		write off=3561 n=2117 salt=22253
		write off=7168 n=162 salt=17519`,
	"an emptied file still had its base": `
		write off=189 n=2095 salt=51786
		commit
		truncate
		write off=1296 n=512 salt=429`,
}
