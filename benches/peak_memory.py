"""Peak memory of the command as the input grows: the same archive once and many times over.

usage: peak_memory.py GRISTMILL FILE.warc.gz [TIMES ...]
"""
import os
import pathlib
import subprocess
import sys
import tempfile

command, file, *times = sys.argv[1:]
recipe = pathlib.Path(__file__).parent.parent / "recipes/web-text.yaml"
first = None
for times in map(int, times or ["1", "4", "20"]):
    # Beside the archive, so that it can be linked instead of copied.
    with tempfile.TemporaryDirectory(dir=pathlib.Path(file).absolute().parent) as folder:
        for number in range(times):
            os.link(file, f"{folder}/{number:04}.warc.gz")
        run = [command, "run", recipe, "--read", f"{folder}/*.warc.gz", "--to", f"{folder}/out", "--set", "write.rejects=all"]
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, f"the run ended with {status}"
        peak = usage.ru_maxrss / 1024
        first = first or peak
        size = times * os.path.getsize(file) / 2**20
        cpu = usage.ru_utime + usage.ru_stime
        print(f"{times:4} times, {size:7.1f} MiB: peak {peak:4.0f} MiB ({peak / first:.2f} of the first), {cpu:.1f} CPU s", flush=True)
