#!/usr/bin/env python3
"""Reads Streamwarden's events from the SQS queue that a rule sends them to, each once and per channel in order.

    consumer.py QUEUE_URL

What was done is remembered in a file beside this one: the last sequence of each channel. Sequences of a channel only
rise, so whatever is not above the last one is a repetition, or came late and was overtaken; both are said.
"""

import json
import pathlib
import sys

import boto3

DONE = pathlib.Path(__file__).with_name("consumer.state.json")
WAIT_S = 20  # as long as SQS lets a receiver wait


def handle(detail):
    """What you do about an event. Raise, and it comes again after the queue's visibility time-out."""
    print(detail["recorded_at"], detail["scope"], detail["type"], detail["id"])


def main(queue_url):
    sqs = boto3.client("sqs")
    done = json.loads(DONE.read_text()) if DONE.exists() else {}
    while True:
        answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_S)
        messages = [(message, json.loads(message["Body"])["detail"]) for message in answer.get("Messages", [])]
        for message, detail in sorted(messages, key=lambda one: one[1]["sequence"]):
            scope, sequence = detail["scope"], detail["sequence"]
            if sequence > done.get(scope, 0):
                handle(detail)
                done[scope] = sequence
                DONE.write_text(json.dumps(done))  # after it was done: a crash in between does it once more
            else:
                print("again, or overtaken:", detail["id"], file=sys.stderr)
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
