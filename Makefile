# Targets are listed by `make help`. Everything that is built goes to .bin/.

BIN := .bin
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Tests that mount, or that talk to a real server, carry this build tag and
# live below integration/; plain `go test ./...` needs neither.
TAGS := integration
UNIT_PACKAGES = $$(go list ./... | grep -v /integration)

# Random sequences for the uploader, with so little memory to a chunk that a million
# of them take minutes.
MODEL := -tags smallchunks -run 'Model|Faults|Storm'

# As go test, and a test that is skipped without being in its table fails the run.
TEST := go run ./integration/testrun

.PHONY: help build servers deps install-deps test unit race integration storm check live bench micro demo clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

build: ## build .bin/sluicefs
	go build -buildvcs=false -trimpath -ldflags '-X main.version=$(VERSION)' -o $(BIN)/sluicefs ./cmd/sluicefs

servers: ## build the S3 servers that tests and demo start (versitygw, MinIO; minutes, once)
	@tools/build.sh versitygw minio

deps: ## install what the tests need from the distribution (apt-get, as root)
	@tools/deps.sh

install-deps: deps ## the same as deps

# The servers take minutes to build, the first time: beside tests that need none. What
# takes longest begins first, so that it does not run alone at the end, and what it needs
# is there: who waits for that lets others pass.
test: deps ## run all tests: unit, race detector, integration
	$(MAKE) -j2 servers unit
	$(MAKE) build race
	$(MAKE) -j4 race-mounts integration-rest integration-apart single integration-semantics

unit: ## run the tests that need no mount and no server
	$(TEST) $(UNIT_PACKAGES)
	GOMAXPROCS=1 $(TEST) $(MODEL) ./uploader

race: ## run the same under the race detector (needs a C compiler)
	$(TEST) -race $(UNIT_PACKAGES)
	$(TEST) -race $(MODEL) ./uploader -model.seeds 100

# Tests that mount in their own process take turns in it (integration/doc.go says why),
# so they run in two processes; a third has those that need not. They wait more than
# they compute.
INTEGRATION := integration-semantics integration-apart integration-rest
SEMANTICS := TestSemantics$$|TestStores$$
APART := TestCLI|TestKilled|TestTrouble|TestPrograms|TestStore$$|TestTwoMounts|TestNothingStays
WITH_MOUNTS := $(TEST) -tags $(TAGS) -timeout 30m

integration: ## run the tests with real mounts and real servers
	$(MAKE) -j3 $(INTEGRATION)

.PHONY: $(INTEGRATION)
integration-semantics: deps servers
	$(WITH_MOUNTS) -run '$(SEMANTICS)' ./integration

integration-apart: deps build servers
	$(WITH_MOUNTS) -run '$(APART)' -parallel 4 ./integration

integration-rest: deps build servers
	$(WITH_MOUNTS) -skip '$(SEMANTICS)|$(APART)' ./integration/...

# What reaches every part of the program, in numbers that fit the time.
SINGLE := TestModel$$|TestModelWithFaults|TestCrowd|TestPosix|TestTwoMounts|TestKilledWriterOfTwo|TestAsked
MOUNTS := $(SINGLE)|TestSemantics/memory|TestProgramsMinIO

.PHONY: race-mounts single
race-mounts: deps servers ## run some of them with test and program under the race detector
	$(WITH_MOUNTS) -race -run '$(MOUNTS)' ./integration -model.seeds 100

single: deps servers ## run some of them where only one thread runs Go code at a time
	GOMAXPROCS=1 $(WITH_MOUNTS) -run '$(SINGLE)' ./integration -model.seeds 200

# A seed that fails is printed, and so is the shortest sequence that still does: it
# goes into model_kept_test.go or model_regressions_test.go, which are played first.
# Each kind of store gets SEEDS sequences in memory, and a fiftieth of them on a mount.
SEEDS ?= 100000
FIRST := $(shell date +%s)
storm: deps build ## play SEEDS more random sequences, from FIRST on, also on one processor and for races
	GOGC=400 go test $(MODEL) -timeout 0 ./uploader -model.seeds $(SEEDS) -model.first $(FIRST)
	GOGC=400 GOMAXPROCS=1 go test -race $(MODEL) -timeout 0 ./uploader -model.seeds $$(($(SEEDS)/10)) -model.first $(FIRST)
	go test -tags $(TAGS) -run 'Model|Crowd' -timeout 0 ./integration -model.seeds $$(($(SEEDS)/50)) -model.first $(FIRST)
	GOMAXPROCS=1 go test -race -tags $(TAGS) -run 'Model|Crowd' -timeout 0 ./integration -model.seeds $$(($(SEEDS)/200)) -model.first $(FIRST)

check: ## gofmt, go vet, staticcheck, go mod tidy
	@unformatted=$$(gofmt -l .) && test -z "$$unformatted" || { echo "not gofmt-ed:" $$unformatted; exit 1; }
	go vet -tags $(TAGS) ./...
	@tools/build.sh lint
	$(BIN)/staticcheck -tags $(TAGS),smallchunks ./...
	go mod tidy -diff

live: deps ## run the tests of one more real server: make live SERVER=ceph or seaweedfs (see tools/live.sh)
	@tools/live.sh $(SERVER)

bench: build ## measure mounts: against the ceiling of FUSE, and s3fs and rclone where installed; minutes
	@go build -buildvcs=false -o $(BIN)/bench ./integration/bench
	@$(BIN)/bench $(BENCH_FLAGS)
	@go test -tags $(TAGS) -run '^$$' -bench . -benchmem -benchtime 3x ./integration

micro: ## run the benchmarks of all packages
	go test -tags $(TAGS) -run '^$$' -bench . -benchmem -timeout 30m ./...

demo: build ## mount a bucket of an embedded store, copy real files in, compare what arrived
	@tools/build.sh versitygw
	@go build -buildvcs=false -o $(BIN)/demo ./integration/demo
	@$(BIN)/demo

clean: ## remove what was built
	rm -rf $(BIN)
