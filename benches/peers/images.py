"""Runs gristmill's image examples and their peers over the same JPEG files, one core, and prints CPU time per image.

usage: images.py --examples FOLDER (--photos FOLDER | FILE...) [--formats [--asm FOLDER]] [--runs N] [--repeats N] [--side N] [--quality N] [--json FILE]

FOLDER of `--examples` holds the release builds of signal_speed and resize_speed of crates/image. With `--photos` the files are made:
mosaics of 1600x1125 pixels of the photographs found there (see ../image_families.py), in their own resolution, as baseline JPEG of
qualities 75 to 95, and the same as progressive JPEG.

With `--formats` it is the decoding at full size that is measured, of one file of each format by itself, in megapixels per second: those
given, or with `--photos` mosaics of 3 and 12 megapixels in every format that Pillow writes. FOLDER then holds decode_speed, that of
`--asm` the one built with `--features av1-asm`.

Needs opencv-python-headless, Pillow, ImageHash, pdqhash, img2dataset, for `--formats` simplejpeg, pillow-heif and pillow-jxl-plugin; what
is not installed is left out, and the output says so.
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
    from PIL import AvifImagePlugin, Image

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    try:
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1
        pillow_heif.register_heif_opener()
    except ImportError:
        pass
    try:
        import pillow_jxl  # noqa: F401
    except ImportError:
        pass
    return lambda file: Image.open(io.BytesIO(file)).convert("RGB")


def simplejpeg_decode():
    import simplejpeg

    return lambda file: simplejpeg.decode_jpeg(file, "RGB")


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

DECODERS = {
    "OpenCV": lambda options: opencv_decode(),
    "Pillow": lambda options: pillow_decode(),
    "simplejpeg": lambda options: simplejpeg_decode(),
}


def work(job):
    job = json.loads(pathlib.Path(job).read_text())
    files = [pathlib.Path(path).read_bytes() for path in job["files"]]
    run = (PEERS | DECODERS)[job["subject"]](job)
    if hasattr(run, "prepare"):
        run.prepare(files)
    assert run(files[0]) is not None or job["subject"] not in DECODERS, "it is not decoded"
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


def tiles_of(photos):
    sys.path.insert(0, str(ROOT / "benches"))
    from image_families import photographs

    return [image for _, image in photographs(photos) if min(image.size) >= 300]


def mosaic_of(tiles, size, rng):
    from PIL import Image

    mosaic, x = Image.new("RGB", size), 0
    while x < size[0]:
        y, widest = 0, 0
        while y < size[1]:
            tile = rng.choice(tiles)
            mosaic.paste(tile, (x, y))
            y, widest = y + tile.height, max(widest, tile.width)
        x += widest
    return mosaic


def mosaics(photos, out):
    """Twelve pictures of what stands in `photos`, each baseline and progressive."""
    tiles = tiles_of(photos)
    rng = random.Random(1)
    kinds = {"baseline": [], "progressive": []}
    for number in range(12):
        mosaic = mosaic_of(tiles, MOSAIC, rng)
        for kind, paths in kinds.items():
            path = out / f"{kind}-{number:02}.jpg"
            mosaic.save(path, quality=[75, 80, 85, 90, 95][number % 5], progressive=kind == "progressive")
            paths.append(str(path))
    return kinds


# Name, ending and settings of each file of `--formats`.
FORMATS = [
    ("JPEG, baseline", "jpg", {"quality": 85}),
    ("JPEG, progressive", "jpg", {"quality": 85, "progressive": True}),
    ("PNG", "png", {}),
    ("GIF", "gif", {}),
    ("WebP, lossy", "webp", {"quality": 80}),
    ("WebP, lossless", "webp", {"lossless": True, "method": 2}),
    ("AVIF 4:2:0", "avif", {"quality": 70, "speed": 8}),
    ("AVIF 4:4:4", "avif", {"quality": 70, "speed": 8, "subsampling": "4:4:4"}),
    ("HEIC", "heic", {"quality": 70}),
    ("JPEG XL, lossy", "jxl", {"quality": 85, "effort": 5}),
    ("JPEG XL, lossless", "jxl", {"lossless": True, "effort": 3}),
    ("TIFF", "tif", {}),
    ("TIFF, LZW", "tif", {"compression": "tiff_lzw"}),
    ("TIFF, Deflate", "tif", {"compression": "tiff_adobe_deflate"}),
    ("TIFF, JPEG", "tif", {"compression": "jpeg"}),
    ("TIFF, Zstandard", "tif", {"compression": "zstd"}),
    ("TIFF, fax of group 4", "tif", {"compression": "group4"}),
    ("BMP", "bmp", {}),
    ("PPM", "ppm", {}),
    ("TGA, run lengths", "tga", {"compression": "tga_rle"}),
]


def files_of_formats(photos, out):
    """A mosaic of 3 and one of 12 megapixels in each format: name and path."""
    pillow_decode()
    tiles, rng = tiles_of(photos), random.Random(1)
    for size in [(2048, 1536), (4000, 3000)]:
        mosaic = mosaic_of(tiles, size, rng)
        for number, (name, ending, settings) in enumerate(FORMATS):
            path = out / f"{size[0]}-{number}.{ending}"
            picture = mosaic.convert("1") if settings.get("compression") == "group4" else mosaic
            try:
                picture.save(path, **settings)
            except Exception as failure:  # Pillow raises whatever its codecs do
                print(f"{name} is not written: {failure}", file=sys.stderr)
                continue
            yield f"{name}, {size[0] * size[1] / 1e6:.0f} MP", str(path)


OURS = {"examples": "gristmill", "asm": "gristmill, av1-asm"}


def measure_formats(files, options, scratch):
    """Megapixels per second of each file by each decoder, and a table of them."""
    found = {}
    for turn in range(options["runs"]):
        for name, path in files:
            speeds = found.setdefault(name, {})
            for subject in ("examples", "asm"):
                if options[subject] is None or (subject == "asm" and not path.endswith(".avif")):
                    continue
                text = on_one_core([str(options[subject] / "decode_speed"), "--repeats", str(options["repeats"]), path])
                row = text.splitlines()[-1].split()
                pixels = float(row[3])
                if pixels:
                    speeds.setdefault(OURS[subject], []).append(float(row[5]))
            for subject in DECODERS:
                try:
                    spent = peer(subject, [path], options, scratch)[subject]
                    speeds.setdefault(subject, []).append(pixels * 1e6 / spent)
                except (RuntimeError, json.JSONDecodeError):
                    continue
        print(f"formats: {turn + 1} of {options['runs']}", file=sys.stderr, flush=True)
    subjects = [*OURS.values(), *DECODERS]
    print(f"| MP/s of CPU time | {' | '.join(subjects)} | gristmill to the fastest peer |\n|---|{'---:|' * (len(subjects) + 1)}")
    for name, speeds in found.items():
        medians = {subject: statistics.median(runs) for subject, runs in speeds.items()}
        fastest = max((speed for subject, speed in medians.items() if subject in DECODERS), default=0)
        cells = [f"{medians[subject]:.1f} ({min(runs):.0f} to {max(runs):.0f})" if (runs := speeds.get(subject)) else "" for subject in subjects]
        ratios = [f"{medians[own] / fastest:.2f}" for own in OURS.values() if own in medians and fastest]
        print(f"| {name} | {' | '.join(cells)} | {'; '.join(ratios)} |")
    return found


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
    parser.add_argument("--asm", type=pathlib.Path)
    parser.add_argument("--photos", type=pathlib.Path)
    parser.add_argument("--formats", action="store_true")
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
        if arguments.formats:
            made = files_of_formats(arguments.photos, scratch) if arguments.photos else ((pathlib.Path(path).name, path) for path in arguments.files)
            found = measure_formats(list(made), options | {"examples": arguments.examples, "asm": arguments.asm}, scratch)
            if arguments.json:
                arguments.json.write_text(json.dumps(found, indent=1) + "\n")
            return
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
