#!/usr/bin/env bash
# Plays one policy over the same footage under five arrangements of providers, and what is said and moves in a broadcast,
# with the real program, the real local model, and what stands in for Rekognition, Hive and the rest of AWS, and prints it as the document that it is:
# `scripts/providers-tour.sh >docs/providers-tour.md`. Every answer is the one that came. It ends with an error if a step is
# answered otherwise than the text around it says.
#
# BINARY and HIVE_STANDIN name programs that are already built.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh python
scripts/tools.sh standins
target=${CARGO_TARGET_DIR:-target}
binary=${BINARY:-$target/debug/streamwarden}
hive=${HIVE_STANDIN:-$target/debug/examples/hive-standin}
[ -n "${BINARY:-}" ] || cargo build --locked --quiet --bin streamwarden
[ -n "${HIVE_STANDIN:-}" ] || cargo build --locked --quiet --example hive-standin
[[ $binary = /* ]] || binary=$PWD/$binary
[[ $hive = /* ]] || hive=$PWD/$hive

# shellcheck source=scripts/tour.sh
. scripts/tour.sh

# begin FILE COMMAND…: starts what stands in for somebody; it says on its first line in FILE where it listens, and ends with
# its standard input, which is this tour's.
begin() {
    local said=$folder/$1
    shift
    mkfifo "$said.in"
    "$@" <"$said.in" >"$said" 2>/dev/null &
    beside+=($!)
    exec {held}>"$said.in"
    until [ -s "$said" ]; do
        kill -0 "${beside[-1]}" 2>/dev/null || { echo "$1 did not start" >&2; exit 1; }
        sleep 0.2
    done
}
begin rekognition "$repository/.tools/standins/bin/python" "$repository/tests/standins/standin.py" --follow-stdin
DASHBOARD_SECRET=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
begin hive "$hive" "$API/v1/callbacks/hive/ban-stream" "Bearer $DASHBOARD_SECRET"
begin emu "$repository/.tools/standins/bin/python" "$repository/tests/standins/emu.py" --follow-stdin
REKOGNITION=$(head -1 "$folder/rekognition")/tour
HIVE=$(head -1 "$folder/hive")
HIVE_KEY=$(sed -n 2p "$folder/hive")
SPEECH_KEY=$(sed -n 3p "$folder/hive")
AWS_ENDPOINT_URL=$(head -1 "$folder/emu")
DASHBOARD=$(sed -n 4p "$folder/hive")
DASHBOARD_KEY=$(sed -n 5p "$folder/hive")
export REKOGNITION HIVE HIVE_KEY SPEECH_KEY DASHBOARD_KEY DASHBOARD_SECRET AWS_ENDPOINT_URL AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \
    AWS_EC2_METADATA_DISABLED=true NO_PROXY=127.0.0.1,localhost
hidden="s|${REKOGNITION%/tour}|http://127.0.0.1:5700|g; s|$HIVE|http://127.0.0.1:5800|g; s|${DASHBOARD%/api*}|http://127.0.0.1:5900|g; s|$AWS_ENDPOINT_URL|http://127.0.0.1:4566|g"
calls_aws

# shellcheck source=scripts/providers-tour/steps.sh
. "$repository/scripts/providers-tour/steps.sh"
