//! How two providers agree on frames that both saw: by the rules that each one's answer hits, and by the categories that
//! both have words for. One of the two decided the frame.
//!
//! Which frames both saw depends on what one of them said, but for those that are compared: so each reason is counted
//! apart, and agreement beyond chance is told of compared frames alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::model::{ChannelId, FrameId, PolicyId, PolicyRef, Position, RuleId, Timestamp};

use super::categories::{Category, Named, path_of};
use super::report::{Agreement, BothAsked, CategoryAgreement, Example, Kappa, Pair, RuleAgreement};
use super::statistics::{Z_95, agreement_by_chance, cut_down, cut_up, kappa, nearest};

/// Pairs of providers that are told apart, each reason for itself.
pub const PAIRS_MAX: usize = 32;
/// Rules of policy versions that are told apart in one pair.
pub const RULES_MAX: usize = 256;
/// Policy versions that are told apart in one pair.
const VERSIONS_MAX: usize = 256;
/// Frames that are shown of each kind of disagreement.
const EXAMPLES_MAX: usize = 5;
/// Fewer frames say nothing about agreement beyond chance.
const FRAMES_MIN: u64 = 30;

/// A frame that was judged, as far as a second answer is held against it.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub position: Position,
    pub channel: ChannelId,
    pub frame: FrameId,
    pub captured_at: Timestamp,
    pub policy: PolicyRef,
    /// Who decided.
    pub provider: Arc<str>,
    /// Whether one that screens was asked first.
    pub screened: bool,
    /// What was answered.
    pub answer: Answer,
}

/// What a provider said of a frame.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// The rules that it hits.
    pub hits: Vec<RuleId>,
    /// The categories that it names; none where its words do not read in the common ones.
    pub named: Option<Named>,
}

/// Every pair.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pairs: BTreeMap<(Arc<str>, Arc<str>, BothAsked), Counts>,
    pub left_out: u64,
}

#[derive(Debug, Default)]
struct Counts {
    frames: u64,
    versions: BTreeMap<PolicyRef, u64>,
    any: Cell,
    rules: BTreeMap<(PolicyRef, RuleId), Cell>,
    /// With the frames in which both could name it.
    categories: BTreeMap<Category, (Cell, u64)>,
}

/// Who said yes, of frames where either did.
#[derive(Debug, Clone, Default)]
struct Cell {
    both: u64,
    one_only: u64,
    other_only: u64,
    /// The newest last.
    examples: VecDeque<Example>,
}

impl Pairs {
    /// Another provider saw the frame as well, and said this.
    pub fn saw(&mut self, judged: &Judged, other: &Arc<str>, said: &Answer, because: BothAsked) {
        if judged.provider == *other {
            return; // another model version of the same, or the same asked twice: no second opinion
        }
        let decided_first = judged.provider < *other;
        let (one, two) = if decided_first { (&judged.provider, other) } else { (other, &judged.provider) };
        let key = (one.clone(), two.clone(), because);
        let is_new = !self.pairs.contains_key(&key);
        if is_new && self.pairs.len() >= PAIRS_MAX {
            self.left_out += 1;
            return;
        }
        let counts = self.pairs.entry(key).or_default();
        counts.frames += 1;
        let (one_said, two_said) = if decided_first { (&judged.answer, said) } else { (said, &judged.answer) };
        let (one_hits, two_hits) = (&one_said.hits[..], &two_said.hits[..]);
        let example = |yes: &Arc<str>| Example {
            position: judged.position,
            channel: judged.channel.clone(),
            frame: judged.frame,
            captured_at: judged.captured_at,
            yes: yes.to_string(),
        };
        counts.any.count(!one_hits.is_empty(), !two_hits.is_empty(), |first| example(if first { one } else { two }));
        if let (Some(one_named), Some(two_named)) = (&one_said.named, &two_said.named) {
            for (category, one_names, two_names) in one_named.beside(two_named) {
                let (cell, frames) = counts.categories.entry(category).or_default();
                *frames += 1;
                cell.count(one_names, two_names, |first| example(if first { one } else { two }));
            }
        }
        if counts.versions.len() >= VERSIONS_MAX && !counts.versions.contains_key(&judged.policy) {
            self.left_out += 1;
            return;
        }
        *counts.versions.entry(judged.policy.clone()).or_default() += 1;
        let only_two = two_hits.iter().filter(|rule| !one_hits.contains(rule));
        for rule in one_hits.iter().chain(only_two) {
            let key = (judged.policy.clone(), rule.clone());
            if counts.rules.len() >= RULES_MAX && !counts.rules.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let cell = counts.rules.entry(key).or_default();
            let yes = |hits: &[RuleId]| hits.contains(rule);
            cell.count(yes(one_hits), yes(two_hits), |first| example(if first { one } else { two }));
        }
    }

    /// All of them, by name and reason, but for pairs of which `shown` wants neither.
    pub fn report(self, shown: impl Fn(&str) -> bool) -> Vec<Pair> {
        // Nobody is asked twice about a frame: one that seconds stops is compared on what is left of the frames.
        let seconds = |one: &Arc<str>, other: &Arc<str>| {
            self.pairs.contains_key(&(one.clone(), other.clone(), BothAsked::Seconded))
        };
        let wanted = self.pairs.iter().filter(|((one, other, _), _)| shown(one) || shown(other));
        wanted
            .map(|((one, other, because), counts)| {
                let unchosen = *because == BothAsked::Compared && !seconds(one, other);
                Pair {
                    one: one.to_string(),
                    other: other.to_string(),
                    because: *because,
                    frames: counts.frames,
                    rules: counts.rules(unchosen),
                    any_rule: counts.any.agreement(counts.frames, unchosen),
                    categories: counts.categories(unchosen),
                }
            })
            .collect()
    }
}

impl Counts {
    /// By rule, versions of a policy together: a frame in which neither hit it counts under versions in which either did
    /// at some time, since the events do not say which rules a version has.
    fn rules(&self, unchosen: bool) -> Vec<RuleAgreement> {
        let mut merged: BTreeMap<(&PolicyId, &RuleId), (Cell, u64)> = BTreeMap::new();
        for ((policy, rule), cell) in &self.rules {
            let (all, frames) = merged.entry((&policy.id, rule)).or_default();
            all.add(cell);
            *frames += self.versions.get(policy).copied().unwrap_or_default();
        }
        let agreement = |((policy, rule), (cell, frames)): ((&PolicyId, &RuleId), (Cell, u64))| RuleAgreement {
            policy: policy.clone(),
            rule: rule.clone(),
            agreement: cell.agreement(frames, unchosen),
        };
        merged.into_iter().map(agreement).collect()
    }

    /// By category, those that either ever named.
    fn categories(&self, unchosen: bool) -> Vec<CategoryAgreement> {
        let named = self.categories.iter().filter(|(_, (cell, _))| cell.both + cell.one_only + cell.other_only > 0);
        named
            .map(|(category, (cell, frames))| CategoryAgreement {
                category: path_of(*category).clone(),
                frames: *frames,
                agreement: cell.agreement(*frames, unchosen),
            })
            .collect()
    }
}

impl Cell {
    /// Counts a frame; `example` is made, with whether the first said yes, where they differ.
    fn count(&mut self, one: bool, other: bool, example: impl FnOnce(bool) -> Example) {
        match (one, other) {
            (true, true) => self.both += 1,
            (true, false) => self.one_only += 1,
            (false, true) => self.other_only += 1,
            (false, false) => {}
        }
        if one != other {
            self.show(example(one));
        }
    }

    fn show(&mut self, example: Example) {
        if self.examples.len() >= EXAMPLES_MAX {
            self.examples.pop_front();
        }
        self.examples.push_back(example);
    }

    fn add(&mut self, other: &Self) {
        self.both += other.both;
        self.one_only += other.one_only;
        self.other_only += other.other_only;
        self.examples.extend(other.examples.iter().cloned());
        self.examples.make_contiguous().sort_by_key(|example| example.position);
        while self.examples.len() > EXAMPLES_MAX {
            self.examples.pop_front();
        }
    }

    /// Of so many frames; `unchosen`: whatever either said of them.
    fn agreement(&self, frames: u64, unchosen: bool) -> Agreement {
        let Self { both, one_only, other_only, .. } = *self;
        let neither = frames.saturating_sub(both + one_only + other_only);
        let told = unchosen && frames >= FRAMES_MIN;
        let by_chance = agreement_by_chance([both, one_only, other_only, neither]);
        let kappa = told.then(|| kappa(both + neither, frames, by_chance, Z_95)).flatten();
        Agreement {
            both,
            one_only,
            other_only,
            neither,
            kappa: kappa.map(|(kappa, low, high)| Kappa {
                milli: nearest(kappa),
                low_milli: cut_down(low),
                high_milli: cut_up(high),
            }),
            examples: self.examples.iter().rev().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Confidence, Label, LabelPath, PolicyId};
    use crate::policy::taxonomy::Taxonomy;

    fn judged(position: u64, version: u32, hits: &[&str]) -> Judged {
        let channel = ChannelId::new("stage").expect("a sound name");
        let rule = |name: &&str| RuleId::new(name).expect("a sound name");
        Judged {
            position: Position(position),
            frame: FrameId::of(&channel, &[&position.to_be_bytes()]),
            channel,
            captured_at: Timestamp::from_millis(position as i64),
            policy: PolicyRef { id: PolicyId::new("p").expect("a sound name"), version },
            provider: "local".into(),
            screened: false,
            answer: Answer { hits: hits.iter().map(rule).collect(), named: None },
        }
    }

    fn rules(names: &[&str]) -> Answer {
        let hits = names.iter().map(|name| RuleId::new(name).expect("a sound name")).collect();
        Answer { hits, named: None }
    }

    /// 20 both, 5 only hive, 10 only local, 15 neither: kappa 0.4 by hand (see the statistics).
    #[test]
    fn counts_add_up_and_kappa_is_told_of_compared_frames_alone() {
        for (because, told) in [(BothAsked::Compared, true), (BothAsked::Seconded, false)] {
            let mut pairs = Pairs::default();
            for at in 0..50u64 {
                let decided = if at < 30 { &["nude"][..] } else { &[] };
                let other = if at < 20 || (30..35).contains(&at) { rules(&["nude"]) } else { rules(&[]) };
                pairs.saw(&judged(at, 1, decided), &"hive".into(), &other, because);
            }
            let pair = pairs.report(|_| true).remove(0);
            assert_eq!((pair.one.as_str(), pair.other.as_str(), pair.frames), ("hive", "local", 50));
            let rule = &pair.rules[0].agreement;
            assert_eq!((rule.both, rule.one_only, rule.other_only, rule.neither), (20, 5, 10, 15));
            assert_eq!(rule, &pair.any_rule);
            assert_eq!(rule.kappa.map(|kappa| kappa.milli), told.then_some(400));
        }
    }

    #[test]
    fn the_newest_disagreements_are_shown_first_and_say_who_said_yes() {
        let mut pairs = Pairs::default();
        for at in 1..=8 {
            pairs.saw(&judged(at, at as u32, &["nude"]), &"hive".into(), &rules(&[]), BothAsked::Compared);
        }
        pairs.saw(&judged(9, 1, &[]), &"hive".into(), &rules(&["nude"]), BothAsked::Compared);
        let pair = pairs.report(|_| true).remove(0);
        let shown: Vec<(u64, &str)> =
            pair.rules[0].agreement.examples.iter().map(|one| (one.position.0, one.yes.as_str())).collect();
        assert_eq!(shown, [(9, "hive"), (8, "local"), (7, "local"), (6, "local"), (5, "local")]);
    }

    #[test]
    fn a_version_of_the_policy_without_the_rule_is_not_agreement_about_it() {
        let mut pairs = Pairs::default();
        for at in 0..10 {
            pairs.saw(&judged(at, 1, &["gun"]), &"hive".into(), &rules(&["gun"]), BothAsked::Compared);
            pairs.saw(&judged(at, 2, &["nude"]), &"hive".into(), &rules(&[]), BothAsked::Compared);
        }
        let pair = pairs.report(|_| true).remove(0);
        let of = |at: usize| {
            let RuleAgreement { rule, agreement, .. } = &pair.rules[at];
            (rule.as_str(), agreement.both, agreement.other_only, agreement.neither)
        };
        assert_eq!([of(0), of(1)], [("gun", 10, 0, 0), ("nude", 0, 10, 0)]);
        assert_eq!((pair.any_rule.both, pair.any_rule.other_only, pair.any_rule.neither), (10, 10, 0));
    }

    #[test]
    fn where_the_other_seconds_stops_the_compared_frames_are_what_is_left_of_them() {
        let mut pairs = Pairs::default();
        for at in 0..50 {
            let hits = if at < 20 { &["nude"][..] } else { &[] };
            pairs.saw(&judged(at, 1, hits), &"hive".into(), &rules(hits), BothAsked::Compared);
        }
        pairs.saw(&judged(99, 1, &["nude"]), &"hive".into(), &rules(&[]), BothAsked::Seconded);
        assert!(pairs.report(|_| true).iter().all(|pair| pair.any_rule.kappa.is_none()));
    }

    /// 20 frames of which both can tell: 12 both, 2 only the other, 6 neither; and 10 of which one has no words.
    #[test]
    fn categories_are_counted_on_frames_that_both_have_words_for() {
        let named = |taxonomy: &str, path: Option<&str>| {
            let label =
                |path| Label(LabelPath::new(path).expect("sound"), Confidence::from_milli(90_000).expect("sound"));
            Named::by(taxonomy, &path.map(label).into_iter().collect::<Vec<_>>())
        };
        let mut pairs = Pairs::default();
        for at in 0..30u64 {
            let mut first = judged(at, 1, &[]);
            let taxonomy = if at < 20 { Taxonomy::HIVE_VISUAL } else { "hive-speech/1" };
            first.answer.named = named(taxonomy, (at < 12).then_some("sexual/general_nsfw/general_nsfw"));
            let other = named(Taxonomy::REKOGNITION, (at < 14).then_some("Explicit"));
            pairs.saw(&first, &"hive".into(), &Answer { hits: Vec::new(), named: other }, BothAsked::Compared);
        }
        let categories = pairs.report(|_| true).remove(0).categories;
        let [CategoryAgreement { category, frames, agreement }] = &categories[..] else { panic!("{categories:?}") };
        assert_eq!((category.as_str(), *frames), ("Explicit", 20));
        let Agreement { both, one_only, other_only, neither, .. } = agreement;
        assert_eq!((*both, *one_only, *other_only, *neither), (12, 2, 0, 6));
        assert!(agreement.kappa.is_none(), "20 frames are too few");
    }

    #[test]
    fn a_provider_is_no_second_to_itself_and_pairs_are_bounded() {
        let mut pairs = Pairs::default();
        pairs.saw(&judged(1, 1, &[]), &"local".into(), &rules(&[]), BothAsked::Compared);
        for other in 0..PAIRS_MAX + 3 {
            pairs.saw(&judged(1, 1, &[]), &format!("other-{other}").into(), &rules(&[]), BothAsked::Compared);
        }
        assert_eq!((pairs.left_out, pairs.report(|_| true).len()), (3, PAIRS_MAX));
    }
}
