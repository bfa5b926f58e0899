//! Production core under a seeded world: crashes between any two steps, duplicates, reordering, delays, a provider and a
//! platform that misbehave, moderators that race. After each run the journal is held against what really happened.
//!
//! `SIMULATION_SEEDS=5000` for a soak, `SIMULATION_SEED=42` for one run again.

mod defect;
mod listening;
mod nameless;
mod process;
mod random;
mod run;
mod verdict;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use streamwarden::model::{
    Action, Approval, Confidence, LabelPath, LumaDelta, OnUnavailable, PolicyId, PolicyRef, ProviderName, RuleId,
};
use streamwarden::policy::{
    Arrangement, AutomaticStops, Category, Channels, Judges, Listening, Policy, Rule, Sampling, Segments,
    SimilarityLimits, Tuning, Window,
};

use crate::defect::Defect;
use crate::run::Run;
use crate::run::arranged::{SCREEN, SECOND};
use crate::verdict::Figures;

/// Runs in `make test`; a soak sets more.
const SEEDS: u64 = 300;
/// A planted bug that is not found within so many runs is not found.
const SEEDS_PER_DEFECT: u64 = 60;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

fn run(seed: u64, defect: Option<Defect>) -> Result<Figures, String> {
    // The version in force at first, and the one that replaces it: each way of asking in every third run at least.
    let versions = match seed % 4 {
        0 => [1, 2],
        1 => [2, 3],
        2 => [1, 3],
        _ => [3, 2],
    };
    let mut run = Run::new(seed, defect, versions.map(|version| Arc::new(policy(version))).into());
    run.run_to_end();
    verdict::of(&mut run)
}

/// Runs seeds on every core; each run has its own world and clock, so they do not know of each other.
fn run_all(seeds: std::ops::Range<u64>) -> Vec<(u64, Result<Figures, String>)> {
    let next = AtomicU64::new(seeds.start);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut verdicts: Vec<_> = std::thread::scope(|scope| {
        let work = || {
            let mut mine = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return mine;
                }
                mine.push((seed, run(seed, None)));
            }
        };
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|worker| worker.join().expect("a run panicked; its message is above")).collect()
    });
    verdicts.sort_by_key(|(seed, _)| *seed);
    verdicts
}

#[test]
fn nothing_breaks_an_invariant_whatever_happens_in_between() {
    let seeds = match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SEEDS").unwrap_or(SEEDS),
    };
    let mut sum = Figures::default();
    for (seed, verdict) in run_all(seeds) {
        match verdict {
            Ok(figures) => sum += figures,
            Err(what) => panic!("SIMULATION_SEED={seed}: {what}"),
        }
    }
    println!("{sum:?}");
    assert!(sum.runs < SEEDS || sum.everything_happened(), "the runs miss something: {sum:?}");
}

#[test]
fn every_planted_bug_is_found() {
    for defect in Defect::ALL {
        let found = (0..SEEDS_PER_DEFECT).find_map(|seed| run(seed, Some(defect)).err().map(|what| (seed, what)));
        match found {
            Some((seed, what)) => {
                println!("{defect:?}: seed {seed}, {}", what.lines().next().unwrap_or_default());
            }
            None => panic!("{defect:?} was not found within {SEEDS_PER_DEFECT} seeds"),
        }
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    assert_eq!(run(7, None).ok(), run(7, None).ok());
}

fn policy(version: u32) -> Policy {
    let rule = |id: &str, path: &str, window, action, approval| Rule {
        id: RuleId::new(id).expect("a sound name"),
        rev: if id == "weapons" { version } else { 1 },
        taxonomy: None,
        categories: vec![Category::Within(LabelPath::new(path).expect("a sound path"))],
        confidence: Confidence::from_percent(70.0).expect("a percentage"),
        stated_in: streamwarden::policy::taxonomy::Scale::Percent,
        window,
        action,
        approval,
        severity: 3,
        cooldown_ms: 10_000,
    };
    let often = Window::Frames { hits: 2, of: 3 };
    let at_once = Window::Frames { hits: 1, of: 1 };
    let within = Window::Time { hits: 2, within_ms: 20_000 };
    Policy {
        // The second version listens, the third watches clips as well.
        segments: Segments {
            sound: (version > 1).then(|| Listening { every_ms: 6_000, judged_by: provider("speech") }),
            clips: (version > 2).then(|| Listening { every_ms: 10_000, judged_by: provider("scripted") }),
        },
        taxonomy: "scripted/1".into(),
        reference: PolicyRef { id: PolicyId::new("all").expect("a sound name"), version },
        channels: Channels::Listed(Vec::new()),
        priority: 0,
        sampling: Sampling {
            fastest_ms: if version == 2 { 2000 } else { 4000 },
            slowest_ms: 4000,
            tolerance_ms: Some(1000),
            reassess_after_ms: 20_000,
            max_age_ms: 15_000,
        },
        reputation: (version == 2).then(|| Tuning {
            trust_after_ms: 60_000,
            half_life_ms: 86_400_000,
            near_miss: Confidence::from_percent(10.0).expect("a percentage"),
            closely_ms: 20_000,
        }),
        // The second version has a provider before the world's own, and one that must agree with a stop; in the third one
        // screens for it.
        arrangement: match version {
            1 => Arrangement::default(),
            2 => Arrangement {
                judges: Judges::InOrder(["first", "scripted"].map(provider).into()),
                second: Some(provider(SECOND)),
                comparing: None,
            },
            _ => Arrangement {
                judges: Judges::Cascade {
                    first: provider(SCREEN),
                    then: provider("scripted"),
                    from: Confidence::from_percent(65.0).expect("a percentage"),
                    sample: std::num::NonZeroU32::new(3),
                },
                second: None,
                comparing: None,
            },
        },
        similarity: Some(SimilarityLimits { hash_distance_max: 6, luma_delta_max: LumaDelta(300) }),
        on_unavailable: if version == 1 { OnUnavailable::Warn } else { OnUnavailable::Page },
        automatic_stops: match version {
            1 | 3 => AutomaticStops::OneRule,
            _ => AutomaticStops::SeveralRules { rules: 2, within_ms: 20_000 },
        },
        rules: vec![
            rule("weapons", "Violence", often, Action::Stop, Approval::None),
            rule("nudity", "Nudity", at_once, Action::Suspend, Approval::Person),
            rule("nudity-often", "Nudity", within, Action::Suspend, Approval::None),
            rule("drugs", "Drugs", at_once, Action::Warn, Approval::None),
            Rule {
                taxonomy: Some("hive-speech/1".into()),
                ..rule("hate", "hate", at_once, Action::Stop, Approval::None)
            },
        ],
    }
}

fn provider(name: &str) -> ProviderName {
    ProviderName::new(name).expect("a sound name")
}
