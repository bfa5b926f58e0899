//! The one thing to do next about an enforcement, from how far it has come and what is on the air.

use crate::events::{EnforcementKind, EnforcementOrigin, NotNeededBecause, SupersededBecause};
use crate::model::{SessionId, Timestamp};
use crate::warden::{EnforcementReport, EnforcementStage};

use super::Case;

/// How often one enforcement is tried.
pub const ATTEMPTS_MAX: u8 = 5;
/// How long a platform may take to show that an accepted stop worked before it is tried again.
pub const VERIFY_WAIT_MS: u64 = 10_000;

/// How long after an attempt the last pictures of a stopped session may still be captured: they are on their way from
/// the platform for up to 10 s after the end. One captured later shows that the session goes on.
pub const PICTURES_SETTLE_MS: u64 = 10_000;
/// How long after an attempt a channel that cannot be looked at is waited for, before a person must act.
pub const UNSEEN_MS_MAX: u64 = 5 * 60_000;

/// What was just seen of the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The session on the air, if any.
    pub on_air: Option<SessionId>,
    /// When that session began, as early as the platform's clock allows; none if the platform does not say.
    pub started_at: Option<Timestamp>,
    /// When that session had begun, as late as the platform's clock allows; none if the platform does not say.
    pub started_by: Option<Timestamp>,
    /// Whether the channel has no valid stream key. Said for a suspension and its lifting; a stop leaves keys alone.
    pub suspended: bool,
    /// How long after an attempt no picture may have come before the stop counts as seen, in milliseconds. 0 where
    /// what the platform says of a channel is all there is to know.
    pub quiet_ms: u64,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Report this.
    Report(EnforcementReport),
    /// Report the attempt and, once that is durable, make it.
    Try {
        /// Which try, from 1.
        attempt: u8,
        /// The session to stop, where the one judged has no name and this was seen to be it.
        found: Option<SessionId>,
    },
    /// Nothing yet.
    Wait,
}

/// How long to wait after attempt `attempt` before the next.
pub const fn backoff_ms(attempt: u8) -> u64 {
    let doublings = if attempt > 6 { 6 } else { attempt };
    500 << doublings // 1 s after the first, 2 s, 4 s …
}

/// Plans. A stop is tried only while the very session that was judged is on the air (invariant I11), and only if that
/// session had begun when the judged frame was captured: a session that began later is another, whatever it is called.
/// An attempt whose answer was lost is settled by looking, never by guessing.
pub fn plan(case: &Case, seen: &Seen, now: Timestamp) -> Step {
    match case.request.kind {
        EnforcementKind::Lift => lift(case, seen, now),
        EnforcementKind::Stop | EnforcementKind::Suspend => stop(case, seen, now),
    }
}

/// Plans while the channel cannot be looked at. Nothing is tried blindly (invariant I11), and the enforcement still
/// comes to its end (invariant I5): what was not tried grows too old, what was tried becomes a person's matter.
pub fn plan_unseen(case: &Case, now: Timestamp) -> Step {
    match case.stage {
        EnforcementStage::Requested | EnforcementStage::Held => Step::Wait,
        EnforcementStage::Admitted if now > case.expires => Step::Report(EnforcementReport::Expired),
        EnforcementStage::Admitted => Step::Wait,
        EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_) if now > case.since.plus_ms(UNSEEN_MS_MAX) => {
            let reason = "it was tried, but the channel cannot be looked at to see whether it worked";
            Step::Report(EnforcementReport::Failed(reason.to_owned()))
        }
        EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_) => Step::Wait,
    }
}

/// Plans where the platform says for good that the channel may not be looked at. Waiting would change nothing, so what
/// was admitted becomes a person's matter at once; what nobody admitted waits for its answer as ever.
pub fn plan_denied(case: &Case, reason: &str) -> Step {
    match case.stage {
        EnforcementStage::Requested | EnforcementStage::Held => Step::Wait,
        EnforcementStage::Admitted => Step::Report(EnforcementReport::Failed(reason.to_owned())),
        EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_) => {
            let reason = format!("it was tried, and whether it worked cannot be seen: {reason}");
            Step::Report(EnforcementReport::Failed(reason))
        }
    }
}

fn stop(case: &Case, seen: &Seen, now: Timestamp) -> Step {
    let on_air = standing(case, seen);
    let keys_as_wanted = case.request.kind == EnforcementKind::Stop || seen.suspended;
    match (case.stage, on_air) {
        (EnforcementStage::Requested | EnforcementStage::Held, _) => Step::Wait,
        (EnforcementStage::Admitted, OnAir::Nothing) => {
            Step::Report(EnforcementReport::NotNeeded(NotNeededBecause::AlreadyOffline))
        }
        (EnforcementStage::Admitted, OnAir::Another { found, because }) => {
            Step::Report(EnforcementReport::Superseded { found, because })
        }
        (EnforcementStage::Admitted, OnAir::Judged { .. }) if now > case.expires => {
            Step::Report(EnforcementReport::Expired)
        }
        (EnforcementStage::Admitted, OnAir::Judged { found }) => Step::Try { attempt: 1, found },
        (EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_), OnAir::Nothing | OnAir::Another { .. })
            if keys_as_wanted =>
        {
            seen_stopped(case, seen, now)
        }
        (EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_), OnAir::Another { found, because }) => {
            // Its keys were not revoked in time and another session has begun, which nobody has judged.
            Step::Report(EnforcementReport::Superseded { found, because })
        }
        (EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_), OnAir::Nothing) => {
            again(case, now, "the stream keys are still valid")
        }
        (EnforcementStage::Attempted(_), OnAir::Judged { .. }) => {
            again(case, now, "the platform did not accept the stop")
        }
        (EnforcementStage::Succeeded(_), OnAir::Judged { .. }) if now < case.since.plus_ms(VERIFY_WAIT_MS) => {
            Step::Wait
        }
        (EnforcementStage::Succeeded(_), OnAir::Judged { .. }) => {
            again(case, now, "the session is still on the air after an accepted stop")
        }
    }
}

/// What is on the air, as far as the judged session goes.
enum OnAir {
    Nothing,
    /// The judged one; `found` is its name where it was judged without one.
    Judged {
        found: Option<SessionId>,
    },
    Another {
        found: SessionId,
        because: SupersededBecause,
    },
}

fn standing(case: &Case, seen: &Seen) -> OnAir {
    let Some(on_air) = &seen.on_air else { return OnAir::Nothing };
    let another = |because| OnAir::Another { found: on_air.clone(), because };
    match &case.request.session {
        Some(judged) if judged.is_named() => {
            let began_later =
                matches!((seen.started_at, case.judged_at), (Some(start), Some(judged)) if start > judged);
            match (on_air == judged, began_later) {
                (true, false) => OnAir::Judged { found: None },
                (true, true) => another(SupersededBecause::BeganLater),
                (false, _) => another(SupersededBecause::Replaced),
            }
        }
        // Once it was tried, its name is on record.
        Some(_) if case.found.is_some() && case.found.as_ref() != Some(on_air) => another(SupersededBecause::Replaced),
        Some(_) if case.found.is_some() || is_judged_one(case, seen) => OnAir::Judged { found: Some(on_air.clone()) },
        Some(_) => another(SupersededBecause::Unproven),
        None => another(SupersededBecause::Replaced), // a stop names a session: this one cannot come about
    }
}

/// Whether the session on the air is the one judged though that has no name: it certainly began before the judged frame,
/// and by so much that the frame is not one of the last, still on their way, of the broadcast before. A channel carries
/// one broadcast at a time, so what began before the frame and is on the air now is the only one since. Only for a
/// person: no rule stops what has no name.
fn is_judged_one(case: &Case, seen: &Seen) -> bool {
    let person = matches!(case.request.origin, EnforcementOrigin::Person { .. });
    let certainly = |start: Timestamp, judged: Timestamp| start.plus_ms(PICTURES_SETTLE_MS) <= judged;
    person && matches!((seen.started_by, case.judged_at), (Some(start), Some(judged)) if certainly(start, judged))
}

/// The platform says that the session is off the air. Believed when no picture of it contradicts.
fn seen_stopped(case: &Case, seen: &Seen, now: Timestamp) -> Step {
    let goes_on = case.newest_picture.is_some_and(|newest| newest > case.since.plus_ms(PICTURES_SETTLE_MS));
    if goes_on && seen.quiet_ms > 0 {
        return again(case, now, "the platform says that the session is over, but pictures of it still arrive");
    }
    if now < case.since.plus_ms(seen.quiet_ms) {
        return Step::Wait;
    }
    Step::Report(EnforcementReport::Verified)
}

fn lift(case: &Case, seen: &Seen, now: Timestamp) -> Step {
    match case.stage {
        EnforcementStage::Requested | EnforcementStage::Held => Step::Wait,
        EnforcementStage::Admitted if !seen.suspended => {
            Step::Report(EnforcementReport::NotNeeded(NotNeededBecause::NotSuspended))
        }
        EnforcementStage::Admitted if now > case.expires => Step::Report(EnforcementReport::Expired),
        EnforcementStage::Admitted => Step::Try { attempt: 1, found: None },
        EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_) if !seen.suspended => {
            Step::Report(EnforcementReport::Verified)
        }
        EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_) => {
            again(case, now, "the channel still has no valid stream key")
        }
    }
}

/// Another try when the pause is over, as long as there are tries left.
fn again(case: &Case, now: Timestamp, otherwise: &str) -> Step {
    let tried = match case.stage {
        EnforcementStage::Attempted(attempt) | EnforcementStage::Succeeded(attempt) => attempt,
        EnforcementStage::Requested | EnforcementStage::Held | EnforcementStage::Admitted => 0,
    };
    if now < case.since.plus_ms(backoff_ms(tried)) {
        Step::Wait
    } else if tried >= ATTEMPTS_MAX {
        Step::Report(EnforcementReport::Failed(format!("{otherwise}, tried {tried} times")))
    } else if now > case.expires {
        // What was judged may no longer be what is shown: no further try without a person.
        Step::Report(EnforcementReport::Failed(format!("{otherwise}, tried {tried} times, and it is too old by now")))
    } else {
        Step::Try { attempt: tried + 1, found: case.found.clone() }
    }
}
