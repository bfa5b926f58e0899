//! Why a verdict is what it is, and what would have changed it: for people who must answer for it.
//!
//! Pure. A label hits where its margin is not negative, and the margin is [`Confidence::margin_over`], as in judging
//! ([`hits`](super::hits)); which labels lie in a rule's categories is asked where judging asks. How full a window is comes in: only the warden, or the journal, knows it.

use std::fmt;
use std::sync::Arc;

use super::mapping::Mapping;
use super::reading::{Held, Reading};
use super::taxonomy::Scale;
use super::{AutomaticStops, Category, Channels, Policy, Rule, Window, terms};
use crate::model::{Action, Approval, ChannelId, Confidence, Label, LabelPath, PolicyRef, ProviderRef, RuleId};

/// Rules named where any of them would do.
const RULES_NAMED_MAX: usize = 8;

/// How many hits a rule's window holds, this frame's included if it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowProgress {
    /// The rule.
    pub rule: RuleId,
    /// Hits in its window.
    pub hits: u8,
    /// Whether it speaks for a stop: this frame met it and a warning was raised or joined, or one before did within the
    /// time that the policy's automatic stops look back.
    pub agrees: bool,
}

/// What a rule that stops by itself lacks for that, by the policy's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacks {
    /// A person: the policy proposes every stop.
    Person,
    /// That others agree.
    Rules {
        /// How many more.
        more: u8,
        /// Any of these: the policy's other rules, which were not met.
        of: Vec<RuleId>,
        /// Within how many milliseconds.
        within_ms: u32,
    },
}

/// What one rule made of one frame's labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleExplanation {
    /// The rule.
    pub rule: RuleId,
    /// The confidence it asks for.
    pub threshold: Confidence,
    /// The scale in which its file states that.
    pub stated_in: Scale,
    /// What it asks for when it is met.
    pub action: Action,
    /// Who must agree.
    pub approval: Approval,
    /// The label of its categories with the largest margin, hit or not; none if no label lies in them.
    pub best: Option<BestLabel>,
    /// Why no label of any answer in this taxonomy could lie in them.
    pub deaf: Option<Deaf>,
    /// How often it asks for a hit.
    pub window: Window,
    /// Hits in its window, this frame's included; none if it is not known.
    pub hits: Option<u8>,
    /// How far it came.
    pub reached: Reached,
    /// What would have changed that, smallest first.
    pub would_change: Vec<Change>,
    /// What it lacks to stop by itself, if it is one that would and speaks for a stop.
    pub lacks: Option<Lacks>,
}

/// The label that came nearest to a threshold, or went farthest above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BestLabel {
    /// Its index in the answer.
    pub index: usize,
    /// The label.
    pub label: Label,
    /// Its confidence over the threshold, in thousandths of a percent; negative below it.
    pub margin: i32,
    /// What it counts as in the rule's words, where it came in others.
    pub counts_as: Option<CountsAs>,
}

/// What a label counts as in the words of a rule that are not the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountsAs {
    /// Whose label it is.
    pub provider: Arc<str>,
    /// The place in the taxonomy of the rule.
    pub path: LabelPath,
}

/// Why a rule cannot be hit by an answer in a taxonomy, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deaf {
    /// It has a taxonomy of its own, which is this one and not the answer's.
    Own(Arc<str>),
    /// No label of the answer's taxonomy counts as any of its categories.
    NoCounterpart {
        /// The taxonomy of the answer.
        answered: Arc<str>,
        /// The taxonomy of the rule.
        words: Arc<str>,
    },
}

/// How far a rule came with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// No label hit it.
    Missed,
    /// A label hit it; its window is not full.
    Partial,
    /// A label hit it and its window is full.
    Met,
    /// A label hit it; how full its window is, is not known.
    Hit,
}

/// Something that would have let a rule come out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// That much more confidence on a label, in thousandths of a percent: a hit.
    MoreConfidence {
        /// The label.
        path: LabelPath,
        /// How much.
        by: u32,
    },
    /// An answer in that taxonomy: no label of this one's could hit.
    AnswerIn {
        /// The taxonomy.
        taxonomy: Arc<str>,
    },
    /// No label of the categories was seen; any of them from this confidence on: a hit.
    AnyLabel {
        /// The categories, as the policy names them.
        categories: Vec<Category>,
        /// From which confidence on.
        from: Confidence,
    },
    /// That many more hits in the window: met.
    MoreHits {
        /// How many.
        more: u8,
        /// The window.
        window: Window,
    },
    /// Less confidence on every label that hit it, each by more than its margin: no hit.
    LessConfidence {
        /// Each label with its margin, in thousandths of a percent.
        each: Vec<(LabelPath, u32)>,
    },
}

/// Explains every rule of a policy on one answer of a provider, in the policy's order.
pub fn explain(
    policy: &Policy,
    provider: &ProviderRef,
    labels: &[Label],
    progress: &[WindowProgress],
) -> Vec<RuleExplanation> {
    let reading = Reading::of(policy, &provider.taxonomy, labels);
    let explain_rule = |rule| explain_rule(policy, rule, provider, &reading, progress);
    let mut explained: Vec<RuleExplanation> = policy.rules.iter().map(explain_rule).collect();
    let agrees = |rule: &RuleExplanation| match progress.iter().find(|progress| progress.rule == rule.rule) {
        Some(progress) => progress.agrees,
        None => matches!(rule.reached, Reached::Met | Reached::Hit),
    };
    let silent: Vec<RuleId> = explained.iter().filter(|rule| !agrees(rule)).map(|rule| rule.rule.clone()).collect();
    let agreeing = explained.len() - silent.len();
    for (rule, explained) in policy.rules.iter().zip(&mut explained) {
        if rule.stops_by_itself() && agrees(explained) {
            explained.lacks = lacks(policy.automatic_stops, agreeing, &silent);
        }
    }
    explained
}

fn lacks(needed: AutomaticStops, agreeing: usize, silent: &[RuleId]) -> Option<Lacks> {
    match needed {
        AutomaticStops::OneRule => None,
        AutomaticStops::ProposeOnly => Some(Lacks::Person),
        AutomaticStops::SeveralRules { rules, within_ms } => {
            let more = usize::from(rules).checked_sub(agreeing).filter(|more| *more > 0)?;
            let more = u8::try_from(more).unwrap_or(u8::MAX); // at most the rules needed
            Some(Lacks::Rules { more, of: silent.to_vec(), within_ms })
        }
    }
}

/// Why no label of an answer in that taxonomy could lie in a rule's categories; none where some could.
fn deaf(policy: &Policy, rule: &Rule, answered: &Arc<str>) -> Option<Deaf> {
    if !rule.reads(answered) {
        return rule.taxonomy.clone().map(Deaf::Own);
    }
    if rule.taxonomy.is_some() || *answered == policy.taxonomy {
        return None;
    }
    let mapping = Mapping::between(answered, &policy.taxonomy);
    let hears = |category: &Category| match category {
        Category::Any => true,
        Category::Within(path) => mapping.is_some_and(|mapping| mapping.reaches(path)),
    };
    let deaf = || Deaf::NoCounterpart { answered: answered.clone(), words: policy.taxonomy.clone() };
    (!rule.categories.iter().any(hears)).then(deaf)
}

fn explain_rule(
    policy: &Policy,
    rule: &Rule,
    provider: &ProviderRef,
    reading: &Reading<'_>,
    progress: &[WindowProgress],
) -> RuleExplanation {
    let within: Vec<BestLabel> = reading
        .held_by(rule)
        .map(|(index, label, held)| BestLabel {
            index,
            label: label.clone(),
            margin: label.confidence().margin_over(rule.confidence),
            counts_as: match held {
                Held::AsItself => None,
                Held::As(path) => Some(CountsAs { provider: provider.name.clone(), path: path.clone() }),
            },
        })
        .collect();
    // Of several the first, as in judging.
    let best = within.iter().reduce(|best, next| if next.margin > best.margin { next } else { best }).cloned();
    let hits = progress.iter().find(|progress| progress.rule == rule.id).map(|progress| progress.hits);
    let needed = rule.window.hits_needed();
    let hit = best.as_ref().is_some_and(|best| best.margin >= 0);
    let reached = match hits {
        _ if !hit => Reached::Missed,
        Some(hits) if hits >= needed => Reached::Met,
        Some(_) => Reached::Partial,
        None if needed == 1 => Reached::Met,
        None => Reached::Hit,
    };

    let deaf = if best.is_none() { deaf(policy, rule, &provider.taxonomy) } else { None };
    let mut would_change = Vec::new();
    match (&best, reached) {
        (None, _) => {
            if let Some(Deaf::Own(taxonomy) | Deaf::NoCounterpart { words: taxonomy, .. }) = &deaf {
                would_change.push(Change::AnswerIn { taxonomy: taxonomy.clone() });
            }
            would_change.push(Change::AnyLabel { categories: rule.categories.clone(), from: rule.confidence });
        }
        (Some(best), Reached::Missed) => {
            would_change
                .push(Change::MoreConfidence { path: best.label.path().clone(), by: best.margin.unsigned_abs() });
        }
        (Some(_), Reached::Partial | Reached::Met | Reached::Hit) => {
            let over = within.iter().filter(|label| label.margin >= 0);
            let each = over.map(|label| (label.label.path().clone(), label.margin.unsigned_abs())).collect();
            would_change.push(Change::LessConfidence { each });
        }
    }
    // A miss needs its own hit and what the window lacks besides; a hit that is not enough only the latter.
    let counted = hits.map(|hits| hits.saturating_add(u8::from(reached == Reached::Missed)));
    if let Some(more) = counted.and_then(|hits| needed.checked_sub(hits)).filter(|more| *more > 0) {
        would_change.push(Change::MoreHits { more, window: rule.window });
    }
    RuleExplanation {
        rule: rule.id.clone(),
        threshold: rule.confidence,
        stated_in: rule.stated_in,
        action: rule.action,
        approval: rule.approval,
        best,
        deaf,
        window: rule.window,
        hits,
        reached,
        would_change,
        lacks: None,
    }
}

/// What a policy has to do with a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The policy.
    pub policy: PolicyRef,
    /// Whether and why it applies.
    pub because: StandingBecause,
}

/// Why a policy applies to a channel, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandingBecause {
    /// It applies: it lists the channel.
    Lists,
    /// It applies: its pattern finds the channel.
    Finds {
        /// The pattern.
        pattern: String,
    },
    /// It lists other channels.
    ListsOthers,
    /// Its pattern does not find the channel.
    FindsNothing {
        /// The pattern.
        pattern: String,
    },
    /// It would apply, and another goes before it.
    Outranked {
        /// The one that applies.
        by: PolicyRef,
        /// Why that one goes first.
        rank: Rank,
    },
}

/// Why one of two policies for the same channel goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// It lists the channel, the other finds it by pattern.
    ListedFirst,
    /// Its priority is higher.
    Priority {
        /// Its priority.
        winner: i32,
        /// The other's.
        loser: i32,
    },
    /// Their priorities are equal and its id is the smaller one.
    SmallerId,
}

/// Says of every policy what it has to do with a channel, in the order given.
pub fn standings<'a>(policies: impl IntoIterator<Item = &'a Policy>, channel: &ChannelId) -> Vec<Standing> {
    let policies: Vec<&Policy> = policies.into_iter().collect();
    let set = super::PolicySet::new(policies.iter().map(|policy| std::sync::Arc::new((*policy).clone())).collect());
    let winner = set.for_channel(channel);
    let standing = |policy: &Policy| {
        let because = match (&policy.channels, winner) {
            (Channels::Listed(_), _) if !policy.channels.holds(channel) => StandingBecause::ListsOthers,
            (Channels::Matching(pattern), _) if !pattern.is_match(channel.as_str()) => {
                StandingBecause::FindsNothing { pattern: pattern.as_str().to_owned() }
            }
            (_, Some(winner)) if winner.reference != policy.reference => {
                StandingBecause::Outranked { by: winner.reference.clone(), rank: rank(winner, policy) }
            }
            (Channels::Listed(_), _) => StandingBecause::Lists,
            (Channels::Matching(pattern), _) => StandingBecause::Finds { pattern: pattern.as_str().to_owned() },
        };
        Standing { policy: policy.reference.clone(), because }
    };
    policies.into_iter().map(standing).collect()
}

fn rank(winner: &Policy, loser: &Policy) -> Rank {
    match (&winner.channels, &loser.channels) {
        (Channels::Listed(_), Channels::Matching(_)) => Rank::ListedFirst,
        _ if winner.priority == loser.priority => Rank::SmallerId,
        _ => Rank::Priority { winner: winner.priority, loser: loser.priority },
    }
}

impl StandingBecause {
    /// Whether the policy applies.
    pub fn applies(&self) -> bool {
        match self {
            Self::Lists | Self::Finds { .. } => true,
            Self::ListsOthers | Self::FindsNothing { .. } | Self::Outranked { .. } => false,
        }
    }

    /// Whether the policy is about the channel at all, whoever goes before it.
    pub fn concerns(&self) -> bool {
        match self {
            Self::Lists | Self::Finds { .. } | Self::Outranked { .. } => true,
            Self::ListsOthers | Self::FindsNothing { .. } => false,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, because } = self;
        match because {
            StandingBecause::Lists => write!(f, "{policy} applies: it lists the channel"),
            StandingBecause::Finds { pattern } => {
                write!(f, "{policy} applies: its pattern {pattern} finds the channel")
            }
            StandingBecause::ListsOthers => write!(f, "{policy} does not apply: it lists other channels"),
            StandingBecause::FindsNothing { pattern } => {
                write!(f, "{policy} does not apply: its pattern {pattern} does not find the channel")
            }
            StandingBecause::Outranked { by, rank: Rank::ListedFirst } => {
                write!(f, "{policy} does not apply: {by} lists the channel, which goes before every pattern")
            }
            StandingBecause::Outranked { by, rank: Rank::Priority { winner, loser } } => {
                write!(f, "{policy} does not apply: {by} goes first, its priority {winner} is above {loser}")
            }
            StandingBecause::Outranked { by, rank: Rank::SmallerId } => {
                write!(f, "{policy} does not apply: {by} goes first, of equal priority and the smaller id")
            }
        }
    }
}

impl fmt::Display for RuleExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match (self.action, self.approval) {
            (Action::Warn, _) => "warn",
            (Action::Stop, Approval::None) => "stop",
            (Action::Stop, Approval::Person) => "stop if a person agrees",
            (Action::Suspend, Approval::None) => "suspend",
            (Action::Suspend, Approval::Person) => "suspend if a person agrees",
        };
        write!(f, "{} ({action}, from {}): ", self.rule, terms::show_threshold(self.threshold, self.stated_in))?;
        match (&self.best, &self.deaf) {
            (Some(best), _) if self.stated_in == Scale::Severity => f.write_str(&terms::show_graded(&best.label))?,
            (Some(best), _) => write!(f, "{best}")?,
            (None, Some(deaf)) => write!(f, "{deaf}")?,
            (None, None) => f.write_str("no label of its categories")?,
        }
        let window = terms::show_window(self.window);
        match (self.reached, self.hits) {
            (Reached::Missed, Some(hits)) => write!(f, ", not a hit; {hits} in its window of {window}")?,
            (Reached::Missed, None) => f.write_str(", not a hit")?,
            (Reached::Partial, hits) => {
                write!(f, ", a hit, {} in its window of {window}: not met yet", hits.unwrap_or(1))?
            }
            (Reached::Met, _) => write!(f, ", met ({window})")?,
            (Reached::Hit, _) => write!(f, ", a hit in its window of {window}")?,
        }
        f.write_str("; otherwise with ")?;
        // A miss needs all of it together, a hit that is not enough comes out otherwise with any of it.
        let joint = if self.reached == Reached::Missed { " and " } else { ", or with " };
        for (index, change) in self.would_change.iter().enumerate() {
            write!(f, "{}{change}", if index == 0 { "" } else { joint })?;
        }
        match &self.lacks {
            Some(lacks) => write!(f, "; the stop is proposed to a person: {lacks}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for BestLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let confidence = Exactly(self.label.confidence().as_milli());
        let margin = Exactly(self.margin.unsigned_abs());
        let sign = if self.margin < 0 { '−' } else { '+' };
        match &self.counts_as {
            None => write!(f, "{} {confidence} ({sign}{margin})", self.label.path()),
            Some(CountsAs { provider, path }) => {
                let name = self.label.path().leaf();
                write!(f, "{provider}'s {name} {confidence} % counts as {path} ({sign}{margin})")
            }
        }
    }
}

impl fmt::Display for Deaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(taxonomy) => write!(f, "it reads answers in {taxonomy} only"),
            Self::NoCounterpart { answered, .. } => write!(f, "no label of {answered} counts as any of its categories"),
        }
    }
}

impl fmt::Display for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person => f.write_str("the policy has every stop proposed"),
            Self::Rules { more, of, within_ms } => {
                let rules = if *more == 1 { "rule" } else { "rules" };
                let of: Vec<&str> = of.iter().take(RULES_NAMED_MAX).map(RuleId::as_str).collect();
                let named = if of.is_empty() { "the policy has no other".to_owned() } else { of.join(" or ") };
                let within = terms::show_duration(*within_ms);
                write!(f, "{more} more {rules} had to be met within {within}, {named}")
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnswerIn { taxonomy } => write!(f, "an answer in {taxonomy}"),
            Self::MoreConfidence { path, by } => write!(f, "{} more on {path}", Exactly(*by)),
            Self::AnyLabel { categories, from } if categories.contains(&Category::Any) => {
                write!(f, "{} or more on any label", Exactly(from.as_milli()))
            }
            Self::AnyLabel { categories, from } => {
                let names: Vec<&str> = categories.iter().map(Category::as_str).collect();
                write!(f, "{} or more on {}", Exactly(from.as_milli()), names.join(" or "))
            }
            Self::MoreHits { more: 1, window } => write!(f, "one more hit ({})", terms::show_window(*window)),
            Self::MoreHits { more, window } => write!(f, "{more} more hits ({})", terms::show_window(*window)),
            Self::LessConfidence { each } => {
                for (index, (path, by)) in each.iter().enumerate() {
                    let joint = if index == 0 { "" } else { " and " };
                    match by {
                        0 => write!(f, "{joint}any less on {path}")?,
                        by => write!(f, "{joint}more than {} less on {path}", Exactly(*by))?,
                    }
                }
                Ok(())
            }
        }
    }
}

/// Thousandths of a percent, shown as percent to the last digit: a margin of 0.002 must not look like none.
struct Exactly(u32);

impl fmt::Display for Exactly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::taxonomy::Taxonomy;
    use crate::policy::{file, hits};

    fn provider(name: &str, taxonomy: &str) -> ProviderRef {
        ProviderRef { name: name.into(), model: "1".into(), taxonomy: taxonomy.into() }
    }

    fn policy() -> Policy {
        let text = "policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\nrules:\n\
                    - {id: weapons, categories: [Violence], confidence: 90, window: 1 of 1}\n\
                    - {id: alcohol, categories: [Alcohol], confidence: 80}\n";
        file::load("p.yaml", text).unwrap().remove(0).policy
    }

    fn label(path: &str, percent: f64) -> Label {
        Label(LabelPath::new(path).unwrap(), Confidence::from_percent(percent).unwrap())
    }

    #[test]
    fn a_rule_that_may_not_stop_alone_says_which_rule_was_missing() {
        let text = |stops: &str| {
            format!(
                "policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\nautomatic_stops: {stops}\nrules:\n\
                 - {{id: weapons, categories: [Violence], confidence: 90, action: stop, approval: none}}\n\
                 - {{id: alcohol, categories: [Alcohol], confidence: 80}}\n"
            )
        };
        let said = |stops: &str, labels: &[Label], progress: &[WindowProgress]| {
            let policy = file::load("p.yaml", &text(stops)).unwrap().remove(0).policy;
            explain(&policy, &provider("rekognition", Taxonomy::REKOGNITION), labels, progress)[0]
                .lacks
                .as_ref()
                .map(ToString::to_string)
        };
        let (weapons, alcohol) = (label("Violence", 95.0), label("Alcohol", 85.0));
        let alone = [weapons.clone()];
        let missing = "1 more rule had to be met within 2m, alcohol";
        assert_eq!(said("2 rules within 2m", &alone, &[]).as_deref(), Some(missing));
        assert_eq!(said("2 rules within 2m", &[weapons, alcohol], &[]), None);
        assert_eq!(said("propose", &alone, &[]).as_deref(), Some("the policy has every stop proposed"));
        assert_eq!(said("1 rule", &alone, &[]), None);
        let before = WindowProgress { rule: RuleId::new("alcohol").unwrap(), hits: 0, agrees: true };
        assert_eq!(said("2 rules within 2m", &alone, &[before]), None);
    }

    /// Every label that any provider answers with, under rules in the words of each, with and without a taxonomy of
    /// their own.
    #[test]
    fn explaining_and_judging_agree() {
        let in_hives_words = "policy: p\nchannels: [c]\ntaxonomy: hive-visual/1\nrules:\n\
            - {id: violence, categories: [violence], confidence: 80}\n\
            - {id: nsfw, categories: [general_nsfw/general_nsfw, hate], score: 0.8}\n\
            - {id: own, taxonomy: rekognition/7.0, categories: [Violence, Alcohol], confidence: 80}\n\
            - {id: any, categories: [\"*\"], confidence: 80}\n";
        for policy in [policy(), file::load("p.yaml", in_hives_words).unwrap().remove(0).policy] {
            for taxonomy in Taxonomy::all() {
                for (known, percent) in
                    taxonomy.answerable().zip([0.0, 79.999, 80.0, 89.999, 90.0, 100.0].iter().cycle())
                {
                    let labels = [label("Violence/Weapons", 50.0), label(known.path.as_str(), *percent)];
                    let judged = hits(&policy, taxonomy.name(), &labels);
                    let judged: Vec<_> =
                        judged.iter().map(|hit| (hit.rule.id.clone(), hit.label, hit.margin)).collect();
                    let explained: Vec<_> = explain(&policy, &provider("it", taxonomy.name()), &labels, &[])
                        .into_iter()
                        .filter(|rule| rule.reached != Reached::Missed)
                        .filter_map(|rule| rule.best.map(|best| (rule.rule, best.index, best.margin)))
                        .collect();
                    assert_eq!(judged, explained, "{} {percent} in {}", known.path, taxonomy.name());
                }
            }
        }
    }
}
