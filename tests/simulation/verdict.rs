//! Holds the journal of a finished run against what really happened in its world.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::AddAssign;

use streamwarden::events::{Arranged, AsksBecause, EnforcementOrigin, Event, LapsedBecause, OpinionRole, Recorded};
use streamwarden::model::{EnforcementId, EventId, Medium, RuleId, SessionId, Timestamp, Verdict};
use streamwarden::projections::View;
use streamwarden::warden::invariants::Invariants;
use streamwarden::warden::{Coverage, Warning};

use crate::listening::Listening;
use crate::nameless::{self, Nameless};
use crate::run::{LIMITS, Run};
use crate::world::Notification;

/// What happened in a run, so that a simulation in which nothing happens is noticed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub runs: u64,
    pub steps: u64,
    pub crashes: u64,
    pub frames: u64,
    pub assessed: u64,
    pub failed: u64,
    pub superseded: u64,
    pub late: u64,
    pub conflicts: u64,
    pub warnings: u64,
    pub answers: u64,
    pub stops: u64,
    pub held: u64,
    pub ends: HashMap<&'static str, u64>,
    pub unwatched: u64,
    pub asked_to_look: u64,
    pub lapsed: u64,
    pub kept_from_stopping: u64,
    pub heard: u64,
    pub mute: u64,
    pub asked_to_listen: u64,
    pub judged_again: u64,
    pub unjudged: u64,
    pub stops_from_sound: u64,
    pub second_not_asked: u64,
    pub seconded: u64,
    pub arranged: HashMap<&'static str, u64>,
    pub nameless: nameless::Figures,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.crashes += other.crashes;
        self.frames += other.frames;
        self.assessed += other.assessed;
        self.failed += other.failed;
        self.superseded += other.superseded;
        self.late += other.late;
        self.conflicts += other.conflicts;
        self.warnings += other.warnings;
        self.answers += other.answers;
        self.stops += other.stops;
        self.held += other.held;
        self.unwatched += other.unwatched;
        self.asked_to_look += other.asked_to_look;
        self.lapsed += other.lapsed;
        self.kept_from_stopping += other.kept_from_stopping;
        self.heard += other.heard;
        self.mute += other.mute;
        self.asked_to_listen += other.asked_to_listen;
        self.judged_again += other.judged_again;
        self.unjudged += other.unjudged;
        self.stops_from_sound += other.stops_from_sound;
        self.second_not_asked += other.second_not_asked;
        self.seconded += other.seconded;
        self.nameless.frames += other.nameless.frames;
        self.nameless.judged += other.nameless.judged;
        self.nameless.asked += other.nameless.asked;
        self.nameless.stopped += other.nameless.stopped;
        for (end, count) in other.ends {
            *self.ends.entry(end).or_default() += count;
        }
        for (why, count) in other.arranged {
            *self.arranged.entry(why).or_default() += count;
        }
    }
}

impl Figures {
    /// Whether every kind of thing that is to be simulated was.
    pub fn everything_happened(&self) -> bool {
        let counts = [
            self.crashes,
            self.assessed,
            self.failed,
            self.superseded,
            self.late,
            self.conflicts,
            self.warnings,
            self.answers,
            self.stops,
            self.held,
            self.unwatched,
            self.asked_to_look,
            self.lapsed,
            self.kept_from_stopping,
            self.heard,
            self.mute,
            self.asked_to_listen,
            self.judged_again,
            self.unjudged,
            self.stops_from_sound,
            self.second_not_asked,
            self.seconded,
            self.nameless.frames,
            self.nameless.judged,
            self.nameless.asked,
            self.nameless.stopped,
        ];
        counts.iter().all(|count| *count > 0) && self.ends.len() == 5 && self.arranged.len() == 4
    }
}

/// What is wrong with a run, or what happened in it.
pub fn of(run: &mut Run) -> Result<Figures, String> {
    if let Some(broken) = run.broken.take() {
        return Err(broken);
    }
    run.compare_with_replay();
    if let Some(broken) = run.broken.take() {
        return Err(broken);
    }
    let events = run.everything();
    let mut invariants = Invariants::default();
    for recorded in &events {
        invariants.see(recorded).map_err(|violation| violation.to_string())?;
    }
    let under_way: Vec<EnforcementId> = invariants.under_way().collect();
    ensure(under_way.is_empty(), || format!("I5: never came to an end: {under_way:?}"))?;
    frames_have_outcomes(run)?;
    silence_is_loud(run)?;
    let mut figures = Figures { runs: 1, steps: run.steps, crashes: u64::from(run.crashes), ..Figures::default() };
    let (mut told, mut listening, mut nameless) = (Told::default(), Listening::default(), Nameless::default());
    let mut view = View::default();
    for recorded in &events {
        let event = recorded.event().map_err(|error| error.to_string())?;
        if let Some(channel) = recorded.envelope.scope.channel() {
            listening.see(run, channel, &recorded.envelope, &event)?;
            nameless.see(run, channel, &recorded.envelope, &event)?;
        }
        view.apply(recorded, &event);
        told.see(run, recorded, &event, &mut figures)?;
    }
    figures.nameless = nameless.figures;
    figures.nameless.stopped = stops_hit_whom_they_were_meant_for(run, &told, &nameless)?;
    rows_say_what_wardens_know(run, &view)?;
    figures.stops = run.world.stopped.len() as u64;
    if let Some(process) = &run.process {
        let mut desk = process.desk.clone();
        let behind = events.iter().filter(|recorded| recorded.envelope.position > process.desk.position);
        behind.for_each(|recorded| desk.apply(recorded).expect("read above"));
        ensure(desk == run.replayed_desk(false), || "I3: the desk is not what replay gives".to_owned())?;
    }
    Ok(figures)
}

fn ensure(truth: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if truth { Ok(()) } else { Err(what()) }
}

fn frames_have_outcomes(run: &Run) -> Result<(), String> {
    for notification in &run.world.source {
        if let Notification::Frame(frame) = notification {
            let outcome = run.find(EventId::outcome_of(frame.id));
            ensure(outcome.is_some(), || format!("I1: frame {} has no outcome", frame.id))?;
        }
    }
    let cursor = run.process.as_ref().map_or(0, |process| process.cursor);
    let published = run.world.source.len();
    ensure(cursor == published, || format!("only {cursor} of {published} notifications were acknowledged"))?;
    for ((frame, epoch), asked) in &run.world.asked {
        ensure(*asked == 1, || format!("I10: the provider answered {asked} times about {frame} in epoch {epoch}"))?;
    }
    let unanswered = run.requests.iter().filter(|request| !request.answered).count();
    ensure(unanswered == 0, || format!("{unanswered} moderators were never answered"))
}

fn silence_is_loud(run: &Run) -> Result<(), String> {
    const TICKS_EVERY_MS: u64 = 30_000;
    let Some(process) = &run.process else { return Err("no process at the end".to_owned()) };
    for warden in &process.wardens {
        if let (Coverage::Watched { from }, Some((pace, _))) = (&warden.state.coverage, &warden.state.pace) {
            let from = warden.state.pace_since.map_or(*from, |since| since.max(*from)); // by the pace since then
            let silent = run.now().ms_since(from);
            let most = 2 * u64::from(pace.interval_ms) + u64::from(pace.tolerance_ms) + TICKS_EVERY_MS;
            ensure(silent <= most, || format!("I7: {} is called watched after {silent} ms", warden.state.channel))?;
        }
        let asks_to_look = warden.state.open_warnings().any(|open| open.rule == RuleId::on_unavailable());
        let unwatched = matches!(warden.state.coverage, Coverage::Unwatched { .. });
        ensure(!asks_to_look || unwatched, || {
            format!("a person is asked to look at {}, which is watched or off the air", warden.state.channel)
        })?;
        let policy = run.policy_in_force();
        for medium in [Medium::Clip, Medium::Sound] {
            if let Some(unjudged) = warden.state.unjudged(policy, medium) {
                let late = run.now().ms_since(unjudged.from);
                ensure(late <= TICKS_EVERY_MS, || {
                    format!("I7: {medium:?} of {} is judged by nobody, unsaid for {late} ms", warden.state.channel)
                })?;
            }
            let mut open = warden.state.open_warnings();
            let asks = open.find(|open| open.rule == RuleId::on_unavailable_of(medium));
            let fails = |open: &Warning| {
                let on_air = warden.state.session.as_ref().is_some_and(|on_air| on_air.id == open.session);
                on_air || !open.session.is_named() && warden.state.session.is_some()
            };
            ensure(asks.is_none_or(|open| fails(open) && warden.state.track(medium).failures > 0), || {
                format!(
                    "a person is asked to listen to {}, {medium:?} of which is judged or over",
                    warden.state.channel
                )
            })?;
        }
    }
    Ok(())
}

/// What the journal says about enforcements.
#[derive(Default)]
struct Told {
    requests: HashMap<EnforcementId, (Option<SessionId>, EnforcementOrigin)>,
    attempts: HashSet<(EnforcementId, u8)>,
    spent: VecDeque<(Timestamp, RuleId)>,
}

impl Told {
    fn see(&mut self, run: &Run, recorded: &Recorded, event: &Event, figures: &mut Figures) -> Result<(), String> {
        let mut ended = |how: &'static str| *figures.ends.entry(how).or_default() += 1;
        match event {
            Event::FrameAssessed(assessed) => {
                figures.frames += 1;
                figures.assessed += 1;
                figures.late += u64::from(assessed.late);
                let answered = run.world.answered.contains(&assessed.frame);
                ensure(answered, || format!("I7: frame {} is judged, the provider never answered", assessed.frame))?;
                if !assessed.medium.is_picture() {
                    figures.heard += 1;
                    figures.stops_from_sound += u64::from(assessed.verdict == Verdict::Stop);
                    let truth = run.world.truth.get(&assessed.frame).cloned().unwrap_or_default();
                    let all = truth.iter().all(|label| assessed.labels.contains(label));
                    ensure(all, || format!("I6: {:?} of {truth:?} are recorded", assessed.labels))?;
                }
                if let Some(arranged) = assessed.arranged {
                    let why = match arranged {
                        Arranged::InPlaceOf(_) => "in place of",
                        Arranged::PastTheScreen => "past the screen",
                        Arranged::Sampled => "sampled",
                        Arranged::NothingToAsk => "nothing to ask",
                    };
                    *figures.arranged.entry(why).or_default() += 1;
                }
            }
            Event::FrameSkipped(skipped) => {
                figures.frames += 1;
                let because = matches!(skipped.because, streamwarden::events::Skip::Superseded { .. });
                figures.superseded += u64::from(because);
                figures.mute += u64::from(matches!(skipped.because, streamwarden::events::Skip::NoTrack { .. }));
            }
            Event::OpinionGiven(opinion) => figures.seconded += u64::from(opinion.role == OpinionRole::Seconded),
            Event::SegmentsUnjudged(_) => figures.unjudged += 1,
            Event::FrameFailed(_) => {
                figures.frames += 1;
                figures.failed += 1;
            }
            Event::FrameConflict(_) => figures.conflicts += 1,
            Event::ChannelUnwatched(_) => figures.unwatched += 1,
            Event::WarningRaised(raised) => {
                figures.warnings += 1;
                let (unavailable, picture) = (raised.unavailable.is_some(), raised.medium.is_picture());
                figures.asked_to_look += u64::from(unavailable && picture);
                figures.asked_to_listen += u64::from(unavailable && !picture);
                figures.second_not_asked += u64::from(raised.asks == Some(AsksBecause::SecondNotAsked));
                let too_few = matches!(raised.asks, Some(AsksBecause::TooFewRules { .. }));
                figures.kept_from_stopping += u64::from(too_few);
            }
            Event::WarningLapsed(lapsed) => {
                figures.lapsed += 1;
                figures.judged_again += u64::from(lapsed.because == LapsedBecause::JudgedAgain);
            }
            Event::WarningUpheld(it) => {
                figures.answers += 1;
                named_by_its_request(run, recorded, it.warning)?;
            }
            Event::WarningDismissed(it) => {
                figures.answers += 1;
                named_by_its_request(run, recorded, it.warning)?;
            }
            Event::EnforcementRequested(asked) => {
                self.requests.insert(asked.enforcement, (asked.session.clone(), asked.origin.clone()));
            }
            Event::EnforcementAdmitted(admitted) if admitted.by.is_none() => {
                self.within_budget(admitted.enforcement, recorded.envelope.recorded_at)?;
            }
            Event::EnforcementHeld(_) => figures.held += 1,
            Event::EnforcementAttempted(it) => {
                self.attempts.insert((it.enforcement, it.attempt));
            }
            Event::EnforcementVerified(_) => ended("verified"),
            Event::EnforcementNotNeeded(_) => ended("not needed"),
            Event::EnforcementSuperseded(_) => ended("superseded"),
            Event::EnforcementFailed(_) => ended("failed"),
            Event::EnforcementCancelled(_) => ended("cancelled"),
            _ => {}
        }
        Ok(())
    }

    /// Counted anew from the journal alone, not by the code under test.
    fn within_budget(&mut self, enforcement: EnforcementId, at: Timestamp) -> Result<(), String> {
        let Some((_, EnforcementOrigin::Rule { rule, .. })) = self.requests.get(&enforcement) else { return Ok(()) };
        self.spent.retain(|(spent, _)| at.ms_since(*spent) < 60_000);
        let by_rule = self.spent.iter().filter(|(_, by)| by == rule).count() as u32;
        let used = self.spent.len() as u32;
        ensure(used < LIMITS.per_minute && by_rule < LIMITS.per_rule_per_minute, || {
            format!("budget: {enforcement} of {rule} is admitted after {used} others, {by_rule} of them its own rule's")
        })?;
        self.spent.push_back((at, rule.clone()));
        Ok(())
    }
}

fn named_by_its_request(run: &Run, recorded: &Recorded, warning: streamwarden::model::WarningId) -> Result<(), String> {
    let story = recorded.envelope.correlation;
    let request =
        run.requests.iter().find(|request| Some(EventId::of_command("moderation", &[request.id.as_bytes()])) == story);
    let named = request.is_some_and(|request| request.names(warning));
    ensure(named, || format!("I9: warning {warning} was answered, nobody named it"))
}

/// What is shown of a channel's segments that nobody judges is what its warden holds.
fn rows_say_what_wardens_know(run: &Run, view: &View) -> Result<(), String> {
    let Some(process) = &run.process else { return Err("no process at the end".to_owned()) };
    for warden in process.wardens.iter().filter(|warden| warden.state.session.is_some()) {
        let shown = view.channels.get(&warden.state.channel).map_or(&[][..], |row| row.unjudged.as_slice());
        for medium in run.policy_in_force().media_of_segments() {
            let (shows, holds) = (shown.iter().any(|one| one.medium == medium), warden.state.track(medium).unjudged);
            ensure(shows == holds, || {
                format!("{medium:?} of {} is shown unjudged: {shows}, its warden holds: {holds}", warden.state.channel)
            })?;
        }
    }
    Ok(())
}

/// How many of them had been asked for without a name.
fn stops_hit_whom_they_were_meant_for(run: &Run, told: &Told, nameless: &Nameless) -> Result<u64, String> {
    let mut without_a_name = 0;
    for (enforcement, hit) in &run.world.stopped {
        let named = told.requests.get(enforcement).and_then(|(session, _)| session.clone());
        let really = nameless.meant(&run.world, *enforcement);
        without_a_name += u64::from(really.is_some());
        let meant = really.unwrap_or(named);
        ensure(meant.as_ref() == Some(hit), || format!("I11: {enforcement} is meant for {meant:?} and stopped {hit}"))?;
    }
    for (call, made) in &run.world.attempts {
        ensure(told.attempts.contains(call), || format!("I5: attempt {call:?} was made before it was recorded"))?;
        ensure(*made == 1, || format!("I5: attempt {call:?} was made {made} times"))?;
    }
    Ok(without_a_name)
}
