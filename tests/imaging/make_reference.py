#!/usr/bin/env python3
"""Makes the reference pictures in `data/` and what Pillow and imagehash say of them.

Run once, with Pillow 13.0.0 (libjpeg-turbo 3.1), ImageHash 4.3.2, opencv-contrib-python-headless 5.0.0 and
scikit-image 0.26.0:  python tests/imaging/make_reference.py
The tests need only what it wrote. Pictures are crops of photographs in the public domain (see data/README.md).
"""
import hashlib
import io
import os

import cv2
import imagehash
import numpy as np
import skimage
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
PHOTOS = os.path.join(os.path.dirname(skimage.__file__), "data")
os.makedirs(DATA, exist_ok=True)


def photo(name, width, height, x=0.3, y=0.2, span=0.5):
    with Image.open(os.path.join(PHOTOS, name)) as image:
        image = image.convert("RGB")
        w, h = image.size
        side = min(w, h) * span
        box = (x * (w - side), y * (h - side), x * (w - side) + side, y * (h - side) + side * min(1, height / width))
        return image.resize((width, height), Image.Resampling.LANCZOS, box=box)


def encode(image, **options):
    out = io.BytesIO()
    image.save(out, **{"format": "JPEG", "quality": 75, **options})
    return out.getvalue()


def opencv(image, sampling, **flags):
    bgr = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
    ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])
    assert ok
    return data.tobytes()


def patch(data, marker, offset, value):
    """Overwrites one byte of the first segment with this marker."""
    at = data.index(bytes([0xFF, marker]))
    return data[: at + offset] + bytes([value]) + data[at + offset + 1 :]


def files():
    astronaut = photo("astronaut.png", 96, 72)
    chelsea = photo("chelsea.png", 61, 45)
    for name, sampling in [("444", 0), ("422", 1), ("420", 2)]:
        for image, size in [(astronaut, "96x72"), (chelsea, "61x45")]:
            yield f"{name}-{size}.jpg", encode(image, subsampling=sampling)
        yield f"{name}-17x9.jpg", encode(photo("coffee.png", 17, 9), subsampling=sampling)
        yield f"{name}-restart-each.jpg", encode(chelsea, subsampling=sampling, restart_marker_blocks=1)
        yield f"{name}-restart-3.jpg", encode(astronaut, subsampling=sampling, restart_marker_blocks=3)
        yield f"{name}-restart-rows.jpg", encode(astronaut, subsampling=sampling, restart_marker_rows=1)
        yield f"{name}-own-tables.jpg", encode(astronaut, subsampling=sampling, optimize=True, quality=85)
    for name, sampling in [("440", cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440), ("411", cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411)]:
        yield f"{name}-96x72.jpg", opencv(astronaut, sampling)
        yield f"{name}-61x45.jpg", opencv(chelsea, sampling)
    for size in [(8, 8), (9, 8), (15, 9), (16, 16), (250, 8), (8, 250)]:
        yield f"420-{size[0]}x{size[1]}.jpg", encode(photo("rocket.jpg", *size), subsampling=2)
    for quality in [1, 20, 50, 95, 100]:
        yield f"420-q{quality}.jpg", encode(astronaut, subsampling=2, quality=quality)
    yield "420-q100-own-tables.jpg", encode(astronaut, subsampling=2, quality=100, optimize=True)
    noise = Image.fromarray(np.random.default_rng(7).integers(0, 256, (40, 56, 3), dtype=np.uint8))
    yield "444-noise-q100.jpg", encode(noise, subsampling=0, quality=100)
    yield "420-black.jpg", encode(Image.new("RGB", (64, 64)), subsampling=2)
    yield "420-white-own-tables.jpg", encode(Image.new("RGB", (64, 64), "white"), subsampling=2, optimize=True)
    grey = astronaut.convert("L")
    yield "grey-96x72.jpg", encode(grey)
    yield "grey-61x45.jpg", encode(chelsea.convert("L"))
    yield "grey-restart-2.jpg", encode(grey, restart_marker_blocks=2)
    # A single component is one block per unit whatever its sampling says.
    yield "grey-says-2x2.jpg", patch(encode(chelsea.convert("L")), 0xC0, 11, 0x22)
    yield "extended-sequential.jpg", patch(encode(astronaut, subsampling=2), 0xC0, 1, 0xC1)
    plain = encode(astronaut, subsampling=2)
    at = plain.index(b"\xff\xc0")
    yield "fill-bytes-and-comment.jpg", plain[:at] + b"\xff\xfe\0\x09comment\xff\xff" + plain[at:]
    # Left to a full decode.
    yield "progressive-420.jpg", encode(astronaut, subsampling=2, progressive=True)
    yield "progressive-444-odd.jpg", encode(photo("coffee.png", 125, 91), subsampling=0, progressive=True)
    yield "progressive-grey.jpg", encode(grey, progressive=True)
    yield "rgb-components.jpg", encode(astronaut, keep_rgb=True, subsampling=0)
    yield "cmyk.jpg", encode(astronaut.convert("CMYK"))
    big = photo("chelsea.png", 160, 120)
    yield "rgb.png", encode(big, format="PNG")
    yield "grey.png", encode(big.convert("L"), format="PNG")
    yield "palette.png", encode(big.quantize(64), format="PNG")
    transparent = big.convert("RGBA")
    transparent.putalpha(200)
    yield "rgba.png", encode(transparent, format="PNG")
    yield "grey-alpha.png", encode(transparent.convert("LA"), format="PNG")
    yield "lossy.webp", encode(big, format="WEBP")
    yield "lossless.webp", encode(big, format="WEBP", lossless=True)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def main():
    lines = ["# file\twidth\theight\tpath\tsha256 of the 1/8 plane\tsha256 of its 32x32\tphash of the plane\tphash of the picture"]
    for name, data in files():
        with open(os.path.join(DATA, name), "wb") as out:
            out.write(data)
        image = Image.open(io.BytesIO(data))
        width, height = image.size
        full = imagehash.phash(Image.open(io.BytesIO(data)))
        sequential = name.endswith(".jpg") and not name.startswith(("progressive", "rgb", "cmyk"))
        if sequential:
            image.draft("L", (max(1, width // 8), max(1, height // 8)))
            image.load()
            assert image.mode == "L" and image.size == (-(-width // 8), -(-height // 8)), (name, image.mode, image.size)
            small = image.resize((32, 32), Image.Resampling.LANCZOS)
            row = [name, width, height, "dc", sha(image.tobytes()), sha(small.tobytes()), imagehash.phash(image), full]
        else:
            row = [name, width, height, "full", "-", "-", "-", full]
        lines.append("\t".join(map(str, row)))
    with open(os.path.join(DATA, "expected.tsv"), "w") as out:
        out.write("\n".join(lines) + "\n")


# The same generator is in the unit tests: values from a linear congruential generator, its upper bits.
def noise(seed, count, bits):
    state, values = seed, bytearray()
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(state >> 56 >> (8 - bits))
    return bytes(values)


def vectors():
    print("resize, sha256 of the 32x32:")
    for width, height in [(1, 1), (2, 3), (32, 32), (33, 31), (80, 45), (240, 135), (512, 4), (1921, 7)]:
        image = Image.frombytes("L", (width, height), noise(width * 10000 + height, width * height, 8))
        print(f"({width}, {height}, \"{sha(image.resize((32, 32), Image.Resampling.LANCZOS).tobytes())}\"),")
    print("phash of 32x32 noise of 1 to 8 bits, 3,000 planes, sha256 of the hashes:")
    digest = hashlib.sha256()
    for seed in range(3000):
        image = Image.frombytes("L", (32, 32), noise(seed, 1024, 1 + seed % 8))
        digest.update(int(str(imagehash.phash(image)), 16).to_bytes(8, "big"))
    print(digest.hexdigest())
    print("phash of drawn planes:")
    y, x = np.mgrid[0:32, 0:32]
    drawn = {
        "ramp across": x * 8, "ramp down": y * 8, "left half": (x < 16) * 255, "upper half": (y < 16) * 255,
        "bars": (x // 4 % 8) * 36, "letterbox": ((y >= 4) & (y < 28)) * 128,
        **{f"grey {level}": x * 0 + level for level in (0, 1, 16, 127, 128, 235, 255)},
    }
    for name, plane in drawn.items():
        print(name, imagehash.phash(Image.fromarray(plane.astype(np.uint8))))
    flat = {str(imagehash.phash(Image.new("L", (32, 32), level))) for level in range(1, 256)}
    print("every grey from 1 to 255:", flat)


if __name__ == "__main__":
    main()
    vectors()
