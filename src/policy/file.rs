//! Readable YAML → [`Policy`]. Every mistake is named with line, column, what was expected and what to do, as many at
//! once as there are: only a mistaken shape (an unknown key, a list where a word belongs) hides the rest of its
//! document.
//!
//! Reads texts, never files; says nothing of what is lawful and unwise (see [`check`](super::check)).

use std::sync::Arc;

use serde_saphyr::Spanned;

use super::diagnostic::{Diagnostic, Diagnostics, Flaw, Place, Severity};
use super::document::{
    ChannelsDocument, PolicyDocument, ReputationDocument, SamplingDocument, SimilarityDocument, Text, place,
};
use super::taxonomy::{Taxonomy, closest_name};
use super::{
    ArrangementPlaces, Channels, Policy, Sampling, SegmentPlaces, SimilarityLimits, Tuning, bounds, shape, terms,
};
use crate::model::{ChannelId, LumaDelta, OnUnavailable, PolicyId, PolicyRef};

/// A policy as it was read from a file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The policy, compiled.
    pub policy: Policy,
    /// What people call it.
    pub title: Option<String>,
    /// Whether the file states the version; otherwise it is 1 here and the publisher counts on.
    pub version_stated: bool,
    /// The taxonomy that its categories belong to, but for those of rules with one of their own.
    pub taxonomy: &'static Taxonomy,
    /// The file it stands in.
    pub file: Arc<str>,
    /// Where its parts stand, for what is said of them later.
    pub places: Places,
}

/// Where the parts of a policy stand; what is not stated stands where its id does.
#[derive(Debug, Clone)]
pub struct Places {
    /// Its id.
    pub policy: Place,
    /// Its channels.
    pub channels: Place,
    /// What follows where nobody can judge.
    pub on_unavailable: Place,
    /// What an automatic stop needs.
    pub automatic_stops: Place,
    /// Who is asked.
    pub arrangement: ArrangementPlaces,
    /// What of segments is judged.
    pub segments: SegmentPlaces,
    /// Its rules, in their order.
    pub rules: Vec<RulePlaces>,
}

/// Where the parts of a rule stand; what is not stated stands where the rule begins.
#[derive(Debug, Clone)]
pub struct RulePlaces {
    /// Its id.
    pub id: Place,
    /// Its categories, in their order.
    pub categories: Vec<Place>,
    /// Its taxonomy, if it has one of its own.
    pub taxonomy: Option<Place>,
    /// Its threshold.
    pub confidence: Place,
    /// Its window.
    pub window: Place,
    /// Who must agree, if stated.
    pub approval: Option<Place>,
}

/// What a text holds.
#[derive(Debug)]
pub struct Reading {
    /// The policies without a mistake, in the order of the file.
    pub policies: Vec<Loaded>,
    /// Everything that was said of the others, and notes.
    pub diagnostics: Vec<Diagnostic>,
}

/// A file's policies cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", show_all(.0))]
pub struct PolicyFileError(
    /// Every error that was found, at least one.
    pub Vec<Diagnostic>,
);

fn show_all(errors: &[Diagnostic]) -> String {
    errors.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
}

/// Reads every policy of a text, or says everything that is wrong with it: for starting up and publishing.
pub fn load(file: &str, text: &str) -> Result<Vec<Loaded>, PolicyFileError> {
    let Reading { policies, mut diagnostics } = read(file, text);
    diagnostics.retain(|said| said.severity == Severity::Error);
    if diagnostics.is_empty() { Ok(policies) } else { Err(PolicyFileError(diagnostics)) }
}

/// Reads what can be read of a text. `file` is its name in what is said.
pub fn read(file: &str, text: &str) -> Reading {
    let file: Arc<str> = file.into();
    let mut diagnostics = Diagnostics::of(file.clone());
    let mut policies = Vec::new();
    if text.len() > bounds::FILE_BYTES_MAX {
        let what = format!("the file has {} bytes", text.len());
        let expected = format!("at most {}", bounds::FILE_BYTES_MAX);
        diagnostics.error(Place::START, Flaw::new(what, expected, "split it: one policy a file is easiest to review"));
        return Reading { policies, diagnostics: diagnostics.into_sorted() };
    }
    let mut bytes = text.as_bytes();
    let mut documents = 0;
    for document in serde_saphyr::read::<_, Spanned<PolicyDocument>>(&mut bytes).take(bounds::DOCUMENTS_MAX + 1) {
        documents += 1;
        if documents > bounds::DOCUMENTS_MAX {
            let expected = format!("at most {} policies in a file", bounds::DOCUMENTS_MAX);
            diagnostics.error(Place::START, Flaw::new("the file holds too many policies", expected, "split it"));
            break;
        }
        match document {
            Ok(document) => policies.extend(DocumentReader { said: &mut diagnostics, file: &file }.policy(document)),
            Err(error) => {
                let (at, flaw) = shape::flaw(&error);
                diagnostics.error(at, flaw);
            }
        }
    }
    if documents == 0 {
        let flaw =
            Flaw::new("the file holds no policy", "at least one YAML document", "begin with `policy: my-policy`");
        diagnostics.error(Place::START, flaw);
    }
    Reading { policies, diagnostics: diagnostics.into_sorted() }
}

/// Within how long a stream shall be stopped unless it is said, in milliseconds.
const TIME_TO_STOP_MS: u32 = 180_000;

/// Gives the texts of one document their meaning. A missing or mistaken part is reported and replaced by nothing, so
/// that the parts after it are read too.
pub(super) struct DocumentReader<'a> {
    pub(super) said: &'a mut Diagnostics,
    file: &'a Arc<str>,
}

impl DocumentReader<'_> {
    fn policy(mut self, document: Spanned<PolicyDocument>) -> Option<Loaded> {
        let errors_before = self.said.errors();
        let at = place(&document);
        let written = document.value;
        let id_place = written.policy.as_ref().map_or(at, place);

        let id = self.required(at, "policy", "an id", "policy: my-policy", written.policy.as_ref());
        let id = self.read(id, |text| {
            PolicyId::new(text)
                .map_err(|e| Flaw::new(e.to_string(), "a policy id", "write lower-case words joined by -"))
        });
        let version = self.read(written.version.as_ref(), |text| terms::whole(text, "version", 1..=u32::MAX, 1));
        let title = self.read(written.title.as_ref(), title);
        let channels = written.channels.as_ref();
        let channels_place = channels.map_or(at, place);
        let channels =
            self.required(at, "channels", "a list of ids, or `matching:`", "channels: { matching: ^live- }", channels);
        let channels = channels.and_then(|channels| self.channels(channels));
        let priority =
            self.read(written.priority.as_ref(), |text| terms::whole(text, "priority", i32::MIN..=i32::MAX, 10));
        let taxonomy = self.required(
            at,
            "taxonomy",
            "a built-in taxonomy",
            "taxonomy: rekognition/7.0",
            written.taxonomy.as_ref(),
        );
        let taxonomy = self.read(taxonomy, taxonomy_named);
        let (arrangement, arrangement_places) = self.arrangement(&written);
        let (segments, segment_places) = self.segments(written.sound.as_ref(), written.clips.as_ref());
        let sampling = self.sampling(written.sampling.unwrap_or_default());
        let reputation = self.reputation(&sampling, written.reputation.as_ref());
        let similarity = self.similarity(written.similarity.as_ref());
        let on_unavailable = self.read(written.on_unavailable.as_ref(), |text| {
            let words =
                [("record", OnUnavailable::Record), ("warn", OnUnavailable::Warn), ("page", OnUnavailable::Page)];
            terms::word(text, "answer to what cannot be judged", &words)
        });
        let automatic_stops = self.read(written.automatic_stops.as_ref(), terms::automatic_stops);
        let rules = self.required(at, "rules", "a list of rules", "rules: [ … ]", written.rules.as_deref());
        let (rules, rule_places) = rules.map(|rules| self.rules(at, rules, taxonomy)).unwrap_or_default();

        if self.said.errors() > errors_before {
            return None;
        }
        Some(Loaded {
            policy: Policy {
                reference: PolicyRef { id: id?, version: version.unwrap_or(1) },
                taxonomy: taxonomy?.name().into(),
                channels: channels?,
                priority: priority.unwrap_or(0),
                sampling,
                reputation,
                arrangement,
                segments,
                similarity,
                on_unavailable: on_unavailable.unwrap_or_default(),
                automatic_stops: automatic_stops.unwrap_or_default(),
                rules,
            },
            title,
            version_stated: version.is_some(),
            taxonomy: taxonomy?,
            file: self.file.clone(),
            places: Places {
                policy: id_place,
                channels: channels_place,
                on_unavailable: written.on_unavailable.as_ref().map_or(id_place, place),
                automatic_stops: written.automatic_stops.as_ref().map_or(id_place, place),
                arrangement: arrangement_places,
                segments: segment_places,
                rules: rule_places,
            },
        })
    }

    fn channels(&mut self, written: &Spanned<ChannelsDocument>) -> Option<Channels> {
        match &written.value {
            ChannelsDocument::Listed(ids) => {
                self.bounded(place(written), "channels", ids.len(), bounds::CHANNELS_MAX);
                let mut channels: Vec<ChannelId> = Vec::with_capacity(ids.len());
                for id in ids {
                    let read = self.read(Some(id), |text| {
                        let hint = "write the channel's ARN or name; a pattern goes under `matching:`";
                        ChannelId::new(text).map_err(|e| Flaw::new(e.to_string(), "a channel id", hint))
                    });
                    match read {
                        Some(channel) if channels.contains(&channel) => {
                            self.said.warning(place(id), format!("{channel} is listed twice"), "remove one of the two");
                        }
                        Some(channel) => channels.push(channel),
                        None => {}
                    }
                }
                Some(Channels::Listed(channels))
            }
            ChannelsDocument::Word(word) => {
                let hint = format!("write [{word}] for one channel, {{ matching: {word} }} for a pattern");
                let flaw = Flaw::new(format!("{word:?} is no list"), "a list of ids, or `matching:`", hint);
                self.said.error(place(written), flaw);
                None
            }
            ChannelsDocument::Matching(matching) => {
                let (regex, note) = self.read(Some(&matching.matching), terms::pattern)?;
                if let Some(note) = note {
                    self.said.note(place(&matching.matching), note);
                }
                Some(Channels::Matching(regex))
            }
        }
    }

    fn sampling(&mut self, written: SamplingDocument) -> Sampling {
        let SamplingDocument { every, tolerance, time_to_stop, reassess_after, max_age } = written;
        let read = self.read(every.as_ref(), |text| terms::cadence(text, bounds::EVERY_MS));
        let (fastest_ms, slowest_ms) = read.unwrap_or((60_000, 60_000));
        let time_to_stop_ms = self.read(time_to_stop.as_ref(), |text| terms::duration(text, bounds::TIME_TO_STOP_MS));
        if let (Some(every), true) = (&every, fastest_ms < slowest_ms) {
            self.slow_enough_to_stop(place(every), fastest_ms, slowest_ms, time_to_stop_ms.unwrap_or(TIME_TO_STOP_MS));
        } else if let Some(unused) = &time_to_stop {
            let hint = "write `every: 10s to 2m` for a cadence that follows the channel's reputation, or leave it out";
            self.said.warning(place(unused), "a fixed cadence is what it is: time_to_stop changes nothing", hint);
        }
        let tolerance_ms = self.read(tolerance.as_ref(), |text| terms::duration(text, 0..=fastest_ms - 1));
        let reassess_after_ms = self
            .read(reassess_after.as_ref(), |text| terms::duration(text, slowest_ms..=bounds::REASSESS_AFTER_MS_MAX))
            .unwrap_or(slowest_ms.max(300_000));
        let max_age_ms =
            self.read(max_age.as_ref(), |text| terms::duration(text, bounds::MAX_AGE_MS)).unwrap_or(900_000);
        Sampling { fastest_ms, slowest_ms, tolerance_ms, reassess_after_ms, max_age_ms }
    }

    /// However much a channel is trusted, a stream that turns harmful must be stopped in time.
    fn slow_enough_to_stop(&mut self, at: Place, fastest_ms: u32, slowest_ms: u32, time_to_stop_ms: u32) {
        let most_ms = time_to_stop_ms.saturating_sub(bounds::JUDGE_AND_STOP_MS);
        if slowest_ms <= most_ms {
            return;
        }
        let [slowest, time_to_stop, most, reserve, needed] = [
            slowest_ms,
            time_to_stop_ms,
            most_ms,
            bounds::JUDGE_AND_STOP_MS,
            slowest_ms.saturating_add(bounds::JUDGE_AND_STOP_MS),
        ]
        .map(terms::show_duration);
        let what =
            format!("a stream shall be stopped within {time_to_stop}; looking every {slowest} is too slow for it");
        let expected = format!("at most {most}: {time_to_stop} less {reserve} for judging and deciding");
        let hint = match most_ms > fastest_ms {
            true => format!("write up to {most}, or `time_to_stop: {needed}`"),
            false => format!("write `time_to_stop: {needed}` if that is soon enough"),
        };
        self.said.error(at, Flaw::new(what, expected, hint));
    }

    fn reputation(&mut self, sampling: &Sampling, written: Option<&Spanned<ReputationDocument>>) -> Option<Tuning> {
        let ranges = sampling.fastest_ms < sampling.slowest_ms;
        if let (Some(written), false) = (written, ranges) {
            let hint = "write `every: 10s to 2m` under `sampling:`, or leave `reputation:` out";
            self.said.warning(place(written), "the cadence is fixed: reputation changes nothing", hint);
        }
        let unsaid = ReputationDocument::default();
        let ReputationDocument { trust_after, half_life, near_miss, closely_for } =
            written.map_or(&unsaid, |written| &written.value);
        let mut duration = |text: &Option<Text>, range, unsaid: u32| {
            self.read(text.as_ref(), |text| terms::duration(text, range)).unwrap_or(unsaid)
        };
        let default = Tuning::default();
        let trust_after_ms = duration(trust_after, bounds::TRUST_AFTER_MS, default.trust_after_ms);
        let half_life_ms = duration(half_life, bounds::HALF_LIFE_MS, default.half_life_ms);
        let closely_ms = duration(closely_for, bounds::CLOSELY_MS, default.closely_ms);
        let near_miss = self.read(near_miss.as_ref(), terms::percent).unwrap_or(default.near_miss);
        ranges.then_some(Tuning { trust_after_ms, half_life_ms, near_miss, closely_ms })
    }

    fn similarity(&mut self, written: Option<&Spanned<SimilarityDocument>>) -> Option<SimilarityLimits> {
        const DEFAULT: SimilarityLimits = SimilarityLimits { hash_distance_max: 10, luma_delta_max: LumaDelta(200) };
        let limits = match written.map(|written| (&written.value, place(written))) {
            None => return Some(DEFAULT),
            Some((SimilarityDocument::Switch(off), _)) if off == "off" => return None,
            Some((SimilarityDocument::Switch(other), at)) => {
                let expected = "`off`, or the two limits";
                let hint = "leave `similarity` out for the defaults, or write { hash_distance: 10, luma_delta: 2.0 }";
                self.said.error(at, Flaw::new(format!("{other:?} is not a similarity"), expected, hint));
                return None;
            }
            Some((SimilarityDocument::Limits(limits), _)) => limits,
        };
        let bits = self
            .read(limits.hash_distance.as_ref(), |text| terms::whole(text, "hash distance", 0..=bounds::HASH_BITS, 10));
        let luma = self.read(limits.luma_delta.as_ref(), luma_delta);
        Some(SimilarityLimits {
            hash_distance_max: bits.unwrap_or(DEFAULT.hash_distance_max),
            luma_delta_max: luma.unwrap_or(DEFAULT.luma_delta_max),
        })
    }

    /// Reads a text if there is one; a flaw is reported where the text stands.
    pub(super) fn read<T>(&mut self, text: Option<&Text>, read: impl FnOnce(&str) -> Result<T, Flaw>) -> Option<T> {
        let text = text?;
        read(&text.value).map_err(|flaw| self.said.error(place(text), flaw)).ok()
    }

    pub(super) fn required<T>(
        &mut self,
        at: Place,
        key: &str,
        expected: &str,
        example: &str,
        value: Option<T>,
    ) -> Option<T> {
        if value.is_none() {
            let flaw = Flaw::new(format!("`{key}` is missing"), expected, format!("add `{example}`"));
            self.said.error(at, flaw);
        }
        value
    }

    pub(super) fn bounded(&mut self, at: Place, name: &str, count: usize, most: usize) {
        if count == 0 || count > most {
            let hint = if count == 0 { "add one" } else { "split the policy" };
            self.said.error(at, Flaw::new(format!("there are {count} {name}"), format!("1 to {most}"), hint));
        }
    }
}

fn title(text: &str) -> Result<String, Flaw> {
    if (1..=bounds::TITLE_BYTES_MAX).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    let expected = format!("1 to {} bytes", bounds::TITLE_BYTES_MAX);
    Err(Flaw::new(format!("the title has {} bytes", text.len()), expected, "shorten it, or leave it out"))
}

pub(super) fn taxonomy_named(name: &str) -> Result<&'static Taxonomy, Flaw> {
    Taxonomy::named(name).ok_or_else(|| {
        let known: Vec<&str> = Taxonomy::all().iter().map(Taxonomy::name).collect();
        let hint = match closest_name(name, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("write one of: {}", known.join(", ")),
        };
        Flaw::new(format!("{name:?} is not a built-in taxonomy"), known.join(" | "), hint)
    })
}

fn luma_delta(text: &str) -> Result<LumaDelta, Flaw> {
    let levels = text.parse::<f64>().ok().filter(|levels| (0.0..=255.0).contains(levels));
    levels.map(|levels| LumaDelta((levels * 100.0).round() as u16)).ok_or_else(|| {
        let what = format!("{text:?} is not a luma difference");
        Flaw::new(what, "grey levels, 0 to 255", "write 2.0; larger overlooks more, 0 accepts no difference")
    })
}
