#!/usr/bin/env bash
# Plays the loop on AWS, a picture in the bucket to a verified stop on the bus, with the real program against what stands
# in for AWS, and prints it as the document that it is: `scripts/aws-tour.sh >docs/aws-tour.md`. Every answer is the one
# that came. It ends with an error if a step is answered otherwise than the text around it says.
#
# BINARY names a program that is already built.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh python
scripts/tools.sh standins
binary=${BINARY:-target/debug/streamwarden}
[ -n "${BINARY:-}" ] || cargo build --locked --quiet --bin streamwarden
[[ $binary = /* ]] || binary=$PWD/$binary

# shellcheck source=scripts/tour.sh
. scripts/tour.sh

# stand_in NAME: starts one of tests/standins, and says where it listens.
stand_in() {
    "$repository/.tools/standins/bin/python" "$repository/tests/standins/$1.py" >"$folder/$1" 2>/dev/null &
    beside+=($!)
    until [ -s "$folder/$1" ]; do
        kill -0 $! 2>/dev/null || { echo "$1 did not start" >&2; exit 1; }
        sleep 0.2
    done
}
stand_in emu
stand_in standin
AWS_ENDPOINT_URL=$(head -1 "$folder/emu")
STANDIN=$(head -1 "$folder/standin")/tour
export AWS_ENDPOINT_URL STANDIN AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 \
    AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true NO_PROXY=127.0.0.1,localhost
calls_aws
hidden="s|$AWS_ENDPOINT_URL|http://127.0.0.1:4566|g; s|${STANDIN%/tour}|http://127.0.0.1:5700|g"

# shellcheck source=scripts/aws-tour/steps.sh
. "$repository/scripts/aws-tour/steps.sh"
