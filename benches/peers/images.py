"""Runs gristmill's image examples and their peers over the same JPEG files, one core, and prints CPU time per image.

usage: images.py --examples FOLDER (--photos FOLDER | FILE...) [--runs N] [--repeats N] [--side N] [--quality N] [--json FILE]

FOLDER of `--examples` holds the release builds of signal_speed and resize_speed of crates/image. With `--photos` the files are made:
mosaics of 1600x1125 pixels of the photographs found there (see ../image_families.py), in their own resolution, as baseline JPEG of
qualities 75 to 95, and the same as progressive JPEG.

Needs opencv-python-headless, Pillow, ImageHash, pdqhash, img2dataset; what is not installed is left out, and the output says so.
Every measurement is a process of its own, held to one core: `images.py work SUBJECT` is what runs in it. All subjects run once,
then all again; the figure is the median over the runs, of the CPU time of the calls alone, without start-up.
"""
import argparse
import io
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOSAIC = 1600, 1125


# ---- Subjects: each gives a function of the bytes of a file


def opencv_decode():
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    return lambda file: cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)


def pillow_decode():
    from PIL import Image

    return lambda file: Image.open(io.BytesIO(file)).convert("RGB")


def img2dataset_resizer(side, quality):
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    from img2dataset.resizer import Resizer

    resizer = Resizer(side, "keep_ratio", False, encode_quality=quality)

    def resize(file):
        result = resizer(io.BytesIO(file))
        assert result[-1] is None, result[-1]

    return resize


def opencv_resize(side, quality):
    import cv2
    import numpy as np

    cv2.setNumThreads(1)

    def resize(file):
        image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        height, width = image.shape[:2]
        scale = side / min(height, width)
        image = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])

    return resize


def pillow_resize(side, quality):
    from PIL import Image

    def resize(file):
        image = Image.open(io.BytesIO(file))
        width, height = image.size
        scale = side / min(width, height)
        image.thumbnail((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
        image.save(io.BytesIO(), "JPEG", quality=quality)

    return resize


def thumbnail(file):
    """The pixels that gristmill's signals see, or nearly: 512 pixels long."""
    from PIL import Image

    image = Image.open(io.BytesIO(file)).convert("RGB")
    image.thumbnail((512, 512), Image.Resampling.BILINEAR, reducing_gap=None)
    return image


def on_thumbnails(measure):
    """`measure` of the thumbnail, which is made before the clock runs."""
    made = {}

    def prepare(files):
        import numpy as np

        for file in files:
            image = thumbnail(file)
            made[file] = image, np.ascontiguousarray(np.asarray(image))

    def run(file):
        return measure(*made[file])

    run.prepare = prepare
    return run


def pdqhash_thumbnail():
    import pdqhash

    return on_thumbnails(lambda image, pixels: pdqhash.compute(pixels))


def pdqhash_full():
    import cv2
    import numpy as np
    import pdqhash

    made = {}

    def run(file):
        return pdqhash.compute(made[file])

    def prepare(files):
        for file in files:
            image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
            made[file] = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))

    run.prepare = prepare
    return run


def imagehash_phash():
    import imagehash

    return on_thumbnails(lambda image, pixels: imagehash.phash(image))


def imagehash_dhash():
    import imagehash

    return on_thumbnails(lambda image, pixels: imagehash.dhash(image))


def opencv_measures():
    import cv2
    import numpy as np

    cv2.setNumThreads(1)

    def measure(image, pixels):
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        cv2.Laplacian(grey, cv2.CV_64F).var()
        counts = np.bincount(grey.ravel(), minlength=256)
        shares = counts[counts > 0] / grey.size
        (shares * np.log2(shares)).sum()
        grey.mean(), grey.std()
        across, down = cv2.Sobel(grey, cv2.CV_16S, 1, 0), cv2.Sobel(grey, cv2.CV_16S, 0, 1)
        (cv2.magnitude(across.astype(np.float32), down.astype(np.float32)) >= 100).mean()
        cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)[:, :, 1].mean()
        red, green, blue = (pixels[:, :, at].astype(np.float32) for at in range(3))
        rg, yb = red - green, (red + green) / 2 - blue
        np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())

    return on_thumbnails(measure)


PEERS = {
    "OpenCV imdecode": lambda options: opencv_decode(),
    "Pillow decode": lambda options: pillow_decode(),
    "img2dataset Resizer": lambda options: img2dataset_resizer(options["side"], options["quality"]),
    "OpenCV decode, area, encode": lambda options: opencv_resize(options["side"], options["quality"]),
    "Pillow thumbnail, Lanczos, encode": lambda options: pillow_resize(options["side"], options["quality"]),
    "OpenCV and NumPy measures of the thumbnail": lambda options: opencv_measures(),
    "pdqhash of the thumbnail": lambda options: pdqhash_thumbnail(),
    "pdqhash of the full picture": lambda options: pdqhash_full(),
    "ImageHash phash of the thumbnail": lambda options: imagehash_phash(),
    "ImageHash dhash of the thumbnail": lambda options: imagehash_dhash(),
}


def work(job):
    job = json.loads(pathlib.Path(job).read_text())
    files = [pathlib.Path(path).read_bytes() for path in job["files"]]
    run = PEERS[job["subject"]](job)
    if hasattr(run, "prepare"):
        run.prepare(files)
    run(files[0])
    start = time.process_time()
    for _ in range(job["repeats"]):
        for file in files:
            run(file)
    spent = time.process_time() - start
    print(json.dumps(spent * 1e6 / job["repeats"] / len(files)))


# ---- Runs


def on_one_core(command):
    core = max(os.sched_getaffinity(0))
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it failed without a word"])[-1])
    return done.stdout


def peer(subject, files, options, scratch):
    job = scratch / "job.json"
    job.write_text(json.dumps({"subject": subject, "files": files, **{name: options[name] for name in ("repeats", "side", "quality")}}))
    return {subject: json.loads(on_one_core([sys.executable, __file__, "work", job]).splitlines()[-1])}


def ours(example, files, options, *arguments):
    text = on_one_core([str(options["examples"] / example), *files, "--repeats", str(options["repeats"]), *arguments])
    rows = re.findall(r"^ *(\S.*?) +([\d.]+) µs", text, re.MULTILINE)
    return {f"gristmill: {name}": float(spent) for name, spent in rows}


def mosaics(photos, out):
    """Twelve pictures of what stands in `photos`, each baseline and progressive."""
    sys.path.insert(0, str(ROOT / "benches"))
    from image_families import photographs
    from PIL import Image

    tiles = [image for _, image in photographs(photos) if min(image.size) >= 300]
    rng = random.Random(1)
    kinds = {"baseline": [], "progressive": []}
    for number in range(12):
        mosaic, x = Image.new("RGB", MOSAIC), 0
        while x < MOSAIC[0]:
            y, widest = 0, 0
            while y < MOSAIC[1]:
                tile = rng.choice(tiles)
                mosaic.paste(tile, (x, y))
                y, widest = y + tile.height, max(widest, tile.width)
            x += widest
        for kind, paths in kinds.items():
            path = out / f"{kind}-{number:02}.jpg"
            mosaic.save(path, quality=[75, 80, 85, 90, 95][number % 5], progressive=kind == "progressive")
            paths.append(str(path))
    return kinds


def measure(kind, files, options, scratch):
    found, missing = {}, {}
    for turn in range(options["runs"]):
        runs = [
            lambda: ours("signal_speed", files, options),
            lambda: ours("resize_speed", files, options, "--side", str(options["side"]), "--quality", str(options["quality"])),
            *(lambda subject=subject: peer(subject, files, options, scratch) for subject in PEERS),
        ]
        for run in runs:
            try:
                for name, spent in run().items():
                    found.setdefault(name, []).append(spent)
            except RuntimeError as failure:
                missing[str(failure)] = None
        print(f"{kind}: {turn + 1} of {options['runs']}", file=sys.stderr, flush=True)
    return found, list(missing)


def main():
    parser = argparse.ArgumentParser(description="Runs gristmill's image examples and their peers over the same JPEG files.")
    parser.add_argument("--examples", type=pathlib.Path, default=ROOT / "target/release/examples")
    parser.add_argument("--photos", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--quality", type=int, default=95)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    options = {name: getattr(arguments, name) for name in ("runs", "repeats", "side", "quality")}
    report = {}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        kinds = mosaics(arguments.photos, scratch) if arguments.photos else {"files": arguments.files}
        for kind, files in kinds.items():
            found, missing = measure(kind, files, options | {"examples": arguments.examples}, scratch)
            bytes_mean = statistics.mean(os.path.getsize(path) for path in files)
            print(f"\n## {kind}: {len(files)} files of {bytes_mean / 1e3:.0f} kB in the mean\n")
            print("| µs of CPU time per image | median | lowest | highest |\n|---|---:|---:|---:|")
            for name, runs in found.items():
                print(f"| {name} | {statistics.median(runs):.0f} | {min(runs):.0f} | {max(runs):.0f} |")
            for failure in missing:
                print(f"\nNot measured: {failure}")
            report[kind] = found
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    work(sys.argv[2]) if sys.argv[1:2] == ["work"] else main()
