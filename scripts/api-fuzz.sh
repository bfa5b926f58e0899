#!/usr/bin/env bash
# Property-based testing of the HTTP API from its committed description (schemas/openapi.json), against the real
# program: no answer of 5xx, no status or media type that is not described, no body that is not of its schema, nothing
# let through without credentials. First as admin with every check, then as each other role.
#
#   scripts/api-fuzz.sh [CASES]    CASES per operation as admin (default 4: the gate's); `make api-fuzz` runs 200
#
# SEED makes it another run; one seed is one run. BINARY names a program that is already built.
set -euo pipefail
cd "$(dirname "$0")/.."

cases=${1:-4}
seed=${SEED:-1}
tool=.tools/schemathesis/bin/schemathesis

scripts/tools.sh api
binary=${BINARY:-target/debug/streamwarden}
if [ -z "${BINARY:-}" ]; then
    cargo build --locked --quiet --bin streamwarden
fi

folder=$(mktemp -d)
server=
finish() {
    status=$?
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    if [ "$status" -ne 0 ] && [ -f "$folder/log" ]; then
        echo "the last words of the server:" >&2
        tail -20 "$folder/log" >&2
    fi
    rm -rf "$folder"
    exit "$status"
}
trap finish EXIT

# Who asks: one token per role, for all channels; admin last, whose token the loops below leave out.
declare -A token
for role in viewer moderator policy-author auditor ingest admin; do
    token[$role]=$("$binary" token create --name "fuzz-$role" --role "$role" --file "$folder/tokens.toml" 2>/dev/null)
done

# Streams stop in a stand-in. Without the model's weights, frames end as failed: what is tested is the API.
model=models/open-nsfw.onnx
[ -f "$model" ] || model=
fast='{ per_s = 1000000, burst = 1000000 }'
cat >"$folder/streamwarden.toml" <<CONFIG
data = { directory = "$folder/data" }
listen = { address = "127.0.0.1:0" }
auth = { ways = ["tokens"], tokens_file = "$folder/tokens.toml" }
http = { rates = { address = $fast, read = $fast, write = $fast, ingest = $fast } }
provider = { local_model = "$model" }
control = { platform = "rehearsal" }
logs = { filter = "warn" }
CONFIG
: >"$folder/out"
"$binary" serve --config "$folder/streamwarden.toml" >"$folder/out" 2>"$folder/log" &
server=$!
until url=$(sed -n 's/^listening on //p' "$folder/out") && [ -n "$url" ]; do
    kill -0 "$server" 2>/dev/null || { echo "the server did not start" >&2; exit 1; }
    sleep 0.1
done

.tools/schemathesis/bin/python scripts/api-fuzz/seed.py "$url" "${token[admin]}" >"$folder/schemathesis.toml"

checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
checks=$checks,response_schema_conformance,allow_header_conformance
# fuzz ROLE CASES PHASES CHECKS: says in a line that all is well, or everything there is to say.
fuzz() {
    echo -n "as $1: "
    if "$tool" --config-file "$folder/schemathesis.toml" run schemas/openapi.json --url "$url" --no-color \
        --warnings off --header "Authorization: Bearer ${token[$1]}" --max-examples "$2" --phases "$3" --checks "$4" \
        --seed "$seed" --generation-database none --request-timeout 35 --workers 2 --continue-on-failure \
        </dev/null >"$folder/said" 2>&1; then
        grep -E '^ *[0-9]+ generated' "$folder/said"
    else
        echo "NOT AS DESCRIBED"
        cat "$folder/said"
        return 1
    fi
}
fuzz admin "$cases" examples,coverage,fuzzing \
    "$checks,negative_data_rejection,missing_required_header,unsupported_method,ignored_auth"
for role in viewer moderator policy-author auditor ingest; do
    fuzz "$role" "$(((cases + 3) / 4))" fuzzing "$checks"
done

# It is still the same process, and it ends in order.
kill -0 "$server"
curl --silent --fail --output /dev/null "$url/healthz"
