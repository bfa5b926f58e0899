# The tour itself, played by scripts/providers-tour.sh: what is said, what is asked, and what must come back.
# shellcheck shell=bash disable=SC2016,SC2154  # commands are printed as they stand; the functions are the caller's

say <<'MD'
# A tour of several providers

The same footage is judged under the same rules by five arrangements: the local model alone, Rekognition alone, Hive alone,
the local model as a screen for Rekognition, and Rekognition with Hive as the second opinion that a stop needs. Frames,
decoding, local model, rules, journal and every command are real. Rekognition and Hive are stand-ins on this machine: ours
for Rekognition checks each call by the service's model, ours for Hive speaks its v2 interface as it is documented; each
"sees" in a frame what a comment in the file says, and nothing in a frame without one. What is long is shortened with `…`.
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
## What only the real services can show

- that Hive's current answers have the shape of the documented ones, above all V3 and the bodies of v2's errors;
- Hive's rate limits for enterprise keys, and whether it says how long to wait (`Retry-After`);
- whether the newer class heads have the names that public clients use, and what custom heads are called;
- how often Rekognition, Hive and the local model agree on *your* footage: the stand-ins see what they are told to.
MD
