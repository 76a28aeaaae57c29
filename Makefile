# What can be done here. `make` alone prints this list.
#
#   make run     install what is missing, build, start the sandbox on 127.0.0.1:8080
#   make test    install what is missing, build, run all tests
#   make check   what CI runs: format lint, warnings as errors, all tests, a clean start and stop
#   make bench   speed beside bare libuv and nginx, as ratios in one run (about 4 minutes)
#   make soak    60 s of wrk: statuses, dropped connections, memory
#   make format  rewrite the sources in the house style
#   make clean   remove what was built

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The server as it is deployed: optimised, with the Swift runtime inside.
RELEASE := swift build -c release --static-swift-stdlib --product obie-tokens
SERVER := .build/release/obie-tokens
ARGS ?=

.PHONY: help run test check lint bench soak format clean tools bench-tools release

help:
	@sed -n '2,/^$$/s/^#  *//p' Makefile

tools:
	@Scripts/install-tools.sh libuv1-dev libsqlite3-dev pkg-config curl

bench-tools: tools
	@Scripts/install-tools.sh wrk nginx-light gcc python3 util-linux

release: tools
	$(RELEASE)

run: release
	exec $(SERVER) serve $(ARGS)

test: tools
	swift test

lint:
	swift format lint --strict --recursive Sources Tests Package.swift

check: tools lint test release
	Scripts/smoke-test.sh $(SERVER)

bench: bench-tools release
	Benchmarks/bench.py --server $(SERVER) $(ARGS)

soak: bench-tools release
	Benchmarks/soak.py --server $(SERVER) $(ARGS)

format:
	swift format --in-place --recursive Sources Tests Package.swift

clean:
	rm -rf .build
