# What can be done here. `make` alone prints this list.
#
#   make run     install what is missing, build, start the sandbox on 127.0.0.1:8080
#   make test    install what is missing, build, run all tests
#   make check   what CI runs: format lint, warnings as errors, all tests, a clean start and stop
#   make check-fast   the part of it that takes five minutes: format lint, all tests, a clean start and stop
#   make service-check   systemd units, readiness, watchdog, drain, restarts under load
#   make alerts-check    each alert fired by a real fault, each panel of the dashboard with data, in a real Prometheus (as root)
#   make openapi-check   /openapi.json against the running server, and a client made from it
#   make clients-check   clients that others made, at the real server: curl, Python's, Java's, Node's, Go's, OAuth libraries
#   make console-check   the sandbox's page in a headless Chromium: the walk, every refusal, keyboard, axe-core
#   make tls-check   TLS in the process: curl, openssl, sslyze, SIGHUP under load, other suites over TLS (SUITE=whole: all of them)
#   make tlsfuzzer TLSFUZZER=folder    tlsfuzzer's scripts at the server; the folder is a clone of it
#   make testssl TESTSSL=folder    testssl.sh at the server; the folder is a clone of it
#   make image TAG=obie-tokens:0.8.0    the container image, with docker, podman or buildah
#   make image-check     the image without a registry: build, run it confined, exchange a code (as root)
#   make deploy-check    Dockerfile and Deploy against their schemas, alerts, and nginx, HAProxy and Apache in front
#   make install PREFIX=/usr DESTDIR=    what `make release` has built, with units, settings, manual pages and completions
#   make deb     the Debian package, in .build/deb, with what lintian says of it
#   make deb-check    the package in a Debian without a toolchain: install, upgrade under load, remove, purge (as root)
#   make sbom    bill of materials of the program (CycloneDX), validated; of the image too where `make image-check` was run
#   make reproducible    builds it once more elsewhere: the same bytes?
#   make uninstall    takes that away again, but for settings and state
#   make bench   every way beside bare libuv and nginx: speed, latency, memory, start-up (15 minutes; QUICK=1: 4)
#   make load    a load test of ten seconds: exchanges a second and percentiles, of a sandbox of its own (or URL=)
#   make tls-bench   TLS beside nginx with the same certificate: kept connections, handshakes, memory, a storm
#   make shared  durable exchanges on PostgreSQL beside SQLite, on the same machine
#   make compare OLD=/path/obie-tokens  CPU of an exchange beside that of another build, and production's beside the sandbox's
#   make instructions  how many instructions a request takes on each way (ARGS='--way introspect --top 40': which functions)
#   make profile   which code is hot: a server that counts, on every way; the compiler builds by it from then on
#   make neighbour  how long a client waits beside one that pipelines at full rate on the same loop
#   make soak    two minutes of wrk: statuses, dropped connections, memory
#   make large-store    ten million tokens on disk: start, speed, memory, bytes
#   make large-database ten million tokens in PostgreSQL: exchanges, look-ups, and that no table is scanned
#   make large-registry 100,000 providers: start, what looking them up costs, and their import beside requests
#   make timing  can the time of a 401 tell an unknown client from a wrong secret? (100,000 of each)
#   make abuse   idle crowds, slow and deaf clients, endless requests: what they cost it and others
#   make faults  faults that it once had: resets, floods, silence, no descriptors, clocks that jump
#   make model STEPS=100000   random steps on server and commands, every answer compared with a simple model (or SEED=, STORE=postgres)
#   make crash-test ROUNDS=100    kill it at random moments, cut the power, and look for what it promised
#   make cluster-check ROUNDS=20    several servers on a real PostgreSQL: races, fail-overs, upgrades, a network that loses replies
#   make spin-check      every order of events of a model of exchange and store keeps the promises; planted mistakes are found
#   make evidence EVIDENCE=folder    the proofs, in 15 minutes, and a folder for an auditor to read and repeat
#   make differential SECONDS=60    the HTTP parser beside h11, on generated requests (or COUNT=, SEED=)
#   make fuzz FUZZ_SECONDS=600    libFuzzer and AddressSanitizer on parser, JSON, credentials, proxies, connection state, connection, TLS
#   make random-bytes MEGABYTES=1000    throw random and mutated requests at the real server
#   make format  rewrite the sources in the house style
#   make clean   remove what was built

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The server as it is deployed: optimised, with the Swift runtime inside.
# Linked so that it is small: nothing is exported, and what the loader must adjust is packed, where
# the C library can read that (glibc 2.36).
PACKED := $(shell grep -qs GLIBC_ABI_DT_RELR /lib/$$(uname -m)-linux-gnu/libc.so.6 && \
    echo -Xlinker -z -Xlinker pack-relative-relocs)
LINK := -Xswiftc -use-ld=lld -Xlinker --no-export-dynamic $(PACKED)
# What would tell in which folder it was built: paths, names of cached modules, and hashes over both.
SAME := -Xswiftc -file-prefix-map -Xswiftc "$(CURDIR)=." $(addprefix -Xswiftc -Xfrontend -Xswiftc ,\
    -no-clang-module-breadcrumbs -disable-incremental-llvm-codegen)
# What is hot, as `make profile` has found it: the compiler inlines by it, and puts what is cold elsewhere. Another compiler
# reads no profile of this one, and builds without. Its sum is among the flags, so that a new profile builds everything anew.
COMPILER = $(shell swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p')
HOT = $(foreach profile,$(wildcard Sources/profiles/$(COMPILER).profdata),\
    -Xswiftc -DPROFILE_$(firstword $(shell cksum $(profile))) \
    $(addprefix -Xswiftc -Xfrontend -Xswiftc ,-ir-profile-use=$(profile) -function-sections))
OPTIMISED := swift build -c release --static-swift-stdlib $(LINK) $(SAME)
RELEASE = $(OPTIMISED) $(HOT) --product
SERVER := .build/release/obie-tokens
ARGS ?=
OLD ?=
TLSFUZZER ?=
TESTSSL ?=
ROUNDS ?= 10
REFUSED ?= 10000
FUZZ_SECONDS ?= 600
DESTDIR ?=
PREFIX ?= /usr
MEGABYTES ?= 1000
QUICK ?=
URL ?=
# The fuzzer has a build folder of its own: its modules are instrumented.
FUZZER := OBIE_FUZZ=1 swift build -c release --scratch-path .build-fuzz --product fuzz

# A second HTTP parser to compare ours with, in a place of its own.
H11 := .build/h11
# What holds the server to its description.
OPENAPI := .build/openapi
# Clients that others made.
CLIENTS := .build/clients
# What looks at the sandbox's page: axe-core.
CONSOLE := .build/console
# What looks at TLS from outside.
SSLYZE := .build/sslyze
EVENTS := .build/release/http1-events
SECONDS ?= 30
COUNT ?=
SEED ?=
STEPS ?= 100000
STORE ?= sqlite
# Schemas and linters for the files in Deploy.
SCHEMAS := .build/schemas
# What knows CycloneDX.
SBOM := .build/sbom
TAG ?=

# Python packages at pinned hashes, in a place of their own: TARGET/installed from its requirements.txt.
define VENV
@Scripts/install-tools.sh python3 python3-venv
python3 -m venv --clear $(@D)
$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes $(PIP_FLAGS) --requirement $<
touch $@
endef

.PHONY: help run test check check-fast clients-check lint bench load profile tls-bench shared compare instructions neighbour soak large-store large-database large-registry timing crash-test differential format clean install uninstall deb deb-check sbom reproducible service-check openapi-check tls-check tlsfuzzer testssl image image-check deploy-check tools check-tools bench-tools release abuse faults fuzz fuzzer model random-bytes cluster-check cluster-check-fast cluster-tools console-check console-pictures alerts-check spin-check evidence

help:
	@sed -n '2,/^$$/s/^#  *//p' Makefile

tools:
	@Scripts/install-tools.sh libuv1-dev libsqlite3-dev libssl-dev pkg-config curl

check-tools: tools
	@Scripts/install-tools.sh gcc python3 valgrind

cluster-tools: check-tools
	@Scripts/install-tools.sh postgresql-15 patroni etcd-server haproxy util-linux

bench-tools: tools
	@Scripts/install-tools.sh wrk nginx-light gcc python3 util-linux

release: tools
	$(RELEASE) obie-tokens

# Root needs no Swift: nothing is built here.
install:
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" Scripts/install.sh install $(SERVER)

uninstall:
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" Scripts/install.sh uninstall $(SERVER)

deb: release
	@Scripts/install-tools.sh debhelper dpkg-dev lintian python3
	Scripts/deb.sh $(SERVER) .build/deb

deb-check: release
	@Scripts/install-tools.sh debhelper dpkg-dev lintian mmdebstrap systemd python3
	Tests/packages/deb_check.sh $(SERVER) .build/deb

$(SBOM)/installed: Tests/packages/requirements.txt
	$(VENV)

sbom: release $(SBOM)/installed
	@Scripts/install-tools.sh binutils dpkg-dev
	Scripts/sbom.py program $(SERVER) >.build/obie-tokens.cdx.json
	$(SBOM)/bin/python Tests/packages/sbom_test.py $(SERVER) .build/obie-tokens.cdx.json \
	    $(addprefix --image ,$(wildcard .build/image/image.cdx.json))

reproducible: release
	@Scripts/install-tools.sh binutils debhelper dpkg-dev lintian python3
	Scripts/reproducible.sh $(SERVER)

run: release
	exec $(SERVER) serve $(ARGS)

test: tools
	swift test

lint:
	swift format lint --strict --recursive Sources Tests Package.swift

check-fast: check-tools lint test release
	Scripts/smoke-test.sh $(SERVER)

check: check-fast
	$(MAKE) service-check openapi-check clients-check console-check tls-check
	$(MAKE) instructions
	Tests/crash/crash_test.py --server $(SERVER) --rounds 3
	Tests/crash/crash_test.py --server $(SERVER) --rounds 3 --power-cut --audit-strict
	Tests/crash/fault_test.py --server $(SERVER)
	Tests/crash/lost_sync_test.py --server $(SERVER) --rounds 3
	Tests/crash/damage_test.py --server $(SERVER)
	Tests/crash/lost_answers_test.py --server $(SERVER) --codes 600 --raced 50 $(if $(SEED),--seed $(SEED))
	Tests/crash/import_test.py --server $(SERVER) $(if $(SEED),--seed $(SEED))
	$(MAKE) spin-check differential
	Tests/abuse/abuse_test.py --server $(SERVER)
	Tests/abuse/random_bytes.py --server $(SERVER) --megabytes 20
	Tests/faults/faults_test.py --server $(SERVER)
	Tests/model/model_test.py --server $(SERVER) --steps 10000
	Tests/model/theft_test.py --server $(SERVER) $(if $(SEED),--seed $(SEED))
	Tests/kpi/kpi_test.py --server $(SERVER) $(if $(SEED),--seed $(SEED))
	$(MAKE) cluster-check-fast
	$(MAKE) fuzz FUZZ_SECONDS=30
	$(MAKE) deploy-check
	if [ "$$(id -u)" -eq 0 ]; then $(MAKE) image-check; else echo 'image-check: left out, it needs root'; fi

service-check: release
	@Scripts/install-tools.sh systemd prometheus wrk curl python3
	Scripts/unit-check.sh
	Tests/service/service_test.py --server $(SERVER)
	$(MAKE) alerts-check
	rm -rf .build/installed && $(MAKE) install DESTDIR=.build/installed >/dev/null
	Tests/service/boot_systemd.sh .build/installed Tests/service/unit_test.py || test $$? -eq 77

alerts-check: cluster-tools release
	@Scripts/install-tools.sh prometheus curl
	Tests/service/alerts_test.py --server $(SERVER)

shared: bench-tools cluster-tools release
	Benchmarks/runs/shared.py --server $(SERVER) $(ARGS)

tls-bench: bench-tools release
	@Scripts/install-tools.sh openssl
	Benchmarks/runs/tls.py --server $(SERVER) $(ARGS)

# A build folder of its own. The file is of this compiler.
profile: bench-tools cluster-tools
	@Scripts/install-tools.sh openssl
	$(OPTIMISED) --scratch-path .build-profile \
	    -Xswiftc -Xfrontend -Xswiftc -ir-profile-generate -Xlinker -u -Xlinker __llvm_profile_runtime \
	    -Xlinker $(shell dirname $$(realpath $$(command -v swiftc)))/../lib/clang/*/lib/linux/libclang_rt.profile-$(shell uname -m).a \
	    --product obie-tokens
	mkdir -p Sources/profiles
	Benchmarks/runs/train.py --server .build-profile/release/obie-tokens --out Sources/profiles/$(COMPILER).profdata

large-store: bench-tools release
	Benchmarks/runs/large_store.py --server $(SERVER) $(ARGS)

large-database: bench-tools cluster-tools release
	@Scripts/install-tools.sh openssl
	Benchmarks/runs/large_database.py --server $(SERVER) $(ARGS)

large-registry: check-tools cluster-tools release
	Benchmarks/runs/large_registry.py --server $(SERVER) $(ARGS)

timing: check-tools release
	Benchmarks/runs/timing.py --server $(SERVER) $(ARGS)
	Benchmarks/runs/timing.py --server $(SERVER) --encoded $(ARGS)

abuse: check-tools release
	Tests/abuse/abuse_test.py --server $(SERVER)

faults: check-tools release
	Tests/faults/faults_test.py --server $(SERVER) $(ARGS)

model: $(if $(filter postgres,$(STORE)),cluster-tools,check-tools) release
	Tests/model/model_test.py --server $(SERVER) --store $(STORE) --steps $(STEPS) $(if $(SEED),--seed $(SEED)) $(ARGS)
	Tests/model/theft_test.py --server $(SERVER) --attempts $(STEPS) $(if $(SEED),--seed $(SEED))

cluster-check: ENDTOEND = whole
cluster-check: cluster-check-fast
	Tests/model/model_test.py --server $(SERVER) --store postgres --steps 10000 $(if $(SEED),--seed $(SEED))
	Tests/cluster/change_test.py --server $(SERVER) --rounds $(ROUNDS)
	Tests/cluster/upgrade_test.py --old $(or $(OLD),$(SERVER)) --new $(SERVER) --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))
	Tests/cluster/failover_test.py --server $(SERVER) --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))
	Tests/cluster/failover_test.py --server $(SERVER) --refused $(REFUSED) $(if $(SEED),--seed $(SEED))
	Tests/cluster/failover_test.py --server $(SERVER) --control --faults lose $(if $(SEED),--seed $(SEED))
	Tests/crash/lost_answers_test.py --server $(SERVER) --store postgres --codes 10000 --raced 1000 $(if $(SEED),--seed $(SEED))

# Of the end-to-end suite: what the store decides, and what commands say of it.
ENDTOEND ?= part
ENDTOEND_PART := $(addprefix --filter EndToEnd.,SingleUseTests GrantTests ConsentTests IntrospectionTests RevocationTests \
    KillSwitchTests ProductionTests RegistryTakeoverTests KeyRotationTests StartNoticeTests)

# What takes some minutes, with three of each fault.
cluster-check-fast: cluster-tools release
	Tests/cluster/check_history_test.py $(if $(SEED),--seed $(SEED))
	Tests/cluster/relay_test.py
	Tests/cluster/database.py --run 'swift test --filter Postgres'
	Tests/cluster/endtoend_test.py $(if $(filter whole,$(ENDTOEND)),,$(ENDTOEND_PART))
	Tests/cluster/servers_test.py --server $(SERVER)
	Tests/cluster/copy_test.py --server $(SERVER)
	Tests/kpi/several_test.py --server $(SERVER)
	Tests/cluster/race_test.py --server $(SERVER) $(if $(SEED),--seed $(SEED))
	Tests/cluster/failover_test.py --server $(SERVER) --rounds 3 --rate 120 --memory $(if $(SEED),--seed $(SEED))
	Tests/model/model_test.py --server $(SERVER) --store postgres --steps 1000 $(if $(SEED),--seed $(SEED)) \
	    --weight kill_amid_exchanges=2 --weight crash_amid_exchanges=2 --weight end_connections_amid_exchanges=2
	Tests/crash/lost_answers_test.py --server $(SERVER) --store postgres --codes 600 --raced 50 $(if $(SEED),--seed $(SEED))
	Tests/crash/import_test.py --server $(SERVER) --store postgres $(if $(SEED),--seed $(SEED))

spin-check:
	@Scripts/install-tools.sh spin gcc python3
	Tests/spin/spin_check.py

# Builds first, since nobody waits for that in vain: the proofs themselves take a quarter of an hour.
EVIDENCE ?= .build/evidence
evidence: cluster-tools fuzzer release
	@Scripts/install-tools.sh spin
	swift build --build-tests
	$(if $(shell grep '^sbom:' Makefile),$(MAKE) sbom)
	Tests/evidence/evidence.py --folder $(EVIDENCE) $(ARGS)

crash-test: check-tools release
	Tests/crash/crash_test.py --server $(SERVER) --rounds $(ROUNDS)
	Tests/crash/crash_test.py --server $(SERVER) --rounds $(ROUNDS) --power-cut
	Tests/crash/crash_test.py --server $(SERVER) --rounds $(ROUNDS) --power-cut --audit-strict
	Tests/crash/lost_sync_test.py --server $(SERVER) --rounds $(ROUNDS)
	Tests/crash/lost_answers_test.py --server $(SERVER) --codes 10000 --raced 1000 $(if $(SEED),--seed $(SEED))
	Tests/crash/import_test.py --server $(SERVER) --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

$(H11)/installed: Tests/differential/requirements.txt
	$(VENV)

$(OPENAPI)/installed: Tests/contracts/openapi/requirements.txt
	$(VENV)

openapi-check: release $(OPENAPI)/installed
	$(OPENAPI)/bin/python Tests/contracts/openapi/openapi_check.py --server $(SERVER) --seed $(or $(SEED),1)

$(CLIENTS)/installed: Tests/clients/requirements.txt
	$(VENV)

clients-check: release $(CLIENTS)/installed
	@Scripts/install-tools.sh curl wget default-jdk-headless libokhttp-java libhttpclient-java libhttpclient5-java \
	    libslf4j-java nodejs golang-go
	$(CLIENTS)/bin/python Tests/clients/clients_check.py --server $(SERVER) $(ARGS)

$(CONSOLE)/installed: PIP_FLAGS := --no-deps
$(CONSOLE)/installed: Tests/console/requirements.txt
	$(VENV)

console-check: release $(CONSOLE)/installed
	@Scripts/install-tools.sh chromium chromium-driver python3-selenium fonts-dejavu-core
	Tests/console/console_check.py --server $(SERVER) $(ARGS) \
	    --axe '$(CONSOLE)/lib/python3*/site-packages/axe_playwright_python/axe.min.js'

# Those of docs/console.md, anew.
console-pictures: ARGS := --pictures docs/pictures
console-pictures: console-check

$(SSLYZE)/installed: Tests/tls/requirements.txt
	$(VENV)

# Of the end-to-end suite: what travels over connections, and whatever spends a code.
SUITE ?= part
WHOLE := $(filter whole,$(SUITE))
TLS_PART := $(addprefix --filter EndToEnd.,AbuseTests ConnectionTests FramingTests LimitTests OrderTests HeaderTests \
    RepeatedHeadTests GrantTests SingleUseTests RepetitionTests RevocationTests IntrospectionTests CurlTests ProxyTests)

tls-check: release $(SSLYZE)/installed $(if $(WHOLE),$(OPENAPI)/installed)
	@Scripts/install-tools.sh curl openssl python3 util-linux wrk systemd
	$(SSLYZE)/bin/python Tests/tls/tls_test.py --server $(SERVER) --sslyze $(SSLYZE)/bin/sslyze $(if $(WHOLE),--seconds 60) $(ARGS)
	Tests/tls/endtoend_test.py $(if $(WHOLE),,$(TLS_PART))
	Tests/service/service_test.py --server $(SERVER) --tls $(if $(WHOLE),,--only activation drain busy restart)
	Tests/abuse/abuse_test.py --server $(SERVER) --tls
	Tests/abuse/random_bytes.py --server $(SERVER) --tls --megabytes $(if $(WHOLE),100,4)
	$(if $(WHOLE),Tests/tls/endtoend_test.py --version 1.2)
	$(if $(WHOLE),$(OPENAPI)/bin/python Tests/contracts/openapi/openapi_check.py --server $(SERVER) --tls --seed $(or $(SEED),1))

tlsfuzzer: release $(SSLYZE)/installed
	@test -n "$(TLSFUZZER)" || { echo 'tlsfuzzer: where is it? git clone https://github.com/tlsfuzzer/tlsfuzzer, and make tlsfuzzer TLSFUZZER=folder' >&2; exit 64; }
	@Scripts/install-tools.sh openssl
	$(SSLYZE)/bin/python Tests/tls/tlsfuzzer_check.py --server $(SERVER) --tlsfuzzer $(TLSFUZZER) $(if $(SEED),--seed $(SEED)) $(ARGS)

testssl: release
	@test -n "$(TESTSSL)" || { echo 'testssl: where is it? git clone https://github.com/testssl/testssl.sh, and make testssl TESTSSL=folder' >&2; exit 64; }
	@Scripts/install-tools.sh openssl python3 bsdextrautils bind9-host
	Tests/tls/testssl_check.py --server $(SERVER) --testssl $(TESTSSL) $(ARGS)

image:
	Scripts/image.sh $(TAG)

image-check: tools
	@Scripts/install-tools.sh buildah mmdebstrap iproute2 curl
	Scripts/image-check.sh

$(SCHEMAS)/installed: Tests/deploy/requirements.txt
	$(VENV)

deploy-check: release $(SCHEMAS)/installed
	@Scripts/install-tools.sh nginx-light libnginx-mod-stream haproxy apache2-bin \
	    libapache2-mod-auth-openidc openssl prometheus python3 curl
	$(SCHEMAS)/bin/python Tests/deploy/deploy_test.py --server $(SERVER)
	Tests/deploy/proxies_test.py --server $(SERVER)
	Tests/deploy/gateway_test.py --server $(SERVER)

differential: tools $(H11)/installed
	$(RELEASE) http1-events
	$(H11)/bin/python Tests/differential/differential.py --parser $(EVENTS) \
	    $(if $(COUNT),--count $(COUNT),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

bench: bench-tools cluster-tools release
	@Scripts/install-tools.sh openssl
	Benchmarks/runs/bench.py --server $(SERVER) $(if $(QUICK),--quick) $(ARGS)

# A running sandbox needs no build, and no toolchain.
load: $(if $(URL),,release)
	@Scripts/install-tools.sh $(if $(URL),--no-swift) gcc python3
	Benchmarks/runs/load.py $(if $(URL),--url $(URL),--server $(SERVER)) $(ARGS)

compare: bench-tools release
	@test -n "$(OLD)" || { echo 'compare: with which build? make compare OLD=/path/obie-tokens' >&2; exit 64; }
	Benchmarks/runs/compare.py --old $(OLD) --new $(SERVER) $(ARGS)

instructions: cluster-tools release
	@Scripts/install-tools.sh openssl
	Benchmarks/runs/instructions.py --server $(SERVER) $(ARGS)

neighbour: bench-tools release
	Benchmarks/runs/neighbour.py --server $(SERVER) $(ARGS)

soak: bench-tools release
	Benchmarks/runs/soak.py --server $(SERVER) $(ARGS)

fuzzer: check-tools
	$(FUZZER)

fuzz: fuzzer
	Tests/fuzz/run.py --seconds $(FUZZ_SECONDS) $(ARGS)

random-bytes: check-tools release
	Tests/abuse/random_bytes.py --server $(SERVER) --megabytes $(MEGABYTES)

format:
	swift format --in-place --recursive Sources Tests Package.swift

clean:
	rm -rf .build .build-fuzz .build-profile
