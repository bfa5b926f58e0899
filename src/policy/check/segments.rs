//! What of segments is asked for and can never work: rules on sound that nobody hears, media that no rule or provider is for.

use super::{Findings, Loaded};
use crate::model::Medium;
use crate::policy::Listening;
use crate::policy::diagnostic::Place;
use crate::policy::taxonomy::{Sense, Taxonomy};

impl Findings {
    pub(super) fn segments(&mut self, loaded: &Loaded) {
        let policy = &loaded.policy;
        if policy.segments.sound.is_none() {
            for (rule, places) in policy.rules.iter().zip(&loaded.places.rules) {
                if policy.hears(rule) {
                    let what =
                        format!("rule {} is about what is heard, and nobody listens: nothing can hit it", rule.id);
                    let hint = "add `sound: { every: 30s, judged_by: hive-speech }` to the policy";
                    self.warn(loaded, places.taxonomy.unwrap_or(places.id), what, hint);
                }
            }
        }
        if !policy.rules.is_empty() && policy.rules.iter().all(|rule| policy.hears(rule)) {
            let what = "no rule is about what is seen: pictures are asked about for nothing";
            let hint = "add a rule on pictures, or announce segments only";
            self.warn(loaded, loaded.places.policy, what, hint);
        }
        let places = loaded.places.segments;
        for (medium, places) in [(Medium::Sound, places.sound), (Medium::Clip, places.clips)] {
            if let (Some(listening), Some(places)) = (policy.listening(medium), places) {
                self.listening(loaded, medium, listening, places);
            }
        }
    }

    /// Whether the provider that is asked about a medium judges it, and some rule reads what it answers.
    fn listening(&mut self, loaded: &Loaded, medium: Medium, listening: &Listening, (at, by): (Place, Place)) {
        let name = &listening.judged_by;
        self.is_known(loaded, name, by);
        let Some(answered) = Taxonomy::answered_by(name.as_str()) else { return };
        let (sense, only, example) = match medium {
            Medium::Sound => (Sense::Hearing, "what is heard", "hive-speech"),
            Medium::Picture | Medium::Clip => (Sense::Sight, "what is seen", "hive"),
        };
        if answered.sense() != sense || (medium == Medium::Clip && answered.name() != Taxonomy::HIVE_VISUAL) {
            let what = format!("{name} does not judge {only}: every segment fails");
            self.warn(loaded, by, what, format!("write judged_by: {example}"));
        } else if !loaded.policy.reads_of(medium, answered.name()) {
            let theirs = answered.name();
            let what = format!("no rule is about {only} in {theirs}: every segment that {name} judges fails");
            self.warn(loaded, at, what, format!("add a rule with `taxonomy: {theirs}`, or leave this out"));
        }
    }
}
