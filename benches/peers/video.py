"""Runs gristmill's video examples and their peers over the files of ../video_families.py.

usage: video.py FAMILIES [--examples FOLDER] [--parts speed,shots,copies,clips,probe,workers] [--runs N] [--json FILE]

FOLDER of `--examples` holds the release builds of the examples of crates/video.

- speed: seconds of CPU time on one core, start-up of commands included, best of the runs: key frames beside `ffmpeg -skip_frame nokey` and
  PyAV (key packets picked), all frames beside `ffmpeg` and PyAV, shots beside PySceneDetect's ContentDetector.
- probe: seconds a file beside ffprobe and PyAV.
- shots: precision, recall and F1 against the cuts that were made, by kind; and how many cuts of PySceneDetect are ours too, and the other way round.
- copies: recall by kind of copy and precision over all pairs, by vPDQ containment of at least 0.5 and 0.8.
- workers: how long a worker takes to start anew after a crash.
- clips: clips of the middle of each video, read again by ffprobe.
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
    return [start.get_seconds() for start, _ in manager.get_scene_list()][1:]


def cv2_decode(path):
    import cv2

    cv2.setNumThreads(1)
    video = cv2.VideoCapture(str(path))
    while video.read()[0]:
        pass


def signals(options, names, paths):
    text = run(options.examples / "video_signals", names, *paths)
    return [json.loads(line) for line in text.splitlines()]


# ---- Parts


def speed(options, truth, report):
    files = [options.families / entry["path"] for entry in truth if entry["path"].startswith("speed/")]
    ours = [json.loads(line) for line in run(options.examples / "video_speed", "--json", options.runs, *files).splitlines()]
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "threads;1"
    on_one_core()
    print("\n| file | key frames: ours | with measures | worker | ffmpeg nokey | PyAV keys | ours : ffmpeg | all frames: ours | ffmpeg | PyAV | ours : ffmpeg | shots and all measures less decoding, per frame | PySceneDetect less decoding, per frame |")
    print("|---|" + "---:|" * 12)
    for path, own in zip(files, ours):
        quiet = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1"]
        nokey = cpu_of(lambda: run(*quiet, "-skip_frame", "nokey", "-i", path, "-an", "-f", "null", "-"), options.runs)
        full = cpu_of(lambda: run(*quiet, "-i", path, "-an", "-f", "null", "-"), options.runs)
        keys_av = cpu_of(lambda: pyav_keys(str(path)), options.runs)
        full_av = cpu_of(lambda: pyav_all(str(path)), options.runs)
        detect = cpu_of(lambda: scenes(path), 1)
        decode = cpu_of(lambda: cv2_decode(path), 1)
        count = own["frames"]
        mine, theirs = (own["frames_s"] - own["decode"]) / count, (detect - decode) / count
        print(
            f"| {path.name} ({own['keys']} of {count}) | {own['keys_s']:.3f} | {own['keyframes']:.3f} | {own['worker']:.3f} | {nokey:.3f} | {keys_av:.3f} "
            f"| {nokey / own['keys_s']:.2f} | {own['decode']:.2f} | {full:.2f} | {full_av:.2f} | {full / own['decode']:.2f} | {mine * 1e6:.0f} µs | {theirs * 1e6:.0f} µs |"
        )
        report.setdefault("speed", []).append({**own, "nokey": nokey, "full": full, "pyav_keys": keys_av, "pyav": full_av, "detect": detect, "cv2": decode})


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
    for entry, path, own in zip(entries, paths, signals(options, "frames", paths)):
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
    entries = [entry for entry in truth if entry["path"].startswith("copies/")]
    paths = [options.families / entry["path"] for entry in entries]
    hashes = []
    for own in signals(options, "keyframes", paths):
        lines = [line.split(",") for line in own.get("video_pdq", [])]
        hashes.append([int(digits, 16) for _, quality, digits, _ in lines if int(quality) >= 50])

    def containment(one, two):
        def share(of, within):
            return sum(any((a ^ b).bit_count() <= 31 for b in within) for a in of) / len(of)

        return max(share(one, two), share(two, one)) if one and two else 0.0

    originals = [at for at, entry in enumerate(entries) if entry["kind"] == "original"]
    print("\n| copy | pairs | found at 0.5 | found at 0.8 | mean containment |\n|---|---:|---:|---:|---:|")
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
    for kind, values in by_kind.items():
        print(f"| {kind} | {len(values)} | {sum(value >= 0.5 for value in values)} | {sum(value >= 0.8 for value in values)} | {sum(values) / len(values):.2f} |")
    if wrong:
        print(f"| others | {len(wrong)} | {sum(value >= 0.5 for value in wrong)} | {sum(value >= 0.8 for value in wrong)} | {sum(wrong) / len(wrong):.2f} |")
    report["copies"] = {"kinds": by_kind, "others": wrong}


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
    parser.add_argument("--parts", default="probe,shots,copies,clips,workers,speed")
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
