//! Segments as files of their sound and of their pictures, held against ffmpeg: what it decodes of our MP4 is what it
//! decodes of the segment, sample for sample and picture for picture. And what hostile segments come to: an error, never a
//! panic, and never a part that passes for the whole.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use streamwarden::media::{self, Excerpt, LASTS_MS_MAX, Of, Unfit};
use streamwarden::model::Sha256;

use crate::segments::{self, segment};
use crate::{ffmpeg, root};

const PACKET: usize = 188;

/// What ffmpeg makes of a file, by its digest and length: its pictures or its sound, decoded.
fn decoded(file: &Path, of: Of) -> (String, usize) {
    let _ = ffmpeg(); // fetched
    let stream: &[&str] = match of {
        Of::Sound => &["-map", "0:a", "-f", "s16le"],
        Of::Pictures => &["-map", "0:v", "-fps_mode", "passthrough", "-f", "rawvideo"],
    };
    let output = Command::new(root().join(".tools/ffmpeg"))
        .args(["-v", "error", "-xerror", "-i"])
        .arg(file)
        .args(stream)
        .arg("-")
        .stderr(Stdio::inherit())
        .output()
        .expect("ffmpeg starts");
    assert!(output.status.success() && !output.stdout.is_empty(), "{} is decoded", file.display());
    (Sha256::of(&output.stdout).to_string(), output.stdout.len())
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, bytes).expect("written");
    file
}

/// Has ffmpeg make a segment of its own test pictures and tones.
fn made(folder: &Path, name: &str, arguments: &[&str]) -> Vec<u8> {
    let _ = ffmpeg();
    let file = folder.join(format!("{name}.ts"));
    let sources = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10", "-f", "lavfi", "-i", "sine"];
    let output = Command::new(root().join(".tools/ffmpeg"))
        .args(["-v", "error", "-y"])
        .args(sources)
        .args(arguments)
        .args(["-f", "mpegts"])
        .arg(&file)
        .output()
        .expect("ffmpeg starts");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(file).expect("it was made")
}

fn both(segment: &[u8]) -> [(Of, Result<Excerpt, Unfit>); 2] {
    [(Of::Sound, media::sound(segment)), (Of::Pictures, media::pictures(segment))]
}

#[test]
fn what_is_decoded_of_the_file_is_what_is_decoded_of_the_segment() {
    let folder = tempfile::tempdir().expect("a folder");
    let odd =
        ["-t", "2", "-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ar", "44100"];
    let main = ["-t", "2", "-c:v", "libx264", "-vf", "scale=50:38", "-bf", "3", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    let mut all: Vec<(&str, Vec<u8>)> = segments::WITH_SOUND.map(|name| (name, segment(name).to_vec())).into();
    all.push(("baseline", made(folder.path(), "baseline", &odd)));
    all.push(("cropped", made(folder.path(), "cropped", &main)));
    for (name, segment) in all {
        let whole = written(folder.path(), &format!("{name}.ts"), &segment);
        for (of, excerpt) in both(&segment) {
            let excerpt = excerpt.unwrap_or_else(|unfit| panic!("{name}, {of}: {unfit}"));
            let part = written(folder.path(), &format!("{name}-{of}.mp4"), &excerpt.file);
            assert_eq!(decoded(&part, of), decoded(&whole, of), "{name}, {of}");
        }
    }
}

#[test]
fn a_file_holds_what_was_asked_for_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    for (of, excerpt) in both(segment("threat")) {
        let excerpt = excerpt.expect("a sound segment");
        let file = written(folder.path(), "part.mp4", &excerpt.file);
        let said = Command::new(root().join(".tools/ffmpeg")).arg("-hide_banner").arg("-i").arg(&file).output();
        let said = String::from_utf8_lossy(&said.expect("ffmpeg starts").stderr).into_owned();
        let streams: Vec<&str> = said.lines().filter(|line| line.trim_start().starts_with("Stream #")).collect();
        let [stream] = streams[..] else { panic!("{said}") };
        let expected = match of {
            Of::Sound => "Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, mono",
            Of::Pictures => "Video: h264 (High) (avc1 / 0x31637661), yuv420p",
        };
        assert!(stream.contains(expected), "{stream}");
        assert!(said.contains("start: 0.000000"), "{of} begins with the file: {said}");
        assert!((5_900..=6_100).contains(&excerpt.lasts_ms), "{of}: {} ms", excerpt.lasts_ms);
    }
}

#[test]
fn each_part_says_how_long_after_the_segment_it_begins() {
    let [(_, sound), (_, pictures)] = both(segment("threat"));
    // As ffmpeg says of the segment: sound from 1.512 s, pictures from 1.533 s.
    assert_eq!((sound.expect("sound").begins_ms, pictures.expect("pictures").begins_ms), (0, 21));
    let later = made(
        tempfile::tempdir().expect("a folder").path(),
        "later",
        &["-t", "2", "-af", "asetpts=PTS+0.5/TB", "-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac"],
    );
    let begins = media::sound(&later).expect("sound").begins_ms;
    assert!((450..=520).contains(&begins), "{begins}");
}

#[test]
fn a_segment_that_says_itself_that_it_has_no_sound_has_none_and_one_of_another_kind_is_not_taken_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(media::sound(segment("mute")), Err(Unfit::Without(Of::Sound)));
    assert!(media::pictures(segment("mute")).is_ok());
    assert!(media::lacks(segment("mute"), Of::Sound) && !media::lacks(segment("mute"), Of::Pictures));
    for name in ["calm", "phone", "threat", "tone"] {
        assert!([Of::Sound, Of::Pictures].iter().all(|of| !media::lacks(segment(name), *of)), "{name} has both");
    }
    // Sound may begin in the middle; and of what is damaged or no segment nothing is known.
    let begins = [segment("mute"), segment("calm")].concat();
    let damaged = [&segment("mute")[..188 * 3], &[0; 188], &segment("mute")[188 * 4..]].concat();
    for unknown in [&begins, &damaged, &segment("mute")[1..].to_vec(), &Vec::new()] {
        assert!(!media::lacks(unknown, Of::Sound));
    }
    let only = made(folder.path(), "only", &["-t", "1", "-map", "1:a", "-c:a", "aac"]);
    assert_eq!(media::pictures(&only), Err(Unfit::Without(Of::Pictures)));
    let pictures = ["-t", "1", "-c:v", "libx264", "-pix_fmt", "yuv420p"];
    for (codec, kind) in [("mp2", 0x03), ("ac3", 0x81)] {
        let other = made(folder.path(), codec, &[&pictures[..], &["-c:a", codec]].concat());
        assert_eq!(media::sound(&other), Err(Unfit::Kind { of: Of::Sound, kind }), "{codec}");
    }
    let opus = made(folder.path(), "opus", &[&pictures[..], &["-c:a", "libopus"]].concat());
    assert_eq!(media::sound(&opus), Err(Unfit::Kind { of: Of::Sound, kind: 0x06 }), "which may be anything");
    let two = made(folder.path(), "two", &["-t", "1", "-map", "1:a", "-map", "1:a", "-c:a", "aac"]);
    assert_eq!(media::sound(&two), Err(Unfit::Several(Of::Sound)));
    let mpeg2 = made(folder.path(), "mpeg2", &["-t", "1", "-c:v", "mpeg2video", "-r", "25", "-c:a", "aac"]);
    assert_eq!(media::pictures(&mpeg2), Err(Unfit::Kind { of: Of::Pictures, kind: 0x02 }));
}

#[test]
fn what_lasts_longer_than_half_a_minute_is_refused_with_how_long_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = made(
        folder.path(),
        "long",
        &["-t", "31", "-r", "2", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"],
    );
    for (of, excerpt) in both(&long) {
        let unfit = excerpt.expect_err("31 seconds");
        let is_told = matches!(unfit, Unfit::Long { ms, .. } if ms > u64::from(LASTS_MS_MAX) && ms < 32_000);
        assert!(is_told, "{of}: {unfit}");
    }
}

#[test]
fn a_part_never_passes_for_the_whole() {
    let whole = segment("threat");
    let pid = |packet: &[u8]| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
    let packets = whole.len() / PACKET;
    for lost in (0..packets).step_by(7) {
        let without = [&whole[..lost * PACKET], &whole[(lost + 1) * PACKET..]].concat();
        let of_lost = pid(&whole[lost * PACKET..]);
        // The last of the pictures is one whose loss nothing that follows could show.
        let is_last = !without[lost * PACKET..].chunks(PACKET).any(|packet| pid(packet) == of_lost);
        for ((of, found), own) in both(&without).into_iter().zip([0x101, 0x100]) {
            let is_whole = || found == both_of(of, whole);
            if of_lost == own {
                assert!(found.is_err() || is_last && of == Of::Pictures, "without packet {lost}: {of}");
            } else {
                assert!(found.is_err() || is_whole(), "without packet {lost}: {of}");
            }
        }
    }
    for cut in [1, PACKET - 1, PACKET + 1, whole.len() - 1] {
        assert!(both(&whole[..cut]).iter().all(|(_, excerpt)| excerpt.is_err()), "{cut} bytes");
    }
    for nothing in [&b""[..], b"not a segment", &[0x47; PACKET * 3], &[0xff; PACKET * 3], &whole[..PACKET]] {
        assert!(both(nothing).iter().all(|(_, excerpt)| excerpt.is_err()), "{} bytes", nothing.len());
    }
}

fn both_of(of: Of, segment: &[u8]) -> Result<Excerpt, Unfit> {
    match of {
        Of::Sound => media::sound(segment),
        Of::Pictures => media::pictures(segment),
    }
}

/// What may happen to bytes on their way, or on purpose.
#[derive(Debug, Clone)]
enum Harm {
    Set { at: usize, to: u8 },
    Flip { at: usize, bit: u8 },
    Drop { at: usize, packets: usize },
    Repeat { at: usize, packets: usize },
    Swap { a: usize, b: usize },
}

fn harm() -> impl Strategy<Value = Harm> {
    // Heads lie at the beginnings of packets: half of the harm is done there.
    let at =
        prop_oneof![any::<usize>(), (any::<usize>(), 0..24_usize).prop_map(|(at, into)| at / PACKET * PACKET + into)];
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, to)| Harm::Set { at, to }),
        (at, 0..8_u8).prop_map(|(at, bit)| Harm::Flip { at, bit }),
        (any::<usize>(), 1..40_usize).prop_map(|(at, packets)| Harm::Drop { at, packets }),
        (any::<usize>(), 1..40_usize).prop_map(|(at, packets)| Harm::Repeat { at, packets }),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Harm::Swap { a, b }),
    ]
}

fn harmed(segment: &[u8], harms: &[Harm]) -> Vec<u8> {
    let mut bytes = segment.to_vec();
    for harm in harms {
        if bytes.is_empty() {
            break;
        }
        let count = bytes.len() / PACKET;
        let stretch = |at: usize, packets: usize| {
            let from = at % count.max(1);
            from * PACKET..(from + packets).min(count) * PACKET
        };
        match *harm {
            Harm::Set { at, to } => {
                let at = at % bytes.len();
                bytes[at] = to;
            }
            Harm::Flip { at, bit } => {
                let at = at % bytes.len();
                bytes[at] ^= 1 << bit;
            }
            Harm::Drop { at, packets } => drop(bytes.drain(stretch(at, packets))),
            Harm::Repeat { at, packets } => {
                let again = bytes[stretch(at, packets)].to_vec();
                bytes.extend(again);
            }
            Harm::Swap { a, b } => {
                let (a, b) = (stretch(a, 1).start, stretch(b, 1).start);
                for byte in 0..PACKET {
                    bytes.swap(a + byte, b + byte);
                }
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_harm_done_to_a_segment_breaks_the_reader(
        name in prop::sample::select(segments::ALL.to_vec()),
        harms in prop::collection::vec(harm(), 1..6),
    ) {
        let harmed = harmed(segment(name), &harms);
        for (of, excerpt) in both(&harmed) {
            prop_assert!(excerpt.is_err() || !media::lacks(&harmed, of), "it has no {of}, and here it is");
            if let Ok(excerpt) = excerpt {
                prop_assert!(excerpt.lasts_ms <= LASTS_MS_MAX);
                prop_assert!(excerpt.file.len() < harmed.len() * 2 + 100_000);
            }
        }
    }
}
