# The tour itself, played by scripts/aws-tour.sh: what is said, what is asked, and what must come back.
# shellcheck shell=bash disable=SC2016,SC2154  # commands are printed as they stand; the functions are the caller's

say <<'MD'
# A tour of the loop on AWS

A picture is put into a bucket; the stream that it shows is stopped, and the bus hears that the stop was verified. Every
answer below came from the real program, speaking to what stands in for AWS over the services' own protocols: an emulator
of S3, EventBridge, Kinesis and SQS, and our own stand-in for Rekognition and IVS, which checks every call and answer by
the service's model and "sees" in a picture what its comment says. What is long is shortened with `…`.
`scripts/aws-tour.sh` plays the tour anew and prints this page; ids, times and ports differ each time.

`call SERVICE Operation JSON` makes one call (`scripts/aws-tour/call.py`); with an account of your own, `aws` does the same.

## What is there

A bucket that tells EventBridge of its objects, and a rule that puts what it tells onto a stream.
MD
show '{' <<'SH'
call s3 CreateBucket '{"Bucket": "thumbnails"}'
SH
show '{' <<'SH'
call s3 PutBucketNotificationConfiguration '{"Bucket": "thumbnails",
    "NotificationConfiguration": {"EventBridgeConfiguration": {}}}'
SH
show '{' <<'SH'
call kinesis CreateStream '{"StreamName": "thumbnails", "ShardCount": 2}'
SH
show 'RuleArn' <<'SH'
call events PutRule '{"Name": "thumbnails",
    "EventPattern": "{\"source\": [\"aws.s3\"], \"detail\": {\"bucket\": {\"name\": [\"thumbnails\"]}}}"}'
SH
show '"FailedEntryCount": 0' <<'SH'
call events PutTargets '{"Rule": "thumbnails", "Targets": [{"Id": "stream",
    "Arn": "arn:aws:kinesis:us-east-1:123456789012:stream/thumbnails",
    "RoleArn": "arn:aws:iam::123456789012:role/rules", "KinesisParameters": {"PartitionKeyPath": "$.id"}}]}'
SH

say <<'MD'
The bus that the program tells what it decides and does, and somebody who follows it.
MD
show 'EventBusArn' <<'SH'
call events CreateEventBus '{"Name": "moderation"}'
SH
show 'QueueUrl' <<'SH'
call sqs CreateQueue '{"QueueName": "moderation"}'
SH
pick QUEUE QueueUrl
show 'RuleArn' <<'SH'
call events PutRule '{"Name": "ours", "EventBusName": "moderation",
    "EventPattern": "{\"source\": [\"streamwarden\"]}"}'
SH
show '"FailedEntryCount": 0' <<'SH'
call events PutTargets '{"Rule": "ours", "EventBusName": "moderation",
    "Targets": [{"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:moderation"}]}'
SH

say <<'MD'
A channel of IVS that has been on the air for ten minutes. This is said to the stand-in; IVS would know.
MD
show '"live": true' <<'SH'
curl -s --json '{"channels": {"AbCd": {"live": true, "session": "st-1ASampleBroadcast000000", "started_s": -600}}}' \
    "$STANDIN/_standin/script" | grep -o '"live": true' | head -1
SH

say <<'MD'
## The program

The endpoints are needed because nothing here is AWS; without them the same file is a real one.
MD
cat >streamwarden.toml <<TOML
data.directory = "data"
listen.address = "127.0.0.1:$port"
auth.ways = ["open"]
provider.judge = "rekognition"
control.platform = "ivs"
control.ivs.quiet_ms = 0
kinesis = { stream = "thumbnails", start = "trim_horizon" }
outbox.bus.name = "moderation"
aws.region = "us-east-1"

[aws.endpoints]
s3 = "$AWS_ENDPOINT_URL"
kinesis = "$AWS_ENDPOINT_URL"
eventbridge = "$AWS_ENDPOINT_URL"
rekognition = "$STANDIN"
ivs = "$STANDIN"
TOML
cp "$repository/scripts/aws-tour/weapons.yaml" .
show 'thumbnails' <<'SH'
cat streamwarden.toml
SH
start streamwarden serve --config streamwarden.toml
printf '\n```console\n$ streamwarden serve --config streamwarden.toml\nlistening on http://127.0.0.1:8642\n```\n'
show '"weapons"' <<'SH'
cat weapons.yaml; curl -s -H 'content-type: application/yaml' --data-binary @weapons.yaml "$API/v1/policies?why=tour"
SH

say <<'MD'
## A picture

IVS puts a thumbnail of the broadcast into the bucket. Nobody tells the program but S3.
MD
show '"ETag"' <<'SH'
call picture 'Weapons=97.5' >thumb0.jpg
call s3 PutObject '{"Bucket": "thumbnails", "Body": "@thumb0.jpg",
    "Key": "ivs/v1/123456789012/AbCd/2026/1/31/9/5/EfGhIjKlMnOp/media/thumbnails/thumb0.jpg"}'
SH

say <<'MD'
## The event on the bus

What the follower of the bus hears, up to the verified stop.
MD
cat >follow.sh <<'SH'
# Prints each event's type and detail as it comes, until one of the type that is wanted has come.
for _ in $(seq 60); do
    answer=$(call sqs ReceiveMessage "{\"QueueUrl\": \"$QUEUE\", \"MaxNumberOfMessages\": 10, \"WaitTimeSeconds\": 1}")
    python3 -c '
import json, sys
for message in json.loads(sys.argv[1]).get("Messages", []):
    event = json.loads(message["Body"])
    detail = event["detail"]
    print(event["source"], "|", event["detail-type"], "| position", detail["position"], "|", json.dumps(detail["payload"])[:150])
' "$answer" | tee -a heard
    python3 -c '
import json, subprocess, sys
for message in json.loads(sys.argv[1]).get("Messages", []):
    asked = {"QueueUrl": sys.argv[2], "ReceiptHandle": message["ReceiptHandle"]}
    subprocess.run(["call", "sqs", "DeleteMessage", json.dumps(asked)], stdout=subprocess.DEVNULL, check=True)
' "$answer" "$QUEUE"
    ! grep -q "$1" heard || exit 0
done
SH
show 'EnforcementVerified' <<'SH'
bash follow.sh EnforcementVerified
SH

say <<'MD'
## What the journal says

Every outcome and every step, in order, and the decision explained.
MD
show 'EnforcementVerified' <<'SH'
curl -s "$API/v1/events?channel=arn:aws:ivs:*&type=FrameAssessed,WarningRaised,EnforcementRequested,EnforcementAdmitted,EnforcementAttempted,EnforcementSucceeded,EnforcementVerified" |
    python3 -c 'import json, sys; [print(e["position"], e["recorded_at"], e["type"]) for e in json.load(sys.stdin)["items"]]'
SH
last=$(curl -s "$API/v1/events?type=FrameAssessed")
pick FRAME items.0.payload.frame
show 'EnforcementVerified' <<'SH'
curl -s "$API/v1/decisions/$FRAME" | python3 -c '
import json, sys
decision = json.load(sys.stdin)
shown = {name: decision[name] for name in ("session", "captured_at", "verdict", "because", "took", "judgement")}
print(json.dumps({**shown, "followed": decision["followed"]["enforcements"]}))'
SH

say <<'MD'
## What was called

Rekognition once, and IVS: which streams are on the air, the very channel right before the stop, one stop, and a look
whether it worked.
MD
show 'ivs.StopStream' <<'SH'
curl -s "$STANDIN/_standin/calls" |
    python3 -c 'import json, sys; [print(*filter(None, (c["op"], c["status"], c.get("error")))) for c in json.load(sys.stdin)]'
SH

say <<'MD'
## Afterwards

The program is ended; what it recorded is verified from the first event to the last.
MD
end_server
show 'events' <<'SH'
streamwarden journal verify --data data
SH
