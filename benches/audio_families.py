"""Makes families of near-duplicates of sounds, for the example fingerprint_match of crates/audio.

usage: audio_families.py SOUNDS OUT [--most N] [--seed N] [--seconds S]

SOUNDS is a folder of recordings in any format that FFmpeg reads, searched with all below it; those shorter than 8 s are left out.
With `--synthetic N` instead, N pieces of music and speech-like sound are made. OUT gets a family of each: the base, and what is made of
it. OUT/truth.json has path, family, transform and dup of each file as the example reads them: `base`, `exact` (the same
samples), `near` (to be found), `hard` (may be missed). Needs the command ffmpeg with libmp3lame, libopus and libvorbis.
"""
import argparse
import array
import json
import math
import pathlib
import random
import subprocess
import wave

RATE = 44100


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def seconds(path):
    asked = ["ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    told = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    try:
        return float(told)
    except ValueError:
        return 0.0


def synthetic(path, rng, length):
    """Notes of a few voices in random order, with decay, overtones and noise; at a quarter of the rate, since Python is slow."""
    rate = RATE // 4
    samples = [rng.gauss(0, 0.001) for _ in range(int(length * rate))]
    for _ in range(3):
        at = 0.0
        while at < length:
            duration = rng.choice([0.125, 0.25, 0.5, 1.0])
            hertz = 55 * 2 ** (rng.randrange(12, 52) / 12)
            level, decay = 0.05 + 0.1 * rng.random(), math.exp(-(1 + 4 * rng.random()) / rate)
            start = int(at * rate)
            end = min(start + int(duration * rate), len(samples))
            for overtone in range(1, 4):
                step = 2 * math.pi * hertz * overtone / rate
                if step > 2.5:
                    break
                # A decaying oscillator: each sample from the two before it.
                turn, square = 2 * decay * math.cos(step), decay * decay
                before, now = 0.0, level * rng.random() / overtone * math.sin(step)
                for i in range(start, end):
                    samples[i] += now
                    before, now = now, turn * now - square * before
            at += duration
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        whole = array.array("h", (max(-32768, min(32767, int(32768 * sample))) for sample in samples))
        out.writeframes(whole.tobytes())


def changes(length, rng):
    """Transform, dup, ending, and what FFmpeg is told."""
    yield "copy", "exact", "wav", []
    for kbits in (32, 64, 128):
        yield f"mp3 {kbits}k", "near", "mp3", ["-b:a", f"{kbits}k"]
    yield "aac 64k", "near", "m4a", ["-b:a", "64k"]
    for kbits in (16, 48):
        yield f"opus {kbits}k", "near", "opus", ["-c:a", "libopus", "-b:a", f"{kbits}k"]
    yield "vorbis q1", "near", "ogg", ["-c:a", "libvorbis", "-q:a", "1"]
    for rate in (8000, 16000, 22050, 48000):
        yield f"rate {rate}", "near", "flac", ["-ar", rate]
    yield "gain -12 dB", "near", "flac", ["-af", "volume=-12dB"]
    yield "8 bits", "near", "wav", ["-c:a", "pcm_u8"]
    start = round(0.5 + rng.random() * 2, 3)
    yield "start cut", "near", "mp3", ["-ss", start, "-b:a", "128k"]
    yield "end cut", "near", "mp3", ["-t", round(length * 0.7, 3), "-b:a", "128k"]
    yield "middle third", "near", "m4a", ["-ss", round(length / 3, 3), "-t", round(length / 3, 3), "-b:a", "96k"]
    yield "2 s before", "near", "flac", ["-af", "adelay=2000:all=1"]
    yield "noise 20 dB below", "near", "flac", ["-filter_complex", "anoisesrc=a=0.01:seed=1[n];[0:a][n]amix=2:duration=first:normalize=0"]
    yield "telephone", "hard", "wav", ["-af", "highpass=300,lowpass=3400", "-ar", 8000, "-c:a", "pcm_mulaw"]
    yield "equaliser", "hard", "flac", ["-af", "bass=g=8,treble=g=-6"]
    yield "tempo 1.05", "hard", "flac", ["-af", "atempo=1.05"]
    yield "pitch 1.06", "hard", "flac", ["-af", f"asetrate={int(RATE * 1.06)},aresample={RATE}"]


def main():
    parser = argparse.ArgumentParser(description="Makes families of near-duplicates of sounds.")
    parser.add_argument("sounds", nargs="?")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--synthetic", type=int, default=0)
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    sources = []
    if options.sounds:
        found = sorted(path for path in pathlib.Path(options.sounds).rglob("*") if path.is_file())
        sources = [path for path in found if seconds(path) >= 8][: options.most]
    for number in range(options.synthetic):
        path = options.out / f"synthetic-{number:02}.wav"
        synthetic(path, rng, options.seconds)
        sources.append(path)
    files = []
    for number, source in enumerate(sources):
        base = options.out / f"{number:03}-base.wav"
        ffmpeg("-i", source, "-map", "0:a:0", "-t", options.seconds, "-ar", RATE, "-ac", "1", base)
        length = seconds(base)
        files.append({"path": base.name, "family": source.name, "transform": "base", "dup": "base"})
        for at, (transform, dup, ending, told) in enumerate(changes(length, rng)):
            path = options.out / f"{number:03}-{at:02}.{ending}"
            ffmpeg("-i", base, *told, path)
            files.append({"path": path.name, "family": source.name, "transform": transform, "dup": dup})
    (options.out / "truth.json").write_text(json.dumps({"seed": options.seed, "files": files}, indent=1) + "\n")
    print(f"{len(files)} files of {len(sources)} families -> {options.out}")


if __name__ == "__main__":
    main()
