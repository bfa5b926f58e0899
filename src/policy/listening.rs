//! What of a channel's segments a policy wants judged, how often, and by whom; and which rules it is judged on.
//!
//! Pictures are looked at by [`Sampling`](super::Sampling) and judged along the [`Arrangement`](super::Arrangement); of a
//! segment one provider says it, at a cadence of its own that does not follow the channel's past.

use serde_saphyr::Spanned;

use super::diagnostic::{Flaw, Place};
use super::document::{ListeningDocument, Text, place};
use super::file::DocumentReader;
use super::mapping::Mapping;
use super::taxonomy::{Sense, Taxonomy};
use super::{Policy, Rule, bounds, terms};
use crate::events::Pace;
use crate::model::{Medium, ProviderName};

/// What of segments is judged; nothing where a policy does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segments {
    /// Their sound.
    pub sound: Option<Listening>,
    /// Their moving picture.
    pub clips: Option<Listening>,
}

/// How often one medium is judged, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// Wanted distance between two segments that are judged, by captured-at, in milliseconds.
    pub every_ms: u32,
    /// Who is asked.
    pub judged_by: ProviderName,
}

/// Where a policy file says it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SegmentPlaces {
    /// `sound:`, and who is asked about it.
    pub sound: Option<(Place, Place)>,
    /// `clips:`, and who is asked about them.
    pub clips: Option<(Place, Place)>,
}

/// How often sound is judged unless it is said.
const SOUND_EVERY_MS: u32 = 30_000;
/// How often clips are judged unless it is said.
const CLIPS_EVERY_MS: u32 = 60_000;

impl Listening {
    /// The cadence: a segment is taken a tenth of it early, so that segments of ten seconds meet one of thirty.
    pub fn pace(&self) -> Pace {
        Pace { interval_ms: self.every_ms, tolerance_ms: (self.every_ms / 10).max(500).min(self.every_ms / 2) }
    }
}

impl Policy {
    /// Whether and how segments of a channel are judged as that medium; none of a picture, which sampling is for.
    pub fn listening(&self, medium: Medium) -> Option<&Listening> {
        match medium {
            Medium::Picture => None,
            Medium::Clip => self.segments.clips.as_ref(),
            Medium::Sound => self.segments.sound.as_ref(),
        }
    }

    /// Everything of a segment that is judged.
    pub fn media_of_segments(&self) -> impl Iterator<Item = Medium> {
        [Medium::Clip, Medium::Sound].into_iter().filter(|medium| self.listening(*medium).is_some())
    }

    /// Whether a rule is about what is heard. It counts sound only, and every other rule pictures and clips.
    pub fn hears(&self, rule: &Rule) -> bool {
        let words = rule.taxonomy.as_deref().unwrap_or(&self.taxonomy);
        Taxonomy::named(words).is_some_and(|taxonomy| taxonomy.sense() == Sense::Hearing)
    }

    /// Whether a frame of that medium counts for a rule: a clip only where whoever judges it can be read by the rule.
    pub fn counts(&self, rule: &Rule, medium: Medium) -> bool {
        match medium {
            Medium::Picture => !self.hears(rule),
            Medium::Sound => self.hears(rule),
            Medium::Clip => !self.hears(rule) && self.clips_are_read_by(rule),
        }
    }

    fn clips_are_read_by(&self, rule: &Rule) -> bool {
        let by = self.segments.clips.as_ref().and_then(|clips| Taxonomy::answered_by(clips.judged_by.as_str()));
        let Some(answered) = by.map(Taxonomy::name) else { return true }; // nobody knows what it answers in
        match &rule.taxonomy {
            Some(own) => **own == *answered,
            None => *self.taxonomy == *answered || Mapping::between(answered, &self.taxonomy).is_some(),
        }
    }

    /// Whether an answer about that medium, in that taxonomy, can be judged: some rule must be able to read it.
    pub fn reads_of(&self, medium: Medium, answered: &str) -> bool {
        match medium {
            Medium::Picture | Medium::Clip => self.reads(answered),
            Medium::Sound => self
                .rules
                .iter()
                .any(|rule| self.hears(rule) && rule.taxonomy.as_deref().unwrap_or(&self.taxonomy) == answered),
        }
    }
}

impl DocumentReader<'_> {
    pub(super) fn segments(
        &mut self,
        sound: Option<&Spanned<ListeningDocument>>,
        clips: Option<&Spanned<ListeningDocument>>,
    ) -> (Segments, SegmentPlaces) {
        let sound = sound.and_then(|written| self.listening(written, "judged_by: hive-speech", SOUND_EVERY_MS));
        let clips = clips.and_then(|written| self.listening(written, "judged_by: hive", CLIPS_EVERY_MS));
        let (sound, sound_place) = sound.unzip();
        let (clips, clips_place) = clips.unzip();
        (Segments { sound, clips }, SegmentPlaces { sound: sound_place, clips: clips_place })
    }

    fn listening(
        &mut self,
        written: &Spanned<ListeningDocument>,
        example: &str,
        unsaid_ms: u32,
    ) -> Option<(Listening, (Place, Place))> {
        let at = place(written);
        let ListeningDocument { every, judged_by } = &written.value;
        let every_ms = match every {
            Some(every) => self.read(Some(every), every_of),
            None => Some(unsaid_ms),
        };
        let judged_by = self.required(at, "judged_by", "a provider's name", example, judged_by.as_ref());
        let by_place = judged_by.map_or(at, |text: &Text| place(text));
        let judged_by = self.read(judged_by, terms::provider);
        Some((Listening { every_ms: every_ms?, judged_by: judged_by? }, (at, by_place)))
    }
}

fn every_of(text: &str) -> Result<u32, Flaw> {
    if text.contains(" to ") {
        let hint = "write one duration: how often segments are judged does not follow the channel's past";
        return Err(Flaw::new(format!("{text:?} is a range"), "one duration", hint));
    }
    terms::duration(text, bounds::SEGMENTS_EVERY_MS)
}
