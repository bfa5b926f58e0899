"""Frames of real footage, with what the stand-ins for Rekognition and Hive are to "see" in some of them.

usage: footage.py FOOTAGE FOLDER     the demo's footage; where the frames are put, 0001.jpg and on

The local model looks at the pictures themselves. The stand-ins read a comment, each its own: no picture that a real
provider would trip over has a place in a repository.
"""

import pathlib
import struct
import sys

# Which film, how many frames of it, and what is said to be seen in each of them: by Rekognition, and by Hive.
SCENES = [
    ("sky-tour", 8, None, None),
    ("rehearsal-film", 2, "Violence/Weapons=91.4", "gun_in_hand=0.41; culinary_knife_in_hand=0.88"),
    ("film-night", 8, None, None),
    ("rehearsal-film", 2, "Violence/Weapons=97.2", "gun_in_hand=0.93"),
    ("borderline", 8, None, None),
    ("rocket-still", 6, None, None),
    ("rehearsal-film", 1, "Alcohol=88.0", "yes_alcohol=0.95"),
    ("sky-tour", 5, None, None),
]


def commented(file, comments):
    """The file with its comments, the first first: after the marker that begins every JPEG."""
    said = b"".join(b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text for text in comments)
    return file[:2] + said + file[2:]


def main(footage, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    taken, number = {}, 0
    for film, frames, rekognition, hive in SCENES:
        pictures = sorted(pathlib.Path(footage, film).glob("*.jpg"))
        begin = taken.get(film, 0)
        taken[film] = begin + frames
        for picture in pictures[begin : begin + frames]:
            number += 1
            comments = [f"moderation: {rekognition or ''}".encode()]
            if hive:
                comments.append(f"hive: {hive}".encode())
            (folder / f"{number:04}.jpg").write_bytes(commented(picture.read_bytes(), comments))
    print(f"{number} frames")


main(*sys.argv[1:])
