# The tour itself, played by scripts/api-tour.sh: what is said, what is asked, and what must come back.
# shellcheck shell=bash disable=SC2016,SC2154  # commands are printed as they stand; the functions are the caller's

say <<'MD'
# A tour of the API

What an auditor, a moderator and a client ask the house, with `curl`. Every answer below came from the running demo;
what is long is shortened with `…`. `scripts/api-tour.sh` plays the tour anew and prints this page, and breaks off if an
answer is not what the text says; ids and times differ each time.

In one terminal start the demo; its films run for half a minute, then the house stays open. In another:

```
make demo
API=http://127.0.0.1:8642
```

Everything here is described at `$API/docs` to read and at `$API/openapi.json` for programs
([the same, committed](../schemas/openapi.json)). A `/` in a channel's id is written `%2F` in a path.

## While the films run: the live feed, and a stop

Which channels are on the air, and does somebody look?
MD
# Until a frame was decided, so that there is something to see.
until curl -s "$API/v1/channels/demo%2Fsky-tour" | grep -q '"outcome"'; do sleep 0.2; done
show '"assessed"' <<'SH'
curl -s "$API/v1/channels?channel=demo/sky*"
SH
pick SESSION items.0.session.session

say <<'MD'
Events as server-sent events: those after a position, and from then on each as it becomes durable. Each has its position as
`id`.
MD
show 'id: ' <<'SH'
curl -sN --max-time 3 "$API/v1/feed?after=0&channel=demo/sky*"
SH

say <<'MD'
A stop names the broadcast that is meant, and why. It is wanted, and durable, when the answer comes; what became of it is
seen by following it: tried, reported done, and verified by looking at the channel.
MD
show '"requested"' <<'SH'
curl -s --json '{"kind": "stop", "session": "'$SESSION'", "reason": "Not what was announced."}' \
    "$API/v1/channels/demo%2Fsky-tour/enforcements"
SH
pick STOP enforcement
show '"stage":"verified","ended":true' <<'SH'
curl -s "$API/v1/enforcements/$STOP?wait_s=20"
SH

say <<'MD'
A suspension takes the broadcaster's keys away besides. What undoes it is a lift, an enforcement of its own with an end
of its own.
MD
last=$(curl -s "$API/v1/channels/demo%2Frocket-still")
pick SESSION session.session
show '"requested"' <<'SH'
curl -s --json '{"kind": "suspend", "session": "'$SESSION'", "reason": "Second time today."}' \
    "$API/v1/channels/demo%2Frocket-still/enforcements"
SH
pick SUSPENSION enforcement
show '"stage":"verified","ended":true' <<'SH'
curl -s "$API/v1/enforcements/$SUSPENSION?wait_s=20"
SH
show '"requested"' <<'SH'
curl -s --json '{"kind": "lift", "reason": "Settled with the broadcaster."}' \
    "$API/v1/channels/demo%2Frocket-still/enforcements"
SH
pick LIFT enforcement
show '"stage":"verified","ended":true' <<'SH'
curl -s "$API/v1/enforcements/$LIFT?wait_s=20"
SH

# Until the films are over and every warning of theirs is there.
until grep -q 'the house is open' "$folder/out"; do
    kill -0 "$server"
    sleep 0.5
done

say <<'MD'
## Hand in a frame

A client app hands in its own pictures, on any channel that a policy watches. The answer comes when the decision is durable.
MD
show '"repeated":false' <<'SH'
curl -s -H "content-type: image/jpeg" -H "idempotency-key: first-evening-1" --data-binary @demo/footage/film-night/0010.jpg \
    "$API/v1/channels/demo%2Fmine/frames"
SH
pick FRAME frame

say <<'MD'
The same frame again gets the same answer, `repeated`, and there is one event of it.
MD
show '"repeated":true' <<'SH'
curl -s -H "content-type: image/jpeg" -H "idempotency-key: first-evening-1" --data-binary @demo/footage/film-night/0010.jpg \
    "$API/v1/channels/demo%2Fmine/frames"
SH
show '"items":[{' <<'SH'
curl -s "$API/v1/channels/demo%2Fmine/events?type=FrameAssessed,FrameSkipped"
SH

say <<'MD'
Who does not want to wait gets a place to look. What is no picture is refused, and that is recorded as well: a frame that
failed is never clear.
MD
show 'HTTP/1.1 202' <<'SH'
curl -si -H "content-type: image/jpeg" -H "idempotency-key: first-evening-2" -H "prefer: respond-async" --data-binary @demo/footage/sky-tour/0005.jpg \
    "$API/v1/channels/demo%2Fmine/frames"
SH
show '"status":422' <<'SH'
head -c 9000 demo/footage/sky-tour/0009.jpg | curl -s -H "content-type: image/jpeg" --data-binary @- \
    "$API/v1/channels/demo%2Fothers/frames"
SH

say <<'MD'
## Audit

What waits for a person, the gravest first:
MD
show '"weapons-stop"' <<'SH'
curl -s "$API/v1/warnings?limit=1"
SH
pick FRAME items.0.evidence.0.frame

# Its picture is kept beside all this, and nobody waits for that but we.
for _ in {1..150}; do
    if curl -s "$API/v1/decisions/$FRAME" | grep -q '"kept":"kept"'; then break; fi
    sleep 0.2
done

say <<'MD'
One decision to its end: the frame, and the digest of its picture; whether it was due; how like the last it was; every
label; every rule with its threshold, its margin, and what would have made it come out otherwise; the policy's own words;
the model; what followed, up to the verified stop.
MD
show '"EnforcementVerified"' <<'SH'
curl -s "$API/v1/decisions/$FRAME"
SH

say <<'MD'
The picture itself, if it was kept. It is the one that was judged: its digest is the one in the decision. And who looks at a
picture is recorded before the first byte leaves.
MD
pick DIGEST evidence.image.sha256
show OK <<'SH'
curl -s -o judged.jpg "$API/v1/evidence/$FRAME" && echo "$DIGEST  judged.jpg" | sha256sum --check
SH
show '"EvidenceRead"' <<'SH'
curl -s "$API/v1/events?type=EvidenceRead"
SH

say <<'MD'
What happened on a channel: by type, verdict, label, rule, moderator, policy version, and time. A page ends with `next`,
where the following one begins; positions never change, so nothing is skipped or repeated while the journal grows.
MD
show '"next":"' <<'SH'
curl -s "$API/v1/channels/demo%2Ffilm-night/events?type=FrameAssessed&verdict=warn&rule=review-band&limit=1"
SH
pick NEXT next
show '"items"' <<'SH'
curl -s \
    "$API/v1/channels/demo%2Ffilm-night/events?type=FrameAssessed&verdict=warn&rule=review-band&limit=1&after=$NEXT"
SH

say <<'MD'
The same to take away: a line for each event, as CSV or as NDJSON. That is recorded too.
MD
show 'FrameAssessed' <<'SH'
curl -s "$API/v1/channels/demo%2Ffilm-night/events?type=FrameAssessed&verdict=warn&format=csv"
SH
show 'WarningRaised' <<'SH'
curl -s -H "accept: application/x-ndjson" "$API/v1/events?type=WarningRaised&channel=demo/rehearsal*"
SH
show '"ExportMade"' <<'SH'
curl -s "$API/v1/events?type=ExportMade&limit=1"
SH

say <<'MD'
## A channel as it was

The complete state that the channel's warden held when its stop was decided, folded from the journal. Without `basis`, a
time is when something was recorded: what was known then.
MD
last=$(curl -s "$API/v1/decisions/$FRAME")
pick RECORDED recorded_at
pick CAPTURED captured_at
show '"basis":"recorded"' <<'SH'
curl -s "$API/v1/channels/demo%2Frehearsal-film/state?at=$RECORDED"
SH

say <<'MD'
With `basis=captured` it is when the frames were taken: what is known today of that moment. At the very moment at which the
picture was taken nobody had seen it yet, and today it is known:
MD
show '"basis":"recorded"' <<'SH'
curl -s "$API/v1/channels/demo%2Frehearsal-film/state?at=$CAPTURED" | head -c 200
SH
show '"basis":"captured"' <<'SH'
curl -s "$API/v1/channels/demo%2Frehearsal-film/state?at=$CAPTURED&basis=captured" | head -c 200
SH

say <<'MD'
## Consumers and replays

A consumer keeps its place in the journal: made with a filter, read by one reader at a time under a lease, acknowledged.
What is not acknowledged comes again.
MD
show '"cursor":0' <<'SH'
curl -s --json '{"name": "archive", "from": "start", "filter": {"types": ["WarningRaised"]}}' \
    "$API/v1/consumers"
SH
show '"token"' <<'SH'
curl -s --json '{"seconds": 300}' "$API/v1/consumers/archive/lease"
SH
pick LEASE token
show '"replay":null' <<'SH'
curl -s "$API/v1/consumers/archive/entries?lease=$LEASE&limit=2"
SH
pick FIRST items.0.event.position
pick SECOND items.1.event.position
show '"cursor":' <<'SH'
curl -s --json '{"lease": "'$LEASE'", "live": '$FIRST'}' "$API/v1/consumers/archive/acks"
SH

say <<'MD'
An entry that cannot be dealt with is set aside, and holds nothing up.
MD
show '"reason"' <<'SH'
curl -s --json '{"lease": "'$LEASE'", "position": '$SECOND', "reason": "the archive has no such folder"}' \
    "$API/v1/consumers/archive/parked"
SH

say <<'MD'
A replay brings a part of the past once more, at a speed of one's own, beside the live entries. Each event keeps its id and
its times, and says which replay it belongs to. It never causes an enforcement.
MD
show '"id"' <<'SH'
curl -s --json '{"name": "after-the-outage", "from": "start", "filter": {"channels": ["demo/film-night"]}, "target": {"consumer": "archive"}, "speed": {"events_per_second": 100}}' \
    "$API/v1/replays"
SH
pick REPLAY id
show '"after-the-outage"' <<'SH'
curl -s "$API/v1/consumers/archive/entries?lease=$LEASE&lane=$REPLAY&limit=1&wait_s=5"
SH
show '"done_milli"' <<'SH'
curl -s "$API/v1/replays/$REPLAY"
SH
show '"cancelled"' <<'SH'
curl -s -X POST "$API/v1/replays/$REPLAY/cancel"
SH

say <<'MD'
A consumer can be set to another place, which is recorded. Its reader then takes a new lease.
MD
show '"cursor":0' <<'SH'
curl -s --json '{"to": "start"}' "$API/v1/consumers/archive/rewind"
SH
show 'take a new one' <<'SH'
curl -s "$API/v1/consumers/archive/entries?lease=$LEASE"
SH

say <<'MD'
The feed does the same without a place kept here: who lost the connection goes on after the last `id` that came.
MD
show 'WarningRaised' <<'SH'
curl -sN --max-time 1 -H "last-event-id: $FIRST" \
    "$API/v1/feed?type=WarningRaised&channel=demo/film-night,demo/borderline"
SH

say <<'MD'
## Answer warnings

A moderator names the version that they see. A claim keeps others away for five minutes.
MD
show '"standing":"open"' <<'SH'
curl -s "$API/v1/warnings?channel=demo/film-night"
SH
pick WARNING items.0.warning
pick SEEN items.0.version
show '"WarningClaimed"' <<'SH'
curl -s --json '{"version": '$SEEN'}' "$API/v1/warnings/$WARNING/claim"
SH

say <<'MD'
Who still sees the old version is refused, and told what has happened since.
MD
show '"changed_since"' <<'SH'
curl -s --json '{"answer": "uphold", "warnings": [{"id": "'$WARNING'", "version": '$SEEN'}]}' \
    "$API/v1/answers"
SH
pick SEEN version
show '"WarningUpheld"' <<'SH'
curl -s --json '{"answer": "uphold", "warnings": [{"id": "'$WARNING'", "version": '$SEEN'}], "note": "From 9 s on."}' \
    "$API/v1/answers"
SH
pick SEEN warnings.0.version

say <<'MD'
An answer can be taken back for a minute, by who gave it. That too is an event; the warning is open again, and its story is whole.
MD
show '"WarningAnswerWithdrawn"' <<'SH'
curl -s --json '{"version": '$SEEN'}' "$API/v1/warnings/$WARNING/withdraw"
SH
show '"standing":"open"' <<'SH'
curl -s "$API/v1/warnings/$WARNING"
SH

say <<'MD'
## Policies

Which policy watches a channel, and why not the others?
MD
show '"applies":true' <<'SH'
curl -s "$API/v1/channels/demo%2Ffilm-night/policy"
SH

say <<'MD'
A stricter review band, with a mistake first. Every mistake has its line, and what to do:
MD
cat >review.yaml <<'YAML'
policy: demo
title: Demo channels, only what is rather sure
channels: { matching: ^demo/ }
taxonomy: local-nudity/1
sampling: { every: 1s, reassess_after: 20s }
rules:
  - id: review-band
    categories: [Preliminary Nudity]
    confidence: 155
    window: 2 of 3
    action: warn
    severity: 3
YAML
show 'confidence: 155' <<'SH'
cat review.yaml
SH
show '"line"' <<'SH'
curl -s -H "content-type: application/yaml" --data-binary @review.yaml "$API/v1/policies/check"
SH

say <<'MD'
Mended, it is tried on the last hour of the journal: what the providers answered then is judged again, and compared.
MD
show '"differing"' <<'SH'
sed -i "s/155/55/" review.yaml && curl -s -H "content-type: application/yaml" --data-binary @review.yaml \
    "$API/v1/policies/dry-run?hours=1"
SH

say <<'MD'
Published with the version that its author saw and a reason; the answer says what differs. From the next frame on it is the
one that applies, while frames under way end under the version they began with. Who saw an older version is refused.
MD
show '"changes"' <<'SH'
curl -s -H "content-type: application/yaml" --data-binary @review.yaml \
    "$API/v1/policies?expected_version=1&why=Too%20many%20warnings%20at%2020%20%25"
SH
show '"status":409' <<'SH'
curl -s -H "content-type: application/yaml" --data-binary @review.yaml \
    "$API/v1/policies?expected_version=1&why=Once%20more"
SH
show '"why"' <<'SH'
curl -s "$API/v1/policies/demo/versions/2"
SH
show '"version":2' <<'SH'
curl -s --json '{"why": "The demo is over."}' "$API/v1/policies/demo/retire"
SH

say <<'MD'
## Problems

Every refusal is a problem of RFC 9457 with a `code` that does not change, and says what was expected, and where.
MD
show 'unknown field' <<'SH'
curl -s "$API/v1/channels?limt=3"
SH
show '"malformed"' <<'SH'
curl -s "$API/v1/events?type=FrameAsessed"
SH
show '"malformed"' <<'SH'
curl -s "$API/v1/events?recorded_from=yesterday"
SH
show '"not_found"' <<'SH'
curl -s "$API/v1/decisions/00000000000000000000000000000000"
SH
show 'allow: ' <<'SH'
curl -si -X DELETE "$API/v1/journal"
SH

say <<'MD'
## Who may

The demo lets everybody on this machine do everything. A server does not: with the demo ended, its journal is served to who
has a token. Tokens are shown once and kept as digests; each has roles, and channels for which they hold.
MD
end_server
show 'auditor' <<'SH'
streamwarden token create --name auditor-1 --role auditor --channels "demo/rehearsal*" --expires 1d >auditor.token && cat tokens.toml
SH
show '' <<'SH'
streamwarden token create --name app-1 --role ingest --channels "demo/mine" >app.token 2>/dev/null; wc -c app.token
SH
cat >streamwarden.toml <<CONFIG
data = { directory = "data" }
listen = { address = "127.0.0.1:$port" }
control = { platform = "rehearsal" }
CONFIG
show 'rehearsal' <<'SH'
cat streamwarden.toml
SH
printf '\n```console\n$ streamwarden serve --config streamwarden.toml &\n```\n'
start streamwarden serve --config streamwarden.toml
show '"unauthenticated"' <<'SH'
curl -s "$API/v1/channels"
SH
show '"demo/rehearsal-film"' <<'SH'
curl -s -H "authorization: Bearer $(cat auditor.token)" "$API/v1/channels"
SH

say <<'MD'
An auditor of these channels learns nothing of others, not even that they are there, and stops nothing.
MD
show '"not_found"' <<'SH'
curl -s -H "authorization: Bearer $(cat auditor.token)" "$API/v1/warnings/$WARNING"
SH
show '"forbidden"' <<'SH'
curl -s -H "authorization: Bearer $(cat auditor.token)" --json '{"kind": "lift", "reason": "…"}' \
    "$API/v1/channels/demo%2Frehearsal-film/enforcements"
SH
show '"forbidden"' <<'SH'
curl -s -H "authorization: Bearer $(cat app.token)" "$API/v1/events"
SH

say <<'MD'
After all this, the journal can be verified by somebody who trusts nobody here:
MD
end_server
show 'verif' <<'SH'
streamwarden journal verify --data data
SH
