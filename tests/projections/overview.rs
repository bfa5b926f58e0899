//! The overview: whatever happens, in whatever order, its hours say what counting it all again says.

use std::collections::BTreeMap;

use proptest::prelude::*;
use streamwarden::events::*;
use streamwarden::model::*;
use streamwarden::projections::overview::{Decided, HOURS_MAX, Hour, Spread, Stops, begin_of, hour_of};

use crate::story::{Story, assessed, frame, moderator, session};

/// What happens next; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    Time(u64),
    Raise(u8),
    Answer {
        warning: usize,
        upheld: bool,
    },
    Withdraw(usize),
    Overturn(usize),
    Lapse(usize),
    Request {
        automatic: bool,
        kind: u8,
    },
    Reach {
        stop: usize,
        what: u8,
        took_ms: u64,
    },
    Frame {
        outcome: u8,
        took_ms: u32,
    },
    /// Somebody is asked who does not decide, and answers or not.
    Opinion {
        answers: bool,
        took_ms: u32,
    },
    Watched(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..40_000_000_u64).prop_map(Step::Time),
        3 => (0..3_u8).prop_map(Step::Raise),
        4 => (0..50_usize, any::<bool>()).prop_map(|(warning, upheld)| Step::Answer { warning, upheld }),
        1 => (0..50_usize).prop_map(Step::Withdraw),
        1 => (0..50_usize).prop_map(Step::Overturn),
        1 => (0..50_usize).prop_map(Step::Lapse),
        2 => (any::<bool>(), 0..3_u8).prop_map(|(automatic, kind)| Step::Request { automatic, kind }),
        4 => (0..50_usize, 0..9_u8, 0..500_000_u64).prop_map(|(stop, what, took_ms)| Step::Reach { stop, what, took_ms }),
        4 => (0..8_u8, 0..5_000_u32).prop_map(|(outcome, took_ms)| Step::Frame { outcome, took_ms }),
        2 => (any::<bool>(), 0..5_000_u32).prop_map(|(answers, took_ms)| Step::Opinion { answers, took_ms }),
        1 => (0..100_000_u64).prop_map(Step::Watched),
    ];
    proptest::collection::vec(step, 1..150)
}

/// A story, and all that was told in it.
struct Told {
    story: Story,
    events: Vec<(Timestamp, Event)>,
    warnings: Vec<WarningId>,
    stops: Vec<EnforcementId>,
}

impl Told {
    fn new() -> Self {
        Self { story: Story::new(), events: Vec::new(), warnings: Vec::new(), stops: Vec::new() }
    }

    fn tell(&mut self, event: impl Into<Event>) {
        let event = event.into();
        self.events.push((self.story.now, event.clone()));
        self.story.told("a", event);
    }

    fn step(&mut self, step: &Step) {
        let number = self.events.len() as u64;
        let warning = |at: usize| self.warnings.get(at % self.warnings.len().max(1)).copied();
        let by = moderator("ann");
        match step {
            Step::Time(ms) => self.story.after_ms(*ms),
            Step::Raise(rule) => {
                let raised = raised(number, *rule);
                self.warnings.push(raised.warning);
                self.tell(raised);
            }
            Step::Answer { warning: at, upheld } => match warning(*at) {
                Some(warning) if *upheld => self.tell(WarningUpheld { warning, by, undo_ms: 0 }),
                Some(warning) => self.tell(WarningDismissed { warning, by, undo_ms: 0 }),
                None => {}
            },
            Step::Withdraw(at) => {
                if let Some(warning) = warning(*at) {
                    self.tell(WarningAnswerWithdrawn { warning, by });
                }
            }
            Step::Overturn(at) => {
                if let Some(warning) = warning(*at) {
                    self.tell(overturned(warning, self.story.now));
                }
            }
            Step::Lapse(at) => {
                if let Some(warning) = warning(*at) {
                    self.tell(WarningLapsed { warning, because: LapsedBecause::WatchedAgain });
                }
            }
            Step::Request { automatic, kind } => {
                let requested = requested(number, *automatic, *kind, self.story.now);
                self.stops.push(requested.enforcement);
                self.tell(requested);
            }
            Step::Reach { stop, what, took_ms } => {
                if let Some(enforcement) = self.stops.get(stop % self.stops.len().max(1)).copied() {
                    self.tell(reached(enforcement, *what, *took_ms));
                }
            }
            Step::Frame { outcome, took_ms } => self.tell(outcome_of(number, *outcome, *took_ms)),
            Step::Opinion { answers, took_ms } => self.tell(opinion(number, *answers, *took_ms)),
            Step::Watched(unwatched_ms) => {
                self.tell(ChannelWatched { unwatched_since: self.story.now, unwatched_ms: *unwatched_ms });
            }
        }
    }
}

fn raised(number: u64, rule: u8) -> WarningRaised {
    let rule = RuleId::new(format!("rule-{rule}")).expect("a sound id");
    WarningRaised {
        medium: Default::default(),
        warning: WarningId::of(EventId::outcome_of(frame(number)), &rule),
        frame: frame(number),
        session: session("st-1"),
        policy: crate::story::policy(),
        rule,
        rev: 1,
        severity: 3,
        action: Action::Warn,
        approval: Approval::Person,
        label: None,
        margin: 0,
        cooldown_ms: 0,
        asks: None,
        unavailable: None,
        decided_by: None,
    }
}

fn overturned(warning: WarningId, upheld_at: Timestamp) -> WarningOverturned {
    WarningOverturned {
        warning,
        by: moderator("eva"),
        why: ContentRef { subject: "channel/a".into(), digest: Sha256([0; 32]), bytes: 1 },
        upheld_by: moderator("ann"),
        upheld_at,
        session: session("st-1"),
        rule: RuleId::new("rule-1").expect("a sound id"),
        severity: 3,
    }
}

fn requested(number: u64, automatic: bool, kind: u8, now: Timestamp) -> EnforcementRequested {
    let raised = raised(number, 1);
    let origin = match automatic {
        true => EnforcementOrigin::Rule { policy: raised.policy, rule: raised.rule, warning: raised.warning },
        false => EnforcementOrigin::Person { by: moderator("ann"), warning: None },
    };
    EnforcementRequested {
        enforcement: EnforcementId::from_bytes(u128::from(number).to_be_bytes()),
        kind: [EnforcementKind::Stop, EnforcementKind::Suspend, EnforcementKind::Lift][usize::from(kind)],
        session: Some(session("st-1")),
        origin,
        severity: 3,
        expires: now,
        reason: None,
    }
}

fn reached(enforcement: EnforcementId, what: u8, took_ms: u64) -> Event {
    match what {
        0 => EnforcementAdmitted { enforcement, by: None }.into(),
        1 => EnforcementHeld { enforcement, budget: Budget::PerMinute { used: 1, of: 1 } }.into(),
        2 => EnforcementAttempted { enforcement, attempt: 1, found: None }.into(),
        3 => EnforcementSucceeded { enforcement, attempt: 1 }.into(),
        4 => EnforcementVerified { enforcement, took_ms }.into(),
        5 => EnforcementNotNeeded { enforcement, because: NotNeededBecause::AlreadyOffline }.into(),
        6 => {
            let because = SupersededBecause::Replaced;
            EnforcementSuperseded { enforcement, found: session("st-2"), because }.into()
        }
        7 => EnforcementFailed { enforcement, reason: "no".to_owned(), attempts: 1 }.into(),
        _ => EnforcementCancelled { enforcement, by: None }.into(),
    }
}

fn opinion(number: u64, answers: bool, took_ms: u32) -> OpinionGiven {
    let answer = OpinionAnswer { labels: vec![], answer: None, unmapped: 0, floor: None, hits: vec![] };
    let nothing = || OpinionSaid::Nothing { stage: FailedStage::Provider, reason: "no".to_owned(), attempts: 3 };
    OpinionGiven {
        frame: frame(number),
        session: session("st-1"),
        policy: crate::story::policy(),
        provider: ProviderRef { name: "third".into(), model: "3".into(), taxonomy: "stub/1".into() },
        role: OpinionRole::Screened,
        said: if answers { OpinionSaid::Answer(answer) } else { nothing() },
        took_ms,
    }
}

fn outcome_of(number: u64, outcome: u8, took_ms: u32) -> Event {
    let skipped = |because| {
        FrameSkipped { medium: Default::default(), frame: frame(number), print: Fingerprint([0; 8]), because }.into()
    };
    let failed = |stage| {
        let (print, reason) = (Fingerprint([0; 8]), "no".to_owned());
        FrameFailed { medium: Default::default(), frame: frame(number), print, stage, reason, attempts: 3 }.into()
    };
    match outcome {
        0 => FrameAssessed { took: Timings(0, 0, took_ms), ..assessed(number, Verdict::Clear, None) }.into(),
        1 => FrameAssessed { took: Timings(0, 0, took_ms), ..assessed(number, Verdict::Stop, None) }.into(),
        2 => {
            let provider = ProviderRef { name: "other".into(), model: "2".into(), taxonomy: "stub/1".into() };
            FrameAssessed { provider, ..assessed(number, Verdict::Clear, None) }.into()
        }
        3 => failed(FailedStage::Provider),
        4 => failed(FailedStage::Decode),
        5 => skipped(Skip::TooSoon { due: Timestamp::default() }),
        6 => skipped(Skip::NoPolicy),
        _ => skipped(Skip::Stale { newest: None }),
    }
}

/// All of it counted again, as simply as can be.
#[derive(Default)]
struct Recount {
    assessed: u64,
    not_clear: u64,
    failed: u64,
    others: u64,
    unanswered: (u64, u64),
    calls: BTreeMap<String, Vec<u64>>,
    /// By rule: open, upheld, dismissed, overturned, lapsed.
    rules: BTreeMap<String, [u64; 5]>,
    answered_in: Vec<u64>,
    /// By whether automatic: under way, held, verified, not needed, failed, superseded, cancelled.
    stops: BTreeMap<bool, [u64; 7]>,
    verified_in: BTreeMap<bool, Vec<u64>>,
    unwatched_ms: u64,
}

impl Recount {
    fn of(events: &[(Timestamp, Event)], since: u64) -> Self {
        let mut count = Self::default();
        // What is older than a week when something becomes of it is not followed any more.
        let followed = |begun: u64, now: u64| begun + HOURS_MAX > now;
        let mut warnings: BTreeMap<WarningId, (u64, Timestamp, String, usize, bool)> = BTreeMap::new();
        let mut stops: BTreeMap<EnforcementId, (u64, bool, usize)> = BTreeMap::new();
        for (at, event) in events {
            let (hour, within) = (hour_of(*at), hour_of(*at) >= since);
            let becomes = match event {
                Event::WarningUpheld(it) => Some((it.warning, 1)),
                Event::WarningDismissed(it) => Some((it.warning, 2)),
                Event::WarningOverturned(it) => Some((it.warning, 3)),
                Event::WarningLapsed(it) => Some((it.warning, 4)),
                Event::WarningAnswerWithdrawn(it) => Some((it.warning, 0)),
                _ => None,
            };
            if let Some((warning, stands)) = becomes {
                let known = warnings.get_mut(&warning).expect("it was raised");
                if followed(known.0, hour) {
                    known.3 = stands;
                    if matches!(stands, 1 | 2) && !std::mem::replace(&mut known.4, true) && within {
                        count.answered_in.push(at.ms_since(known.1));
                    }
                }
            }
            let reaches = match event {
                Event::EnforcementAdmitted(it) => Some((it.enforcement, 0)),
                Event::EnforcementAttempted(it) => Some((it.enforcement, 0)),
                Event::EnforcementSucceeded(it) => Some((it.enforcement, 0)),
                Event::EnforcementHeld(it) => Some((it.enforcement, 1)),
                Event::EnforcementVerified(it) => Some((it.enforcement, 2)),
                Event::EnforcementNotNeeded(it) => Some((it.enforcement, 3)),
                Event::EnforcementFailed(it) => Some((it.enforcement, 4)),
                Event::EnforcementSuperseded(it) => Some((it.enforcement, 5)),
                Event::EnforcementCancelled(it) => Some((it.enforcement, 6)),
                _ => None,
            };
            if let Some((stop, stage)) = reaches
                && let Some(known) = stops.get_mut(&stop)
                && followed(known.0, hour)
            {
                known.2 = stage;
                if let (Event::EnforcementVerified(it), true) = (event, within) {
                    count.verified_in.entry(known.1).or_default().push(it.took_ms);
                }
            }
            match event {
                Event::WarningRaised(it) => {
                    warnings.insert(it.warning, (hour, *at, it.rule.to_string(), 0, false));
                }
                Event::EnforcementRequested(it) if it.kind != EnforcementKind::Lift => {
                    let automatic = matches!(it.origin, EnforcementOrigin::Rule { .. });
                    stops.insert(it.enforcement, (hour, automatic, 0));
                }
                Event::FrameAssessed(it) if within => {
                    count.assessed += 1;
                    count.not_clear += u64::from(it.verdict != Verdict::Clear);
                    count.calls.entry(it.provider.name.to_string()).or_default().push(it.took.2.into());
                }
                Event::OpinionGiven(it) if within => {
                    if let OpinionSaid::Answer(_) = it.said {
                        count.calls.entry(it.provider.name.to_string()).or_default().push(it.took_ms.into());
                    }
                }
                Event::FrameFailed(it) if within => {
                    count.failed += 1;
                    if it.stage == FailedStage::Provider {
                        count.unanswered = (count.unanswered.0 + 1, count.unanswered.1 + u64::from(it.attempts));
                    }
                }
                Event::FrameSkipped(_) if within => count.others += 1,
                Event::ChannelWatched(it) if within => count.unwatched_ms += it.unwatched_ms,
                _ => {}
            }
        }
        for (hour, _, rule, stands, _) in warnings.values() {
            if *hour >= since {
                count.rules.entry(rule.clone()).or_default()[*stands] += 1;
            }
        }
        for (hour, automatic, stage) in stops.values() {
            if *hour >= since {
                count.stops.entry(*automatic).or_default()[*stage] += 1;
            }
        }
        count
    }

    fn is(mut self, sum: &Hour) {
        assert_eq!(
            (sum.frames.assessed, sum.frames.not_clear, sum.frames.failed),
            (self.assessed, self.not_clear, self.failed)
        );
        assert_eq!(sum.frames.all(), self.assessed + self.failed + self.others);
        assert_eq!((sum.unanswered.frames, sum.unanswered.attempts), self.unanswered);
        assert_eq!(sum.unwatched_ms, self.unwatched_ms);
        let rules: BTreeMap<String, [u64; 5]> = sum
            .rules
            .iter()
            .map(|(raiser, Decided { open, upheld, dismissed, overturned, lapsed })| {
                (raiser.rule.to_string(), [*open, *upheld, *dismissed, *overturned, *lapsed])
            })
            .collect();
        assert_eq!(rules, self.rules);
        assert_eq!(sum.raised(), self.rules.values().flatten().sum::<u64>());
        for (automatic, stops) in [(true, &sum.automatic), (false, &sum.by_person)] {
            let Stops { under_way, held, verified, not_needed, failed, superseded, cancelled, verified_in } = stops;
            let counts = [*under_way, *held, *verified, *not_needed, *failed, *superseded, *cancelled];
            assert_eq!(counts, self.stops.remove(&automatic).unwrap_or_default());
            told(verified_in, self.verified_in.remove(&automatic).unwrap_or_default());
        }
        assert_eq!(sum.models.len(), self.calls.len());
        for (model, calls) in &sum.models {
            let took = self.calls.remove(&*model.provider).expect("it was called");
            assert_eq!(calls.count, took.len() as u64);
            told(&calls.took, took);
        }
        told(&sum.answered_in, self.answered_in);
    }
}

/// A spread tells of these measurements what a sorted list of them tells, within its error.
fn told(spread: &Spread, mut measured: Vec<u64>) {
    measured.sort_unstable();
    assert_eq!(spread.count(), measured.len() as u64);
    for per_mille in [500_u64, 950] {
        let rank = (measured.len() as u64 * per_mille).div_ceil(1000).max(1) as usize;
        let exact = measured.get(rank - 1).copied();
        match (spread.at_most(per_mille), exact) {
            (Some(told), Some(exact)) => assert!(told.abs_diff(exact) * 1000 <= exact * 32, "{told} for {exact}"),
            (told, exact) => assert_eq!(told, exact),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_hours_say_what_counting_it_all_again_says_and_a_restart_changes_nothing(
        steps in steps(),
        restarts in 0..150_usize,
        hours in 1..=HOURS_MAX,
    ) {
        let (mut told, mut restarted) = (Told::new(), Told::new());
        for (at, step) in steps.iter().enumerate() {
            told.step(step);
            if at == restarts {
                restarted.story.view = restarted.story.reloaded();
            }
            restarted.step(step);
        }
        prop_assert_eq!(&restarted.story.view, &told.story.view);
        let overview = &told.story.view.overview;
        // The newest hour with an event is the one that is not over.
        let newest = told.events.last().map_or(0, |(at, _)| hour_of(*at));
        let since = (newest + 1).saturating_sub(hours);
        Recount::of(&told.events, since).is(&overview.sum_since(since));
        // Warnings and stops, followed one by one, add up to the same; and of no channel to nothing.
        let whole = overview.sum_since(since);
        let followed = Hour::sum(overview.of_channels(since, |_| true).values());
        prop_assert_eq!((&followed.rules, &followed.answered_in), (&whole.rules, &whole.answered_in));
        // A stop is seen to have worked once; here one may be told so again, and the last time counts.
        let stands = |stops: &Stops| Stops { verified_in: Spread::default(), ..stops.clone() };
        prop_assert_eq!(stands(&followed.automatic), stands(&whole.automatic));
        prop_assert_eq!(stands(&followed.by_person), stands(&whole.by_person));
        prop_assert!(overview.of_channels(since, |_| false).is_empty());
        for (begins, hour) in overview.since(since) {
            prop_assert!(begins >= begin_of(since) && hour_of(begins) <= newest);
            prop_assert_eq!(hour.rules.values().map(Decided::raised).sum::<u64>(), hour.raised());
        }
        prop_assert!(overview.since(0).count() as u64 <= HOURS_MAX);
    }
}

#[test]
fn hours_older_than_a_week_are_forgotten_and_so_is_what_began_in_them() {
    let mut told = Told::new();
    told.step(&Step::Raise(1));
    told.step(&Step::Time(3_600_000 * HOURS_MAX));
    told.step(&Step::Answer { warning: 0, upheld: true });
    let sum = told.story.view.overview.sum_since(0);
    assert_eq!((sum.raised(), sum.answered_in.count()), (0, 0));
    assert_eq!(told.story.view.overview.since(0).count(), 1, "the hour of the answer");
}

#[test]
fn what_some_channels_came_to_is_told_apart_from_the_rest() {
    let mut story = Story::new();
    let mine = ChannelId::new("mine").expect("a sound id");
    let (warning, _) = (story.raise("mine", 3), story.raise("other", 4));
    story.after_ms(12);
    story.told("mine", WarningUpheld { warning, by: moderator("ann"), undo_ms: 30_000 });
    let hours = story.view.overview.of_channels(0, |channel| *channel == mine);
    let sum = Hour::sum(hours.values());
    let decided: Vec<&Decided> = sum.rules.values().collect();
    assert_eq!(decided, [&Decided { upheld: 1, ..Decided::default() }]);
    assert_eq!((sum.answered_in.count(), sum.answered_in.at_most(500)), (1, Some(12)));
    assert_eq!(story.view.overview.sum_since(0).raised(), 2);
}
