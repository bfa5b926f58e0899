#!/usr/bin/env bash
# Every test: `make test`. Installs what they need, runs them, and ends with one line that adds up cargo's own.
#
#   scripts/test.sh [FILTER]    only tests whose name holds FILTER
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh
if [ -x scripts/fetch-model.sh ]; then
    scripts/fetch-model.sh
fi

log=target/test-output.txt
mkdir -p target
: >"$log"

# Documentation examples first, so that the last words are those of the tests proper. A failure in one test program
# does not keep the others from running: the list of what is broken should be whole.
failed=0
cargo test --locked --doc "$@" </dev/null 2>&1 | tee -a "$log" || failed=$?
cargo test --locked --no-fail-fast --lib --bins --tests "$@" </dev/null 2>&1 | tee -a "$log" || failed=$?
if [ $# -eq 0 ]; then
    # The pages against the program that cargo built just now, in Debian's browser.
    for script in check unit e2e; do
        echo "the pages: npm run $script"
        scripts/web.sh run "$script" || failed=$?
    done
    echo "the API, tested from its description (scripts/api-fuzz.sh):"
    scripts/api-fuzz.sh </dev/null || failed=$?
fi

echo
awk '
    /^test result:/ { programs++; passed += $4; failed += $6; ignored += $8 }
    END {
        if (ignored > 0) { print ignored " tests are ignored; the house allows none (tests/house)"; broken = 1 }
        if (passed == 0) { print "no test ran"; broken = 1 }
        print "test programs: " programs
        print passed + 0 " passed, " failed + 0 " failed"
        exit broken
    }' "$log" || failed=1
exit "$failed"
