# Entry points for people; CI (.ci/run) calls nothing else. `make help` lists them.
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 30
SOAK_MINUTES ?= 30
# clang-tidy looks at what differs from this commit; BASE=all looks at everything.
BASE ?= HEAD~1
BUILD = cmake --preset $(1) >build/$(1).configure.log 2>&1 || { cat build/$(1).configure.log; exit 1; }; \
        cmake --build --preset $(1) -j $(JOBS)

.PHONY: help setup build demo test test-release test-dev test-mimalloc tsan tidy fuzz soak coverage \
        coverage-report bench bench-smoke peers fmt fmt-check check incremental clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: ## install the Debian packages that the build and the tests need
	@mkdir -p build
	@scripts/setup.sh

build: setup ## build everything as it is shipped: build/release/bin
	@$(call BUILD,release)

demo: build ## a daemon, a demo server, a few calls, and nothing left running
	@scripts/demo.sh

test: test-release test-dev ## all tests, in the release build and under ASan and UBSan

# Before ctest, so that the reason why interop tests are skipped is seen, and not only that they are.
test-release: build ## all tests in the release build
	@scripts/interop_setup.sh || [ $$? -eq 77 ]
	@ctest --preset release

test-dev: setup ## all tests under AddressSanitizer and UBSan
	@$(call BUILD,dev)
	@scripts/interop_setup.sh || [ $$? -eq 77 ]
	@rm -rf build/dev/profiles
	@ctest --preset dev

# Only the programs link the allocator, so only the tests that run them say anything about it. They
# are linked in place and linked back, whatever the tests say: to compile it all again took minutes.
test-mimalloc: build ## the tests of the programs with mimalloc linked into the daemon
	@$(call BUILD,mimalloc)
	@ctest --preset mimalloc; result=$$?; $(call BUILD,release) && exit $$result

tsan: setup ## whatever runs threads or programs, under ThreadSanitizer
	@$(call BUILD,tsan)
	@ctest --preset tsan

tidy: setup ## clang-tidy on what changed since BASE (HEAD~1; BASE=all for everything)
	@python3 -B scripts/tidy.py --jobs $(JOBS) $(if $(filter all,$(BASE)),--all,--base $(BASE))

fuzz: setup ## every fuzz target for FUZZ_SECONDS (30) each
	@scripts/fuzz.sh $(FUZZ_SECONDS)

soak: build ## larger models once, then process, stress, conformance tests for SOAK_MINUTES (30)
	@scripts/soak.sh $(SOAK_MINUTES)

coverage: test-dev coverage-report ## all tests under the sanitizers, and what they covered

coverage-report: ## line and branch coverage per folder of the last test-dev, with the gate
	@scripts/coverage.sh

bench: setup ## all benchmarks; results as JSON in build/bench/results
	@$(call BUILD,bench)
	@scripts/bench.sh

bench-smoke: build ## every benchmark once with tiny parameters
	@ctest --preset bench-smoke

peers: ## mcpwire's ring beside other transports (installs them): bench/peers/RESULTS.md
	@mkdir -p build
	@scripts/setup.sh --peers
	@$(call BUILD,peers)
	@python3 -B scripts/peers.py

fmt: setup ## format all C++ sources
	@scripts/format.sh

fmt-check: setup ## say which C++ sources are not formatted
	@scripts/format.sh --check

check: fmt-check ## before a commit: format, the checks of the sources, clang-tidy on what changed
	@for check in scripts/check_*.py; do python3 -B $$check || failed=1; done; [ -z "$$failed" ]
	@python3 -B scripts/tidy.py --jobs $(JOBS) --base HEAD

incremental: setup ## touch one header per folder and time the rebuild
	@python3 -B scripts/incremental_build.py --jobs $(JOBS)

clean: ## remove all that was built
	rm -rf build
