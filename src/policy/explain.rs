//! Why a verdict is what it is, and what would have changed it: for people who must answer for it.
//!
//! Pure. A label hits where its margin is not negative, and the margin is [`Confidence::margin_over`], as in judging
//! ([`hits`](super::hits)); which labels lie in a rule's categories is asked where judging asks. How full a window is
//! comes in: only the warden, or the journal, knows it.

mod words;

use std::sync::Arc;

use super::mapping::Mapping;
use super::reading::{Held, Reading};
use super::taxonomy::Scale;
use super::{AutomaticStops, Category, Policy, Rule, Window};
use crate::model::{Action, Approval, Confidence, Label, LabelPath, ProviderRef, RuleId};

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
