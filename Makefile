# The two commands a newcomer needs are `make demo` and `make test`; both install what they need, on a fresh machine,
# from the package registries alone. `make help` lists the rest.

CARGO  ?= cargo
PYTHON ?= python3
export PYTHON
SHELL  := bash
.SHELLFLAGS := -euo pipefail -c

# One version of one tool, by digest: what the gate refuses must not change with the day.
DENY := .tools/deny/bin/cargo-deny

.DEFAULT_GOAL := help
.PHONY: help demo web test bench soak fuzz api-fuzz api-tour aws-tour providers-tour lint doc deny schemas model tools clean-tools

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

# What the pages are made of. The typed client is made anew from the API's description by every build of them.
PAGES := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' -not -path 'web/tests/*' \
	-not -path 'web/test-results/*' -not -name schema.d.ts) schemas/openapi.json

demo: web model ## moderate the bundled footage with embedded defaults, print every decision, stay open (DEMO_ARGS=--once: end then)
	$(CARGO) build --locked --bin streamwarden # the dev profile: what `make test` builds too, in half the time of a release
	$(CARGO) run --locked --quiet -- demo $(DEMO_ARGS)

web: web/dist/index.html ## the moderators' pages, if what they are made of has changed; the next build takes them in

web/dist/index.html: $(PAGES)
	scripts/web.sh install
	scripts/web.sh run build

test: web ## every test, with what they need installed first
	scripts/test.sh

bench: model ## our speed beside that of others, both run now on this machine; prints the tables
	@for bench in benches/*.rs benches/*/; do $(CARGO) bench --locked --bench "$$(basename "$$bench" .rs)"; done

soak: model ## the tests again, with many more rounds of crashes, power cuts and simulated seeds
	scripts/soak.sh

fuzz: ## hostile bytes into the decoders, FUZZ_SECONDS into each (needs a nightly toolchain)
	scripts/fuzz.sh

api-fuzz: ## the HTTP API tested from its description, API_CASES cases per operation (200)
	scripts/api-fuzz.sh $(or $(API_CASES),200)

api-tour: model ## play the tour of the API against the demo, and write docs/api-tour.md anew
	scripts/api-tour.sh >target/api-tour.md && mv target/api-tour.md docs/api-tour.md

aws-tour: ## play the loop on AWS against what stands in for it, and write docs/aws-tour.md anew
	scripts/aws-tour.sh >target/aws-tour.md && mv target/aws-tour.md docs/aws-tour.md

providers-tour: model ## play one policy under five arrangements of providers, and write docs/providers-tour.md anew
	scripts/providers-tour.sh >target/providers-tour.md && mv target/providers-tour.md docs/providers-tour.md

lint: ## formatting, and clippy with warnings as errors on every target
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

doc: ## the documentation, with warnings as errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items --quiet

deny: $(DENY) ## licences, sources and banned crates (deny.toml)
	$(DENY) --locked check --hide-inclusion-graph bans licenses sources

schemas: ## write schemas/ and the golden files anew from the types; then read the difference
	STREAMWARDEN_REGENERATE=1 $(CARGO) test --locked --quiet --test events --test policy --test http --test notifications
	git --no-pager diff --stat -- schemas tests

model: ## fetch the local model's weights, pinned by digest; they are never committed
	@scripts/tools.sh python
	@scripts/fetch-model.sh

tools: ## install what the tests need besides cargo: python3 with pip, strace, ffmpeg, Node, Chromium
	scripts/tools.sh

$(DENY): scripts/tools.sh
	scripts/tools.sh deny

clean-tools: ## forget fetched tools and weights
	rm -rf .tools .venv models web/node_modules
