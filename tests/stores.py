"""Runs the command from and to an S3 server (moto), then copies the output to a folder.

usage: s3.py GRISTMILL CRAWL COPY [more arguments of run]
"""
import os
import pathlib
import subprocess
import sys

import boto3
from moto.server import ThreadedMotoServer

command, crawl, copy, *arguments = sys.argv[1:]
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"
keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
client = boto3.client("s3", endpoint_url=endpoint, **keys)
client.create_bucket(Bucket="corpus")
for file in sorted(pathlib.Path(crawl).iterdir()):
    client.upload_file(str(file), "corpus", f"in/{file.name}")
environment = os.environ | {
    "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
}
run = [command, "run", "recipes/web-text.yaml", "--read", "s3://corpus/in/*.warc.gz", "--to", "s3://corpus/out/", *arguments]
subprocess.run(run, env=environment, check=True)
subprocess.run([command, "verify", "s3://corpus/out/"], env=environment, check=True)
for page in client.get_paginator("list_objects_v2").paginate(Bucket="corpus", Prefix="out/"):
    for entry in page.get("Contents", []):
        target = pathlib.Path(copy) / entry["Key"].removeprefix("out/")
        target.parent.mkdir(parents=True, exist_ok=True)
        client.download_file("corpus", entry["Key"], str(target))
server.stop()
