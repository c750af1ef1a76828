"""Makes families of near-duplicates of pictures, and says which file is what.

    image_families.py PICTURES OUT [--most N] [--seed N]

PICTURES is a folder of photographs in any format that Pillow reads, searched with all below it; those with a side below 200 pixels,
or that are grey or nearly flat, are left out, and of equal ones all but one. OUT gets a family of each: the base, and what is made of it.
OUT/truth.json has path, family, transform and dup of each file as the example near_duplicates of crates/image reads them:
`base`, `exact` (the same pixels), `near` (to be found), `hard` (may be missed).
"""
import argparse
import json
import pathlib
import random
import warnings

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps, ImageStat

SHORTEST, LONGEST = 200, 1600
# Mean difference of 256 levels up to which two pictures are the same.
ALIKE = 25
KINDS = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".bmp")


def photographs(folder):
    """Name and picture of each photograph."""
    seen = []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix.lower() not in KINDS:
            continue
        try:
            with Image.open(path) as image:
                if image.width * image.height > 20_000_000 or image.mode not in ("RGB", "RGBA"):
                    continue
                image = ImageOps.exif_transpose(image).convert("RGB")
        except Exception:  # Pillow raises whatever its codecs do
            continue
        if min(image.size) < SHORTEST:
            continue
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        small = image.resize((16, 16), Image.Resampling.BOX)
        grey = small.convert("L")
        saturation = ImageStat.Stat(small.convert("HSV")).mean[1]
        entropy = image.convert("L").entropy()
        if saturation < 8 or entropy < 5 or ImageStat.Stat(grey).stddev[0] < 8:
            continue
        # What is alike at 16x16 in any position, as the same picture in two formats is, is one photograph.
        grey = ImageOps.autocontrast(grey)
        if any(ImageStat.Stat(ImageChops.difference(grey, other)).mean[0] < ALIKE for other in seen):
            continue
        turned = [grey, *(grey.transpose(turn) for turn in Image.Transpose)]
        seen += turned
        yield path.name, image


def changes(image, rng):
    """Transform, dup, picture, and how it is saved."""
    width, height = image.size
    jpeg = {"format": "JPEG", "quality": 88}
    yield "png", "exact", image, {"format": "PNG"}
    yield "lossless WebP", "exact", image, {"format": "WEBP", "lossless": True}
    for share in (0.5, 0.8):
        size = (int(width * share), int(height * share))
        yield f"resize {share}", "near", image.resize(size, Image.Resampling.BICUBIC), jpeg
    yield "stretch 1.2", "near", image.resize((int(width * 1.2), height), Image.Resampling.BICUBIC), jpeg
    for quality in (10, 30, 60):
        yield f"JPEG q{quality}", "near", image, {"format": "JPEG", "quality": quality}
    yield "WebP q75", "near", image, {"format": "WEBP", "quality": 75}
    for share in (0.02, 0.05, 0.1):
        left, top = int(width * share), int(height * share)
        yield f"crop {share} a side", "near" if share < 0.1 else "hard", image.crop((left, top, width - left, height - top)), jpeg
    marked = image.copy()
    ImageDraw.Draw(marked).text((width * 0.55, height * 0.88), "example.org", fill=(255, 255, 255), font_size=max(10, height // 16))
    yield "mark", "near", marked, jpeg
    yield "brightness", "near", ImageEnhance.Brightness(image).enhance(rng.choice([0.85, 1.15, 1.2])), jpeg
    yield "contrast", "near", ImageEnhance.Contrast(image).enhance(rng.choice([0.75, 1.3])), jpeg
    yield "grey", "near", image.convert("L"), jpeg
    yield "blur", "near", image.filter(ImageFilter.GaussianBlur(width / 400)), jpeg
    bar = height // 10
    yield "letterbox", "hard", ImageOps.expand(image, (0, bar), "black"), jpeg
    yield "flip", "hard", ImageOps.mirror(image), jpeg
    yield "rotation 5°", "hard", image.rotate(5, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)), jpeg
    yield "rotation 90°", "hard", image.transpose(Image.Transpose.ROTATE_90), jpeg


def main():
    parser = argparse.ArgumentParser(description="Makes families of near-duplicates of pictures.")
    parser.add_argument("pictures")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = 100_000_000
    rng = random.Random(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    files = []
    for number, (name, image) in enumerate(photographs(options.pictures)):
        if number == options.most:
            break
        base = {"format": "JPEG", "quality": 92}
        path = options.out / f"{number:03}-base.jpg"
        image.save(path, **base)
        files.append({"path": path.name, "modality": "image", "family": name, "transform": "base", "dup": "base"})
        # What is published is what is copied: the others are made of the base, not of the photograph.
        with Image.open(path) as image:
            image = image.convert("RGB")
        for at, (transform, dup, changed, saving) in enumerate(changes(image, rng)):
            path = options.out / f"{number:03}-{at:02}.{saving['format'].lower()}"
            changed.save(path, **saving)
            files.append({"path": path.name, "modality": "image", "family": name, "transform": transform, "dup": dup})
    (options.out / "truth.json").write_text(json.dumps({"seed": options.seed, "files": files}, indent=1) + "\n")
    print(f"{len(files)} files of {len({file['family'] for file in files})} families -> {options.out}")


if __name__ == "__main__":
    main()
