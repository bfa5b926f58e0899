//! Which of a channel's series of thumbnails is judged, and which of its renditions of segments. Pure.
//!
//! A recording may keep its thumbnails one after the other and also the latest under one key, and may do so for several
//! renditions: the same picture, announced several times. One of them is judged, the best that is there: the highest
//! rendition, and of one rendition the series before the latest, because its pictures are still there when they are
//! fetched. When the best one falls silent the next best is judged, so that no channel goes unwatched for it.
//!
//! A recording has its segments in every rendition. Their moving picture is judged in the highest, their sound in the
//! lowest: it sounds the same and is fetched for least.

use std::collections::VecDeque;

use crate::model::{Medium, Timestamp};
use crate::notifications::{Recording, Source, Storage};

/// A source that has announced nothing for so long counts as gone, in milliseconds: two and a half times the longest
/// interval that IVS keeps thumbnails at.
const SILENT_MS: u64 = 150_000;
/// Sources that are remembered for one channel.
const SOURCES_MAX: usize = 16;

/// The sources of one channel that were heard of.
#[derive(Debug, Default)]
pub(super) struct Sources {
    heard: VecDeque<Heard>,
}

#[derive(Debug)]
struct Heard {
    recording: Recording,
    source: Source,
    newest: Timestamp,
}

impl Sources {
    /// `source` announced a thumbnail captured `at`.
    pub(super) fn hear(&mut self, recording: &Recording, source: &Source, at: Timestamp) {
        let known = self.heard.iter_mut().find(|heard| heard.recording == *recording && heard.source == *source);
        if let Some(heard) = known {
            heard.newest = heard.newest.max(at);
            return;
        }
        if self.heard.len() == SOURCES_MAX {
            self.heard.pop_front();
        }
        self.heard.push_back(Heard { recording: recording.clone(), source: source.clone(), newest: at });
    }

    /// Whether a frame of `source` captured `at` is the one to judge: no better source of the recording is there.
    pub(super) fn is_judged(&self, recording: &Recording, source: &Source, medium: Medium, at: Timestamp) -> bool {
        let of_segments = |source: &Source| source.storage == Storage::Segments;
        let is_better = |other: &Source| match medium {
            Medium::Picture | Medium::Clip => rank(other) > rank(source),
            Medium::Sound => rank(other) < rank(source),
        };
        !self.heard.iter().any(|heard| {
            heard.recording == *recording
                && of_segments(&heard.source) == of_segments(source)
                && is_better(&heard.source)
                && heard.newest.plus_ms(SILENT_MS) > at
        })
    }
}

/// The higher the better; no two sources are the same.
fn rank(source: &Source) -> impl Ord + '_ {
    let name = source.rendition.as_deref();
    let kept = match source.storage {
        Storage::Sequential => 1,
        Storage::Latest | Storage::Segments => 0,
    };
    (name.map_or(u32::MAX, height), kept, name)
}

/// How high a rendition's name says its picture is: `720p60`, `high`. What is named otherwise comes last.
fn height(name: &str) -> u32 {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    match name {
        "high" => 3,
        "mid" => 2,
        "low" => 1,
        _ => name[..digits].parse().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(prefix: &str) -> Recording {
        Recording { bucket: "b".into(), prefix: prefix.into() }
    }

    fn source(text: &str) -> Source {
        let (storage, rendition) = text.split_once('/').unwrap_or((text, ""));
        let storage = if storage == "latest" { Storage::Latest } else { Storage::Sequential };
        Source { storage, rendition: (!rendition.is_empty()).then(|| rendition.into()) }
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(0).plus_ms(second * 1000)
    }

    #[test]
    fn of_every_two_sources_exactly_one_is_judged_and_it_is_the_better() {
        // best first
        let all = [
            "sequential",
            "latest",
            "sequential/1080p30",
            "latest/1080p30",
            "sequential/720p60",
            "sequential/720p30",
            "latest/high",
            "sequential/low",
            "sequential/odd",
            "latest/odd",
        ];
        for (place, better) in all.iter().enumerate() {
            for worse in &all[place + 1..] {
                let mut sources = Sources::default();
                sources.hear(&recording("r"), &source(worse), at(0));
                assert!(sources.is_judged(&recording("r"), &source(worse), Medium::Picture, at(0)), "{worse} alone");
                sources.hear(&recording("r"), &source(better), at(0));
                assert!(
                    sources.is_judged(&recording("r"), &source(better), Medium::Picture, at(0)),
                    "{better} before {worse}"
                );
                assert!(
                    !sources.is_judged(&recording("r"), &source(worse), Medium::Picture, at(0)),
                    "{better} before {worse}"
                );
            }
        }
    }

    #[test]
    fn a_source_that_fell_silent_gives_way_and_comes_back() {
        let (mut sources, recording) = (Sources::default(), recording("r"));
        sources.hear(&recording, &source("sequential"), at(0));
        assert!(!sources.is_judged(&recording, &source("latest"), Medium::Picture, at(149)));
        assert!(sources.is_judged(&recording, &source("latest"), Medium::Picture, at(150)));
        sources.hear(&recording, &source("sequential"), at(160));
        assert!(!sources.is_judged(&recording, &source("latest"), Medium::Picture, at(161)));
    }

    #[test]
    fn another_recording_is_none_of_its_business() {
        let mut sources = Sources::default();
        sources.hear(&recording("r1"), &source("sequential"), at(0));
        assert!(sources.is_judged(&recording("r2"), &source("latest"), Medium::Picture, at(1)));
    }

    #[test]
    fn segments_look_best_in_the_highest_rendition_and_sound_the_same_in_the_lowest() {
        let segments = |rendition: &str| Source { storage: Storage::Segments, rendition: Some(rendition.into()) };
        let (mut sources, recording) = (Sources::default(), recording("r"));
        for rendition in ["360p30", "160p30", "720p60"] {
            sources.hear(&recording, &segments(rendition), at(0));
        }
        sources.hear(&recording, &source("sequential"), at(0));
        let judged = |medium| {
            ["160p30", "360p30", "720p60"].map(|of| sources.is_judged(&recording, &segments(of), medium, at(1)))
        };
        assert_eq!(judged(Medium::Sound), [true, false, false]);
        assert_eq!(judged(Medium::Clip), [false, false, true]);
        assert!(
            sources.is_judged(&recording, &source("sequential"), Medium::Picture, at(1)),
            "thumbnails are another matter"
        );
    }
}
