#!/usr/bin/env bash
# The tests again, with many more rounds of crashes, power cuts and simulated seeds: `make soak`. Takes hours.
#
# Each test reads from a variable how often it repeats; `make test` leaves them unset and takes the small numbers. A
# seed that failed is printed, and can be given again by the variable that the message names.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh
scripts/fetch-model.sh

export POWERLOSS_ROUNDS=${POWERLOSS_ROUNDS:-200}     # power cuts: of the journal, and of the program itself
export DAMAGE_TRIALS=${DAMAGE_TRIALS:-1000}          # bits flipped, files taken away, copies put back
export INJECT_EVERY=${INJECT_EVERY:-1}               # fail every single system call, not a sample of them
export CHURN_CHANNELS=${CHURN_CHANNELS:-100000}      # channels that come, show a frame and go: as many as are promised
export KILLED_FRAMES=${KILLED_FRAMES:-10000}         # frames on the stream while the program is killed,
export KILLED_TIMES=${KILLED_TIMES:-20}              # and how often it is
export SIMULATION_SEEDS=${SIMULATION_SEEDS:-100000}  # simulated worlds

cargo test --locked --no-fail-fast --lib --bins --tests -- --nocapture </dev/null
