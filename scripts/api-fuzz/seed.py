"""Puts something into a fresh server and writes, as configuration for schemathesis, the names under which it is found.

usage: seed.py URL TOKEN

Made-up names alone would only ever be answered with 404: half of the cases use one that is there.
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

URL, TOKEN = sys.argv[1:3]
PICTURES = Path(__file__).resolve().parents[2] / "tests/imaging/data"
CHANNELS = ["fuzz/a", "fuzz/b"]
SESSION = "st-fuzz"


def ask(method, path, body=None, kind="application/json"):
    """The answer's JSON; what is not answered with 2xx ends the run."""
    data = json.dumps(body).encode() if kind == "application/json" and body is not None else body
    request = urllib.request.Request(URL + path, data=data, method=method)
    request.add_header("authorization", f"Bearer {TOKEN}")
    if data is not None:
        request.add_header("content-type", kind)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        sys.exit(f"seeding: {method} {path} was answered {refused.code}: {refused.read().decode()}")


def described():
    """Operation ids of the description that this server serves."""
    with urllib.request.urlopen(URL + "/openapi.json", timeout=30) as answer:
        paths = json.load(answer)["paths"]
    return {operation["operationId"] for methods in paths.values() for operation in methods.values()}


def seed(operations):
    names = {"channel": list(CHANNELS), "session": [SESSION]}
    for channel in CHANNELS:
        at = "/v1/channels/" + channel.replace("/", "%2F")
        if "start_session" in operations:
            ask("POST", f"{at}/sessions", {"session": SESSION})
        if "create_frame" in operations:
            for picture in ["420-96x72.jpg", "411-61x45.jpg"]:
                taken = ask("POST", f"{at}/frames", (PICTURES / picture).read_bytes(), "image/jpeg")
                names.setdefault("frame", []).append(taken["frame"])
        if "create_enforcement" in operations:
            body = {"kind": "stop", "session": SESSION, "reason": "seeding"}
            asked = ask("POST", f"{at}/enforcements", body)
            names.setdefault("enforcement", []).append(asked["enforcement"])
    if "create_consumer" in operations:
        ask("POST", "/v1/consumers", {"name": "fuzz-consumer"})
        names["consumer"] = ["fuzz-consumer"]
    return names


def configuration(names):
    lines = []
    for name, values in names.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}", ""]
    lines.append("[parameters]")
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.5 }}' for name in names]
    return "\n".join(lines)


print(configuration(seed(described())))
