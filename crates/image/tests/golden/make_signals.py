"""Writes signals.jsonl: signals of made-up pictures by OpenCV, NumPy, Pillow, ImageHash and pdqhash.

    pip install opencv-python-headless==4.14.0.94 numpy==2.4.6 pillow==13.0.0 ImageHash==4.3.2 pdqhash==0.2.8
    python make_signals.py > signals.jsonl

The pictures are made by integer arithmetic alone, here and in signals_golden.rs, so none is stored.
"""
import json

import cv2
import imagehash
import numpy as np
import pdqhash
import scipy.fftpack
from PIL import Image

CASES = [
    # seed, width, height, noise
    (1, 512, 340, 0), (2, 512, 340, 6), (3, 512, 340, 60), (4, 512, 512, 3), (5, 340, 512, 3), (6, 512, 127, 9),
    (7, 129, 512, 9), (8, 64, 64, 3), (9, 100, 80, 3), (10, 300, 200, 20), (11, 257, 255, 255), (12, 128, 128, 1),
    (13, 33, 7, 0), (14, 5, 5, 40), (15, 4, 9, 40), (16, 2, 1, 0), (17, 1, 3, 90), (18, 1, 1, 0),
]


def picture(seed, width, height, noise):
    state = seed
    def random():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % 256
    grid = np.array([random() for _ in range(9 * 9 * 3)], np.int64).reshape(9, 9, 3)
    x, y = np.arange(width, dtype=np.int64), np.arange(height, dtype=np.int64)
    u, v = x * 2048 // width, y * 2048 // height
    (cx, fx), (cy, fy) = divmod(u, 256), divmod(v, 256)
    fx, fy = fx[None, :, None], fy[:, None, None]
    row = lambda cy: grid[cy][:, cx] * (256 - fx) + grid[cy][:, cx + 1] * fx
    smooth = (row(cy) * (256 - fy) + row(cy + 1) * fy) >> 16
    channel = np.arange(3, dtype=np.int64)
    scatter = (x[None, :, None] * 73856093) ^ (y[:, None, None] * 19349663) ^ (channel[None, None, :] * 83492791)
    return ((smooth + (scatter >> 7) % (noise + 1)) % 256).astype(np.uint8)


def hexadecimal(bits):
    return np.packbits(np.asarray(bits, np.uint8)).tobytes().hex()


def phash(grey):
    """imagededup 0.3.3, hashing.py, PHash, with the luma taken before the scaling."""
    pixels = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS))
    frequencies = scipy.fftpack.dct(scipy.fftpack.dct(pixels, axis=0), axis=1)[:8, :8].flatten()
    return hexadecimal(frequencies >= np.median(frequencies[1:]))


for case in CASES:
    rgb = picture(*case)
    image = Image.fromarray(rgb)
    grey = image.convert("L")
    luma = np.asarray(grey)
    counts = np.bincount(luma.flatten(), minlength=256)
    shares = counts[counts > 0] / luma.size
    red, green, blue = (rgb[:, :, at].astype(np.float64) for at in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    most, least = rgb.max(axis=2).astype(np.float64), rgb.min(axis=2).astype(np.float64)
    across, down = cv2.Sobel(luma, cv2.CV_64F, 1, 0, ksize=3), cv2.Sobel(luma, cv2.CV_64F, 0, 1, ksize=3)
    bits, quality = pdqhash.compute(rgb)
    print(json.dumps({
        "seed": case[0], "width": case[1], "height": case[2], "noise": case[3],
        "image_blur": cv2.Laplacian(luma, cv2.CV_64F).var(),
        "image_brightness": luma.mean() / 255,
        "image_contrast": luma.std() / 255,
        "image_entropy": abs((shares * np.log2(shares)).sum()),
        "image_luma_min": int(luma.min()),
        "image_luma_max": int(luma.max()),
        "image_edge_density": (across**2 + down**2 >= 100**2).mean(),
        "image_colorfulness": np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()),
        "image_saturation": np.divide(most - least, most, out=np.zeros_like(most), where=most > 0).mean(),
        "image_pdq": hexadecimal(bits),
        "image_pdq_quality": quality,
        "image_phash": phash(grey),
        "imagehash_phash": str(imagehash.phash(image)),
        "image_dhash": str(imagehash.dhash(image)),
    }))
