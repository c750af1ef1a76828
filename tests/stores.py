"""Runs the command on a crawl that lies in an object store, and brings what it wrote to a folder.

usage: stores.py STORE GRISTMILL CRAWL COPY [more arguments of run]

STORE says which kind, each a server of its own on this machine:

  s3    moto
  gs    what the XML interface of Google Cloud Storage asks of a server, below: none can be installed from a registry
  az    Azurite; AZURITE names its program
  http  a web server with byte ranges, for reading; the output goes to the folder
"""
import contextlib
import email.utils
import hashlib
import html
import http.server
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

store, command, crawl, copy, *arguments = sys.argv[1:]
files = sorted(pathlib.Path(crawl).glob("*.warc.gz"))


def bring(names_and_bytes):
    """Writes the objects of an output to the folder."""
    for name, body in names_and_bytes:
        target = pathlib.Path(copy) / name.removeprefix("out/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


def gristmill(reads, to, **environment):
    """Runs and verifies."""
    reads = [argument for read in reads for argument in ("--read", read)]
    environment = os.environ | environment
    subprocess.run([command, "run", "recipes/web-text.yaml", *reads, "--to", to, *arguments], env=environment, check=True)
    subprocess.run([command, "verify", to], env=environment, check=True)


@contextlib.contextmanager
def moto():
    """A client of a new S3 server with the crawl in it, and the server's address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=endpoint, **keys)
    client.create_bucket(Bucket="corpus")
    for file in files:
        client.upload_file(str(file), "corpus", f"in/{file.name}")
    yield client, endpoint
    server.stop()


def objects_of_s3(client):
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="corpus", Prefix="out/"):
        for entry in page.get("Contents", []):
            yield entry["Key"], client.get_object(Bucket="corpus", Key=entry["Key"])["Body"].read()


def s3():
    with moto() as (client, endpoint):
        gristmill(
            ["s3://corpus/in/*.warc.gz"], "s3://corpus/out/",
            AWS_ENDPOINT_URL=endpoint, AWS_ALLOW_HTTP="true", AWS_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test",
        )
        bring(objects_of_s3(client))


def gs():
    objects = {f"in/{file.name}": file.read_bytes() for file in files}
    lock = threading.Lock()

    class Bucket(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body=b"", **headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def asked(self):
            url = urllib.parse.urlsplit(self.path)
            bucket, _, key = urllib.parse.unquote(url.path).lstrip("/").partition("/")
            assert bucket == "corpus"
            return key, dict(urllib.parse.parse_qsl(url.query))

        def object(self, key, sends_body):
            body = objects.get(key)
            if body is None:
                return self.answer(404)
            status, about = 200, {"Last_Modified": email.utils.formatdate(0, usegmt=True), "ETag": entity_tag(body), "x_goog_generation": "1"}
            if wanted := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
                first, last = int(wanted[1]), min(int(wanted[2]), len(body) - 1)
                status, about["Content_Range"] = 206, f"bytes {first}-{last}/{len(body)}"
                body = body[first : last + 1]
            self.answer(status, body if sends_body else b"", Content_Length=str(len(body)), **about)

        def do_HEAD(self):
            self.object(self.asked()[0], False)

        def do_GET(self):
            key, query = self.asked()
            if key:
                return self.object(key, True)
            found = sorted(name for name in objects if name.startswith(query.get("prefix", "")))
            time = "2026-01-01T00:00:00.000Z"
            contents = "".join(
                f"<Contents><Key>{html.escape(name)}</Key><LastModified>{time}</LastModified><Size>{len(objects[name])}</Size>"
                f"<ETag>{html.escape(entity_tag(objects[name]))}</ETag></Contents>"
                for name in found
            )
            self.answer(200, f"<ListBucketResult><Name>corpus</Name>{contents}</ListBucketResult>".encode())

        def do_PUT(self):
            key, _ = self.asked()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                if self.headers.get("x-goog-if-generation-match") == "0" and key in objects:
                    return self.answer(412)
                objects[key] = body
            self.answer(200, ETag=entity_tag(body), x_goog_generation="1")

        def do_DELETE(self):
            objects.pop(self.asked()[0], None)
            self.answer(204)

        def log_message(self, *_):
            pass

    with serving(Bucket) as root, tempfile.NamedTemporaryFile("w", suffix=".json") as account:
        json.dump({"gcs_base_url": root, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}, account)
        account.flush()
        gristmill(["gs://corpus/in/*.warc.gz"], "gs://corpus/out/", GOOGLE_SERVICE_ACCOUNT=account.name)
    bring((name, body) for name, body in objects.items() if name.startswith("out/"))


def entity_tag(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


@contextlib.contextmanager
def serving(handler):
    """The address of a server of such requests."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def az():
    from azure.storage.blob import BlobServiceClient

    # The account and key that every Azurite has.
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    azurite = [os.environ["AZURITE"], "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--silent"]
    server = subprocess.Popen(azurite, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        endpoint = f"http://127.0.0.1:{port}/{account}"
        container = BlobServiceClient(endpoint, credential=key).create_container("corpus")
        for file in files:
            container.upload_blob(f"in/{file.name}", file.read_bytes())
        gristmill(
            ["az://corpus/in/*.warc.gz"], "az://corpus/out/",
            AZURE_STORAGE_USE_EMULATOR="true", AZURITE_BLOB_STORAGE_URL=f"http://127.0.0.1:{port}",
        )
        names = [blob.name for blob in container.list_blobs(name_starts_with="out/")]
        bring((name, container.download_blob(name).readall()) for name in names)
    finally:
        server.kill()


def web():
    class Ranges(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            path = pathlib.Path(self.translate_path(self.path))
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if not path.is_file() or not wanted:
                return super().do_GET()
            body = path.read_bytes()
            first, last = int(wanted[1]), min(int(wanted[2]), len(body) - 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            self.send_header("Content-Length", str(last - first + 1))
            self.send_header("Last-Modified", self.date_time_string(path.stat().st_mtime))
            self.end_headers()
            self.wfile.write(body[first : last + 1])

        def log_message(self, *_):
            pass

    with serving(lambda *request: Ranges(*request, directory=crawl)) as root:
        gristmill([f"{root}/{file.name}" for file in files], copy)


{"s3": s3, "gs": gs, "az": az, "http": web}[store]()
