"""Makes videos with known cuts, and copies of them, for crates/video: shots, near-duplicates, speed.

usage: video_families.py OUT [--seed N] [--bases N] [--seconds N] [--parts shots,copies,carried,speed]

Every base is a row of shots of 1 to 5 seconds: fields of colour with moving shapes and noise, panned, each shot from a picture of
its own. `truth.json` says for each file: `base`, `kind`, `cuts_s` (first frame of each shot but the first) and, of a trimmed copy, which part it is.

- shots/: each base in several codecs and containers, and at a variable frame rate (of seven frames and of eleven one is left out).
- copies/: each base re-encoded, at half size, in another codec, at another rate, cropped by 5 % a side, letterboxed, brighter, with a
  logo, trimmed to its middle half; and mirrored, which is not to be found.
- carried/: one video with sound in containers and codecs that clips are cut from.
- speed/: one video of 1280x720 at 30 frames a second in each codec, a key frame every 2 seconds.

Files that are there stay: started again with the same arguments, it goes on where it was ended.

Needs numpy, OpenCV and ffmpeg with libx264, libx265, libvpx, libsvtav1.
"""
import argparse
import json
import pathlib
import subprocess

import cv2
import numpy as np


def field(rng, width, height):
    """A picture: three octaves of smooth noise between two colours, and shapes."""
    level = np.zeros((height, width), np.float32)
    for cells, weight in ((3, 1.0), (9, 0.5), (40, 0.25)):
        grid = rng.random((cells, cells * width // height), np.float32)
        level += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    level = (level - level.min()) / (np.ptp(level) + 1e-6)
    one, two = rng.integers(0, 256, (2, 3))
    picture = one + (two - one) * level[..., None]
    picture = np.ascontiguousarray(picture.clip(0, 255).astype(np.uint8))
    for _ in range(rng.integers(3, 9)):
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        x, y = int(rng.integers(width)), int(rng.integers(height))
        size = int(rng.integers(height // 20, height // 4))
        if rng.random() < 0.5:
            cv2.circle(picture, (x, y), size, colour, -1)
        else:
            cv2.rectangle(picture, (x, y), (x + 2 * size, y + size), colour, -1)
    return picture


def frames(rng, width, height, fps, seconds):
    """Frames of a video, and the numbers of the first frames of its shots."""
    count, at, cuts = int(fps * seconds), 0, []
    made = []
    while at < count:
        length = min(int(fps * rng.uniform(1.0, 5.0)), count - at)
        if count - at - length < fps:
            length = count - at
        if at:
            cuts.append(at)
        canvas = field(rng, width + width // 4, height + height // 4)
        dx, dy = rng.uniform(-1, 1, 2) * (width / 4, height / 4) / max(length, 1) * rng.uniform(0.1, 1.0)
        x, y = rng.uniform(0, width / 4), rng.uniform(0, height / 4)
        ball = rng.uniform(0, 1, 2) * (width, height)
        speed = rng.uniform(-3, 3, 2)
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        for _ in range(length):
            x, y = np.clip(x + dx, 0, width / 4 - 1), np.clip(y + dy, 0, height / 4 - 1)
            view = cv2.warpAffine(canvas, np.float32([[1, 0, -x], [0, 1, -y]]), (width, height), borderMode=cv2.BORDER_REFLECT)
            ball = (ball + speed) % (width, height)
            cv2.circle(view, (int(ball[0]), int(ball[1])), height // 12, colour, -1)
            noise = rng.normal(0, 3, (height // 2, width // 2, 1)).repeat(3, 2).astype(np.float32)
            noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_NEAREST)
            made.append((view + noise).clip(0, 255).astype(np.uint8))
        at += length
    return made, cuts


CODECS = {
    "h264.mp4": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23"],
    "h264.mkv": ["-c:v", "libx264", "-preset", "medium", "-crf", "30", "-bf", "3"],
    "h264.ts": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-bf", "2"],
    "h264.avi": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-bf", "0"],
    "h264.flv": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "26"],
    "hevc.mp4": ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "28", "-tag:v", "hvc1", "-x265-params", "log-level=none"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "35", "-b:v", "0"],
    "av1.mp4": ["-c:v", "libsvtav1", "-preset", "10", "-crf", "40"],
    "mjpeg.avi": ["-c:v", "mjpeg", "-q:v", "5"],
}
SPEED = {
    "h264_high.mp4": ["-c:v", "libx264", "-preset", "medium", "-b:v", "3M", "-g", "60"],
    "h264_baseline.mp4": ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "baseline", "-b:v", "3M", "-g", "60"],
    "hevc.mp4": ["-c:v", "libx265", "-preset", "ultrafast", "-b:v", "2M", "-g", "60", "-tag:v", "hvc1", "-x265-params", "log-level=none"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "3M", "-g", "60"],
    "av1.mp4": ["-c:v", "libsvtav1", "-preset", "10", "-b:v", "2M", "-g", "60"],
}
COPIES = {
    "reencoded": ("mp4", ["-c:v", "libx264", "-preset", "veryfast", "-crf", "34"]),
    "half_size": ("mp4", ["-vf", "scale=iw/2:-2", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]),
    "vp9": ("webm", CODECS["vp9.webm"]),
    "rate": ("mp4", ["-r", "15", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]),
    "cropped": ("mp4", ["-vf", "crop=iw*0.9:ih*0.9", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]),
    "letterboxed": ("mp4", ["-vf", "pad=iw:ih*1.2:0:(oh-ih)/2", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]),
    "brighter": ("mp4", ["-vf", "eq=brightness=0.1:contrast=1.1", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]),
    "logo": ("mp4", ["-vf", "drawbox=x=iw*0.8:y=ih*0.05:w=iw*0.15:h=ih*0.12:color=white:t=fill", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]),
    "mirrored": ("mp4", ["-vf", "hflip", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]),
}


# Containers, codecs of pictures and codecs of sound that clips are cut from.
CARRIED = {
    "vp9_opus.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"],
    "vp8_vorbis.webm": ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libvorbis"],
    "av1_opus.webm": ["-c:v", "libsvtav1", "-preset", "10", "-g", "50", "-c:a", "libopus"],
    "h264_flac.mkv": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "flac"],
    "h264_aac.mkv": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac"],
    "h264_mp3.mkv": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "libmp3lame"],
    "h264_eac3.mkv": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "eac3"],
    "h264_alac.mkv": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "alac"],
    "h264_pcm24.mkv": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "pcm_s24le"],
    "hevc_ac3.mkv": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-c:a", "ac3"],
    "h264_aac.ts": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac"],
    "h264_mp2.ts": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "mp2"],
    "hevc_ac3.ts": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-c:a", "ac3"],
    "mpeg2_mp2.ts": ["-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "mp2"],
    "h264_aac.flv": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac"],
    "h264_mp3.flv": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "libmp3lame"],
    "mpeg4_mp3.avi": ["-c:v", "mpeg4", "-b:v", "1M", "-c:a", "libmp3lame"],
    "mjpeg_pcm.avi": ["-c:v", "mjpeg", "-q:v", "5", "-c:a", "pcm_s16le"],
    "h264_aac.mov": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac"],
    "h264_pcm.mov": ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "pcm_s16le"],
}
# A sweep and noise that comes and goes: unlike itself at any other time.
SOUND = "aevalsrc=0.3*sin(2*PI*(200*t+60*t*t))+0.2*sin(2*PI*0.7*t)*random(0):s=44100"


def encode(made, fps, path, arguments, before=()):
    if path.exists():
        return
    height, width = made[0].shape[:2]
    part = path.with_name("part_" + path.name)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(fps),
               "-i", "-", *before, *arguments, "-pix_fmt", "yuvj420p" if "mjpeg" in arguments else "yuv420p", "-threads", "1", str(part)]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in made), check=True)
    part.rename(path)


def copy(source, path, arguments, before=()):
    if path.exists():
        return
    part = path.with_name("part_" + path.name)
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *before, "-i", str(source), *arguments, "-pix_fmt", "yuv420p", "-threads", "1", str(part)], check=True)
    part.rename(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bases", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--parts", default="shots,copies,carried,speed")
    options = parser.parse_args()
    parts, rng = options.parts.split(","), np.random.default_rng(options.seed)
    truth, fps = [], 25
    for part in parts:
        (options.out / part).mkdir(parents=True, exist_ok=True)
    for base in range(options.bases if {"shots", "copies"} & set(parts) else 0):
        made, cuts = frames(rng, 640, 360, fps, options.seconds)
        known = {"base": base, "frames": len(made), "fps": fps, "cuts_s": [cut / fps for cut in cuts]}
        if "shots" in parts:
            for name, arguments in CODECS.items():
                path = options.out / "shots" / f"{base}_{name}"
                encode(made, fps, path, arguments)
                truth.append(known | {"path": str(path.relative_to(options.out)), "kind": name})
            kept = [at for at in range(len(made)) if at in cuts or (at % 7 != 3 and at % 11 != 5)]
            keep = "+".join(["not(eq(mod(n\\,7)\\,3)+eq(mod(n\\,11)\\,5))", *(f"eq(n\\,{at})" for at in cuts)])
            path = options.out / "shots" / f"{base}_vfr.mp4"
            encode(made, fps, path, ["-vf", f"select='{keep}'", "-vsync", "vfr", *CODECS["h264.mp4"]])
            truth.append(known | {"path": str(path.relative_to(options.out)), "kind": "vfr", "frames": len(kept)})
        if "copies" in parts:
            original = options.out / "copies" / f"{base}_original.mp4"
            encode(made, fps, original, ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", "50"])
            truth.append(known | {"path": str(original.relative_to(options.out)), "kind": "original"})
            for kind, (ending, arguments) in COPIES.items():
                path = options.out / "copies" / f"{base}_{kind}.{ending}"
                copy(original, path, arguments)
                truth.append({"path": str(path.relative_to(options.out)), "base": base, "kind": kind})
            path = options.out / "copies" / f"{base}_trimmed.mp4"
            span = [options.seconds / 4, options.seconds * 3 / 4]
            copy(original, path, COPIES["reencoded"][1], ["-ss", str(span[0]), "-to", str(span[1])])
            truth.append({"path": str(path.relative_to(options.out)), "base": base, "kind": "trimmed", "span_s": span})
        print(f"base {base}: {len(cuts)} cuts", flush=True)
        (options.out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    if "carried" in parts:
        made, _ = frames(rng, 320, 180, fps, 12)
        for name, arguments in CARRIED.items():
            path = options.out / "carried" / name
            rate = ["-ar", "48000"] if "opus" in name else []
            encode(made, fps, path, ["-map", "0:v", "-map", "1:a", "-shortest", *arguments, *rate, "-ac", "2"], ["-f", "lavfi", "-i", SOUND])
            truth.append({"path": str(path.relative_to(options.out)), "kind": name, "frames": len(made), "fps": fps})
        print("carried", flush=True)
    if "speed" in parts:
        made, cuts = frames(rng, 1280, 720, 30, min(options.seconds, 12))
        for name, arguments in SPEED.items():
            path = options.out / "speed" / name
            encode(made, 30, path, arguments)
            truth.append({"path": str(path.relative_to(options.out)), "kind": name, "frames": len(made), "cuts_s": [cut / 30 for cut in cuts]})
            print(name, flush=True)
    (options.out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


if __name__ == "__main__":
    main()
