# Two commands for a fresh machine: `make run` and `make test`. The rest is for those who work on the code.
CARGO ?= cargo
PROGRAMS = -p exporter-host -p exporter-libvirt -p collector-server

.PHONY: help run test bench-host bench-gnocchi bench-index bench-snmp fuzz-snmp bench-storage bench-ingest fuzz-storage fuzz-api lint deny doc layers rpm deb test-packages reproduce bench-libvirt

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: ## Install what is missing, build, and watch this machine until Ctrl-C
	packaging/dev/install-deps build
	$(CARGO) build --locked --release $(PROGRAMS)
	packaging/dev/run

test: ## Install what the tests need and run all of them
	packaging/dev/install-deps build test
	$(CARGO) build --locked --workspace --all-targets
	$(CARGO) test --locked --workspace --no-fail-fast
	$(CARGO) test --locked -p collector-storage --features schedules --lib schedules
	NEPHOSCOPE_TEST_CATALOGUE=postgresql $(CARGO) test --locked -p collector-server --test api

rpm deb: ## Build packages that run on every distribution since CentOS 7 into target/package
	packaging/dev/install-deps build package
	packaging/build $@

test-packages: ## Build all packages, and install, start, upgrade and remove them on a machine with systemd
	packaging/dev/install-deps build package test test-packages
	packaging/build rpm deb
	$(CARGO) test --locked -p testkit --test packages -- --ignored

reproduce: ## Build all packages twice from scratch and compare them byte by byte
	packaging/dev/install-deps build package
	packaging/reproduce

bench-host: ## Measure the host exporter beside node_exporter, on this host and with 606 links
	packaging/dev/install-deps build test
	$(CARGO) bench --locked -p exporter-host --bench beside_node_exporter

bench-libvirt: ## Measure the libvirt exporter beside Debian's and a raw call on 100 domains (NEPHOSCOPE_BENCH_DOMAINS)
	packaging/dev/install-deps build test
	$(CARGO) bench --locked -p exporter-libvirt --bench beside_peers

bench-gnocchi: ## Measure the API beside a real Gnocchi with Redis, PostgreSQL, metricd and uwsgi
	packaging/dev/install-deps build bench
	$(CARGO) bench --locked -p collector-server --bench beside_gnocchi

bench-index: ## Measure searches among 200,000 resources in SQLite and in PostgreSQL
	packaging/dev/install-deps build test
	$(CARGO) bench --locked -p collector-index --bench search

bench-snmp: ## Measure the SNMP agent beside snmp_exporter on 606 links, and 500 targets at once
	packaging/dev/install-deps build test
	$(CARGO) bench --locked -p agent-snmp --bench beside_snmp_exporter

fuzz-snmp: ## Fuzz what reads the answers of SNMP devices, ten minutes each
	packaging/dev/install-deps build fuzz
	packaging/dev/fuzz agents/snmp/fuzz 600

bench-storage: ## Measure the store's engine alone: ingest, restart, memory, reads, bytes per value
	$(CARGO) build --locked --release -p collector-storage --examples
	target/release/examples/ingest 200000 20 low
	target/release/examples/ingest 1000000 12 low
	target/release/examples/history

bench-ingest: ## Measure remote write beside VictoriaMetrics, through HTTP
	packaging/dev/install-deps build bench
	$(CARGO) bench --locked -p collector-server --bench beside_victoria_metrics

fuzz-storage: ## Fuzz what reads the store's log and segments, ten minutes each
	packaging/dev/install-deps build fuzz
	packaging/dev/fuzz collector/storage/fuzz 600

fuzz-api: ## Fuzz what reads the requests of the API's clients, remote writes and statsd's lines, ten minutes each
	packaging/dev/install-deps build fuzz
	packaging/dev/fuzz collector/server/fuzz 600

lint: layers ## Formatting, clippy and the walls between the crates
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

layers: ## Check who depends on whom
	packaging/dev/check-layers

deny: ## Check licences, bans and sources of what is linked
	packaging/dev/install-deps deny
	$(CARGO) deny --locked check bans licenses sources

doc: ## Build the API documentation, warnings refused
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
