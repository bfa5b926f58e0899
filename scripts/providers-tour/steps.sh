# The tour itself, played by scripts/providers-tour.sh: what is said, what is asked, and what must come back.
# shellcheck shell=bash disable=SC2016,SC2154  # commands are printed as they stand; the functions are the caller's

say <<'MD'
# A tour of several providers

The same footage is judged under the same rules by five arrangements: the local model alone, Rekognition alone, Hive alone,
the local model as a screen for Rekognition, and Rekognition with Hive as the second opinion that a stop needs. Frames,
decoding, local model, rules, journal and every command are real. Rekognition and Hive are stand-ins on this machine: ours
for Rekognition checks each call by the service's model, ours for Hive speaks its v2 interface as it is documented; each
"sees" in a frame what a comment in the file says, and nothing in a frame without one. Then what is said and moves in a
broadcast is judged as well, and somebody decides from outside. What is long is shortened with `…`.
`scripts/providers-tour.sh` plays the tour anew and prints this page; ids and times differ each time.

## Who is there

The endpoints are needed because nothing here is AWS or Hive; without them, and with a key of your own, the same file asks
the real ones.
MD
cat >streamwarden.toml <<TOML
data.directory = "data"
listen.address = "127.0.0.1:$port"
auth.ways = ["open"]
control.platform = "rehearsal"
aws.region = "us-east-1"
aws.endpoints.rekognition = "$REKOGNITION"

[provider]
judge = "local"
also = ["rekognition", "hive"]
local_model = "models/open-nsfw.onnx"
rekognition.calls_per_second = 50

[provider.hive]
api = "v2"
endpoint = "$HIVE/api/v2/task/sync"
key_env = "HIVE_KEY"
calls_per_second = 50
TOML
cp "$repository/scripts/providers-tour/show.sh" .
show 'key_env' <<'SH'
cat streamwarden.toml
SH

say <<'MD'
## One set of rules, five arrangements

The rules are written in Rekognition's words. What the others say is read through reviewed tables; what they have no word
for is said before anything is published.
MD
python3 "$repository/scripts/providers-tour/policy.py" >policies.yaml
show 'judged_by' <<'SH'
head -22 policies.yaml; echo …; grep -A3 -E '^policy: by-(cascade|quorum)' policies.yaml
SH
show 'local' <<'SH'
streamwarden policy check policies.yaml
SH
start streamwarden serve --config streamwarden.toml
printf '\n```console\n$ streamwarden serve --config streamwarden.toml\nlistening on http://127.0.0.1:8642\n```\n'
show 'by-quorum' <<'SH'
curl -s -H 'content-type: application/yaml' --data-binary @policies.yaml "$API/v1/policies?why=tour" | grep -o '"id":"by-[a-z]*","version":1' | sort -u
SH

say <<'MD'
## The footage

Forty frames of real footage on each of five channels, one a second by their own time. In two scenes Rekognition's stand-in
is told to see a weapon; Hive's agrees in the second of them, and sees a kitchen knife in the first.
MD
python3 "$repository/scripts/providers-tour/footage.py" "$repository/demo/footage" footage >/dev/null
for channel in local rekognition hive cascade quorum; do
    curl -s --json "{\"session\": \"st-$channel\"}" "$API/v1/channels/tour%2F$channel/sessions" >/dev/null
done
show '40 frames' <<'SH'
for channel in local rekognition hive cascade quorum; do bash show.sh $channel; done
SH
sleep 3 # what is compared, and what becomes of a stop, follows the outcomes
say <<'MD'
What came of it, by channel: warnings and stops, as the journal has them.
MD
show 'quorum' <<'SH'
for channel in local rekognition hive cascade quorum; do
    for type in FrameAssessed WarningRaised EnforcementRequested; do
        curl -s "$API/v1/channels/tour%2F$channel/events?type=$type&limit=200" |
            python3 -c 'import json, sys; print(sys.argv[1].ljust(12), sys.argv[2].ljust(21), len(json.load(sys.stdin)["items"]))' $channel $type
    done
done
SH

say <<'MD'
## One disagreement, explained

Rekognition saw a weapon in the first of the two scenes, and its rule stops a stream by itself. Under the fifth arrangement
Hive was asked whether it agrees; it did not, and a person was asked in place of the stop.
MD
show 'second' <<'SH'
curl -s "$API/v1/channels/tour%2Fquorum/events?type=WarningRaised&rule=weapons" |
    python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["items"][0]["payload"], indent=1))'
SH
pick FRAME frame
show 'hive' <<'SH'
curl -s "$API/v1/decisions/$FRAME" | python3 -c '
import json, sys
consulted = json.load(sys.stdin)["consulted"]
print(consulted["because"])
for other in consulted["others"]: print("-", other["text"])
for change in consulted["otherwise"]: print("*", change)
'
SH

say <<'MD'
## The five held against each other

Calls, cost, time and agreement, from the journal alone: nobody is asked again.
MD
end_server
show 'rekognition' <<'SH'
streamwarden arena --data data --price rekognition=1000 --price hive=3000 >arena.txt; head -7 arena.txt
SH
say <<'MD'
What the screen saved, and what its audit sample says that it missed; how far two agree that saw the same frames; and what
follows, in sentences.
MD
show 'screens' <<'SH'
sed -n '/^screens/,/^$/p' arena.txt
SH
show 'compared' <<'SH'
sed -n '/^two providers/,/^$/p' arena.txt
SH
show 'agree' <<'SH'
grep -E 'answered|agree|saved' arena.txt
SH

say <<'MD'
And the proof that what was recorded decides again as it did: each channel's policy, tried on its own past.
MD
show 'decided otherwise: 0' <<'SH'
streamwarden backtest --policy policies.yaml --data data --json replay.json >/dev/null
python3 -c '
import json
report = json.load(open("replay.json"))
print("frames judged again:", report["judged"], " decided otherwise:", len(report["differences"]))
'
SH

say <<'MD'
## What is said, and how it moves

IVS records a broadcast in segments of some seconds. A policy may have them judged as they sound and as they move, each at a
cadence of its own; thumbnails are judged as before. The server is started anew over an empty directory, with Hive's speech
moderation beside the others, and reads from a stream of Kinesis what the bucket tells of new objects.
MD
channel=arn:aws:ivs:us-east-1:123456789012:channel/AbCd
export CHANNEL=${channel//:/%3A}
CHANNEL=${CHANNEL//\//%2F}
{
    call s3 CreateBucket '{"Bucket": "recordings"}'
    call s3 PutBucketNotificationConfiguration '{"Bucket": "recordings",
        "NotificationConfiguration": {"EventBridgeConfiguration": {}}}'
    call kinesis CreateStream '{"StreamName": "recordings", "ShardCount": 1}'
    call events PutRule '{"Name": "recordings",
        "EventPattern": "{\"source\": [\"aws.s3\"], \"detail\": {\"bucket\": {\"name\": [\"recordings\"]}}}"}'
    call events PutTargets '{"Rule": "recordings", "Targets": [{"Id": "stream",
        "Arn": "arn:aws:kinesis:us-east-1:123456789012:stream/recordings",
        "RoleArn": "arn:aws:iam::123456789012:role/rules", "KinesisParameters": {"PartitionKeyPath": "$.id"}}]}'
    curl -s --json '{"channels": {"AbCd": {"live": true, "session": "st-1ASampleBroadcast000000", "started_s": -600}}}' \
        "$REKOGNITION/_standin/script"
} >/dev/null
cat >listening.toml <<TOML
data.directory = "listening"
listen.address = "127.0.0.1:$port"
auth.ways = ["open"]
control.platform = "ivs"
control.ivs.quiet_ms = 0
kinesis = { stream = "recordings", start = "trim_horizon" }
aws.region = "us-east-1"

[aws.endpoints]
s3 = "$AWS_ENDPOINT_URL"
kinesis = "$AWS_ENDPOINT_URL"
ivs = "$REKOGNITION"

[provider]
judge = "hive-dashboard"
also = ["hive", "hive-speech"]
hive = { endpoint = "$HIVE/api/v2/task/sync", key_env = "HIVE_KEY" }
hive_speech = { endpoint = "$HIVE/api/v2/task/sync", key_env = "SPEECH_KEY" }
hive_dashboard = { endpoint = "$DASHBOARD", key_env = "DASHBOARD_KEY" }

[hive_dashboard]
secret_env = "DASHBOARD_SECRET"
users_as = "channel"

[[hive_dashboard.actions]]
name = "ban-stream"
then = "stop"
approval = "none"
severity = 5
TOML
cat >listening.yaml <<YAML
policy: listening
channels: ["$channel"]
taxonomy: hive-visual/1
similarity: off
sampling: { every: 1s, tolerance: 500ms }
sound: { every: 1s, judged_by: hive-speech }
clips: { every: 1s, judged_by: hive }
rules:
  - id: threats
    taxonomy: hive-speech/1
    categories: [violence]
    from_severity: 2
  - id: guns
    categories: [violence/gun/gun_in_hand]
    score: 0.9
YAML
show 'hive-speech' <<'SH'
cat listening.yaml; sed -n '/^.provider/,$p' listening.toml
SH
start streamwarden serve --config listening.toml
printf '\n```console\n$ streamwarden serve --config listening.toml\nlistening on http://127.0.0.1:8642\n```\n'
curl -s -H 'content-type: application/yaml' --data-binary @listening.yaml "$API/v1/policies?why=tour" >/dev/null

say <<'MD'
Three segments of a recording: one in which somebody is threatened, one that holds a tone alone, and one without any sound.
What is spoken was made with espeak-ng, the pictures are the demo's footage; the stand-in knows the sounds by their digests
and looks for what to see in the film's own remarks.
MD
ln -s "$repository/tests/providers/segments" segments
cat >wait.sh <<'SH'
# Waits until the channel has so many of an event. usage: wait.sh COUNT TYPE
for _ in $(seq 120); do
    count=$(curl -s "$API/v1/channels/$CHANNEL/events?type=$2&limit=50" |
        python3 -c 'import json, sys; print(len(json.load(sys.stdin)["items"]))')
    [ "$count" -lt "$1" ] || exit 0
    sleep 0.25
done
echo "no $1 of $2 came"
SH
show '"ETag"' <<'SH'
number=0
for segment in threat tone mute; do
    call s3 PutObject "{\"Bucket\": \"recordings\", \"Body\": \"@segments/$segment.ts\",
        \"Key\": \"ivs/v1/123456789012/AbCd/2026/1/31/9/5/EfGhIjKlMnOp/media/hls/720p30/$number.ts\"}"
    number=$((number + 1)); sleep 2
done
SH
bash wait.sh 5 FrameAssessed
bash wait.sh 1 FrameSkipped
say <<'MD'
What came of them, medium by medium: each segment is two frames, as it looks and as it sounds. The last says itself that it
has no sound, and nobody was asked what is said in it.
MD
show 'hive-speech' <<'SH'
curl -s "$API/v1/channels/$CHANNEL/events?type=FrameAssessed,FrameSkipped,FrameFailed,WarningRaised&limit=50" | python3 -c '
import json, sys
for event in json.load(sys.stdin)["items"]:
    said = event["payload"]
    labels = ", ".join(f"{path} {sure}" for path, sure in said.get("labels", []) if sure > 50)
    by = said.get("provider", {}).get("name", said.get("rule", said.get("reason", said.get("because", ""))))
    by = by if isinstance(by, str) else next(iter(by))
    print(event["position"], event["type"].ljust(13), str(by).ljust(11), labels)
'
SH
last=$(curl -s "$API/v1/channels/$CHANNEL/events?type=WarningRaised&rule=threats")
pick FRAME items.0.payload.frame
say <<'MD'
The warning's explanation, and what was said: kept apart, encrypted, and read by who may see evidence.
MD
show 'severity' <<'SH'
curl -s "$API/v1/decisions/$FRAME" | python3 -c '
import json, sys
decision = json.load(sys.stdin)
print(decision["because"])
print(json.dumps(decision["judgement"]["rules"][0], indent=1))
'
SH
show 'hurt' <<'SH'
curl -s "$API/v1/evidence/$FRAME/transcript"
SH

say <<'MD'
## Somebody outside decides

Thumbnails of this server are shown to Hive's Moderation Dashboard, whose stand-in has one rule of its own: a gun fires the
action *ban-stream*, which calls back. Our own rule only warns of it.
MD
show '"ETag"' <<'SH'
call s3 PutObject '{"Bucket": "recordings", "Body": "@footage/0019.jpg",
    "Key": "ivs/v1/123456789012/AbCd/2026/1/31/9/5/EfGhIjKlMnOp/media/thumbnails/thumb0.jpg"}'
SH
bash wait.sh 1 EnforcementVerified
show 'EnforcementVerified' <<'SH'
curl -s "$API/v1/channels/$CHANNEL/events?type=DecisionReceived,EnforcementRequested,EnforcementAdmitted,EnforcementAttempted,EnforcementSucceeded,EnforcementVerified&limit=50" |
    python3 -c 'import json, sys; [print(e["position"], e["type"].ljust(22), e["actor"]) for e in json.load(sys.stdin)["items"]]'
SH
last=$(curl -s "$API/v1/channels/$CHANNEL/events?type=DecisionReceived")
pick FRAME items.0.payload.frame
say <<'MD'
Who does not know the secret is refused. What comes again is answered as it was, and nothing happens twice.
MD
show '401' <<'SH'
curl -s -X POST -H 'authorization: Bearer somebody-else' "$API/v1/callbacks/hive/ban-stream?post_id=$FRAME&user_id=$CHANNEL"
SH
show 'EnforcementRequested 1' <<'SH'
curl -s -X POST -H "authorization: Bearer $DASHBOARD_SECRET" "$API/v1/callbacks/hive/ban-stream?post_id=$FRAME&user_id=$CHANNEL"; echo
for type in DecisionReceived EnforcementRequested; do
    curl -s "$API/v1/channels/$CHANNEL/events?type=$type" |
        python3 -c 'import json, sys; print(sys.argv[1], len(json.load(sys.stdin)["items"]))' $type
done
SH
end_server

say <<'MD'
## What only the real services can show

- that Hive's current answers have the shape of the documented ones, above all V3 and the bodies of v2's errors;
- Hive's rate limits for enterprise keys, and whether it says how long to wait (`Retry-After`);
- whether the newer class heads have the names that public clients use, and what custom heads are called;
- how often Rekognition, Hive and the local model agree on *your* footage: the stand-ins see what they are told to.
MD
