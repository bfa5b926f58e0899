"""Puts something into a fresh server and writes, as configuration for schemathesis, the names under which it is found.

usage: seed.py URL TOKEN

Made-up names alone would only ever be answered with 404: half of the cases use one that is there.
"""

import json
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

URL, TOKEN = sys.argv[1:3]
PICTURES = Path(__file__).resolve().parents[2] / "tests/imaging/data"
CHANNELS = ["fuzz/a", "fuzz/b"]
SESSION = "st-fuzz"
# Whatever the model sees becomes a warning, so that there are some. Without the model the frames end as failed.
POLICY = """
policy: fuzz
channels: { matching: ^fuzz/ }
taxonomy: local-nudity/1
sampling: { every: 1s, max_age: 24h }
similarity: off
rules:
  - { id: anything, categories: ["*"], confidence: 1, action: warn }
"""


def ask(method, path, body=None, kind="application/json"):
    """The answer's JSON; what is not answered with 2xx ends the run."""
    data = json.dumps(body).encode() if kind == "application/json" and body is not None else body
    request = urllib.request.Request(URL + path, data=data, method=method)
    request.add_header("authorization", f"Bearer {TOKEN}")
    if data is not None:
        request.add_header("content-type", kind)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        sys.exit(f"seeding: {method} {path} was answered {refused.code}: {refused.read().decode()}")


def seed():
    names = {"session": [SESSION], "policy": ["fuzz"], "consumer": ["fuzz-consumer"]}
    ask("POST", "/v1/policies?why=seeding", POLICY.encode(), "application/yaml")
    ask("POST", "/v1/consumers", {"name": "fuzz-consumer"})
    begun = datetime.now(timezone.utc) - timedelta(minutes=5)
    for channel in CHANNELS:
        at = "/v1/channels/" + channel.replace("/", "%2F")
        ask("POST", f"{at}/sessions", {"session": SESSION})
        for number, picture in enumerate(["420-96x72.jpg", "411-61x45.jpg", "420-black.jpg"]):
            captured = (begun + timedelta(seconds=10 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")
            taken = ask("POST", f"{at}/frames?captured_at={captured}", (PICTURES / picture).read_bytes(), "image/jpeg")
            names.setdefault("frame", []).append(taken["frame"])
        body = {"kind": "stop", "session": SESSION, "reason": "seeding"}
        asked = ask("POST", f"{at}/enforcements", body)
        names.setdefault("enforcement", []).append(asked["enforcement"])
    names["id"] = [event["id"] for event in ask("GET", "/v1/events?limit=5")["items"]]
    warnings = [warning["warning"] for warning in ask("GET", "/v1/warnings")["items"]]
    if warnings:
        names["warning"] = warnings
    return names


def configuration(names):
    lines = []
    for name, values in {"channel": CHANNELS, **names}.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}", ""]
    # Nobody waits for what does not come: half a minute a case would leave no time for others.
    lines += ["[dictionaries.wait_s]", "values = [0, 1]", "", "[parameters]"]
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.5 }}' for name in ["channel", *names]]
    lines += ['"query.wait_s" = { dictionary = "wait_s", probability = 1.0 }', ""]
    # The feed never ends: its first event is enough, and one that has nothing to say is soon left alone.
    lines += ["[[operations]]", 'include-operation-id = "get_feed"', "max-stream-events = 1", "request-timeout = 2.0"]
    return "\n".join(lines)


print(configuration(seed()))
