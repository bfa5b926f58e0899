#!/bin/sh
# Makes the segments of this folder anew: the bundled footage as pictures, espeak-ng as voice, in the form in which Amazon
# IVS records: an MPEG transport stream with H.264 (High, pictures held back for others) and AAC-LC, six seconds long.
# The files are committed, and what is known of them is known by their sound's digest: only for making others.
#
# usage: make.sh FFMPEG ESPEAK-NG
set -eu

ffmpeg=$1
espeak=$2
here=$(cd "$(dirname "$0")" && pwd)
footage=$here/../../../demo/footage
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { "$espeak" -v "$2" -s 150 -w "$work/$1.wav" "$3"; }

# segment NAME FOOTAGE SOUND... : the footage five times as fast, a second of silence before the sound.
segment() {
    name=$1 shown=$2 sees=$3
    shift 3
    "$ffmpeg" -v error -y -framerate 5 -i "$footage/$shown/%04d.jpg" "$@" -t 6 \
        -vf scale=320:180:out_range=tv,format=yuv420p -r 15 -c:v libx264 -profile:v high -preset slow -b:v 60k -maxrate 90k -bufsize 90k \
        -g 30 -bf 2 -bsf:v "h264_metadata=aud=insert:sei_user_data=7b0e7a2c-93a0-4a3e-9f3d-0c55ad1de5b1+hive $sees" \
        -map_metadata -1 -fflags +bitexact -f mpegts "$here/$name.ts"
}

voice() { echo "-i $work/$1.wav -map 0:v -map 1:a -af adelay=1000:all=1,apad -ar 48000 -ac 1 -c:a aac -profile:a aac_low -b:a 48k"; }

say calm en "Welcome back everyone. Today we fly over the mountains."
say threat en "You are so ugly and lame. I will hurt you tomorrow."
say phone en "Call me on five five five, zero one zero zero. Good night."

# shellcheck disable=SC2046
segment calm sky-tour "" $(voice calm)
# shellcheck disable=SC2046
segment threat film-night "2 gun_in_hand=0.62; 3 gun_in_hand=0.93; 4 gun_in_hand=0.93" $(voice threat)
# shellcheck disable=SC2046
segment phone borderline "" $(voice phone)
segment tone rocket-still "" -f lavfi -i sine=frequency=440 -map 0:v -map 1:a -ar 48000 -ac 2 -c:a aac -b:a 64k
segment mute be-right-back "" -map 0:v
