//! What the stand-in "sees" in a picture: what its comment says. `hive: gun_in_hand=0.93` in Hive's own words; a comment
//! for Rekognition's stand-in or the demo's rehearsal (`moderation: Weapons=97.5`) is read through a small table, so that
//! both can be shown one picture. Without a comment it sees nothing, and every head says so.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What one of Rekognition's categories is here, the narrower before the wider.
const FROM_REKOGNITION: [(&str, &str); 12] = [
    ("Weapons", "gun_in_hand"),
    ("Blood & Gore", "very_bloody"),
    ("Graphic Violence", "very_bloody"),
    ("Explicit", "general_nsfw"),
    ("Non-Explicit Nudity of Intimate parts and Kissing", "general_suggestive"),
    ("Swimwear or Underwear", "general_suggestive"),
    ("Pills", "yes_pills"),
    ("Drugs & Tobacco", "yes_smoking"),
    ("Alcohol", "yes_alcohol"),
    ("Rude Gestures", "yes_middle_finger"),
    ("Nazi Party", "yes_nazi"),
    ("Gambling", "yes_gambling"),
];
/// What a class scores of which nothing is seen.
const NEXT_TO_NOTHING: f64 = 0.0001;
/// Seen in every picture: its head has no class for nothing.
const PHOTOGRAPH: &str = "natural";

#[derive(Debug, Clone, Deserialize)]
pub struct Head {
    pub head: String,
    pub positive: Vec<String>,
    pub negative: Vec<String>,
}

/// The heads of a whole answer.
pub static HEADS: LazyLock<Vec<Head>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/hive-heads.json")).unwrap());

/// A picture, as far as the stand-in looks at it.
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// Every class with its score, the scores of each head making 1.
    pub classes: Vec<(String, f64)>,
}

impl Picture {
    /// None if it is no picture.
    pub fn of(file: &[u8]) -> Option<Self> {
        let reader = image::ImageReader::new(std::io::Cursor::new(file)).with_guessed_format().ok()?;
        let (width, height) = reader.into_dimensions().ok()?;
        Some(Self { width, height, classes: classes(said_by_comments(file)) })
    }
}

/// Every class with its score, where these are seen: the scores of each head make 1.
pub fn classes(mut seen: BTreeMap<String, f64>) -> Vec<(String, f64)> {
    let mut classes = Vec::new();
    for head in HEADS.iter() {
        let usual = |class: &str| if class == PHOTOGRAPH { 0.98 } else { NEXT_TO_NOTHING };
        let scores: Vec<f64> =
            head.positive.iter().map(|class| seen.remove(class).unwrap_or_else(|| usual(class))).collect();
        let left = (1.0 - scores.iter().sum::<f64>()).max(0.0);
        classes.extend(head.positive.iter().cloned().zip(scores));
        classes.extend(head.negative.iter().map(|class| (class.clone(), (left * 1e6).round() / 1e6)));
    }
    classes.extend(seen); // custom heads
    classes
}

fn said_by_comments(file: &[u8]) -> BTreeMap<String, f64> {
    let mut seen = BTreeMap::new();
    for comment in comments(file).filter_map(|comment| std::str::from_utf8(comment).ok()) {
        let (says, own) = match comment.split_once(':') {
            Some(("hive", says)) => (says, true),
            Some(("moderation" | "streamwarden-rehearsal", says)) => (says, false),
            _ => continue,
        };
        for (name, value) in says.split(';').filter_map(|entry| entry.split_once('=')) {
            let Ok(value) = value.trim().parse::<f64>() else { continue };
            let name = name.trim();
            let known =
                FROM_REKOGNITION.iter().find(|(theirs, _)| name.split('/').any(|part| part.starts_with(theirs)));
            match (own, known) {
                (true, _) => drop(seen.insert(name.to_owned(), value)),
                (false, Some((_, class))) => drop(seen.insert((*class).to_owned(), value / 100.0)),
                (false, None) => {}
            }
        }
    }
    seen
}

/// The comments of a JPEG up to its first scan; none of anything else.
fn comments(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = file.strip_prefix(&[0xff, 0xd8]).unwrap_or_default();
    let segments = std::iter::from_fn(move || {
        let (&[0xff, kind, high, low], _) = rest.split_first_chunk()? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let content = rest.get(4..2 + length)?;
        rest = &rest[2 + length..];
        Some((kind, content))
    });
    segments.take_while(|(kind, _)| *kind != 0xda).filter(|(kind, _)| *kind == 0xfe).map(|(_, content)| content)
}
