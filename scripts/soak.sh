#!/usr/bin/env bash
# The tests again, with many more rounds of crashes, power cuts and simulated seeds: `make soak`. Takes hours.
#
# Each test reads how often it repeats from a variable; `make test` leaves them unset and takes the small numbers.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh
scripts/fetch-model.sh

export STREAMWARDEN_SOAK=1
cargo test --locked --release --no-fail-fast --lib --bins --tests -- --nocapture </dev/null
