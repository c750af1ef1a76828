#!/usr/bin/env bash
# End to end over one WARC file: CPU seconds, records per CPU second, peak memory, for two recipes; then shard writing.
# usage: end_to_end.sh FILE.warc.gz [RUNS]
set -euo pipefail
input=$(realpath "$1")
runs=${2:-3}
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet --workspace --bins --examples
bin="${CARGO_TARGET_DIR:-target}/release"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for recipe in html-extract web-text; do
  for run in $(seq "$runs"); do
    rm -rf "$scratch/$recipe"
    /usr/bin/env python3 - "$bin/gristmill" "recipes/$recipe.yaml" "$input" "$scratch/$recipe" <<'PY'
import json, resource, subprocess, sys, time
command, recipe, source, to = sys.argv[1:]
started = time.time()
done = subprocess.run([command, "run", recipe, "--read", source, "--to", to, "--json"], capture_output=True, text=True)
assert done.returncode == 0, done.stderr
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = usage.ru_utime + usage.ru_stime
account = json.loads(done.stdout.splitlines()[-1])["account"]
print(f"{recipe}: {account['read']} records, {account['kept']} kept, {cpu:.2f} CPU s, {account['read'] / cpu:.0f} records/CPU s, "
      f"{time.time() - started:.2f} s, peak {usage.ru_maxrss / 1024:.0f} MiB")
PY
  done
done
"$bin/examples/write_shards" "$(ls "$scratch"/html-extract/data/text/*.parquet | head -1)"
