"""One call to AWS, as the service's own model describes it, at AWS_ENDPOINT_URL.

usage: call.py SERVICE Operation [JSON]     {"Body": "@FILE"} sends a file's bytes; the answer is printed as JSON
       call.py picture LABELS               a JPEG file of which the stand-in for Rekognition "sees" these labels
"""

import json
import pathlib
import struct
import sys

import botocore.config
import botocore.session
from botocore import xform_name

PICTURE = pathlib.Path(__file__).resolve().parents[2] / "tests/imaging/data/411-96x72.jpg"


def picture(labels):
    """The bytes, with what is to be seen in a comment."""
    comment = f"moderation: {labels}".encode()
    return b"\xff\xd8\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + PICTURE.read_bytes()[2:]


def call(service, operation, request):
    body = request.get("Body")
    if isinstance(body, str) and body.startswith("@"):
        request["Body"] = pathlib.Path(body[1:]).read_bytes()
    client = botocore.session.Session().create_client(
        service, config=botocore.config.Config(s3={"addressing_style": "path"})
    )
    answer = getattr(client, xform_name(operation))(**request)
    answer.pop("ResponseMetadata", None)
    return answer


if sys.argv[1] == "picture":
    sys.stdout.buffer.write(picture(sys.argv[2]))
else:
    asked = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    print(json.dumps(call(sys.argv[1], sys.argv[2], asked), default=str))
