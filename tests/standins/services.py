"""What the stand-in knows of each service, and how it answers: Rekognition, IVS, IVS Chat.

A stage is a world of its own: its channels, its rooms, its verdicts, its faults, its quotas. Every test has one.
No image is judged: what is "seen" is read from the script, from the object's metadata or from a comment in the JPEG.
"""

import base64
import fnmatch
import json
import pathlib
import random
import struct
import threading
import time
import uuid

import botocore.config
import botocore.exceptions
import botocore.session

ACCOUNT, REGION = "123456789012", "us-east-1"
ROOM = f"arn:aws:ivschat:{REGION}:{ACCOUNT}:room/abcdABCDefgh"
LABELS = pathlib.Path(__file__).resolve().parent.parent.parent / "src/policy/taxonomies"

# What a script may set, and what holds if it does not.
SETTINGS = {
    "verdicts": [],  # [{"match": "bucket/*.jpg", "labels": "Weapons=97.5; Alcohol=40"}], first match
    "faults": [],  # [{"op": "ivs.StopStream", "kind": "throttle", "times": 2, "p": 1.0, "where": "text in the request"}]
    "channels": {},  # {"abcd": {"live": true, "reconnect_s": 2, "stream_keys": 1}}
    "rooms": [ROOM],
    "any_room": False,
    "latency_ms": {},  # {"ivs.*": 100} or {"rekognition.*": [100, 900]}
    "tps": {},  # {"ivs.*": 5}: as AWS has it by default; none unless a script asks
    "s3": None,  # where objects are read that a call names: the endpoint of an emulator
    "model": "7.0",  # of Rekognition: 6.1 or 7.0
    "content_types": [],  # what kind of picture every one is taken for: [name, confidence]
    "answer": None,  # what Rekognition answers instead, checked against nothing
}


class AwsError(Exception):
    """An answer that is an error, by its code."""

    def __init__(self, code, message="", status=None):
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status


class Stage:
    def __init__(self):
        self.lock = threading.RLock()
        self.calls = []
        self.under_way = []
        self.settings = {key: value.copy() if hasattr(value, "copy") else value for key, value in SETTINGS.items()}
        self.channels = {}
        self.buckets = {}  # of tokens, by operation
        self.s3 = None

    def script(self, settings):
        """Takes more settings: lists grow, tables are filled up, single values are replaced."""
        with self.lock:
            for key, value in settings.items():
                if key not in SETTINGS:
                    raise AwsError("BadScript", f"unknown key {key}; known: {sorted(SETTINGS)}", 400)
                if isinstance(SETTINGS[key], list):
                    self.settings[key] = self.settings[key] + value
                elif key == "channels":
                    for name, about in value.items():
                        self.add_channel(name, about)
                elif isinstance(SETTINGS[key], dict):
                    self.settings[key].update(value)
                else:
                    self.settings[key] = value

    def add_channel(self, name, about):
        arn = name if name.startswith("arn:") else f"arn:aws:ivs:{REGION}:{ACCOUNT}:channel/{name}"
        short = arn.split("/")[1]
        self.channels[arn] = {
            "arn": arn,
            "name": about.get("name", short),
            "live": bool(about.get("live")),
            "reconnect_s": about.get("reconnect_s"),  # how soon the encoder comes back after a stop; none: it does not
            "back_at": None,
            "keys": [f"arn:aws:ivs:{REGION}:{ACCOUNT}:stream-key/{short}{i}" for i in range(about.get("stream_keys", 1))],
            "session": about.get("session") or session_id(),
            "start": time.time() + about.get("started_s", 0),
            "health": about.get("health", "HEALTHY"),
            "viewers": about.get("viewers", 0),
        }

    def channel(self, arn):
        channel = self.channels.get(arn)
        if channel is None:
            raise AwsError("ResourceNotFoundException", "Request references a resource which does not exist.")
        if channel["back_at"] and time.time() >= channel["back_at"]:
            channel["back_at"] = None
            if channel["keys"]:  # no key, no stream
                channel.update(live=True, session=session_id(), start=time.time())
        return channel

    def is_over_quota(self, operation):
        for pattern, tps in self.settings["tps"].items():
            if fnmatch.fnmatch(operation, pattern) and tps:
                now = time.time()
                since, tokens = self.buckets.get(operation, (now, float(tps)))
                tokens = min(float(tps), tokens + (now - since) * tps)
                self.buckets[operation] = (now, tokens - 1 if tokens >= 1 else tokens)
                return tokens < 1
        return False

    def latency_s(self, operation):
        for pattern, ms in self.settings["latency_ms"].items():
            if fnmatch.fnmatch(operation, pattern):
                return (random.uniform(*ms) if isinstance(ms, list) else ms) / 1000
        return 0

    def fault(self, operation, request):
        """The next fault in the script that this call meets, used up by one."""
        with self.lock:
            for fault in self.settings["faults"]:
                met = (
                    fnmatch.fnmatch(operation, fault["op"])
                    and fault.get("times", 1) > 0
                    and random.random() <= fault.get("p", 1)
                    and fault.get("where", "") in json.dumps(request)
                )
                if met:
                    fault["times"] = fault.get("times", 1) - 1
                    return dict(fault)
        return None

    def object(self, bucket, key, version=None):
        """An object's bytes and metadata, from the emulator that the script names."""
        if not self.settings["s3"]:
            return b"", {}
        if self.s3 is None:
            self.s3 = botocore.session.Session().create_client(
                "s3",
                endpoint_url=self.settings["s3"],
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=botocore.config.Config(s3={"addressing_style": "path"}, max_pool_connections=50),
            )
        try:
            which = {"VersionId": version} if version else {}
            found = self.s3.get_object(Bucket=bucket, Key=key, **which)
        except botocore.exceptions.ClientError:
            raise AwsError(
                "InvalidS3ObjectException",
                "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
            ) from None
        return found["Body"].read(), found["Metadata"]


def session_id():
    return "st-" + uuid.uuid4().hex[:23]


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# ---- Rekognition -----------------------------------------------------------------------------------------------------


def rekognition(stage, operation, request):
    if operation != "DetectModerationLabels":
        raise AwsError("NotScripted", f"rekognition {operation}", 501)
    image = request["Image"]
    named = image.get("S3Object")
    if bool(named) == bool(image.get("Bytes")):
        raise AwsError("InvalidParameterException", "Request has invalid parameters")
    data, metadata = stage.object(named["Bucket"], named["Name"], named.get("Version")) if named else (base64.b64decode(image["Bytes"]), {})
    if data and not data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        raise AwsError("InvalidImageFormatException", "Request has invalid image format")
    if len(data) > 15 * 1024 * 1024:
        raise AwsError("ImageTooLargeException", "Image size is too large")
    model = stage.settings["model"]
    paths = label_paths(model)
    seen = {}
    for name, confidence in verdict(stage, named, data, metadata):
        path = next((path for path in paths if path == name or path.rsplit("/", 1)[-1] == name), None)
        if path is None:
            raise AwsError("BadScript", f"no label {name!r} in the taxonomy of model {model}", 400)
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):  # parents come beside their children
            whole = "/".join(parts[:depth])
            seen[whole] = max(confidence, seen.get(whole, 0))
    content_types = [{"Name": name, "Confidence": sure} for name, sure in stage.settings["content_types"]]
    floor = request.get("MinConfidence", 50)
    labels = [answered_label(path, confidence) for path, confidence in sorted(seen.items()) if confidence >= floor]
    labels.sort(key=lambda label: label["TaxonomyLevel"])
    return {"ModerationLabels": labels, "ModerationModelVersion": model, "ContentTypes": content_types}


def answered_label(path, confidence):
    parts = path.split("/")
    return {
        "Name": parts[-1],
        "ParentName": parts[-2] if len(parts) > 1 else "",
        "Confidence": confidence,
        "TaxonomyLevel": len(parts),
    }


def label_paths(model):
    return [label["path"] for label in json.loads((LABELS / f"rekognition-{model}.json").read_text())["labels"]]


def verdict(stage, named, data, metadata):
    where = f"{named['Bucket']}/{named['Name']}" if named else "/"
    for scripted in stage.settings["verdicts"]:
        if fnmatch.fnmatch(where, scripted["match"]):
            return labels_in(scripted["labels"])
    if metadata.get("moderation"):
        return labels_in(metadata["moderation"])
    comment = jpeg_comment(data)
    return labels_in(comment.removeprefix("moderation:")) if comment.startswith("moderation:") else []


def labels_in(text):
    """`Explicit Nudity=97.5; Weapons=60`; anything without a `=` is no label."""
    parts = (part.rsplit("=", 1) for part in text.split(";") if "=" in part)
    return [(name.strip(), float(confidence)) for name, confidence in parts]


def jpeg_comment(data):
    at = 2
    while data[:2] == b"\xff\xd8" and at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in (0xD9, 0xDA):
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at + 1] == 0xFE:
            return data[at + 4 : at + 2 + length].decode("utf8", "replace")
        at += 2 + length
    return ""


# ---- IVS -------------------------------------------------------------------------------------------------------------

OFFLINE = AwsError("ChannelNotBroadcasting", "The stream is offline for the given channel ARN.")
ABSENT = AwsError("ResourceNotFoundException", "Request references a resource which does not exist.")


def ivs(stage, operation, request):
    if operation not in IVS:
        raise AwsError("NotScripted", f"ivs {operation} is in the model but not in the stand-in", 501)
    return IVS[operation](stage, request)


def channel_answer(channel):
    return {
        "arn": channel["arn"],
        "name": channel["name"],
        "latencyMode": "LOW",
        "type": "STANDARD",
        "authorized": False,
        "insecureIngest": False,
        "recordingConfigurationArn": f"arn:aws:ivs:{REGION}:{ACCOUNT}:recording-configuration/abcdABCDefgh",
        "ingestEndpoint": "0123456789ab.global-contribute.live-video.net",
        "playbackUrl": f"https://0123456789ab.{REGION}.playback.live-video.net/api/video/v1/{channel['name']}.m3u8",
        "tags": {},
    }


SUMMARY = ("arn", "name", "latencyMode", "type", "authorized", "insecureIngest", "recordingConfigurationArn", "tags")


def stream_answer(channel):
    return {
        "channelArn": channel["arn"],
        "streamId": channel["session"],
        "state": "LIVE",
        "health": channel["health"],
        "viewerCount": channel["viewers"],
        "startTime": iso(channel["start"]),
    }


def page(items, request, key, size):
    begin, count = int(request.get("nextToken") or 0), request.get("maxResults", size)
    more = {"nextToken": str(begin + count)} if len(items) > begin + count else {}
    return {key: items[begin : begin + count], **more}


def get_channel(stage, request):
    return {"channel": channel_answer(stage.channel(request["arn"]))}


def batch_get_channel(stage, request):
    known = [arn for arn in request["arns"] if arn in stage.channels]
    errors = [
        {"arn": arn, "code": "ResourceNotFoundException", "message": ABSENT.message}
        for arn in request["arns"]
        if arn not in stage.channels
    ]
    return {"channels": [channel_answer(stage.channel(arn)) for arn in known], "errors": errors}


def list_channels(stage, request):
    channels = [channel_answer(channel) for channel in stage.channels.values()]
    return page([{key: channel[key] for key in SUMMARY} for channel in channels], request, "channels", 100)


def list_streams(stage, request):
    channels = [stage.channel(arn) for arn in list(stage.channels)]
    health = (request.get("filterBy") or {}).get("health")
    streams = [stream_answer(channel) for channel in channels if channel["live"]]
    return page([stream for stream in streams if health in (None, stream["health"])], request, "streams", 100)


def get_stream(stage, request):
    channel = stage.channel(request["channelArn"])
    if not channel["live"]:
        raise OFFLINE
    return {"stream": {**stream_answer(channel), "playbackUrl": channel_answer(channel)["playbackUrl"]}}


def stop_stream(stage, request):
    channel = stage.channel(request["channelArn"])
    if not channel["live"]:
        raise OFFLINE
    back_at = time.time() + channel["reconnect_s"] if channel["reconnect_s"] is not None else None
    channel.update(live=False, back_at=back_at)
    return {}


def list_stream_keys(stage, request):
    channel = stage.channel(request["channelArn"])
    keys = [{"arn": key, "channelArn": channel["arn"], "tags": {}} for key in channel["keys"]]
    return page(keys, request, "streamKeys", 1)


def delete_stream_key(stage, request):
    for channel in stage.channels.values():
        if request["arn"] in channel["keys"]:
            channel["keys"].remove(request["arn"])
            return {}
    raise ABSENT


def create_stream_key(stage, request):
    channel = stage.channel(request["channelArn"])
    if channel["keys"]:
        raise AwsError("ServiceQuotaExceededException", "Request would cause a service quota to be exceeded.")
    key = f"arn:aws:ivs:{REGION}:{ACCOUNT}:stream-key/{uuid.uuid4().hex[:12]}"
    channel["keys"].append(key)
    return {"streamKey": {"arn": key, "value": f"sk_{REGION}_standin", "channelArn": channel["arn"], "tags": {}}}


def put_metadata(stage, request):
    if not stage.channel(request["channelArn"])["live"]:
        raise OFFLINE
    return {}


IVS = {
    "GetChannel": get_channel,
    "BatchGetChannel": batch_get_channel,
    "ListChannels": list_channels,
    "ListStreams": list_streams,
    "GetStream": get_stream,
    "StopStream": stop_stream,
    "ListStreamKeys": list_stream_keys,
    "DeleteStreamKey": delete_stream_key,
    "CreateStreamKey": create_stream_key,
    "PutMetadata": put_metadata,
}


# ---- IVS Chat --------------------------------------------------------------------------------------------------------


def ivschat(stage, operation, request):
    if operation not in ("SendEvent", "DisconnectUser", "DeleteMessage", "GetRoom"):
        raise AwsError("NotScripted", f"ivschat {operation} is in the model but not in the stand-in", 501)
    rooms = stage.settings["rooms"]
    known = rooms + [room.split("/")[1] for room in rooms]
    room = request["identifier"] if operation == "GetRoom" else request["roomIdentifier"]
    if not stage.settings["any_room"] and room not in known:
        raise AwsError("ResourceNotFoundException", "Room does not exist")
    if operation == "GetRoom":
        return {"arn": room, "id": room.rsplit("/")[-1]}
    return {} if operation == "DisconnectUser" else {"id": uuid.uuid4().hex[:12]}


SERVICES = {"rekognition": rekognition, "ivs": ivs, "ivschat": ivschat}
