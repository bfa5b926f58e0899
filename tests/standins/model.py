"""Checks a request or an answer against the service's own model, as botocore ships it.

botocore itself leaves out the upper limits, the patterns and the enumerations; a call that breaks one of them must not
pass here and fail at AWS.
"""

import base64
import binascii
import datetime
import re

TYPES = {
    "structure": dict,
    "list": list,
    "map": dict,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "blob": (bytes, str),
    "timestamp": (str, int, float, datetime.datetime),
}


def findings(shape, value, path):
    """What is wrong with `value`, one text each; empty if it is what the model says."""
    kind = shape.type_name
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return [f"{path}: wanted {kind}, got {type(value).__name__}"]
    if kind == "structure":
        return _of_structure(shape, value, path)
    found = []
    if kind == "list":
        for i, item in enumerate(value):
            found += findings(shape.member, item, f"{path}[{i}]")
    if kind == "map":
        for key, item in value.items():
            found += findings(shape.key, key, f"{path}.key") + findings(shape.value, item, f"{path}.{key}")
    if kind == "blob" and isinstance(value, str):
        try:
            value = base64.b64decode(value, validate=True)
        except binascii.Error:
            return [f"{path}: not base64"]
    return found + _of_size(shape, kind, value, path) + (_of_text(shape, value, path) if kind == "string" else [])


def _of_structure(shape, value, path):
    found = [f"{path}.{name}: required" for name in shape.required_members if value.get(name) is None]
    for name, item in value.items():
        if item is None:
            continue
        member = shape.members.get(name) or next(
            (member for member in shape.members.values() if member.serialization.get("name") == name), None
        )
        if member is None:
            found.append(f"{path}.{name}: not in the model")
        else:
            found += findings(member, item, f"{path}.{name}")
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        found.append(f"{path}: a union holds one member")
    return found


def _of_size(shape, kind, value, path):
    limits = shape.metadata
    if kind in ("integer", "long", "float", "double"):
        size = value
    elif kind in ("string", "blob", "list", "map"):
        size = len(value)
    else:
        return []
    found = []
    if "min" in limits and size < limits["min"]:
        found.append(f"{path}: {size} is below {limits['min']}")
    if "max" in limits and size > limits["max"]:
        found.append(f"{path}: {size} is above {limits['max']}")
    return found


def _of_text(shape, value, path):
    found = []
    if getattr(shape, "enum", None) and value not in shape.enum:
        found.append(f"{path}: {value!r} is none of {shape.enum}")
    pattern = shape.metadata.get("pattern")
    if pattern:
        anchored = pattern if pattern.startswith(("^", "(^")) else f"^(?:{pattern})$"
        try:
            matches = re.search(anchored, value)
        except re.error:
            matches = True  # a few models use syntax that only Java knows
        if not matches:
            found.append(f"{path}: {value!r} does not match {pattern}")
    return found
