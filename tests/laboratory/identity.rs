//! The policy that judged, tried on what it judged, gains and loses nothing.

use std::num::NonZeroU32;

use proptest::prelude::*;
use streamwarden::laboratory::Report;
use streamwarden::laboratory::unknowable::Unknown;
use streamwarden::model::{Confidence, ProviderName, Timestamp};
use streamwarden::policy::{Arrangement, Comparing, Judges, Policy};

use crate::lines::moment;
use crate::recorder::{Recorder, Shows};
use crate::wanted::{Wanted, policy};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Frame { behind_ms: u32, session: u8, hash: u64, luma: Option<u16>, labels: Vec<(u8, u32)> },
    CrowdedOut { session: u8 },
    Other(Wanted),
}

fn step() -> impl Strategy<Value = Step> {
    // Not the one without a name: what was skipped does not say of which broadcast it was, only which was on the air.
    let session = || prop_oneof![6 => Just(0u8), 1 => Just(1u8), 1 => Just(3u8)];
    // Pictures that repeat, drift by a few bits, and change.
    let hash = prop_oneof![4 => 0u64..16, 2 => Just(u64::MAX), 2 => any::<u64>()];
    let luma = prop_oneof![3 => Just(Some(10)), 3 => (0u16..3000).prop_map(Some), 1 => Just(None)];
    let confidence = prop_oneof![Just(100_000u32), 60_000u32..100_000];
    let labels = proptest::collection::vec((0u8..5, confidence), 0..4);
    let behind = prop_oneof![8 => 0u32..300, 1 => 0u32..8000];
    prop_oneof![
        30 => (behind, session(), hash, luma, labels).prop_map(|(behind_ms, session, hash, luma, labels)| {
            Step::Frame { behind_ms, session, hash, luma, labels }
        }),
        2 => session().prop_map(|session| Step::CrowdedOut { session }),
        1 => session().prop_map(|session| Step::Other(Wanted::End(session))),
        1 => Just(Step::Other(Wanted::Tick)),
        6 => (0u8..14, any::<u8>(), 0u8..2, 0u8..200).prop_map(|(act, at, by, request)| {
            Step::Other(Wanted::Moderate(act, at, by, request))
        }),
        6 => (0u8..9, any::<u8>(), 0u8..4).prop_map(|(report, at, n)| Step::Other(Wanted::Report(report, at, n))),
    ]
}

fn recorded(policy: Policy, steps: &[(u32, Step)]) -> Recorder {
    let mut recorder = Recorder::under(policy);
    let mut now = moment(0.0);
    let shows =
        |captured_at: Timestamp, session: u8| Shows { session, captured_at, hash: 0, luma: None, labels: vec![] };
    for (pause_ms, step) in steps {
        now = now.plus_ms(u64::from(*pause_ms));
        match step {
            Step::Frame { behind_ms, session, hash, luma, labels } => {
                let captured_at = now.minus_ms(u64::from(*behind_ms));
                let shown = Shows { hash: *hash, luma: *luma, labels: labels.clone(), ..shows(captured_at, *session) };
                recorder.shows(now, &shown);
            }
            Step::CrowdedOut { session } => {
                recorder.crowded_out(now, &shows(now, *session));
            }
            Step::Other(wanted) => recorder.run(now, wanted),
        }
    }
    recorder
}

/// Nothing is gained or lost, sooner or later, dearer or cheaper.
pub fn nothing_changes(report: &Report) -> Result<(), TestCaseError> {
    prop_assert_eq!(report.differing, 0, "{:#?}", report.differences);
    prop_assert_eq!((report.gained.count, report.lost.count), (0, 0), "{:#?}", (&report.gained, &report.lost));
    prop_assert_eq!(report.total.recorded, report.total.proposed);
    for rule in &report.rules {
        prop_assert_eq!(rule.compared.recorded, rule.compared.proposed, "{}", rule.rule);
        prop_assert_eq!(rule.answers_recorded, rule.answers_proposed, "{}", rule.rule);
    }
    prop_assert_eq!(report.truth.recorded, report.truth.proposed);
    prop_assert_eq!(report.truth.upheld_found, report.truth.recorded.upheld);
    for change in [&report.to_warning, &report.to_stop] {
        prop_assert_eq!((change.sooner, change.later, change.gained, change.lost), (0, 0, 0, 0));
    }
    prop_assert_eq!(Some(report.calls.recorded), report.calls.proposed);
    prop_assert_eq!(report.calls.without_answer, 0);
    prop_assert_eq!((report.after_stop.sessions, report.after_stop.warnings, report.after_stop.cut_short), (0, 0, 0));
    let guessed = |kind: Unknown| !matches!(kind, Unknown::CrowdedOut | Unknown::Failed);
    prop_assert!(!report.unknowable.iter().any(|of| guessed(of.kind)), "{:#?}", report.unknowable);
    Ok(())
}

/// Policies that ask several providers: in order, one screening for another, one agreeing, one compared.
fn arranged(version: u32, kind: u8) -> Policy {
    let name = |name: &str| ProviderName::new(name).expect("a sound name");
    let one_in = |n: u32| NonZeroU32::new(n).expect("from one");
    let comparing = Some(Comparing { with: name("other"), one_in: one_in(2) });
    let second = Some(name("second"));
    let from = Confidence::from_milli(85_000).expect("a percentage");
    let cascade = |sample| Judges::Cascade { first: name("screen"), then: name("last"), from, sample };
    let arrangement = match kind {
        0 => Arrangement { judges: Judges::InOrder(vec![name("x"), name("y"), name("last")]), second, comparing },
        1 => Arrangement { judges: cascade(Some(one_in(3))), second, comparing },
        2 => Arrangement { judges: cascade(None), second: Some(name("screen")), comparing: None },
        3 => Arrangement { judges: Judges::Configured, second, comparing },
        _ => Arrangement { judges: Judges::InOrder(vec![name("x"), name("y")]), second: Some(name("y")), comparing },
    };
    Policy { arrangement, ..policy(version) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_policy_that_judged_gains_and_loses_nothing(
        version in 1u32..3,
        steps in proptest::collection::vec((prop_oneof![6 => 0u32..1500, 1 => 0u32..20_000], step()), 1..120),
    ) {
        let mut recorder = recorded(policy(version), &steps);
        // Something must have been judged for the question to mean anything.
        let last = moment(4000.0);
        recorder.shows(last, &Shows { session: 0, captured_at: last, hash: 77, luma: None, labels: vec![(4, 90_000)] });
        nothing_changes(&recorder.tried(policy(version)))?;
    }

    #[test]
    fn a_policy_that_asks_several_providers_gains_and_loses_nothing_on_its_own_record(
        version in 1u32..3,
        kind in 0u8..5,
        steps in proptest::collection::vec((prop_oneof![6 => 0u32..1500, 1 => 0u32..20_000], step()), 1..120),
    ) {
        let mut recorder = recorded(arranged(version, kind), &steps);
        let last = moment(4000.0);
        recorder.shows(last, &Shows { session: 0, captured_at: last, hash: 77, luma: None, labels: vec![(4, 90_000)] });
        let events = recorder.events();
        prop_assert!(streamwarden::warden::invariants::check(&events).is_ok());
        nothing_changes(&recorder.tried(arranged(version, kind)))?;
    }
}
