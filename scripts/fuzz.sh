#!/usr/bin/env bash
# Hostile bytes into every fuzz target, FUZZ_SECONDS (default 120) into each: `make fuzz`.
# cargo-fuzz needs a nightly toolchain. Where there is none this says so and fails: it never pretends to have fuzzed.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-120}
tool=.tools/fuzz/bin/cargo-fuzz

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "error: fuzzing needs a nightly toolchain, and this machine has none" >&2
    echo "hint: the hostile-input tests in tests/imaging run on stable: make test" >&2
    exit 1
fi
if [ ! -x "$tool" ]; then
    cargo install cargo-fuzz --locked --version 0.13.2 --root .tools/fuzz
fi
cd fuzz
for target in $(PATH="$PWD/../.tools/fuzz/bin:$PATH" cargo +nightly fuzz list --fuzz-dir .); do
    echo "== $target, $seconds s"
    PATH="$PWD/../.tools/fuzz/bin:$PATH" cargo +nightly fuzz run --fuzz-dir . "$target" -- -max_total_time="$seconds"
done
