#!/usr/bin/env bash
# npm in web/, by the machine's Node or the one in .tools/node.
#
#   scripts/web.sh install      the packages of package-lock.json, if they are not installed as they stand there
#   scripts/web.sh run SCRIPT   a script of package.json: build, check, unit, e2e
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh node
if [ -x .tools/node/bin/node ]; then
    PATH=$PWD/.tools/node/bin:$PATH
fi
cd web

case "${1:-}" in
install)
    # npm leaves a copy of the lock file behind when it has finished.
    if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
        npm ci --no-audit --no-fund
        touch node_modules/.package-lock.json
    fi
    ;;
run) npm --silent run "${@:2}" </dev/null ;;
*)
    echo "usage: scripts/web.sh install | run SCRIPT" >&2
    exit 2
    ;;
esac
