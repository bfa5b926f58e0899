//! The one that carries enforcements out: reads the journal, asks the plan, acts, and reports to the channel's warden.
//!
//! It has no choice of its own. What is under way is folded from the journal, so a restart goes on where the last
//! process stopped, and an attempt whose answer was lost is settled by looking at the channel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{self, JoinSet};

use super::system::{CommandError, Wardens};
use crate::control::{ControlError, StreamControl};
use crate::events::{CodecError, EnforcementKind, NotNeededBecause, SupersededBecause};
use crate::journal::snapshots::{Snapshot, Snapshots};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{EnforcementId, Position, Scope, Sequence, SessionId, SystemScope};
use crate::telemetry::metrics;
use crate::warden::enforcement::{ATTEMPTS_MAX, BudgetLimits, Case, Desk, Due, Step, plan, plan_denied, plan_unseen};
use crate::warden::{Command, EnforcementReport, EnforcementStage};

/// What a call gets at least, however old the decision is by now: it was young enough when the attempt was planned.
const CALL_TIME_MIN: Duration = Duration::from_secs(5);
/// How often it is looked whether something is due though no event came: retries, verification, what grew too old.
const ROUND: Duration = Duration::from_millis(500);
/// Enforcements worked on at the same time.
const AT_ONCE_MAX: usize = 256;
/// The desk is saved after so many events, so that a restart reads little.
const SAVE_EVERY: u64 = 20_000;
/// Layout of the saved desk.
const SNAPSHOT_SCHEMA: u16 = 3;

/// Why the reactor ended.
#[derive(Debug, thiserror::Error)]
pub enum ReactorError {
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event cannot be understood: going on would be guessing what is under way.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A worker broke.
    #[error("reading the journal broke: {0}")]
    Broke(String),
}

/// Carries enforcements out.
pub struct EnforcementReactor {
    journal: Arc<dyn Journal>,
    snapshots: Option<Arc<Snapshots>>,
    wardens: Wardens,
    control: Arc<dyn StreamControl>,
    limits: BudgetLimits,
    desk: Desk,
    saved: Position,
    under_way: HashMap<EnforcementId, task::Id>,
}

impl EnforcementReactor {
    /// A reactor that starts from the last saved desk, or from the first event.
    pub fn new(
        journal: Arc<dyn Journal>,
        snapshots: Option<Arc<Snapshots>>,
        wardens: Wardens,
        control: Arc<dyn StreamControl>,
        limits: BudgetLimits,
    ) -> Self {
        let saved = snapshots.as_ref().and_then(|snapshots| snapshots.load(&desk_scope(), SNAPSHOT_SCHEMA));
        let desk: Option<Desk> = saved.and_then(|saved| ciborium::from_reader(saved.state.as_slice()).ok());
        let desk = desk.filter(|desk| desk.position <= *journal.watermark().borrow()).unwrap_or_default();
        let saved = desk.position;
        Self { journal, snapshots, wardens, control, limits, desk, saved, under_way: HashMap::new() }
    }

    /// Runs until `stop` turns true or the journal ends. What is under way then is finished or left to the next start.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), ReactorError> {
        let mut watermark = self.journal.watermark();
        let mut steps: JoinSet<()> = JoinSet::new();
        let mut caught_up = false;
        loop {
            let durable = *watermark.borrow_and_update(); // the guard is not held while reading: it holds up commits
            self.catch_up(durable).await?;
            if !std::mem::replace(&mut caught_up, true) {
                self.wake_live();
            }
            metrics().readers.stands_at("enforcement", self.desk.position.0, watermark.borrow().0);
            metrics().enforcement.under_way(self.desk.cases().count());
            self.begin_steps(&mut steps);
            tokio::select! {
                changed = watermark.changed() => if changed.is_err() { break },
                Some(done) = steps.join_next_with_id(), if !steps.is_empty() => {
                    match done {
                        Ok((ended, ())) => self.under_way.retain(|_, step| *step != ended),
                        Err(broke) => self.broke(&broke, &mut steps),
                    }
                }
                () = tokio::time::sleep(ROUND) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        // A call that has begun is waited for (it has a time limit), so that its result is recorded if it can be.
        while steps.join_next().await.is_some() {}
        self.save().await;
        Ok(())
    }

    /// A step that broke has ended, too: what became of its call the next look tells, after a pause.
    fn broke(&mut self, broke: &task::JoinError, steps: &mut JoinSet<()>) {
        let Some(id) = self.under_way.iter().find(|(_, step)| **step == broke.id()).map(|(id, _)| *id) else { return };
        tracing::error!(enforcement = %id, "a step broke: {broke}");
        let pause = steps.spawn(tokio::time::sleep(ROUND));
        self.under_way.insert(id, pause.id());
    }

    async fn catch_up(&mut self, watermark: Position) -> Result<(), ReactorError> {
        while self.desk.position < watermark {
            let (journal, after) = (self.journal.clone(), self.desk.position);
            let page = tokio::task::spawn_blocking(move || journal.read(after, READ_LIMIT_MAX)).await;
            let page = page.map_err(|broke| ReactorError::Broke(broke.to_string()))??;
            if page.is_empty() {
                break; // a declared hole at the end: nothing more to read yet
            }
            for recorded in &page {
                self.desk.apply(recorded)?;
            }
            if self.desk.position.0 - self.saved.0 >= SAVE_EVERY {
                self.save().await;
            }
        }
        Ok(())
    }

    async fn save(&mut self) {
        let Some(snapshots) = self.snapshots.clone() else { return };
        let mut bytes = Vec::new();
        if ciborium::into_writer(&self.desk, &mut bytes).is_err() {
            return; // the next start reads from the one before
        }
        self.saved = self.desk.position;
        let snapshot = Snapshot { sequence: Sequence(0), position: self.desk.position, state: bytes };
        let saving = move || snapshots.save(&desk_scope(), SNAPSHOT_SCHEMA, &snapshot);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(saving).await {
            tracing::warn!("the enforcement desk was not saved: {error}");
        }
    }

    fn begin_steps(&mut self, steps: &mut JoinSet<()>) {
        let now = self.wardens.clock().now();
        // While an admission is on its way to the journal the budget is not known exactly: the next waits for it.
        let requested =
            |id: &EnforcementId| self.desk.case(*id).is_some_and(|case| case.stage == EnforcementStage::Requested);
        let budget_in_use = self.under_way.keys().any(requested);
        for (id, due) in self.desk.due(self.limits, now) {
            if self.under_way.len() >= AT_ONCE_MAX {
                break;
            }
            let Some(case) = self.desk.case(id) else { continue };
            if budget_in_use && case.stage == EnforcementStage::Requested {
                continue;
            }
            if !self.under_way.contains_key(&id) {
                let hands = Hands { wardens: self.wardens.clone(), control: self.control.clone(), case: case.clone() };
                let step = steps.spawn(async move {
                    if !hands.step(due).await {
                        tokio::time::sleep(ROUND).await; // or a platform with nothing new would be asked without a pause
                    }
                });
                self.under_way.insert(id, step.id());
            }
        }
    }

    /// Wakes the wardens of channels that were on the air when the last process ended: should their input have dried
    /// up, no frame will, and nobody would say that they are not watched. Done here because the desk knows who is live.
    fn wake_live(&self) {
        let live: Vec<_> = self.desk.live().cloned().collect();
        let wardens = self.wardens.clone();
        tokio::spawn(async move {
            for channel in live {
                let _ = wardens.inspect(&channel).await; // one that cannot be read says so itself
            }
        });
    }
}

/// The desk is no scope of the journal's; it is saved under the store's name.
fn desk_scope() -> Scope {
    Scope::System(SystemScope::Outbox)
}

/// What one step needs.
struct Hands {
    wardens: Wardens,
    control: Arc<dyn StreamControl>,
    case: Case,
}

impl Hands {
    /// Whether it got anywhere.
    async fn step(&self, due: Due) -> bool {
        match due {
            Due::Report(report) => self.report(report).await,
            Due::Look => {
                let looking = self.control.look(&self.case.channel, self.case.request.kind);
                let seen = tokio::time::timeout(self.control.call_time_max(), looking).await;
                let now = self.wardens.clock().now();
                let step = match seen {
                    Ok(Ok(seen)) => plan(&self.case, &seen, now),
                    Ok(Err(ControlError::Denied(reason))) => plan_denied(&self.case, &reason),
                    Ok(Err(unknown @ ControlError::Unknown(_))) => plan_denied(&self.case, &unknown.to_string()),
                    // Not known what is on the air: nothing is done until it is, or until it is too late to.
                    Ok(Err(_)) | Err(_) => plan_unseen(&self.case, now),
                };
                match step {
                    Step::Wait => false,
                    Step::Report(report) => self.report(report).await,
                    Step::Try { attempt, found } => self.attempt(attempt, found).await,
                }
            }
        }
    }

    async fn attempt(&self, attempt: u8, found: Option<SessionId>) -> bool {
        // Durable before the call (invariant I5). Refused if a person has called it off meanwhile.
        if !self.report(EnforcementReport::Attempting { attempt, found: found.clone() }).await {
            return false;
        }
        fail::fail_point!(&format!("enforcement.before_call {}", self.case.channel));
        let begun = Instant::now();
        let called = tokio::time::timeout(self.patience(), self.call(found.as_ref())).await;
        let result = match &called {
            Ok(Ok(())) => "done",
            Ok(Err(error)) => error.name(),
            Err(_) => "deadline",
        };
        metrics().enforcement.called(self.case.request.kind, result, begun.elapsed());
        fail::fail_point!(&format!("enforcement.after_call {}", self.case.channel));
        match called {
            Ok(Ok(())) => self.report(EnforcementReport::Succeeded(attempt)).await,
            Ok(Err(ControlError::NotBroadcasting)) if attempt == 1 => {
                self.report(EnforcementReport::NotNeeded(NotNeededBecause::AlreadyOffline)).await
            }
            Ok(Err(ControlError::Denied(reason))) => self.report(EnforcementReport::Failed(reason)).await,
            Ok(Err(unknown @ ControlError::Unknown(_))) => {
                self.report(EnforcementReport::Failed(unknown.to_string())).await
            }
            // Certainly not done, and what is on the air nobody has judged. A suspension's next look sees its keys.
            Ok(Err(ControlError::OtherSession(found))) if attempt == 1 => {
                let because = SupersededBecause::Replaced;
                self.report(EnforcementReport::Superseded { found, because }).await
            }
            Ok(Err(throttled @ ControlError::Throttled(_))) if attempt >= ATTEMPTS_MAX => {
                let reason = format!("{throttled}, tried {attempt} times");
                self.report(EnforcementReport::Failed(reason)).await
            }
            // Whether it worked is not known, or it did not: the next round looks, and tries again after a pause.
            Ok(Err(
                ControlError::NotBroadcasting
                | ControlError::OtherSession(_)
                | ControlError::Throttled(_)
                | ControlError::Unavailable(_),
            ))
            | Err(_) => true,
        }
    }

    /// How long the call may take: its turn may come so late that what was judged is too old to be acted on. A call
    /// that still waits for its turn then is never made.
    fn patience(&self) -> Duration {
        let left = self.case.expires.ms_since(self.wardens.clock().now());
        self.control.call_time_max().min(Duration::from_millis(left).max(CALL_TIME_MIN))
    }

    async fn call(&self, found: Option<&SessionId>) -> Result<(), ControlError> {
        let channel = &self.case.channel;
        match (self.case.request.kind, found.or(self.case.request.session.as_ref())) {
            (EnforcementKind::Lift, _) => self.control.restore_keys(channel).await,
            (EnforcementKind::Stop, Some(session)) => self.control.stop(channel, session).await,
            (EnforcementKind::Suspend, Some(session)) => {
                // Keys first: an encoder reconnects within seconds of a stop.
                self.control.revoke_keys(channel).await?;
                match self.control.stop(channel, session).await {
                    Err(ControlError::NotBroadcasting) => Ok(()), // the keys are revoked and nothing is on the air
                    other => other,
                }
            }
            (EnforcementKind::Stop | EnforcementKind::Suspend, None) => {
                Err(ControlError::Denied("the request names no session".to_owned()))
            }
        }
    }

    /// Whether the warden took the report.
    async fn report(&self, report: EnforcementReport) -> bool {
        let enforcement = self.case.request.enforcement;
        let command = Command::Report { enforcement, report };
        match self.wardens.command(&self.case.channel, command).await {
            Ok(_) => true,
            Err(CommandError::Rejected(reason)) => {
                // Somebody was faster, or this desk has not yet read what it caused: the next round knows.
                tracing::debug!(%enforcement, "a report was not taken: {reason}");
                false
            }
            Err(error) => {
                tracing::warn!(%enforcement, "a report was not recorded: {error}");
                false
            }
        }
    }
}
