# Shows every frame of footage/ to a channel, one a second by their own time, and waits for each outcome.
# usage: show.sh CHANNEL
set -euo pipefail
channel=tour%2F$1 begun=$(($(date +%s) - 120)) number=0
for frame in footage/*.jpg; do
    number=$((number + 1))
    at=$(date -u -d "@$((begun + number))" +%Y-%m-%dT%H:%M:%SZ)
    curl -s -H 'content-type: image/jpeg' --data-binary "@$frame" "$API/v1/channels/$channel/frames?captured_at=$at" \
        >"outcomes-$1-$(basename "$frame" .jpg).json"
done
echo "$number frames shown to tour/$1"
