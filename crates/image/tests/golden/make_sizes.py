"""Writes sizes.jsonl: what img2dataset's Resizer makes of the sizes of pictures.

    pip install img2dataset==1.47.0 albumentations==1.4.24 opencv-python-headless==4.14.0.94
    python make_sizes.py > sizes.jsonl
"""
import io
import itertools
import json
import sys
import types

try:
    import imghdr  # noqa: F401  gone from Python 3.13; the resizer asks it for one name
except ImportError:
    sys.modules["imghdr"] = types.SimpleNamespace(what=lambda stream: "png")

import cv2
import numpy as np
from img2dataset.resizer import Resizer

MODES = ["no", "keep_ratio", "keep_ratio_largest", "center_crop", "border"]
SIZES = [
    (1, 1), (1, 9), (7, 3), (63, 64), (64, 64), (65, 64), (64, 100), (100, 64), (127, 255), (191, 333), (255, 127), (333, 500),
    (341, 512), (500, 333), (640, 480), (801, 600), (999, 37), (37, 999), (1023, 1025), (1280, 853), (128, 192), (128, 193), (195, 128), (96, 160),
]


def resized(mode, only_if_bigger, side, size):
    blank = np.zeros((size[1], size[0], 3), np.uint8)
    stream = io.BytesIO(cv2.imencode(".png", blank)[1].tobytes())
    _, width, height, _, _, error = Resizer(side, mode, only_if_bigger, encode_format="png", encode_quality=1)(stream)
    assert error is None, error
    return [width, height]


for mode, only_if_bigger, side in itertools.product(MODES, [False, True], [64, 99]):
    results = [[*size, *resized(mode, only_if_bigger, side, size)] for size in SIZES]
    print(json.dumps({"mode": mode, "only_if_bigger": only_if_bigger, "side": side, "sizes": results}))
