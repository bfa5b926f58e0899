"""Shows an answer as the tour prints it: JSON folded to the width of a page, what is long shortened with an ellipsis.

usage: answer.py            what comes in, to be read
       answer.py PATH…      the values at these paths of the JSON that comes in (`items.0.warning`), a line each
"""

import json
import sys

WIDTH = 112
# Of a list so many entries are shown, of a text so many characters.
ENTRIES_MAX = 5
CHARACTERS_MAX = 76
LINES_MAX = 20


def shortened(value):
    """The same with long texts and lists cut."""
    if isinstance(value, str) and len(value) > CHARACTERS_MAX:
        return value[:CHARACTERS_MAX].rstrip() + "…"
    if isinstance(value, list):
        shown = [shortened(one) for one in value[:ENTRIES_MAX]]
        return shown + [f"… {len(value) - ENTRIES_MAX} more"] if len(value) > ENTRIES_MAX else shown
    if isinstance(value, dict):
        # What a problem says is why it is shown.
        return {name: one if name == "detail" else shortened(one) for name, one in value.items()}
    return value


def folded(value, indent=0, before=0):
    """In one line where that fits, otherwise as many members on a line as fit."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent + before < WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    if isinstance(value, list):
        members = [folded(one, indent + 2) for one in value]
    else:
        members = []
        for name, one in value.items():
            name = json.dumps(name) + ": "
            members.append(name + folded(one, indent + 2, len(name)))
    lines = [""]
    for member in members:
        together = f"{lines[-1]} {member},"
        if lines[-1] and "\n" not in together and len(together) + indent + 2 <= WIDTH:
            lines[-1] = together
        else:
            lines.append(member + ",")
    margin = "\n" + " " * (indent + 2)
    opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
    return opening + margin + margin.join(lines[1:])[:-1] + "\n" + " " * indent + closing


def readable(text):
    try:
        return folded(shortened(json.loads(text)))
    except ValueError:
        lines = text.rstrip("\n").split("\n")
        shown = [line if len(line) <= 2 * WIDTH else line[: 2 * WIDTH].rstrip() + "…" for line in lines[:LINES_MAX]]
        return "\n".join(shown + ([f"… {len(lines) - LINES_MAX} more lines"] if len(lines) > LINES_MAX else []))


def at(value, path):
    for part in path.split("."):
        try:
            value = value[int(part) if isinstance(value, list) else part]
        except (KeyError, IndexError, TypeError):
            sys.exit(f"the answer has nothing at {path}: {json.dumps(value)[:2000]}")
    return value


text = sys.stdin.read()
if len(sys.argv) > 1:
    answer = json.loads(text)
    for path in sys.argv[1:]:
        print(at(answer, path))
else:
    print(readable(text))
