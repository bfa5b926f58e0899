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
what=ffmpeg
. "$root/scripts/wheel.sh"

if [ -x "$tools/ffmpeg" ] && "$tools/ffmpeg" -version >/dev/null 2>&1; then
    echo "$tools/ffmpeg is there"
    exit 0
fi

need_pip
work_in "$tools"
# The wheel differs per platform, so we pin the version only.
download "$package" "$version"

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
