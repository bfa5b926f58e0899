#!/usr/bin/env bash
# Plays the tour of the API against the real demo, in a temporary directory and on a free port, and prints it as the
# document that it is: `scripts/api-tour.sh >docs/api-tour.md`. Every answer is the one that came. It ends with an error
# if a step is answered otherwise than the text around it says.
#
# BINARY names a program that is already built.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh python
binary=${BINARY:-target/debug/streamwarden}
if [ -z "${BINARY:-}" ]; then
    scripts/fetch-model.sh >&2
    cargo build --locked --quiet --bin streamwarden
fi
[[ $binary = /* ]] || binary=$PWD/$binary

# shellcheck source=scripts/tour.sh
. scripts/tour.sh

start streamwarden demo --data data --listen "127.0.0.1:$port"
# shellcheck source=scripts/api-tour/steps.sh
. "$repository/scripts/api-tour/steps.sh"
