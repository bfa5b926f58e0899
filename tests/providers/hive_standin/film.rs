//! A film or a sound as the stand-in looks at it: a real MP4 with one track, opened; what is no such file is refused. What
//! is seen at which second is written into the film's H.264 (`hive 2 gun_in_hand=0.62; 3 gun_in_hand=0.93`, each second for
//! itself); what is said is known by the digest of the sound (`data/hive-heard.json`), and of any other sound nothing is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};
use streamwarden::model::Sha256;

use super::seen::classes;

/// The mark of what is to be seen.
const NOTE: &[u8] = b"hive ";
/// The classes that speech is documented with, in the order of the documented answer.
pub const MODERATED: [&str; 4] = ["sexual", "hate", "violence", "bullying"];

/// The classes of a moment, with its second.
pub type Moment = (f64, Vec<(String, f64)>);

/// A film without sound.
pub struct Film {
    pub lasts_s: f64,
    /// One for each second.
    pub moments: Vec<Moment>,
}

/// A sound.
pub struct Sound {
    pub lasts_s: f64,
    pub sentences: Vec<Sentence>,
}

/// One sentence that the stand-in knows.
#[derive(Debug, Clone, Deserialize)]
pub struct Sentence {
    pub text: String,
    pub from: f64,
    pub to: f64,
    /// Severities above 0.
    #[serde(default)]
    pub classes: BTreeMap<String, i64>,
    /// What is personal in it; where, the stand-in says itself.
    #[serde(default)]
    pub personal: Vec<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct Known {
    sound: String,
    sentences: Vec<Sentence>,
}

static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/hive-heard.json")).unwrap());

/// The one track of a file: what it is, for how long, and its data.
struct Track {
    kind: TrackKind,
    lasts_s: f64,
    data: Vec<u8>,
}

fn opened(file: &[u8]) -> Option<Track> {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: file });
    let [track] = demuxer.tracks().ok()? else { return None };
    let (kind, lasts_s) = (track.kind, track.duration as f64 / f64::from(track.timescale.get()));
    let mut data = Vec::new();
    while let Some(sample) = demuxer.next_sample().ok()? {
        let from = usize::try_from(sample.data_offset).ok()?;
        data.extend(file.get(from..from + sample.data_size)?);
    }
    (!data.is_empty()).then_some(Track { kind, lasts_s, data })
}

impl Film {
    /// None if it is no film, or has sound too.
    pub fn of(file: &[u8]) -> Option<Self> {
        let track = opened(file).filter(|track| track.kind == TrackKind::Video)?;
        let noted = noted(&track.data);
        let seconds = 0..(track.lasts_s.ceil() as u32).max(1);
        let moments =
            seconds.map(|second| (f64::from(second), classes(noted.get(&second).cloned().unwrap_or_default())));
        Some(Self { lasts_s: track.lasts_s, moments: moments.collect() })
    }
}

/// What the film says that is seen at which second.
fn noted(data: &[u8]) -> BTreeMap<u32, BTreeMap<String, f64>> {
    let mut noted: BTreeMap<u32, BTreeMap<String, f64>> = BTreeMap::new();
    let Some(at) = data.windows(NOTE.len()).position(|window| window == NOTE) else { return noted };
    let note = &data[at + NOTE.len()..];
    let end = note.iter().position(|byte| !byte.is_ascii_graphic() && *byte != b' ').unwrap_or(note.len());
    for entry in String::from_utf8_lossy(&note[..end]).split(';') {
        let Some((second, seen)) = entry.trim().split_once(' ') else { continue };
        let Some((class, score)) = seen.split_once('=') else { continue };
        if let (Ok(second), Ok(score)) = (second.parse(), score.trim().parse()) {
            noted.entry(second).or_default().insert(class.to_owned(), score);
        }
    }
    noted
}

impl Sound {
    /// None if it is no sound, or has pictures too.
    pub fn of(file: &[u8]) -> Option<Self> {
        let track = opened(file).filter(|track| track.kind == TrackKind::Audio)?;
        let digest = Sha256::of(&track.data).to_string();
        let known = KNOWN.iter().find(|known| known.sound == digest);
        let sentences = known.map(|known| known.sentences.clone()).unwrap_or_default();
        Some(Self { lasts_s: track.lasts_s, sentences })
    }
}
