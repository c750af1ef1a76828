"""Runs the command where it is not safe: over a network that fails, killed at any moment, twice at the same time. What it wrote
in the end is compared with an output that nothing happened to.

usage: storms.py WHAT ROUNDS GRISTMILL CRAWL WHOLE [more arguments of run]

WHAT is one of

  network  one request in ten is answered with 503, one in twenty with 429, one in ten ends in a reset (before the server saw it,
           behind it, or in the middle of the body), one in fifty waits for 2 seconds
  kills    the command is killed at random moments and run again
  drivers  two of it work at the same output at once

all of them against an S3 server (moto), and `kills-in-folder`, which needs none. WHOLE is the output of the same arguments in a folder. The seed is the round.
"""
import contextlib
import http.client
import http.server
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

what, rounds, command, crawl, whole, *arguments = sys.argv[1:]
BUCKET = "corpus"


@contextlib.contextmanager
def moto():
    """A client of a new S3 server with the crawl in it, and where the server is."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys)
    client.create_bucket(Bucket=BUCKET)
    for file in sorted(pathlib.Path(crawl).glob("*.warc.gz")):
        client.upload_file(str(file), BUCKET, f"in/{file.name}")
    yield client, (host, port)
    server.stop()


class Storm(http.server.BaseHTTPRequestHandler):
    """Passes requests on to a server, and fails some of them."""

    protocol_version = "HTTP/1.1"
    server_address = None
    chance = random.Random()
    lock = threading.Lock()
    seen: dict = {}

    def log_message(self, *_):
        pass

    def draw(self):
        with self.lock:
            drawn = self.chance.random()
        for name, share in [("503", .10), ("429", .05), ("reset before", .03), ("reset behind", .04), ("reset within", .03), ("stall", .02)]:
            if drawn < share:
                break
            drawn -= share
        else:
            name = "passed"
        with self.lock:
            self.seen[name] = self.seen.get(name, 0) + 1
        return name

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def refuse(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = self.draw()
        if fate in ("503", "429"):
            return self.refuse(int(fate))
        if fate == "reset before":
            return self.reset()
        if fate == "stall":
            time.sleep(2)
        upstream = http.client.HTTPConnection(*self.server_address, timeout=60)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        if fate == "reset behind":
            return self.reset()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if fate == "reset within":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            return self.reset()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on


@contextlib.contextmanager
def storm(address, seed):
    """A proxy before a server."""
    handler = type("Seeded", (Storm,), {"server_address": address, "chance": random.Random(seed), "seen": {}})
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    proxy.daemon_threads = True
    proxy.handle_error = lambda *_: None
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy.server_address, handler.seen
    proxy.shutdown()


def launch(read, to, **environment):
    run = [command, "run", "recipes/web-text.yaml", "--read", read, "--to", to, *arguments]
    environment = os.environ | environment
    return subprocess.Popen(run, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def start(address, to):
    return launch(
        f"s3://{BUCKET}/in/*.warc.gz", f"s3://{BUCKET}/{to}",
        AWS_ENDPOINT_URL=f"http://{address[0]}:{address[1]}", AWS_ALLOW_HTTP="true", AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test",
    )


def finish(process):
    errors = process.communicate()[1]
    return process.returncode, errors


def objects(client, prefix):
    """The objects of an output but for what may differ: the plan names where the input was."""
    found = {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        for entry in page.get("Contents", []):
            name = entry["Key"].removeprefix(prefix)
            if name != "_gristmill/plan.json" and not name.startswith("_gristmill/runs/"):
                found[name] = client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
    return found


def files_of(folder):
    root = pathlib.Path(folder)
    files = (file for file in root.rglob("*") if file.is_file())
    found = {str(file.relative_to(root)): file.read_bytes() for file in files}
    return {name: body for name, body in found.items() if name != "_gristmill/plan.json" and not name.startswith("_gristmill/runs/")}


def compare(ours, about):
    theirs = files_of(whole)
    assert ours.keys() == theirs.keys(), f"{about}: {sorted(ours.keys() ^ theirs.keys())}"
    other = [name for name in theirs if ours[name] != theirs[name]]
    assert not other, f"{about}: {other}"


def network():
    with moto() as (client, address):
        stopped = 0
        for seed in range(int(rounds)):
            with storm(address, seed) as (proxy, seen):
                for attempt in range(1, 9):
                    code, errors = finish(start(proxy, f"out{seed}/"))
                    if code == 0:
                        break
                    # A request that is not safe to send twice may fail for good; the same command goes on.
                    assert code == 75, f"seed {seed}: exit {code}: {errors}"
                    stopped += 1
                    print(f"seed {seed}: {errors.strip().splitlines()[-1]}", file=sys.stderr)
                else:
                    raise AssertionError(f"seed {seed}: not done after {attempt} attempts: {errors}")
            compare(objects(client, f"out{seed}/"), f"seed {seed}")
            print(f"seed {seed}: {dict(sorted(seen.items()))}, {attempt} attempts", file=sys.stderr)
        print(f"network: {rounds} of {rounds} outputs are the same bytes; {stopped} runs stopped and went on")


def kill(begin, look):
    """Kills runs that `begin` starts; `look` gives what an output holds."""
    started = time.monotonic()
    code, errors = finish(begin("whole/"))
    assert code == 0, errors
    seconds = time.monotonic() - started
    compare(look("whole/"), "a run without kills")
    killed = 0
    for seed in range(int(rounds)):
        chance = random.Random(seed)
        for _ in range(chance.randint(1, 3)):
            process = begin(f"out{seed}/")
            time.sleep(chance.random() * seconds)
            killed += process.poll() is None
            process.kill()
            process.communicate()
        code, errors = finish(begin(f"out{seed}/"))
        assert code == 0, f"seed {seed}: exit {code}: {errors}"
        compare(look(f"out{seed}/"), f"seed {seed}")
    print(f"{what}: {rounds} of {rounds} outputs are the same bytes; {killed} runs were killed at work")


def kills():
    with moto() as (client, address):
        kill(lambda to: start(address, to), lambda to: objects(client, to))


def kills_in_folder():
    with tempfile.TemporaryDirectory() as folder:
        kill(lambda to: launch(f"{crawl}/*.warc.gz", f"{folder}/{to}"), lambda to: files_of(f"{folder}/{to}"))


def drivers():
    with moto() as (client, address):
        both = 0
        for seed in range(int(rounds)):
            chance = random.Random(seed)
            first = start(address, f"out{seed}/")
            time.sleep(chance.random() * .3)
            second = start(address, f"out{seed}/")
            ends = [finish(first), finish(second)]
            assert any(code == 0 for code, _ in ends), ends
            both += all(code == 0 for code, _ in ends)
            for code, errors in ends:
                assert code in (0, 75), f"seed {seed}: exit {code}: {errors}"
            compare(objects(client, f"out{seed}/"), f"seed {seed}")
        print(f"drivers: {rounds} of {rounds} outputs are the same bytes; both ended well {both} times")


{"network": network, "kills": kills, "kills-in-folder": kills_in_folder, "drivers": drivers}[what]()
