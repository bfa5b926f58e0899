#!/bin/sh
# Puts an ffmpeg at .tools/ffmpeg for the tests and the footage: the static binary that the imageio-ffmpeg wheel ships,
# fetched by name from the Python package index. An operator's machine uses its own ffmpeg instead.
# Running this again changes nothing.
#
# usage: scripts/fetch-ffmpeg.sh [DIRECTORY]     default: .tools, beside this script's own directory
set -eu

package=imageio-ffmpeg
version=0.8.1

root=$(cd "$(dirname "$0")/.." && pwd)
tools=${1:-$root/.tools}
python=${PYTHON:-python3}

fail() {
    echo "error: fetching ffmpeg: $1" >&2
    echo "hint: $2" >&2
    exit 1
}

if [ -x "$tools/ffmpeg" ] && "$tools/ffmpeg" -version >/dev/null 2>&1; then
    echo "$tools/ffmpeg is there"
    exit 0
fi

"$python" -m pip --version >/dev/null 2>&1 ||
    fail "'$python -m pip' does not run" "install Python 3 with pip, or set PYTHON to an interpreter that has it"

mkdir -p "$tools"
work=$(mktemp -d "$tools/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

# pip checks the wheel against the index's digest; the wheel differs per platform, so we pin the version only.
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$work" "$package==$version" ||
    fail "pip could not download $package==$version" "pip's own message is above; or link any ffmpeg to $tools/ffmpeg"

"$python" -c '
import glob, sys, zipfile
work = sys.argv[1]
with zipfile.ZipFile(glob.glob(work + "/*.whl")[0]) as archive:
    binaries = [name for name in archive.namelist() if "/binaries/ffmpeg-" in name]
    if len(binaries) != 1:
        sys.exit("expected one ffmpeg in the wheel, found %s" % binaries)
    with open(work + "/ffmpeg", "wb") as file:
        file.write(archive.read(binaries[0]))
' "$work" || fail "the wheel holds no ffmpeg for this platform" "link any ffmpeg to $tools/ffmpeg"

chmod 755 "$work/ffmpeg"
"$work/ffmpeg" -version >/dev/null 2>&1 || fail "the fetched ffmpeg does not run here" "link any ffmpeg to $tools/ffmpeg"
mv -f "$work/ffmpeg" "$tools/ffmpeg"
echo "$tools/ffmpeg fetched"
