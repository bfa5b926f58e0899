#!/usr/bin/env python3
"""ministack, an emulator of S3, EventBridge, SQS, SNS and more, with the one hop it lacks: rule -> Kinesis.

    emu.py [--port 4566] [--follow-stdin]     without a port it takes a free one; the first line it prints is its address

The partition key of that hop is AWS's: what KinesisParameters.PartitionKeyPath leads to, else the event's id.
EMU_KINESIS=url sends those records to another Kinesis by PutRecord, such as the stand-in of tests/aws.
EMU_DUP=0.1 delivers a tenth of the events twice: EventBridge promises "at least once", ministack alone "exactly once".
"""

import argparse
import base64
import json
import os
import random
import socket
import sys
import threading
import time
from importlib.metadata import version

VERSION = "1.5.33"
assert version("ministack") == VERSION, "private functions are patched here: read them again before another version"

os.environ.setdefault("BIND_HOST", "127.0.0.1")
os.environ.setdefault("IOT_MTLS_ENABLED", "0")  # it would listen on every interface
os.environ.setdefault("MINISTACK_ACCOUNT_ID", "123456789012")
os.environ.setdefault("DOCKER_HOST", "unix:///nonexistent")

from ministack.services import eventbridge, kinesis  # noqa: E402 (reads the settings above)

KINESIS_URL, DUPLICATE_SHARE = os.environ.get("EMU_KINESIS"), float(os.environ.get("EMU_DUP", "0"))
invoke_target, dispatch_to_sqs = eventbridge._invoke_target, eventbridge._dispatch_to_sqs
elsewhere = None
if KINESIS_URL:
    import botocore.config
    import botocore.session

    elsewhere = botocore.session.Session().create_client(
        "kinesis",
        endpoint_url=KINESIS_URL,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(max_pool_connections=32),
    )


def value_at(document, path):
    for name in path.lstrip("$").strip(".").split("."):
        document = document[int(name)] if isinstance(document, list) else document[name]
    return str(document)


def invoke(target, event, rule, view=None):
    arn = target.get("Arn", "")
    if ":kinesis:" not in arn:
        return invoke_target(target, event, rule, view)
    view = view or eventbridge._pattern_event_view(event)
    whole = view.event_with_detail()
    path = (target.get("KinesisParameters") or {}).get("PartitionKeyPath")
    try:
        key = value_at(whole, path) if path else whole["id"]
    except (KeyError, TypeError, IndexError, ValueError):
        key = whole["id"]
    # By way of SQS, so that Input, InputPath, InputTransformer and the check of the region stay ministack's own.
    by_way = {**target, "Arn": arn.replace(":kinesis:", ":sqs:", 1), "SqsParameters": {"_kinesis": (arn, key)}}
    return invoke_target(by_way, event, rule, view)


def dispatch(spec, payload, sqs_parameters=None):
    meant = (sqs_parameters or {}).get("_kinesis")
    if not meant:
        return dispatch_to_sqs(spec, payload, sqs_parameters)
    arn, key = meant
    name = arn.rsplit("/", 1)[1]
    for _ in range(2 if random.random() < DUPLICATE_SHARE else 1):
        if elsewhere:
            elsewhere.put_record(StreamName=name, Data=payload.encode(), PartitionKey=key[:256])
        else:
            data = base64.b64encode(payload.encode()).decode()
            answer = kinesis._put_record(
                {"StreamARN": arn, "StreamName": name, "Data": data, "PartitionKey": key[:256]}
            )
            if answer[0] >= 300:
                eventbridge.logger.error("EventBridge -> Kinesis %s: %s", arn, answer[2])
    return None


eventbridge._invoke_target, eventbridge._dispatch_to_sqs = invoke, dispatch

# ministack builds the list of a shard anew on every call, without a lock: what is appended meanwhile is lost. Trimmed in
# place instead, and one writer at a time.
one_at_a_time = threading.RLock()


def expire(stream):
    cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard in stream["shards"].values():
        records, old = shard["records"], 0
        while old < len(records) and records[old]["ApproximateArrivalTimestamp"] < cutoff:
            old += 1
        del records[:old]


def locked(function):
    def under_lock(*arguments):
        with one_at_a_time:
            return function(*arguments)

    return under_lock


kinesis._expire_records = expire
for name in (
    "_put_record",
    "_put_records",
    "_get_records",
    "_get_shard_iterator",
    "_split_shard",
    "_merge_shards",
    "_update_shard_count",
):
    setattr(kinesis, name, locked(getattr(kinesis, name)))


def end_with_stdin():
    sys.stdin.buffer.read()
    os._exit(0)


def say_when_it_answers(port, out):
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                print(f"http://127.0.0.1:{port}", file=out, flush=True)
                return
        time.sleep(0.05)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--follow-stdin", action="store_true")
    arguments = arguments.parse_args()
    port = arguments.port
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    os.environ["GATEWAY_PORT"] = str(port)
    if arguments.follow_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    # What ministack prints is a log; the first line of ours is the address.
    out, sys.stdout = sys.stdout, sys.stderr
    threading.Thread(target=say_when_it_answers, args=(port, out), daemon=True).start()
    from ministack.app import main

    sys.argv = ["ministack"]
    main()
