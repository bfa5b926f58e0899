#!/usr/bin/env bash
# Hostile bytes into every fuzz target, FUZZ_SECONDS (default 120) into each: `make fuzz`.
# cargo-fuzz needs a nightly toolchain. Where there is none this says so and fails: it never pretends to have fuzzed.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-120}

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "error: fuzzing needs a nightly toolchain, and this machine has none" >&2
    echo "hint: the hostile-input tests in tests/imaging run on stable: make test" >&2
    exit 1
fi
scripts/tools.sh fuzz
export PATH="$PWD/.tools/fuzz/bin:$PATH"

# What a target finds stays in fuzz/corpus and fuzz/artifacts; the committed files only seed it.
seeds() {
    case "$1" in
        event) echo tests/golden ;;
        notification) echo tests/notifications/data ;;
        policy) echo policies ;;
        segment) echo tests/providers/segments ;;
        *) echo tests/imaging/data ;;
    esac
}
# The versions that ship are the versions that are fuzzed; cargo drops what the fuzzed rooms do not need.
cp Cargo.lock fuzz/Cargo.lock
targets=$(cargo +nightly fuzz list)
for target in $targets; do
    echo "== $target, $seconds s"
    mkdir -p "fuzz/corpus/$target"
    cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "$(seeds "$target")" -- \
        -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -print_final_stats=1
done
