"""Runs gristmill's video examples and their peers over the files of ../video_families.py.

usage: video.py FAMILIES [--examples FOLDER] [--parts speed,shots,copies,clips,carried,probe,workers] [--runs N] [--json FILE]

FOLDER of `--examples` holds the release builds of the examples of crates/video.

- speed: seconds of CPU time on one core, start-up of commands included, best of the runs: key frames beside `ffmpeg -skip_frame nokey` and
  PyAV (key packets picked), all frames beside `ffmpeg` and PyAV; shots beside PySceneDetect's ContentDetector, of frames decoded before.
- probe: seconds a file beside ffprobe and PyAV.
- shots: precision, recall and F1 against the cuts that were made, by kind; and how many cuts of PySceneDetect are ours too, and the other way round.
- copies: recall by kind of copy and precision over all pairs, by vPDQ containment of at least 0.5 and 0.8.
- workers: how long a worker takes to start anew after a crash.
- clips: clips of the middle of each video, read again by ffprobe.
- carried: clips with sound, by codec: pictures, and whether the sound is that of the source at the same place.
"""
import argparse
import collections
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = max(os.sched_getaffinity(0))


def on_one_core():
    os.sched_setaffinity(0, {CORE})


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, preexec_fn=on_one_core)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"{command[0]} fails"])[-1])
    return done.stdout


def cpu_of(call, runs):
    """The least CPU time of a call and its children."""
    def spent():
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    best = float("inf")
    for _ in range(runs):
        before = spent()
        call()
        best = min(best, spent() - before)
    return best


def pyav_keys(path):
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            if packet.is_keyframe:
                for _ in packet.decode():
                    pass


def pyav_all(path):
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            pass


def scenes(path, adaptive=False):
    from scenedetect import AdaptiveDetector, ContentDetector, SceneManager, open_video

    video = open_video(str(path))
    manager = SceneManager()
    manager.add_detector(AdaptiveDetector() if adaptive else ContentDetector())
    manager.detect_scenes(video)
    return [start.seconds for start, _ in manager.get_scene_list()][1:]


def detect_decoded(path, count=6, rounds=3):
    """Seconds of CPU time for a frame that is decoded already: PySceneDetect's downscaling and its ContentDetector."""
    import cv2
    from scenedetect import ContentDetector, FrameTimecode
    from scenedetect.scene_manager import compute_downscale_factor

    cv2.setNumThreads(1)
    video, frames = cv2.VideoCapture(str(path)), []
    while len(frames) < count:
        is_there, frame = video.read()
        if not is_there:
            break
        frames.append(frame)
    height, width = frames[0].shape[:2]
    factor = compute_downscale_factor(width)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    times = [FrameTimecode(at, fps=25.0) for at in range(20 * len(frames))]
    best = float("inf")
    for _ in range(rounds):
        detector = ContentDetector()
        start = time.process_time()
        for at, frame in zip(times, frames * 20):
            detector.process_frame(at, cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR))
        best = min(best, time.process_time() - start)
    return best / len(times)


def signals(options, names, paths):
    text = run(options.examples / "video_signals", names, *paths)
    return [json.loads(line) for line in text.splitlines()]


# ---- Parts


def speed(options, truth, report):
    files = [options.families / entry["path"] for entry in truth if entry["path"].startswith("speed/")]
    ours = [json.loads(line) for line in run(options.examples / "video_speed", "--json", options.runs, *files).splitlines()]
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "threads;1"
    on_one_core()
    print("\n| file | key frames: ours | with measures | worker | ffmpeg nokey | PyAV keys | ours : ffmpeg | all frames: ours | ffmpeg | PyAV | ours : ffmpeg | shots, a decoded frame | PySceneDetect | its time by ours | frames with measures | the same by a worker |")
    print("|---|" + "---:|" * 15)
    for path, own in zip(files, ours):
        quiet = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1"]
        nokey = cpu_of(lambda: run(*quiet, "-skip_frame", "nokey", "-i", path, "-an", "-f", "null", "-"), options.runs)
        full = cpu_of(lambda: run(*quiet, "-i", path, "-an", "-f", "null", "-"), options.runs)
        keys_av = cpu_of(lambda: pyav_keys(str(path)), options.runs)
        full_av = cpu_of(lambda: pyav_all(str(path)), options.runs)
        detect = None if "av1" in path.name else detect_decoded(path)
        count = own["frames"]
        print(
            f"| {path.name} ({own['keys']} of {count}) | {own['keys_s']:.3f} | {own['keyframes']:.3f} | {own['worker']:.3f} | {nokey:.3f} | {keys_av:.3f} "
            f"| {nokey / own['keys_s']:.2f} | {own['decode']:.2f} | {full:.2f} | {full_av:.2f} | {full / own['decode']:.2f} "
            + (f"| {own['shots'] * 1e6:.0f} µs | {detect * 1e6:.0f} µs | {detect / own['shots']:.1f} |" if detect else f"| {own['shots'] * 1e6:.0f} µs | - | - |")
            + f" {own['frames_s']:.2f} | {own['frames_worker']:.2f} |"
        )
        report.setdefault("speed", []).append({**own, "nokey": nokey, "full": full, "pyav_keys": keys_av, "pyav": full_av, "detect": detect})


def probe(options, truth, report):
    files = [options.families / entry["path"] for entry in truth][:24]
    ours = [json.loads(line)["probe"] for line in run(options.examples / "video_speed", "--json", 1, *files[:8]).splitlines()]
    theirs = cpu_of(lambda: [run("ffprobe", "-v", "error", "-show_format", "-show_streams", path) for path in files[:8]], options.runs) / 8
    import av

    def with_av():
        for path in files[:8]:
            with av.open(str(path)) as container:
                container.streams.video[0].duration

    pyav = cpu_of(with_av, options.runs) / 8
    mine = sum(ours) / len(ours)
    print(f"\nprobe, mean of {len(ours)} files: ours {mine * 1e6:.0f} µs, ffprobe {theirs * 1e3:.0f} ms ({theirs / mine:.0f}x), PyAV {pyav * 1e3:.2f} ms ({pyav / mine:.0f}x)")
    report["probe"] = {"ours": mine, "ffprobe": theirs, "pyav": pyav}


def matched(found, wanted, within):
    left, hits = list(wanted), 0
    for cut in found:
        near = [other for other in left if abs(other - cut) <= within]
        if near:
            left.remove(min(near, key=lambda other: abs(other - cut)))
            hits += 1
    return hits


def shots(options, truth, report):
    entries = [entry for entry in truth if entry["path"].startswith("shots/")]
    paths = [options.families / entry["path"] for entry in entries]
    rows = collections.defaultdict(lambda: [0] * 9)
    for entry, path, own in zip(entries, paths, signals(options, "all_frames", paths)):
        if "fault" in own:
            print(f"{path.name}: {own['fault']}")
            continue
        # Containers of transport streams and Flash do not start at 0.
        zero = own["video_shots"][0][0]
        within = 0.5 / entry["fps"]
        mine = [start - zero for start, _ in own["video_shots"][1:]]
        adaptive = [start - zero for start, _ in own["video_adaptive_shots"][1:]]
        theirs, theirs_adaptive = scenes(path), scenes(path, True)
        row = rows[entry["kind"]]
        row[0] += matched(mine, entry["cuts_s"], within)
        row[1] += len(mine)
        row[2] += len(entry["cuts_s"])
        # Theirs count time from the start of the container, by the mean rate where it varies.
        row[3] += matched(mine, theirs, within * 2.1)
        row[4] += len(theirs)
        row[5] += matched(adaptive, theirs_adaptive, within * 2.1)
        row[6] += len(theirs_adaptive)
        row[7] += len(adaptive)
        row[8] += matched(adaptive, entry["cuts_s"], within)
    print("\n| kind | cuts | found | right | precision | recall | F1 | adaptive right of found | PySceneDetect | both | its adaptive | both |\n|---|" + "---:|" * 11)
    total = [0] * 9
    for kind, row in [*rows.items(), ("all", total)]:
        if kind != "all":
            total[:] = [one + two for one, two in zip(total, row)]
        right, found, cuts, both, theirs, both_adaptive, theirs_adaptive, adaptive, right_adaptive = row
        precision, recall = right / max(found, 1), right / max(cuts, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        print(f"| {kind} | {cuts} | {found} | {right} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {right_adaptive} of {adaptive} | {theirs} | {both} | {theirs_adaptive} | {both_adaptive} |")
    report["shots"] = {kind: row for kind, row in rows.items()}


def copies(options, truth, report):
    """By hashes of key frames, and of a frame each second, as vPDQ has it."""
    entries = [entry for entry in truth if entry["path"].startswith("copies/")]
    paths = [options.families / entry["path"] for entry in entries]
    for signal, column in (("keyframes", "video_pdq"), ("all_frames", "video_second_pdq")):
        hashes = []
        for own in signals(options, signal, paths):
            lines = [line.split(",") for line in own.get(column, [])]
            hashes.append([int(digits, 16) for _, quality, digits, _ in lines if int(quality) >= 50])
        print_copies(column, entries, hashes, report)


def containment(one, two):
    def share(of, within):
        return sum(any((a ^ b).bit_count() <= 31 for b in within) for a in of) / len(of)

    return max(share(one, two), share(two, one)) if one and two else 0.0


def print_copies(column, entries, hashes, report):
    originals = [at for at, entry in enumerate(entries) if entry["kind"] == "original"]
    print(f"\n| {column} | pairs | found at 0.5 | found at 0.8 | mean containment |\n|---|---:|---:|---:|---:|")
    by_kind, wrong = collections.defaultdict(list), []
    for original in originals:
        for at, entry in enumerate(entries):
            if at == original:
                continue
            value = containment(hashes[original], hashes[at])
            if entry["base"] == entries[original]["base"]:
                by_kind[entry["kind"]].append(value)
            else:
                wrong.append(value)
    for kind, values in [*by_kind.items(), ("others", wrong)]:
        if values:
            print(f"| {kind} | {len(values)} | {sum(value >= 0.5 for value in values)} | {sum(value >= 0.8 for value in values)} | {sum(values) / len(values):.2f} |")
    report[f"copies by {column}"] = {"kinds": by_kind, "others": wrong}


def clips(options, truth, report):
    entries = [entry for entry in truth if entry["path"].startswith("shots/")]
    good, bad = collections.Counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        for entry in entries:
            path = options.families / entry["path"]
            text = run(options.examples / "video_probe", path)
            own = json.loads(text.splitlines()[0])
            start = own["video_keyframes_s"][0]
            said = run(options.examples / "video_clips", scratch, start + 3.02, start + 8.02, path)
            clip = pathlib.Path(scratch) / (path.name.replace(".", "_") + ".mp4")
            if not clip.exists():
                bad.append(f"{path.name}: {said.strip()}")
                continue
            found = json.loads(run("ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries",
                                   "stream=nb_read_frames:format=duration", "-of", "json", clip))
            count, seconds = int(found["streams"][0]["nb_read_frames"]), float(found["format"]["duration"])
            expected = 5 * entry["fps"]
            is_right = abs(seconds - 5) < 0.05 and (count == expected or entry["kind"] == "vfr")
            (good.update([entry["kind"]]) if is_right else bad.append(f"{path.name}: {count} frames, {seconds} s"))
    print(f"\nclips of 5 s read by ffprobe as made: {sum(good.values())} of {len(entries)}")
    print(*bad, sep="\n")
    report["clips"] = {"good": good, "bad": bad}


def heard(path):
    """One channel at 16 kHz as ffmpeg plays it."""
    import numpy as np

    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", "16000", "-f", "f32le", "-"], capture_output=True)
    return np.frombuffer(done.stdout, np.float32).astype(float)


def carried(options, truth, report):
    """Clips with sound: pictures counted by PyAV, sound held against that of the source at the same place."""
    import av
    import numpy as np

    print("\n| source | codecs in the clip | pictures of 100 | sound, s | best lag, ms | correlation |\n|---|---|---:|---:|---:|---:|")
    for entry in (entry for entry in truth if entry["path"].startswith("carried/")):
        path = options.families / entry["path"]
        with tempfile.TemporaryDirectory() as scratch, av.open(str(path)) as source:
            # ffmpeg's times count from the start of the container.
            zero = (source.start_time or 0) / 1e6
            said = run(options.examples / "video_clips", scratch, zero + 4.0, zero + 8.0, path)
            clip = pathlib.Path(scratch) / (path.name.replace(".", "_") + ".mp4")
            if not clip.exists():
                print(f"| {path.name} | {said.strip()} | | | | |")
                continue
            with av.open(str(clip)) as container:
                names = [stream.codec_context.name for stream in container.streams]
                frames = sum(1 for _ in container.decode(video=0))
            mine, theirs = heard(clip), heard(path)[64_000:128_000]
            count = min(len(mine), len(theirs)) // 2
            lags = range(-800, 801, 4)
            if count < 8000:
                print(f"| {path.name} | {', '.join(names)} | {frames} | {len(mine) / 16000:.2f} | | |")
                continue
            inner = theirs[800:count]
            best = max((float(np.corrcoef(inner, mine[800 + lag : count + lag])[0, 1]), -abs(lag), lag) for lag in lags)
            print(f"| {path.name} | {', '.join(names)} | {frames} | {len(mine) / 16000:.2f} | {best[2] / 16:.1f} | {best[0]:.3f} |")
            report.setdefault("carried", []).append({"source": path.name, "codecs": names, "frames": frames, "seconds": len(mine) / 16000, "lag_ms": best[2] / 16, "correlation": best[0]})


def workers(options, truth, report):
    """How long a worker takes to start, and to answer after another one crashed."""
    import statistics
    import struct

    def start():
        return subprocess.Popen([options.examples / "video_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(child, codec, request=b""):
        child.stdin.write(struct.pack("<IQQ", codec, 1 << 20, len(request)) + request)
        child.stdin.flush()
        head = child.stdout.read(12)
        if len(head) < 12:
            return None
        return child.stdout.read(struct.unpack("<IQ", head)[1])

    times = []
    for _ in range(20):
        child = start()
        assert ask(child, 0, b"ready") == b"ready"
        # Codec 100 aborts.
        assert ask(child, 100) is None
        begin = time.perf_counter()
        child.wait()
        child = start()
        assert ask(child, 0, b"ready") == b"ready"
        times.append(time.perf_counter() - begin)
        child.kill()
        child.wait()
    print(f"\nfrom a crash to the next answer: median {statistics.median(times) * 1e3:.1f} ms, longest {max(times) * 1e3:.1f} ms")
    report["restart"] = times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("families", type=pathlib.Path)
    parser.add_argument("--examples", type=pathlib.Path, default=ROOT / "target/release/examples")
    parser.add_argument("--parts", default="probe,shots,copies,clips,carried,workers,speed")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    truth = json.loads((options.families / "truth.json").read_text())
    report, start = {}, time.time()
    for part in options.parts.split(","):
        globals()[part](options, truth, report)
    print(f"\n{time.time() - start:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
