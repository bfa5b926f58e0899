//! What persons did, and broadcasts that begin and end, carried over to a trial: an answer to a recorded warning is one
//! to the warnings on trial that go by it; what the platform did to a stream, it did to the same stop on trial.
//!
//! An answer that came while a frame was under way counts as given before that frame.

use super::trial::Trial;
use crate::events::{
    EnforcementCancelled, EnforcementOrigin, Envelope, Event, ReputationAdjusted, SessionEndBecause, SessionEnded,
    WarningAnswerWithdrawn, WarningOverturned,
};
use crate::model::{EnforcementId, EventId, ModeratorId, SessionId, WarningId};
use crate::warden::{Answering, Command, ModeratorAct, UndoTime, WARNINGS_PER_ANSWER_MAX};

/// One answer, as it was given: to one warning or several at once, which may ask for one stop together.
pub(super) struct Given {
    pub warnings: Vec<WarningId>,
    pub upheld: bool,
    pub by: ModeratorId,
    pub undo_ms: u32,
}

impl Given {
    /// The answers of one kind among the events of one decision, if there are any.
    pub fn of<'a>(events: impl Iterator<Item = &'a Event>, upheld: bool) -> Option<Self> {
        let mut given: Option<Self> = None;
        for event in events {
            let (warning, by, undo_ms) = match event {
                Event::WarningUpheld(it) if upheld => (it.warning, &it.by, it.undo_ms),
                Event::WarningDismissed(it) if !upheld => (it.warning, &it.by, it.undo_ms),
                _ => continue,
            };
            let warnings = Vec::new();
            given.get_or_insert_with(|| Self { warnings, upheld, by: by.clone(), undo_ms }).warnings.push(warning);
        }
        given
    }
}

impl Trial {
    /// A broadcast began: said by the platform, or seen by its first frame in the stretch (then there is no event).
    pub fn start(&mut self, envelope: &Envelope, session: &SessionId, event: Option<&Event>) {
        let at = envelope.captured_at.unwrap_or(envelope.recorded_at);
        self.run(&Command::StartSession { session: session.clone(), at }, envelope.recorded_at);
        let on_air = self.state.session.as_ref().is_some_and(|on_air| on_air.id == *session);
        if let (false, Some(event)) = (on_air, event) {
            self.apply_one(event, envelope.recorded_at, envelope.captured_at); // it did, whatever is known here
        }
        self.broadcast_began();
        self.let_go();
    }

    /// A broadcast ended: the platform said so, or a stop was seen to have worked. Here it counts as stopped only if a
    /// stop was asked for here too.
    pub fn end(&mut self, envelope: &Envelope, ended: &SessionEnded, event: &Event) {
        let session = &ended.session;
        if ended.because != SessionEndBecause::Stopped || self.stops.of(session).is_none() {
            self.run(&Command::EndSession { session: session.clone() }, envelope.recorded_at);
        }
        if !self.state.has_ended(session) {
            self.apply_one(event, envelope.recorded_at, envelope.captured_at);
        }
    }

    /// A moderator answered these recorded warnings, all in one.
    pub fn answer(&mut self, envelope: &Envelope, given: &Given) {
        let open = self.state.open_warnings().map(|warning| warning.id);
        let goes_by = |warning: &WarningId| given.warnings.iter().any(|one| self.matches.goes_by(*warning, *one));
        let meant: Vec<WarningId> = open.filter(goes_by).collect();
        if meant.is_empty() {
            return;
        }
        let undo = UndoTime::from_ms(given.undo_ms).unwrap_or_default(); // one that was recorded is no longer than allowed
        let answering = Answering { undo, ..Answering::to(meant.into_iter().take(WARNINGS_PER_ANSWER_MAX)) };
        let request = EventId::of_command("backtest", &[envelope.id.as_bytes()]);
        let act = match given.upheld {
            true => ModeratorAct::Uphold(answering),
            false => ModeratorAct::Dismiss(answering),
        };
        self.run(&Command::Moderate { request, by: given.by.clone(), act }, envelope.recorded_at);
    }

    /// A moderator took an answer back. Accepted then, it is accepted here, whatever has become of it on trial.
    pub fn withdraw(&mut self, envelope: &Envelope, withdrawn: &WarningAnswerWithdrawn) {
        let answered = self.state.warnings.iter().filter(|warning| warning.answer.is_some()).map(|warning| warning.id);
        let meant: Vec<WarningId> =
            answered.filter(|warning| self.matches.goes_by(*warning, withdrawn.warning)).collect();
        for warning in meant {
            let event = WarningAnswerWithdrawn { warning, by: withdrawn.by.clone() };
            self.apply_one(&event.into(), envelope.recorded_at, None);
            let led_to = self.state.enforcements.iter().filter(|asked| is_answer_to(&asked.origin, warning));
            let led_to: Vec<EnforcementId> = led_to.map(|asked| asked.id).collect();
            for enforcement in led_to {
                let event = EnforcementCancelled { enforcement, by: Some(withdrawn.by.clone()) };
                self.apply_one(&event.into(), envelope.recorded_at, None);
            }
        }
    }

    /// An appeal overturned a warning: what goes by it on trial is overturned too, however long ago it was.
    pub fn overturn(&mut self, envelope: &Envelope, overturned: &WarningOverturned) {
        for warning in self.matches.going_by(overturned.warning) {
            let event = WarningOverturned { warning, ..overturned.clone() };
            self.apply_one(&event.into(), envelope.recorded_at, envelope.captured_at);
        }
    }

    /// A person set the channel's reputation: whatever the policy, they would have.
    pub fn adjust(&mut self, envelope: &Envelope, adjusted: &ReputationAdjusted) {
        let ReputationAdjusted { by, change, until, why } = adjusted;
        let act = ModeratorAct::AdjustReputation { change: *change, until: *until, why: why.clone() };
        let request = EventId::of_command("backtest", &[envelope.id.as_bytes()]);
        self.run(&Command::Moderate { request, by: by.clone(), act }, envelope.recorded_at);
    }

    /// A recorded answer led to this enforcement: whatever becomes of it becomes of the one that it led to here.
    pub fn stands_for(&mut self, recorded: EnforcementId, warning: WarningId) {
        let here = |asked: &&crate::warden::Enforcement| match &asked.origin {
            EnforcementOrigin::Person { warning: Some(asked_by), .. } => self.matches.goes_by(*asked_by, warning),
            EnforcementOrigin::Person { warning: None, .. }
            | EnforcementOrigin::Rule { .. }
            | EnforcementOrigin::External { .. } => false,
        };
        if let Some(here) = self.state.enforcements.iter().find(here).map(|asked| asked.id) {
            self.aliases.insert(recorded, here);
        }
    }

    /// What became of a stop on record. One that is not on trial changes nothing.
    pub fn follow(&mut self, envelope: &Envelope, event: &Event) {
        let mut event = event.clone();
        let named = match &mut event {
            Event::EnforcementAdmitted(it) => &mut it.enforcement,
            Event::EnforcementHeld(it) => &mut it.enforcement,
            Event::EnforcementAttempted(it) => &mut it.enforcement,
            Event::EnforcementSucceeded(it) => &mut it.enforcement,
            Event::EnforcementVerified(it) => &mut it.enforcement,
            Event::EnforcementNotNeeded(it) => &mut it.enforcement,
            Event::EnforcementSuperseded(it) => &mut it.enforcement,
            Event::EnforcementFailed(it) => &mut it.enforcement,
            Event::EnforcementCancelled(it) => &mut it.enforcement,
            _ => return, // not a fold but a list of what is carried over: the rest follows from decisions on trial
        };
        if let Some(here) = self.aliases.get(named) {
            *named = *here;
        }
        if self.state.enforcement(*named).is_some() {
            self.apply_one(&event, envelope.recorded_at, envelope.captured_at);
        }
    }
}

fn is_answer_to(origin: &EnforcementOrigin, warning: WarningId) -> bool {
    matches!(origin, EnforcementOrigin::Person { warning: Some(asked_by), .. } if *asked_by == warning)
}
