//! What holds of every reputation: it rises and falls with the evidence, stays within bounds, can be read and added up,
//! and forgets what was taken back.

use proptest::prelude::*;
use proptest::sample::Index;
use streamwarden::events::{CadenceChanged, Event, Recorded, ReputationChange};
use streamwarden::model::{ChannelId, Confidence, EventId, ModeratorId, RuleId, Score, Timestamp, WarningId};
use streamwarden::policy::{Sampling, Tuning, file};
use streamwarden::reputation::cadence::{Roused, Rousing, interval, wanted};
use streamwarden::reputation::{Appraisal, Evidence, Finding, LINES_MAX, Ledger, score};
use streamwarden::warden::{Answering, Command, ModeratorAct};

use crate::lines::moment;
use crate::samples;
use crate::wanted::{Channel, Wanted, commands, policy};

const MINUTE_MS: u64 = 60_000;
/// The stretch that evidence is from: fewer days than are remembered.
const MINUTES: u64 = 40 * 24 * 60;

/// So many minutes into that stretch.
fn minute(minutes: u64) -> Timestamp {
    moment(0.0).plus_ms(minutes * MINUTE_MS)
}

fn finding(number: u16, rule: u8, severity: u8, upheld: bool, at: Timestamp) -> Evidence {
    let rule = RuleId::new(format!("r{rule}")).expect("a sound name");
    let warning = WarningId::from_bytes(u128::from(number).to_be_bytes());
    Evidence::Found(Finding { warning, rule, severity, upheld, at })
}

/// A past, of fewer answers than are remembered, mostly from the stretch, now and then from the ends of time.
fn evidence(ends_of_time: bool) -> impl Strategy<Value = Vec<Evidence>> {
    let at = move || {
        let ends = if ends_of_time { 1 } else { 0 };
        prop_oneof![
            20 => (0..MINUTES).prop_map(minute),
            ends => Just(Timestamp::from_micros(i64::MAX)),
            ends => Just(Timestamp::from_micros(i64::MIN)),
            ends => any::<i64>().prop_map(Timestamp::from_micros),
        ]
    };
    let one = prop_oneof![
        2 => at().prop_map(|at| Evidence::Began { at }),
        6 => (at(), 0u32..7_200_000, any::<bool>()).prop_map(|(until, ms, clean)| Evidence::Watched { until, ms, clean }),
        4 => (any::<u16>(), 0u8..4, 0u8..8, any::<bool>(), at())
            .prop_map(|(number, rule, severity, upheld, at)| finding(number, rule, severity, upheld, at)),
    ];
    proptest::collection::vec(one, 0..60)
}

/// What a person set, perhaps.
fn adjusted() -> impl Strategy<Value = Option<Evidence>> {
    let change = prop_oneof![
        (0i64..=1000).prop_map(|milli| ReputationChange::Pin(Score::clamped(milli))),
        (-1000i16..=1000).prop_map(ReputationChange::By),
    ];
    let by = ModeratorId::new("ann").expect("a sound name");
    let until = proptest::option::of((0..2 * MINUTES).prop_map(minute));
    proptest::option::weighted(
        0.3,
        (change, until).prop_map(move |(change, until)| Evidence::adjusted(&by, change, until)),
    )
}

fn tuning() -> impl Strategy<Value = Tuning> {
    (60_000u32..3_600_000_000, 3_600_000u32..3_888_000_000, 0u32..86_400_000).prop_map(
        |(trust_after_ms, half_life_ms, closely_ms)| Tuning {
            trust_after_ms,
            half_life_ms,
            near_miss: Confidence::from_milli(10_000).expect("a percentage"),
            closely_ms,
        },
    )
}

fn sampling() -> impl Strategy<Value = Sampling> {
    (100u32..=3_600_000, 100u32..=3_600_000).prop_map(|(one, other)| Sampling {
        fastest_ms: one.min(other),
        slowest_ms: one.max(other),
        tolerance_ms: None,
        reassess_after_ms: 3_600_000,
        max_age_ms: u32::MAX,
    })
}

fn rousings() -> impl Strategy<Value = Vec<Roused>> {
    let by = prop_oneof![
        Just(Rousing::Hit),
        Just(Rousing::Upheld),
        Just(Rousing::Stopped),
        Just(Rousing::Reconnected),
        Just(Rousing::NearMiss),
        Just(Rousing::Began),
        Just(Rousing::ViewersRose),
    ];
    proptest::collection::vec((by, 0..MINUTES).prop_map(|(by, at)| Roused { by, at: minute(at) }), 0..3)
}

fn fold(evidence: impl IntoIterator<Item = Evidence>) -> Ledger {
    let mut ledger = Ledger::default();
    evidence.into_iter().for_each(|one| ledger.take(one));
    ledger
}

fn channel() -> ChannelId {
    ChannelId::new("stage").expect("a sound name")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_more_upheld_warning_never_raises_the_score_nor_slows_the_cadence(
        past in evidence(false), adjusted in adjusted(), tuning in tuning(), sampling in sampling(),
        roused in rousings(), rule in 0u8..4, severity in 0u8..8, raised in 0..MINUTES, answered in 0..MINUTES,
        later in proptest::collection::vec(0..4 * MINUTES, 1..8),
    ) {
        let without = fold(past.into_iter().chain(adjusted));
        let mut with = without.clone();
        // No other answer is to this warning.
        with.take(finding(u16::MAX, rule, severity, true, minute(raised)).renamed());
        let mut alarmed = roused.clone();
        alarmed.push(Roused { by: Rousing::Upheld, at: minute(answered) });
        for at in later {
            let at = minute(answered + at);
            let (more, less) = (score(&without, &tuning, at), score(&with, &tuning, at));
            prop_assert!(less <= more, "{less:?} after {more:?} at {at}");
            let slower = wanted(&channel(), &sampling, &tuning, more, roused.iter().copied(), at).interval_ms;
            let closer = wanted(&channel(), &sampling, &tuning, less, alarmed.iter().copied(), at).interval_ms;
            prop_assert!(closer <= slower, "{closer} after {slower} at {at}");
        }
    }

    #[test]
    fn one_more_dismissed_warning_and_more_clean_time_never_lower_the_score(
        past in evidence(false), adjusted in adjusted(), tuning in tuning(), when in 0..MINUTES,
        ms in 0u32..86_400_000, later in 0..4 * MINUTES,
    ) {
        let without = fold(past.into_iter().chain(adjusted));
        let at = minute(MINUTES + later);
        let before = score(&without, &tuning, at);
        for good in [
            finding(u16::MAX, 0, 5, false, minute(when)).renamed(),
            Evidence::Watched { until: minute(when), ms, clean: true },
            Evidence::Began { at: minute(when) },
        ] {
            let mut with = without.clone();
            with.take(good.clone());
            prop_assert!(score(&with, &tuning, at) >= before, "{good:?}");
        }
    }

    #[test]
    fn whatever_happened_and_whenever_score_and_cadence_stay_within_their_bounds(
        past in evidence(true), adjusted in adjusted(), tuning in tuning(), sampling in sampling(),
        roused in rousings(), at in any::<i64>(), name in "[a-z]{1,12}",
    ) {
        let ledger = fold(past.into_iter().chain(adjusted));
        let channel = ChannelId::new(name).expect("a sound name");
        for at in [at, i64::MAX, i64::MIN, 0].map(Timestamp::from_micros) {
            let appraisal = Appraisal::of(&ledger, &tuning, at);
            prop_assert!(appraisal.score <= Score::MAX && appraisal.certainty <= Score::MAX);
            let found = wanted(&channel, &sampling, &tuning, appraisal.score, roused.iter().copied(), at).interval_ms;
            prop_assert!((sampling.fastest_ms..=sampling.slowest_ms).contains(&found), "{found}");
        }
        for step in 0..20 {
            let (one, next) = (interval(&channel, &sampling, step), interval(&channel, &sampling, step + 1));
            prop_assert!(one <= next, "a higher step of the ladder is no closer watch");
        }
    }

    #[test]
    fn the_order_in_which_evidence_comes_changes_nothing(
        past in evidence(true), tuning in tuning(), order in proptest::collection::vec(any::<Index>(), 60), later in 0..4 * MINUTES,
    ) {
        // One answer to a warning: of several the last counts, and that is an order which matters.
        let mut once: Vec<Evidence> = Vec::new();
        for one in past {
            let again = |known: &Evidence| match (known, &one) {
                (Evidence::Found(known), Evidence::Found(one)) => known.warning == one.warning,
                _ => false,
            };
            if !once.iter().any(again) {
                once.push(one);
            }
        }
        let mut shuffled = once.clone();
        for (place, other) in order.iter().enumerate().take(shuffled.len()) {
            let other = other.index(shuffled.len());
            shuffled.swap(place, other);
        }
        let at = minute(MINUTES + later);
        let (straight, crooked) = (fold(once), fold(shuffled));
        prop_assert_eq!(&straight, &crooked);
        prop_assert_eq!(Appraisal::of(&straight, &tuning, at).lines(at), Appraisal::of(&crooked, &tuning, at).lines(at));
    }

    #[test]
    fn an_explanation_is_short_and_its_terms_add_up_to_the_score(
        past in evidence(true), adjusted in adjusted(), tuning in tuning(), later in 0..4 * MINUTES,
    ) {
        let ledger = fold(past.into_iter().chain(adjusted));
        let at = minute(later);
        let appraisal = Appraisal::of(&ledger, &tuning, at);
        let sum: i64 = appraisal.terms.iter().map(|term| i64::from(term.milli)).sum();
        prop_assert_eq!(Score::clamped(sum), appraisal.score);
        prop_assert_eq!(score(&ledger, &tuning, at), appraisal.score, "the score that decides is the one explained");
        prop_assert!(appraisal.terms.is_sorted_by_key(|term| std::cmp::Reverse(term.milli.unsigned_abs())));
        let lines = appraisal.lines(at);
        prop_assert!((2..=LINES_MAX).contains(&lines.len()), "{lines:?}");
    }

    #[test]
    fn a_policy_with_a_range_looks_often_enough_to_stop_in_time(
        fastest in 1u32..400, slowest in 1u32..400, time_to_stop in proptest::option::of(1u32..500),
    ) {
        let promise = time_to_stop.map(|seconds| format!(", time_to_stop: {seconds}s")).unwrap_or_default();
        let text = format!(
            "policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\n\
             sampling: {{every: {fastest}s to {slowest}s{promise}}}\n\
             rules: [{{id: r, categories: [Violence], confidence: 80, action: warn}}]"
        );
        let within_s = time_to_stop.unwrap_or(180);
        match file::load("p.yaml", &text) {
            Ok(loaded) => {
                let policy = &loaded[0].policy;
                prop_assert!(policy.reputation.is_some());
                prop_assert!(policy.sampling.slowest_ms + 30_000 <= within_s * 1000, "{:?}", policy.sampling);
            }
            Err(_) => prop_assert!(fastest >= slowest || slowest + 30 > within_s || within_s < 5, "{text}"),
        }
    }

    #[test]
    fn every_change_of_pace_is_one_event_with_its_cause_and_within_the_policys_bounds(wanted in commands()) {
        let mut channel = Channel::new();
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let (before, upto) = (channel.state.pace.clone(), channel.state.sequence.0 as usize);
            let command = channel.command(wanted);
            channel.run(now, &command);
            let changes: Vec<CadenceChanged> = channel.events()[upto..].iter().filter_map(changed).collect();
            prop_assert!(changes.len() <= 1, "{changes:?} by {command:?}");
            match changes.first() {
                None => prop_assert_eq!(&channel.state.pace, &before),
                Some(change) => {
                    prop_assert_eq!(change.from, before.as_ref().map(|(pace, _)| *pace));
                    prop_assert_ne!(&channel.state.pace, &before, "a change that changes nothing");
                    let sampling = policy(change.policy.version).sampling;
                    prop_assert!((sampling.fastest_ms..=sampling.slowest_ms).contains(&change.to.interval_ms));
                    let has_say = policy(change.policy.version).reputation.is_some();
                    prop_assert_eq!(change.score.is_some(), has_say);
                    prop_assert_eq!(channel.state.pace_because, Some(change.because));
                }
            }
        }
    }

    #[test]
    fn an_answer_taken_back_or_overturned_leaves_the_ledger_that_there_would_be_without_it(
        before in commands(), between in proptest::collection::vec((0u8..40, 0i64..400_000, any::<bool>()), 0..8),
        overturned in any::<bool>(),
    ) {
        let (mut with, mut without) = (Channel::new(), Channel::new());
        let mut now = moment(0.0);
        for (pause, wanted) in &before {
            now = now.plus_ms(u64::from(*pause));
            for channel in [&mut with, &mut without] {
                let command = channel.command(wanted);
                channel.run(now, &command);
            }
        }
        // Claims of the history have run out, and its answers are final.
        now = now.plus_ms(20 * MINUTE_MS);
        let open: Vec<WarningId> = with.state.open_warnings().map(|warning| warning.id).take(16).collect();
        prop_assume!(!open.is_empty());
        let remembered = with.state.ledger.findings().len();
        with.run(now, &act("uphold", "ann", ModeratorAct::Uphold(Answering::to(open.clone()))));
        let counted = open.iter().filter(|id| with.state.warning(**id).is_some_and(|warning| warning.rule != RuleId::on_unavailable()));
        prop_assert_eq!(with.state.ledger.findings().len(), remembered + counted.count(), "the answer counts meanwhile");
        for (frame, at, hit) in &between {
            let labels = if *hit { vec![(2, 90_000)] } else { Vec::new() };
            let wanted = Wanted::Judge(*frame, 0, moment(*at as f64 / 1000.0).as_micros(), labels);
            for channel in [&mut with, &mut without] {
                let command = channel.command(&wanted);
                channel.run(now, &command);
            }
        }
        if overturned {
            now = now.plus_ms(2 * MINUTE_MS);
        }
        for (number, warning) in open.iter().enumerate() {
            let undone = match overturned {
                false => act(&format!("withdraw {number}"), "ann", ModeratorAct::Withdraw((*warning).into())),
                true => {
                    let appeal = with.appeal(*warning).expect("it was upheld");
                    act(&format!("overturn {number}"), "ben", ModeratorAct::Overturn { upheld: appeal, why: samples::content() })
                }
            };
            with.run(now, &undone);
        }
        let (left, never) = (&with.state.ledger, &without.state.ledger);
        prop_assert_eq!(left.findings(), never.findings());
        if between.is_empty() || with.watching().is_none_or(|policy| policy.reputation.is_none()) {
            // Elsewhere the answer set another pace meanwhile, and more or less was watched.
            prop_assert_eq!(left, never);
        }
    }
}

fn changed(recorded: &Recorded) -> Option<CadenceChanged> {
    match recorded.event() {
        Ok(Event::CadenceChanged(changed)) => Some(changed),
        _ => None,
    }
}

fn act(request: &str, by: &str, act: ModeratorAct) -> Command {
    let by = ModeratorId::new(by).expect("a sound name");
    Command::Moderate { request: EventId::of_command("test", &[request.as_bytes()]), by, act }
}

/// An answer to a warning that no random answer is to.
trait Renamed {
    fn renamed(self) -> Self;
}

impl Renamed for Evidence {
    fn renamed(self) -> Self {
        match self {
            Self::Found(finding) => Self::Found(Finding { warning: WarningId::from_bytes([0xff; 16]), ..finding }),
            other => other,
        }
    }
}

#[test]
fn no_number_of_dismissed_warnings_pushes_an_upheld_one_out_of_memory() {
    let tuning = Tuning::default();
    let at = minute(MINUTES);
    let upheld = finding(0, 0, 5, true, minute(0));
    let dismissed = |count: u16| (1..=count).map(|number| finding(number, 1, 1, false, minute(u64::from(number))));
    let few = fold(std::iter::once(upheld.clone()).chain(dismissed(10)));
    let many = fold(std::iter::once(upheld).chain(dismissed(500)));
    let cost = |ledger: &Ledger| {
        let terms = Appraisal::of(ledger, &tuning, at).terms;
        let upheld = |term: &&streamwarden::reputation::Term| {
            matches!(term.ground, streamwarden::reputation::Ground::Upheld { .. })
        };
        terms.iter().find(upheld).map(|term| term.milli)
    };
    assert!(cost(&few).is_some_and(|milli| milli < 0));
    assert_eq!(cost(&few), cost(&many));
}
