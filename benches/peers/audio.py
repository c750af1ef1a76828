"""Runs gristmill's audio example and its peers over the same files, one core, and prints how many times faster than real time each is.

usage: audio.py --examples FOLDER [--runs N] [--json FILE] FILE...

FOLDER of `--examples` holds the release build of audio_speed of crates/audio. Files that suit: a few minutes of one sound in WAVE,
MP3, FLAC, AAC, Vorbis and Opus. Needs the commands ffmpeg and fpcalc, and the Python packages av, soundfile, librosa and
pyloudnorm; what is not installed is left out, and the output says so.
Every measurement is a process of its own, held to one core: `audio.py work SUBJECT FILE` is what runs in it. CPU time of commands is
theirs with their start-up; of Python packages that of the calls alone. The figure is the median over the runs.
"""
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time


def command(*arguments):
    """A subject that is a command: its CPU time is that of its process."""

    def run(file):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([a if a != "FILE" else file for a in arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, arguments
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return run


def call(prepare, work):
    """A subject that is a call: what `prepare` makes of the file is not timed."""

    def run(file):
        prepared = prepare(file)
        start = time.process_time()
        work(prepared)
        return time.process_time() - start

    return run


def pyav(file):
    import av

    with av.open(file) as container:
        for frame in container.decode(audio=0):
            frame.to_ndarray()


def soundfile(file):
    import soundfile

    soundfile.read(file, dtype="float32")


def samples(file):
    import librosa

    return librosa.load(file, sr=None, mono=False)


def librosa_measures(loaded):
    """Levels, silence, zero crossings, flatness and the mean spectrum, as the signal `waveform` has them."""
    import librosa
    import numpy as np

    samples, rate = loaded
    mono = librosa.to_mono(samples)
    np.sqrt((samples**2).mean()), np.abs(samples).max(), samples.mean(axis=-1), (np.abs(samples) >= 32767 / 32768).mean()
    librosa.effects.split(mono, top_db=60)
    librosa.zero_crossings(samples).mean()
    power = np.abs(librosa.stft(mono, n_fft=1024, hop_length=1024)) ** 2
    librosa.feature.spectral_flatness(S=power, power=1.0).mean()
    librosa.power_to_db(power.mean(axis=1))


def pyloudnorm_loudness(loaded):
    import pyloudnorm

    samples, rate = loaded
    pyloudnorm.Meter(rate).integrated_loudness(samples.T)


def python_measures(file):
    """The same with decoding, as far as those packages have it: no true peak, speech or fingerprint."""
    loaded = samples(file)
    librosa_measures(loaded)
    pyloudnorm_loudness(loaded)


FFMPEG = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", "FILE", "-map", "0:a:0"]
PEERS = {
    "ffmpeg, decode to 32-bit float": command(*FFMPEG, "-f", "f32le", "-y", "/dev/null"),
    "ffmpeg, decode to 16 kHz mono": command(*FFMPEG, "-ar", "16000", "-ac", "1", "-f", "s16le", "-y", "/dev/null"),
    "ffmpeg, ebur128 with true peak": command(*FFMPEG, "-af", "ebur128=peak=true", "-f", "null", "-"),
    "ffmpeg, astats, silencedetect, ebur128": command(*FFMPEG, "-af", "astats,silencedetect,ebur128=peak=true", "-f", "null", "-"),
    "fpcalc": command("fpcalc", "FILE"),
    "PyAV, decode": call(lambda file: file, pyav),
    "soundfile, decode": call(lambda file: file, soundfile),
    "librosa, measures of samples": call(samples, librosa_measures),
    "pyloudnorm, loudness of samples": call(samples, pyloudnorm_loudness),
    "librosa and pyloudnorm, decode and measures": call(lambda file: file, python_measures),
}


def seconds(file):
    asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", file]
    return float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def held():
    """The environment and the core of a measurement."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})


def main():
    if sys.argv[1:2] == ["work"]:
        subject, file = sys.argv[2:4]
        if subject != "fpcalc" and not subject.startswith("ffmpeg"):
            PEERS[subject](file)  # imports, and fills caches of windows
        print(PEERS[subject](file))
        return
    import argparse

    parser = argparse.ArgumentParser(description="Runs gristmill's audio example and its peers over the same files.")
    parser.add_argument("--examples", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    environment = {**os.environ, **one_thread}
    found = {}
    for file in options.files:
        length = seconds(file)
        rows = found.setdefault(file, {})
        for _ in range(options.runs):
            example = [str(options.examples / "audio_speed"), "--json", file]
            told = subprocess.run(example, capture_output=True, text=True, check=True, preexec_fn=held, env=environment).stdout
            for step, speed in json.loads(told).items():
                if step != "path":
                    rows.setdefault(f"gristmill, {step}", []).append(speed)
            for subject in PEERS:
                asked = [sys.executable, __file__, "work", subject, file]
                done = subprocess.run(asked, capture_output=True, text=True, preexec_fn=held, env=environment)
                if done.returncode == 0:
                    rows.setdefault(subject, []).append(length / max(float(done.stdout.split()[-1]), 1e-4))
                else:
                    last = done.stderr.strip().splitlines()[-1:] or ["failed"]
                    print(f"left out: {subject} of {file}: {last[0]}", file=sys.stderr)
        print(f"{file}: {length:.1f} s")
        for subject, speeds in rows.items():
            print(f"  {subject:46} {statistics.median(speeds):9.0f} x   {min(speeds):.0f} to {max(speeds):.0f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
