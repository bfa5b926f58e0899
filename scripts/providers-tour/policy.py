"""The tour's policy, once for each arrangement: the same rules, watched in the same way, judged by others.

usage: policy.py     prints the policies as one text
"""

ARRANGEMENTS = {
    "local": "judged_by: local",
    "rekognition": "judged_by: rekognition",
    "hive": "judged_by: hive",
    "cascade": "judged_by: { first: local, then: rekognition, from: 20, sample: 1 in 5 }",
    "quorum": "judged_by: rekognition\nsecond_opinion: hive\ncompare_with: { provider: hive, share: 1 in 1 }",
}
SAME = """\
taxonomy: rekognition/7.0
sampling: { every: 1s, tolerance: 500ms }
similarity: off
rules:
  - id: weapons
    categories: [Violence/Weapons]
    confidence: 80
    action: stop
    approval: none
    severity: 5
  - id: alcohol
    categories: [Alcohol]
    confidence: 80
    severity: 2
  - id: nudity
    categories: [Explicit, Non-Explicit Nudity of Intimate parts and Kissing]
    confidence: 80
    severity: 3
"""

print(
    "---\n".join(
        f"policy: by-{name}\nchannels: [tour/{name}]\n{arrangement}\n{SAME}" for name, arrangement in ARRANGEMENTS.items()
    ),
    end="",
)
