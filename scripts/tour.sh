# How a tour is played: what is said, what is asked, what must come back; and the processes behind it, which end with it.
# Sourced by scripts/api-tour.sh, aws-tour.sh and providers-tour.sh, in the repository's root, with `binary` set.
# shellcheck shell=bash

folder=$(mktemp -d)
server= beside=() hidden='s/^//'
# end_server: what serves is asked to end, and waited for.
end_server() {
    if [ -n "$server" ]; then
        kill -INT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
finish() {
    status=$?
    end_server
    for process in "${beside[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    if [ "$status" -ne 0 ]; then
        echo "the tour broke off; the last words of the server:" >&2
        tail -5 "$folder/log" >&2 || true
    fi
    rm -rf "$folder"
    exit "$status"
}
trap finish EXIT

# What the commands of a tour use: the program on the path, the demo's pictures, and a place for files.
repository=$PWD
mkdir "$folder/bin" "$folder/tour"
ln -s "$binary" "$folder/bin/streamwarden"
ln -s "$repository/demo" "$repository/models" "$folder/tour/"
export PATH="$folder/bin:$PATH"
cd "$folder/tour"
answer() { python3 "$repository/scripts/api-tour/answer.py" "$@"; }

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export API=http://127.0.0.1:$port
# start COMMAND…: starts a server at $API and waits until it is ready.
start() {
    "$@" >"$folder/out" 2>"$folder/log" &
    server=$!
    until curl --silent --fail --output /dev/null "$API/readyz"; do
        kill -0 "$server" 2>/dev/null || { echo "the server did not start" >&2; exit 1; }
        sleep 0.2
    done
}

# calls_aws: `call SERVICE Operation JSON` makes one call to what stands in for AWS.
calls_aws() {
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$repository/.tools/standins/bin/python" \
        "$repository/scripts/aws-tour/call.py" >"$folder/bin/call"
    chmod +x "$folder/bin/call"
}

# say: a paragraph of the document, from stdin. Nothing in it is replaced.
say() {
    [ -z "${said_something:-}" ] || echo
    said_something=yes
    cat
}
# show WANTED: prints a command, from stdin, runs it, and prints the answer, which must have WANTED in it.
show() {
    local wanted=$1 command said
    command=$(cat)
    said=$(bash -c "$command" 2>&1) || true
    printf '\n```console\n%s$ %s\n' "$named" "$command" | sed "$hidden"
    answer <<<"$said" | sed "s|${API#http://}|127.0.0.1:8642|g; $hidden"
    printf '```\n'
    last=$said named=
    [[ $said == *"$wanted"* ]] || { echo "expected $wanted from: $command, which said: $said" >&2; exit 1; }
}
# pick NAME PATH: a value of the last answer under a name that the next commands use.
named=
pick() {
    local value
    value=$(answer "$2" <<<"$last")
    export "$1=$value"
    named+="$ $1=$value"$'\n'
}
