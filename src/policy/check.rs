//! What is lawful and can never work: rules that match nothing, rules that add nothing, policies that never apply.
//!
//! Warnings only, save where two documents claim one policy id. Texts and channels come in; nothing is read or printed.

mod counterparts;
mod segments;

use super::diagnostic::{Diagnostic, Place, Severity};
use super::file::{self, Loaded, Reading, RulePlaces};
use super::taxonomy::{KnownLabel, Scale, Taxonomy, closest_name};
use super::{AutomaticStops, Category, Channels, Rule, Window, bounds, category, terms};
use crate::model::{Action, Approval, ChannelId, Confidence, LabelPath, OnUnavailable, ProviderName};

/// A threshold up to this many thousandths of a percent was probably meant as a fraction of one.
const FRACTION_MILLI_MAX: u32 = 1000;

/// What the providers of this version call themselves. The house may have others; one that it does not have fails every
/// frame that it alone may judge.
const PROVIDERS: &[&str] = &["local", "rekognition", "hive", "hive-speech", "hive-dashboard", "rehearsal"];

/// Patterns that find every channel.
const FIND_ALL: &[&str] =
    &["", "^", "$", ".", "^.", ".$", ".*", "^.*", ".*$", "^.*$", ".+", "^.+", ".+$", "^.+$", ".*?", "(?s).*"];

/// What checking found.
#[derive(Debug)]
pub struct Checked {
    /// Every policy without a mistake, in the order of files and documents.
    pub policies: Vec<Loaded>,
    /// Everything that was said, file by file in their order.
    pub diagnostics: Vec<Diagnostic>,
    /// Of the channels given, those that no policy watches.
    pub unwatched: Vec<ChannelId>,
}

impl Checked {
    /// How often something of this severity was said.
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|said| said.severity == severity).count()
    }
}

/// Checks files, given as name and text, as one set of policies; `channels` are those that should be watched.
pub fn check(files: &[(&str, &str)], channels: &[ChannelId]) -> Checked {
    let mut findings = Findings { diagnostics: Vec::new() };
    let mut policies: Vec<Loaded> = Vec::new();
    for (name, text) in files {
        let Reading { policies: read, diagnostics } = file::read(name, text);
        findings.diagnostics.extend(diagnostics);
        policies.extend(read);
    }
    for (index, loaded) in policies.iter().enumerate() {
        findings.one_claim(loaded, &policies[..index]);
        findings.rules(loaded);
        findings.without_an_answer(loaded);
        findings.automatic_stops(loaded);
        findings.providers(loaded);
        findings.counterparts(loaded);
        findings.segments(loaded);
        findings.reach(loaded, &policies);
        findings.given_channels(loaded, channels);
    }
    let file_order = |said: &Diagnostic| files.iter().position(|(name, _)| *name == &*said.file);
    findings.diagnostics.sort_by_key(|said| (file_order(said), said.at));
    let watched = |channel: &&ChannelId| policies.iter().any(|loaded| loaded.policy.channels.holds(channel));
    let unwatched = channels.iter().filter(|channel| !watched(channel)).cloned().collect();
    Checked { policies, diagnostics: findings.diagnostics, unwatched }
}

struct Findings {
    diagnostics: Vec<Diagnostic>,
}

impl Findings {
    fn warn(&mut self, loaded: &Loaded, at: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.diagnostics.push(Diagnostic {
            file: loaded.file.clone(),
            at,
            severity: Severity::Warning,
            what: what.into(),
            expected: None,
            hint: Some(hint.into()),
        });
    }

    /// At most one document may define a policy: which of two is in force would depend on the order of reading.
    fn one_claim(&mut self, loaded: &Loaded, before: &[Loaded]) {
        let id = &loaded.policy.reference.id;
        if let Some(first) = before.iter().find(|other| other.policy.reference.id == *id) {
            self.diagnostics.push(Diagnostic {
                file: loaded.file.clone(),
                at: loaded.places.policy,
                severity: Severity::Error,
                what: format!("policy {id} stands already in {}:{}", first.file, first.places.policy.line),
                expected: Some("one document for each policy".to_owned()),
                hint: Some("rename one of the two, or remove the older version".to_owned()),
            });
        }
    }

    fn rules(&mut self, loaded: &Loaded) {
        for (index, (rule, places)) in loaded.policy.rules.iter().zip(&loaded.places.rules).enumerate() {
            self.categories(loaded, rule, places);
            self.threshold(loaded, rule, places);
            self.window(loaded, rule, places);
            if let (Action::Warn, Approval::None, Some(at)) = (rule.action, rule.approval, places.approval) {
                let hint = "remove it, or write action: stop if the stream shall be stopped without a person";
                self.warn(loaded, at, "approval: none changes nothing: a warning always asks a person", hint);
            }
            let mut others = loaded.policy.rules.iter().enumerate().filter(|(other, _)| *other != index);
            // Of two that do the same the first stays, of three that cover each other one does.
            let shadow = others.find(|(other, by)| covers(by, rule) && !(covers(rule, by) && *other > index));
            if let Some((_, by)) = shadow {
                let what =
                    format!("rule {} adds nothing: whenever it is met, {} is met and does as much", rule.id, by.id);
                let hint = "remove it, or give it a lower threshold, a shorter window or a graver action";
                self.warn(loaded, places.id, what, hint);
            }
        }
    }

    fn without_an_answer(&mut self, loaded: &Loaded) {
        let gravest = loaded.policy.rules.iter().find(|rule| rule.severity == bounds::SEVERITY_MAX);
        if let (OnUnavailable::Record, Some(rule)) = (loaded.policy.on_unavailable, gravest) {
            let what = format!(
                "nobody is asked to look when frames cannot be judged, though rule {} is as grave as can be",
                rule.id
            );
            let hint = "write on_unavailable: warn, or page if somebody must be woken";
            self.warn(loaded, loaded.places.on_unavailable, what, hint);
        }
    }

    fn automatic_stops(&mut self, loaded: &Loaded) {
        let at = loaded.places.automatic_stops;
        let rules = &loaded.policy.rules;
        let needed = loaded.policy.automatic_stops;
        if needed != AutomaticStops::OneRule && !rules.iter().any(Rule::stops_by_itself) {
            let hint = "remove it, or write approval: none where a rule may stop without a person";
            self.warn(loaded, at, format!("automatic_stops: {needed} changes nothing: no rule stops by itself"), hint);
        } else if let AutomaticStops::SeveralRules { rules: wanted, .. } = needed
            && rules.len() < usize::from(wanted)
        {
            let what =
                format!("no stop goes ahead by itself: {wanted} rules must be met, the policy has {}", rules.len());
            self.warn(loaded, at, what, "add rules, or write automatic_stops: propose");
        }
    }

    fn providers(&mut self, loaded: &Loaded) {
        for (name, at) in &loaded.places.arrangement.named {
            self.is_known(loaded, name, *at);
        }
        let Some(at) = loaded.places.arrangement.second else { return };
        if loaded.policy.automatic_stops == AutomaticStops::ProposeOnly {
            let hint = "remove it, or write automatic_stops: 1 rule";
            self.warn(loaded, at, "second_opinion changes nothing: every stop is proposed to a person", hint);
        } else if !loaded.policy.rules.iter().any(Rule::stops_by_itself) {
            let hint = "remove it, or write approval: none where a rule may stop without a person";
            self.warn(loaded, at, "second_opinion changes nothing: no rule stops by itself", hint);
        } else if let Some(itself) = loaded.policy.arrangement.seconds_itself() {
            let what = format!("no stop goes ahead by itself where {itself} decides: it cannot agree with itself");
            self.warn(loaded, at, what, "name another provider as second_opinion");
        }
    }

    fn is_known(&mut self, loaded: &Loaded, name: &ProviderName, at: Place) {
        if !PROVIDERS.contains(&name.as_str()) {
            let what = format!("no provider calls itself {name}: a frame that only it may judge fails");
            let hint = match closest_name(name.as_str(), PROVIDERS.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("write one of: {}", PROVIDERS.join(", ")),
            };
            self.warn(loaded, at, what, hint);
        }
    }

    fn categories(&mut self, loaded: &Loaded, rule: &Rule, places: &RulePlaces) {
        let taxonomy = words_of(rule, loaded);
        for (index, (category, at)) in rule.categories.iter().zip(&places.categories).enumerate() {
            let same_or_wider = |(other, wider): &(usize, &Category)| {
                *other != index && wider.covers(category) && !(category.covers(wider) && *other > index)
            };
            if let Some((_, wider)) = rule.categories.iter().enumerate().find(same_or_wider) {
                let (narrow, wide) = (category.as_str(), wider.as_str());
                self.warn(loaded, *at, format!("{narrow} is held by {wide} of the same rule"), "remove one of the two");
            }
            let Category::Within(path) = category else { continue };
            if taxonomy.get(path).is_none() {
                let what = format!("{} has no label {path}: no frame can match it", taxonomy.name());
                self.warn(loaded, *at, what, category::hint_for_unknown_path(path, taxonomy));
            } else if !reachable(path, rule.confidence, taxonomy) {
                let what = format!("{path} is never given with {} % or more: no frame can match it", rule.confidence);
                let hint = "lower the threshold, or name the category that takes its place above";
                self.warn(loaded, *at, what, hint);
            }
        }
    }

    fn threshold(&mut self, loaded: &Loaded, rule: &Rule, places: &RulePlaces) {
        let taxonomy = words_of(rule, loaded);
        let (floor, why) = taxonomy.floor();
        let percent = rule.stated_in == Scale::Percent;
        if percent && (1..=FRACTION_MILLI_MAX).contains(&rule.confidence.as_milli()) {
            let what = format!("confidence is in percent: this is {:?}, nearly every frame", rule.confidence);
            let percent = f64::from(rule.confidence.as_milli()) / 10.0;
            self.warn(loaded, places.confidence, what, format!("write {percent} if the fraction was meant"));
        } else if rule.confidence < floor {
            let least = match rule.stated_in {
                Scale::Percent => floor.to_string(),
                Scale::Unit => terms::show_score(floor),
                Scale::Severity => terms::show_threshold(floor, Scale::Severity),
            };
            let what =
                format!("{} reports nothing below {floor} %: the rule works as if it said {least}", taxonomy.name());
            let hint = format!("write {least}, or have the provider report less ({why})");
            self.warn(loaded, places.confidence, what, hint);
        }
    }

    /// A rule partly met has the next frame assessed whatever the cadence; but it must have been made by then.
    fn window(&mut self, loaded: &Loaded, rule: &Rule, places: &RulePlaces) {
        let Window::Time { hits, within_ms } = rule.window else { return };
        let sound = loaded.policy.segments.sound.as_ref().filter(|_| loaded.policy.hears(rule));
        let every_ms = sound.map_or(loaded.policy.sampling.slowest_ms, |sound| sound.every_ms);
        let needed_ms = u64::from(hits - 1) * u64::from(every_ms);
        if needed_ms > u64::from(within_ms) {
            let every = terms::show_duration(every_ms);
            let needed = terms::show_duration(u32::try_from(needed_ms).unwrap_or(u32::MAX));
            let within = terms::show_duration(within_ms);
            let what = format!(
                "{hits} frames at {every} span {needed}: the window of {within} never fills unless frames come faster"
            );
            self.warn(loaded, places.window, what, format!("write {hits} within {needed}, or sample more often"));
        }
    }

    fn reach(&mut self, loaded: &Loaded, all: &[Loaded]) {
        let at = loaded.places.channels;
        let id = &loaded.policy.reference.id;
        let earlier = || all.iter().filter(|other| goes_before(other, loaded));
        match &loaded.policy.channels {
            Channels::Listed(channels) => {
                let taken: Vec<_> = channels
                    .iter()
                    .filter_map(|channel| {
                        let first = earlier().find(|other| other.policy.channels.holds(channel))?;
                        Some((channel, first))
                    })
                    .collect();
                let all_taken = taken.len() == channels.len();
                for (channel, first) in taken {
                    let never = if all_taken { "; it applies to no channel" } else { "" };
                    let what =
                        format!("{channel} is listed by {} too, which goes first{never}", first.policy.reference.id);
                    self.warn(loaded, at, what, format!("remove it from one, or raise the priority of {id}"));
                }
            }
            Channels::Matching(pattern) => {
                let wider = earlier().find(|other| match &other.policy.channels {
                    Channels::Matching(wider) => finds_all_that(wider.as_str(), pattern.as_str()),
                    Channels::Listed(_) => false,
                });
                if let Some(wider) = wider {
                    let first = &wider.policy.reference.id;
                    let what =
                        format!("policy {id} never applies: {first} finds every channel that it finds, and goes first");
                    let hint = format!("give {id} a priority above {}", wider.policy.priority);
                    self.warn(loaded, at, what, hint);
                }
            }
        }
    }

    fn given_channels(&mut self, loaded: &Loaded, channels: &[ChannelId]) {
        if channels.is_empty() || channels.iter().any(|channel| loaded.policy.channels.holds(channel)) {
            return;
        }
        let what =
            format!("policy {} is for none of the {} channels given", loaded.policy.reference.id, channels.len());
        let hint = match &loaded.policy.channels {
            Channels::Matching(pattern) if pattern.as_str().starts_with('^') => {
                "the pattern must begin where the channel's id begins; an IVS channel's id is its ARN"
            }
            Channels::Matching(_) => "compare the pattern with the channels' ids; an IVS channel's id is its ARN",
            Channels::Listed(_) => "compare with the channels' ids; an IVS channel's id is its ARN",
        };
        self.warn(loaded, loaded.places.channels, what, hint);
    }
}

/// Whether rule `wide` is met whenever `narrow` is, and then does at least as much.
fn covers(wide: &Rule, narrow: &Rule) -> bool {
    let same_hits = narrow.categories.iter().all(|narrow| wide.categories.iter().any(|wide| wide.covers(narrow)));
    let fills = match (wide.window, narrow.window) {
        (Window::Frames { hits: 1, .. } | Window::Time { hits: 1, .. }, _) => true,
        (Window::Frames { hits, of }, Window::Frames { hits: needed, of: back }) => hits <= needed && of >= back,
        (Window::Time { hits, within_ms }, Window::Time { hits: needed, within_ms: back }) => {
            hits <= needed && within_ms >= back
        }
        (Window::Frames { .. }, Window::Time { .. }) | (Window::Time { .. }, Window::Frames { .. }) => false,
    };
    let as_grave = wide.action >= narrow.action
        && wide.severity >= narrow.severity
        && (wide.approval == Approval::None || narrow.approval == Approval::Person);
    wide.taxonomy == narrow.taxonomy && same_hits && wide.confidence <= narrow.confidence && fills && as_grave
}

/// The taxonomy in whose words a rule is written.
fn words_of(rule: &Rule, loaded: &Loaded) -> &'static Taxonomy {
    rule.taxonomy.as_deref().and_then(Taxonomy::named).unwrap_or(loaded.taxonomy)
}

/// Whether any label in the category can be as sure as that.
fn reachable(path: &LabelPath, confidence: Confidence, taxonomy: &Taxonomy) -> bool {
    let can_be = |label: &KnownLabel| label.below.is_none_or(|below| confidence < below);
    taxonomy.labels().iter().any(|label| label.path.is_within(path) && can_be(label))
}

/// Whether `other` is asked before `loaded` about a channel that both are for: the order of [`PolicySet`].
///
/// [`PolicySet`]: super::PolicySet
fn goes_before(other: &Loaded, loaded: &Loaded) -> bool {
    let rank = |loaded: &Loaded| {
        let listed = matches!(loaded.policy.channels, Channels::Listed(_));
        (!listed, std::cmp::Reverse(loaded.policy.priority))
    };
    let by_rank = rank(other).cmp(&rank(loaded));
    by_rank.then_with(|| other.policy.reference.id.cmp(&loaded.policy.reference.id)).is_lt()
}

/// Whether pattern `wide` certainly finds every text that `narrow` finds. Sure of the common cases only: containment of
/// regular expressions costs more than a warning is worth.
fn finds_all_that(wide: &str, narrow: &str) -> bool {
    if FIND_ALL.contains(&wide) || wide == narrow {
        return true;
    }
    match (literal_start(wide), literal_start(narrow)) {
        (Some((wide, "" | ".*" | ".*$")), Some((narrow, _))) => narrow.starts_with(&wide),
        _ => false,
    }
}

/// The literal text that a pattern anchored at the start begins with, and the rest of the pattern.
fn literal_start(pattern: &str) -> Option<(String, &str)> {
    let mut rest = pattern.strip_prefix('^').filter(|rest| !rest.contains('|'))?;
    let mut literal = String::new();
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            Some('\\') if chars.next().is_some_and(|c| c.is_ascii_punctuation()) => {
                literal.push(char::from(rest.as_bytes()[1])); // punctuation is ASCII, one byte
                rest = &rest[2..];
            }
            Some(c) if c.is_alphanumeric() || "_:/@=,- ".contains(c) => {
                literal.push(c);
                rest = &rest[c.len_utf8()..];
            }
            Some('?' | '*' | '{') => {
                literal.pop(); // the last one may be missing
                return Some((literal, rest));
            }
            _ => return Some((literal, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::finds_all_that;

    #[test]
    fn containment_of_patterns_is_claimed_only_where_it_is_certain() {
        for (wide, narrow) in [(".*", "^a"), ("^demo/", "^demo/rehearsal"), ("^a\\.b", "^a\\.bc+$"), ("^a.*", "^ab")] {
            assert!(finds_all_that(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("^demo/rehearsal", "^demo/"),
            ("^ab", "^ab?"),
            ("^a", "^a|b"),
            ("^a.", "^ab"),
            ("^a+", "^ab"),
            ("a", "^b"),
        ] {
            assert!(!finds_all_that(wide, narrow), "{wide} {narrow}");
        }
    }
}
