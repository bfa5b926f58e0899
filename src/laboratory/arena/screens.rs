//! What a provider that screens for another saved, and what the audit sample says it missed.
//!
//! The sample is drawn by the frame's identity from the very frames that are saved: so the share of it that hit a rule is
//! an estimate of the same share of the saved, as sure as its size makes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::PolicyRef;

use super::report::{Estimate, Rate, Screen};
use super::statistics::{Z_95, wilson};

/// Policy versions with a screen that are told apart.
pub const SCREENS_MAX: usize = 64;

/// Every screen.
#[derive(Debug, Default)]
pub(super) struct Screens {
    screens: BTreeMap<(PolicyRef, Arc<str>), Counts>,
    pub left_out: u64,
}

#[derive(Debug, Default)]
struct Counts {
    then: Option<Arc<str>>,
    saved: u64,
    passed: u64,
    sampled: u64,
    sampled_hit: u64,
    sampled_labelled: u64,
}

/// What became of a frame that was screened.
#[derive(Debug, Clone)]
pub(super) enum Screened {
    /// The screen decided it: there was nothing to ask the other about.
    Saved,
    /// The other decided it, because the screen saw something.
    Passed {
        /// Who that is.
        by: Arc<str>,
    },
    /// The other decided it, although the screen saw nothing.
    Sampled {
        /// Who that is.
        by: Arc<str>,
        /// Whether its answer hit a rule.
        hit: bool,
        /// Whether it named a label that the screen did not.
        labelled: bool,
    },
}

impl Screens {
    pub fn saw(&mut self, policy: &PolicyRef, screen: &Arc<str>, what: Screened) {
        let key = (policy.clone(), screen.clone());
        if self.screens.len() >= SCREENS_MAX && !self.screens.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let counts = self.screens.entry(key).or_default();
        match what {
            Screened::Saved => counts.saved += 1,
            Screened::Passed { by } => {
                counts.passed += 1;
                counts.then = Some(by);
            }
            Screened::Sampled { by, hit, labelled } => {
                counts.sampled += 1;
                counts.sampled_hit += u64::from(hit);
                counts.sampled_labelled += u64::from(labelled);
                counts.then = Some(by);
            }
        }
    }

    /// All of them, by policy version and name, at these prices of a call.
    pub fn report(self, shown: impl Fn(&str) -> bool, price: impl Fn(&str) -> Option<u64>) -> Vec<Screen> {
        let wanted = self
            .screens
            .into_iter()
            .filter(|((_, screen), counts)| shown(screen) || counts.then.as_ref().is_some_and(|then| shown(then)));
        wanted
            .map(|((policy, provider), counts)| {
                let price = counts.then.as_ref().and_then(|then| price(then));
                Screen {
                    policy,
                    provider: provider.to_string(),
                    saved: counts.saved,
                    saved_micros: price.map(|micros| micros.saturating_mul(counts.saved)),
                    passed: counts.passed,
                    sampled: counts.sampled,
                    missed: Rate::of(counts.sampled_hit, counts.sampled, Z_95),
                    sampled_labelled: counts.sampled_labelled,
                    missed_of_saved: estimate(counts.sampled_hit, counts.sampled, counts.saved),
                    then: counts.then.map(|then| then.to_string()),
                }
            })
            .collect()
    }
}

/// How many of `saved` are what `count` of a sample of `of` were.
fn estimate(count: u64, of: u64, saved: u64) -> Option<Estimate> {
    if of == 0 {
        return None;
    }
    let (low, high) = wilson(count, of, Z_95);
    let saved = saved as f64;
    Some(Estimate {
        about: (saved * count as f64 / of as f64).round() as u64,
        low: (saved * low + 1e-6).floor() as u64,
        high: (saved * high - 1e-6).ceil() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PolicyId;

    #[test]
    fn what_the_sample_missed_is_told_of_the_saved_with_the_bounds_of_the_sample() {
        // 1 of 29 is 0.0061 to 0.1718 (the statistics' published example).
        assert_eq!(estimate(1, 29, 1000), Some(Estimate { about: 34, low: 6, high: 172 }));
        assert_eq!(
            estimate(0, 20, 1000),
            Some(Estimate { about: 0, low: 0, high: 162 }),
            "none seen is not none there"
        );
        assert_eq!(estimate(0, 0, 1000), None, "without a sample nothing is known");
    }

    #[test]
    fn frames_are_counted_by_what_became_of_them_and_priced_as_the_one_that_was_not_asked() {
        let policy = PolicyRef { id: PolicyId::new("p").expect("a sound name"), version: 1 };
        let mut screens = Screens::default();
        let by: Arc<str> = "hive".into();
        for _ in 0..7 {
            screens.saw(&policy, &"local".into(), Screened::Saved);
        }
        screens.saw(&policy, &"local".into(), Screened::Passed { by: by.clone() });
        screens.saw(&policy, &"local".into(), Screened::Sampled { by: by.clone(), hit: true, labelled: true });
        screens.saw(&policy, &"local".into(), Screened::Sampled { by, hit: false, labelled: true });
        let screen = screens.report(|name| name == "hive", |name| (name == "hive").then_some(3000)).remove(0);
        assert_eq!((screen.saved, screen.passed, screen.sampled, screen.sampled_labelled), (7, 1, 2, 2));
        assert_eq!((screen.saved_micros, screen.then.as_deref()), (Some(21_000), Some("hive")));
        assert_eq!((screen.missed.count, screen.missed.of, screen.missed.permille), (1, 2, Some(500)));
    }

    #[test]
    fn screens_are_bounded() {
        let mut screens = Screens::default();
        for version in 0..=SCREENS_MAX as u32 {
            let policy = PolicyRef { id: PolicyId::new("p").expect("a sound name"), version };
            screens.saw(&policy, &"local".into(), Screened::Saved);
        }
        assert_eq!((screens.left_out, screens.report(|_| true, |_| None).len()), (1, SCREENS_MAX));
    }
}
