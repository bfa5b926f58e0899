//! Rules that a provider of the policy's arrangement can never hit: its labels have no counterpart in their words.

use super::{Findings, Loaded};
use crate::model::{LabelPath, ProviderName};
use crate::policy::file::RulePlaces;
use crate::policy::mapping::Mapping;
use crate::policy::taxonomy::Taxonomy;
use crate::policy::{Category, Judges, Policy, Rule};

/// Labels of a provider named where any of them would do.
const LABELS_NAMED_MAX: usize = 3;

impl Policy {
    /// The providers that the policy's arrangement names, each once; none where it leaves them to the configuration.
    fn arranged(&self) -> Vec<&ProviderName> {
        let mut names: Vec<&ProviderName> = match &self.arrangement.judges {
            Judges::Configured => Vec::new(),
            Judges::InOrder(names) => names.iter().collect(),
            Judges::Cascade { first, then, .. } => vec![first, then],
        };
        names.extend(&self.arrangement.second);
        names.extend(self.arrangement.comparing.as_ref().map(|comparing| &comparing.with));
        let mut named = std::collections::BTreeSet::new();
        names.retain(|name| named.insert(*name));
        names
    }
}

impl Findings {
    /// Whether every provider that the arrangement names can hit every rule.
    pub(super) fn counterparts(&mut self, loaded: &Loaded) {
        let policy = &loaded.policy;
        let arranged = policy.arranged();
        let known = arranged.iter().filter_map(|name| Some((*name, Taxonomy::answered_by(name.as_str())?)));
        let known: Vec<(&ProviderName, &Taxonomy)> = known.collect();
        for (name, answered) in &known {
            if !policy.reads(answered.name()) {
                let (theirs, ours) = (answered.name(), &policy.taxonomy);
                let why = match **ours == *theirs || Mapping::between(theirs, ours).is_some() {
                    true => "no rule reads".to_owned(),
                    false => format!("nobody has reviewed how to read in {ours}"),
                };
                let what = format!("{name} answers in {theirs}, which {why}: what it says cannot be judged");
                let hint = "write rules in a taxonomy that it can be read in, or leave the provider out";
                self.warn(loaded, loaded.places.policy, what, hint);
            }
            for (rule, places) in policy.rules.iter().zip(&loaded.places.rules) {
                if rule.reads(answered.name()) {
                    self.heard_from(loaded, (rule, places), name, answered);
                } else if policy.arrangement.second.as_ref() == Some(*name) && rule.stops_by_itself() {
                    let what = format!("rule {} never stops by itself: {name} can never agree with it", rule.id);
                    let hint = format!("leave its taxonomy out, so that labels of {} are read too", answered.name());
                    self.warn(loaded, places.taxonomy.unwrap_or(places.id), what, hint);
                } else if policy.reads(answered.name())
                    && policy.arrangement.judges.name(name)
                    && known.iter().any(|(_, it)| rule.reads(it.name()))
                {
                    let what = format!("rule {} hears nothing of a frame that {name} decides", rule.id);
                    let hint =
                        "write a second rule in the policy's taxonomy, or have frames fail where the other is away";
                    self.warn(loaded, places.taxonomy.unwrap_or(places.id), what, hint);
                }
            }
        }
        // Of a provider that is not known here nobody can say what it answers in.
        if arranged.is_empty() || known.len() < arranged.len() || policy.arrangement.judges == Judges::Configured {
            return;
        }
        for (rule, places) in policy.rules.iter().zip(&loaded.places.rules) {
            if policy.hears(rule) {
                continue; // no picture can, and whether somebody listens is asked elsewhere
            }
            if let (Some(own), false) = (&rule.taxonomy, known.iter().any(|(_, answered)| rule.reads(answered.name())))
            {
                let what =
                    format!("none of the policy's providers answers in {own}: no frame can hit rule {}", rule.id);
                self.warn(loaded, places.taxonomy.unwrap_or(places.id), what, "name another taxonomy, or a provider");
            }
        }
    }

    /// Whether a provider's labels reach each category of a rule that reads them.
    fn heard_from(
        &mut self,
        loaded: &Loaded,
        (rule, places): (&Rule, &RulePlaces),
        name: &ProviderName,
        answered: &'static Taxonomy,
    ) {
        let words = rule.taxonomy.as_ref().unwrap_or(&loaded.policy.taxonomy);
        for (category, at) in rule.categories.iter().zip(&places.categories) {
            match category {
                Category::Any => {
                    let said = answered.descriptive().map(|label| label.path.leaf());
                    let said: Vec<&str> = said.take(LABELS_NAMED_MAX).collect();
                    if !said.is_empty() {
                        let what = format!(
                            "{name} also answers what says nothing against a picture ({}, …), and * is every label: \
                             nearly every frame of its hits rule {}",
                            said.join(", "),
                            rule.id
                        );
                        self.warn(loaded, *at, what, "name the categories that are meant");
                    }
                }
                Category::Within(path) => {
                    let Some(mapping) = Mapping::between(answered.name(), words) else { continue };
                    if !mapping.reaches(path) {
                        let why = why_unreached(path, words, answered);
                        let what = format!("rule {} hears nothing of {path} from {name}: {why}", rule.id);
                        let hint = format!("add a rule with taxonomy: {} in {name}'s own words", answered.name());
                        self.warn(loaded, *at, what, hint);
                    }
                }
            }
        }
    }
}

/// Why no label of a provider counts as a category: by the mapping the other way, which is asked from the category.
fn why_unreached(path: &LabelPath, words: &str, answered: &Taxonomy) -> String {
    let back = Mapping::between(words, answered.name());
    if let Some(reason) = back.and_then(|back| back.why_none(path)) {
        return reason.to_owned();
    }
    let nearest = back.map(|back| back.read(path)).unwrap_or_default();
    match nearest {
        [] => format!("no label of {} counts as it", answered.name()),
        wider => {
            let wider: Vec<&str> = wider.iter().take(LABELS_NAMED_MAX).map(LabelPath::as_str).collect();
            format!("{} is the nearest of {}, and need not be it", wider.join(" or "), answered.name())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::model::Confidence;
    use crate::policy::{Arrangement, Comparing, file};

    fn name(text: &str) -> ProviderName {
        ProviderName::new(text).unwrap()
    }

    fn said(words: &str, rule: &str, arrangement: Arrangement) -> Vec<String> {
        let text = format!("policy: p\nchannels: [c]\ntaxonomy: {words}\nrules: [{{id: r, {rule}}}]");
        let mut loaded = file::load("p.yaml", &text).unwrap().remove(0);
        loaded.policy.arrangement = arrangement;
        let mut findings = Findings { diagnostics: Vec::new() };
        findings.counterparts(&loaded);
        findings.diagnostics.into_iter().map(|said| said.what).collect()
    }

    fn in_order(names: &[&str]) -> Arrangement {
        Arrangement { judges: Judges::InOrder(names.iter().copied().map(name).collect()), ..Arrangement::default() }
    }

    #[test]
    fn a_category_that_a_provider_knows_nothing_of_is_named_with_the_reason() {
        let both = || in_order(&["rekognition", "hive"]);
        for (words, rule, expected) in [
            ("rekognition/7.0", "categories: [Weapons, Explicit], confidence: 90", &[][..]),
            (
                "rekognition/7.0",
                "categories: [Violence, Crashes], confidence: 90",
                &["rule r hears nothing of Visually Disturbing/Crashes from hive: Hive has no class for crashes"],
            ),
            (
                "rekognition/7.0",
                "categories: [Exposed Female Nipple], confidence: 90",
                &["rule r hears nothing of Explicit/Explicit Nudity/Exposed Female Nipple from hive: \
                   sexual/general_nsfw/general_nsfw or sexual/female_nudity/yes_female_nudity or \
                   sexual/breast/yes_breast is the nearest of hive-visual/1, and need not be it"],
            ),
            (
                "hive-visual/1",
                "categories: [gun], score: 0.9",
                &["rule r hears nothing of violence/gun from rekognition: no label of rekognition/7.0 counts as it"],
            ),
            (
                "rekognition/7.0",
                "categories: [\"*\"], confidence: 90",
                &["hive also answers what says nothing against a picture (yes_overlay_text, yes_drawing, \
                   yes_child_present, …), and * is every label: nearly every frame of its hits rule r"],
            ),
            (
                "rekognition/7.0",
                "taxonomy: hive-visual/1, categories: [gun], confidence: 90",
                &["rekognition answers in rekognition/7.0, which no rule reads: what it says cannot be judged"],
            ),
            (
                "rekognition/7.0",
                "taxonomy: local-nudity/1, categories: [Probable], confidence: 90",
                &[
                    "rekognition answers in rekognition/7.0, which no rule reads: what it says cannot be judged",
                    "hive answers in hive-visual/1, which no rule reads: what it says cannot be judged",
                    "none of the policy's providers answers in local-nudity/1: no frame can hit rule r",
                ],
            ),
            (
                "rekognition/6.1",
                "categories: [Weapons], confidence: 90",
                &[
                    "rekognition answers in rekognition/7.0, which nobody has reviewed how to read in rekognition/6.1: \
                     what it says cannot be judged",
                    "hive answers in hive-visual/1, which nobody has reviewed how to read in rekognition/6.1: \
                     what it says cannot be judged",
                ],
            ),
        ] {
            assert_eq!(said(words, rule, both()), expected, "{rule} of {words}");
        }
    }

    #[test]
    fn every_provider_that_is_named_for_anything_is_asked_after_and_one_that_is_not_known_is_not() {
        let rule = "categories: [Weapons], confidence: 90, action: stop, approval: none";
        let silent = |provider: &str| {
            vec![format!(
                "rule r hears nothing of Violence/Weapons from {provider}: the local model sees nudity and nothing else"
            )]
        };
        let sample = Judges::Cascade {
            first: name("local"),
            then: name("rekognition"),
            from: Confidence::from_milli(20_000).unwrap(),
            sample: None,
        };
        let comparing = Some(Comparing { with: name("local"), one_in: NonZeroU32::MIN });
        for (arrangement, expected) in [
            (Arrangement::default(), Vec::new()),
            (Arrangement { judges: sample, ..Arrangement::default() }, silent("local")),
            (Arrangement { second: Some(name("local")), ..Arrangement::default() }, silent("local")),
            (Arrangement { comparing, ..Arrangement::default() }, silent("local")),
            (in_order(&["somebody"]), Vec::new()),
        ] {
            assert_eq!(said("rekognition/7.0", rule, arrangement.clone()), expected, "{arrangement:?}");
        }
    }

    #[test]
    fn a_stop_that_a_second_opinion_can_never_agree_with_is_named() {
        let rule = "taxonomy: rekognition/7.0, categories: [Weapons], confidence: 90, action: stop, approval: none";
        let arrangement = Arrangement { second: Some(name("hive")), ..Arrangement::default() };
        let expected = [
            "hive answers in hive-visual/1, which no rule reads: what it says cannot be judged",
            "rule r never stops by itself: hive can never agree with it",
        ];
        assert_eq!(said("rekognition/7.0", rule, arrangement), expected);
    }
}
