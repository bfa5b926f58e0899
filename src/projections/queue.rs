//! The moderators' queue: every warning that waits for an answer, and answered ones for as long as the answer can be
//! taken back, in order of urgency.
//!
//! The order is [`Urgency`], the one place that says it. The queue decides nothing: what may be done with a warning
//! the channel's warden says, and its word is the event.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::events::{
    Budget, EnforcementKind, EnforcementRequested, Envelope, Event, FrameAssessed, RuleEffect, WarningRaised,
};
use crate::model::{
    ChannelId, Confidence, EnforcementId, FrameId, ModeratorId, Position, Sequence, SessionId, Timestamp, WarningId,
};

/// The most warnings kept; about 1 KB each. Beyond it the oldest of the least grave are left out of the queue and
/// counted ([`Queue::beyond`]); they can still be found and answered by id.
pub const QUEUE_MAX: usize = 20_000;
/// The most frames kept as a warning's evidence: the one that raised it, and the newest that joined it.
pub const EVIDENCE_MAX: usize = 8;
/// How much longer an answered warning stays: taken back in the last moment, that is recorded a moment after it.
const LEAVING_GRACE_MS: u64 = 60_000;

/// What waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queue {
    entries: BTreeMap<WarningId, Entry>,
    order: BTreeMap<Urgency, WarningId>,
    of_channel: BTreeMap<ChannelId, BTreeSet<Urgency>>,
    /// Which warning an enforcement goes back to.
    led_to: BTreeMap<EnforcementId, WarningId>,
    /// Answered warnings, by when they leave.
    leaving: BTreeSet<(Timestamp, WarningId)>,
    beyond: u64,
}

/// A warning in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its channel.
    pub channel: ChannelId,
    /// What was raised.
    pub raised: WarningRaised,
    /// Where that is recorded.
    pub position: Position,
    /// When that was recorded.
    pub raised_at: Timestamp,
    /// The own time of the frame that raised it.
    pub captured_at: Timestamp,
    /// Place, within the channel, of the last event that touched the question: raised, claimed, released, noted,
    /// escalated, answered, taken back. A frame that joins brings evidence and leaves the question what it is; if it
    /// counted, a warning of a live channel could never be answered.
    pub version: Sequence,
    /// Who works on it.
    pub claim: Option<Claim>,
    /// How many notes it has.
    pub notes: u32,
    /// The last escalation.
    pub escalated: Option<Escalated>,
    /// Its answer.
    pub answer: Option<Answered>,
    /// The last enforcement it led to.
    pub enforcement: Option<LedTo>,
    /// Frames that met its rule while it was open, the first included.
    pub hits: u32,
    /// Those of them that are kept, at most [`EVIDENCE_MAX`]: the first, then the newest, oldest first.
    pub evidence: Vec<Evidence>,
}

/// Who works on a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The moderator.
    pub by: ModeratorId,
    /// When the claim lapses by itself.
    pub until: Timestamp,
}

/// Somebody else was asked to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Escalated {
    /// Who asked.
    pub by: ModeratorId,
    /// Whom, if somebody in particular.
    pub to: Option<ModeratorId>,
    /// When.
    pub at: Timestamp,
}

/// A warning's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answered {
    /// The moderator.
    pub by: ModeratorId,
    /// Whether they agreed with the rule.
    pub upheld: bool,
    /// When.
    pub at: Timestamp,
    /// Until when its author may take it back.
    pub until: Timestamp,
}

/// An enforcement that goes back to a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedTo {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// What is done to the stream.
    pub kind: EnforcementKind,
    /// How far it has come.
    pub stage: Stage,
    /// Since when it is there.
    pub since: Timestamp,
}

/// How far an enforcement has come, its end included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is wanted.
    Requested,
    /// The budget is spent; a person is asked.
    Held(Budget),
    /// It may be done.
    Admitted,
    /// It is about to be, or was, tried for this time; what came of it is not known.
    Attempted(u8),
    /// The platform accepted it.
    Succeeded(u8),
    /// End: it was seen to have worked.
    Verified,
    /// End: there was nothing to do.
    NotNeeded,
    /// End: this broadcast was on the air instead, which nobody judged.
    Superseded(SessionId),
    /// End: it could not be done. A person must act.
    Failed,
    /// End: it was called off before it was tried.
    Cancelled,
}

/// A frame that met a warning's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// Confidence of the label that hit the rule with the largest margin.
    pub confidence: Confidence,
    /// That confidence over the rule's threshold, in thousandths of a percent.
    pub margin: i32,
}

/// The order of work among warnings that stand alike: the graver first, of the equally grave the one that has waited
/// longer. A warning keeps its place for as long as it lives, so a page can go on after it.
///
/// All warnings of a severity are to be answered within the same time ([`answer_within_ms`]), so the one that has
/// waited longer is the one nearer its deadline, or farther past it. Positions rise with the time of recording, and no
/// two are equal, so the order is complete and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    severity: Reverse<u8>,
    raised: Position,
}

impl Urgency {
    /// The place of a warning of that severity, raised there.
    pub fn new(severity: u8, raised: Position) -> Self {
        Self { severity: Reverse(severity), raised }
    }

    /// How grave, 1 (least) to 5.
    pub fn severity(self) -> u8 {
        self.severity.0
    }

    /// Where it was raised.
    pub fn raised(self) -> Position {
        self.raised
    }
}

/// Within how many milliseconds of its being raised a warning of that severity should be answered.
pub fn answer_within_ms(severity: u8) -> u64 {
    const MINUTE: u64 = 60_000;
    match severity {
        5.. => MINUTE,
        4 => 3 * MINUTE,
        3 => 10 * MINUTE,
        2 => 30 * MINUTE,
        0 | 1 => 120 * MINUTE,
    }
}

/// How a warning stands to somebody who looks at the queue. What needs somebody comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Open, and nobody else works on it.
    Open,
    /// Open, and somebody else works on it.
    ClaimedByAnother,
    /// Answered; the answer can, or a moment ago could, still be taken back.
    Answered,
}

impl Entry {
    /// The warning.
    pub fn warning(&self) -> WarningId {
        self.raised.warning
    }

    /// Its place in the order of work.
    pub fn urgency(&self) -> Urgency {
        Urgency::new(self.raised.severity, self.position)
    }

    /// By when it should be answered.
    pub fn due_at(&self) -> Timestamp {
        self.raised_at.plus_ms(answer_within_ms(self.raised.severity))
    }

    /// Who works on it now. A claim that has run out is none, said or not.
    pub fn claimed(&self, now: Timestamp) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| claim.until > now)
    }

    /// How it stands to `asker` at that time.
    pub fn standing(&self, asker: &ModeratorId, now: Timestamp) -> Standing {
        match self.claimed(now) {
            _ if self.answer.is_some() => Standing::Answered,
            Some(claim) if claim.by != *asker => Standing::ClaimedByAnother,
            Some(_) | None => Standing::Open,
        }
    }
}

impl Queue {
    /// The warning of that id, if it is open or its answer can still be taken back.
    pub fn get(&self, warning: WarningId) -> Option<&Entry> {
        self.entries.get(&warning)
    }

    /// Warnings in the order of work, after that place. At most [`QUEUE_MAX`].
    pub fn after(&self, place: Option<Urgency>) -> impl Iterator<Item = &Entry> {
        let from = place.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.order.range((from, std::ops::Bound::Unbounded)).filter_map(|(_, id)| self.entries.get(id))
    }

    /// A channel's open warnings, the gravest first.
    pub fn open_of(&self, channel: &ChannelId) -> impl Iterator<Item = &Entry> {
        let places = self.of_channel.get(channel).into_iter().flatten();
        let entries = places.filter_map(|place| self.order.get(place)).filter_map(|id| self.entries.get(id));
        entries.filter(|entry| entry.answer.is_none())
    }

    /// How many are kept, answered ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many open warnings are not kept for want of room.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    pub(super) fn apply(&mut self, channel: &ChannelId, envelope: &Envelope, event: &Event) {
        self.forget_answered(envelope.recorded_at);
        let at = envelope.recorded_at;
        match event {
            Event::WarningRaised(raised) => self.raise(Entry::new(channel, envelope, raised)),
            Event::FrameAssessed(assessed) => self.join(envelope.captured_at.unwrap_or(at), assessed),
            Event::WarningClaimed(claimed) => self.touch(claimed.warning, envelope, |entry| {
                entry.claim = Some(Claim { by: claimed.by.clone(), until: claimed.until });
            }),
            Event::WarningReleased(released) => self.touch(released.warning, envelope, |entry| entry.claim = None),
            Event::WarningNoted(noted) => self.touch(noted.warning, envelope, |entry| {
                entry.notes = entry.notes.saturating_add(1);
            }),
            Event::WarningEscalated(escalated) => self.touch(escalated.warning, envelope, |entry| {
                entry.claim = None;
                entry.escalated = Some(Escalated { by: escalated.by.clone(), to: escalated.to.clone(), at });
            }),
            Event::WarningUpheld(upheld) => self.answer(upheld.warning, envelope, &upheld.by, true, upheld.undo_ms),
            Event::WarningDismissed(dismissed) => {
                self.answer(dismissed.warning, envelope, &dismissed.by, false, dismissed.undo_ms);
            }
            Event::WarningAnswerWithdrawn(withdrawn) => self.reopen(withdrawn.warning, envelope),
            Event::EnforcementRequested(requested) => self.requested(at, requested),
            Event::EnforcementAdmitted(it) => self.stage(at, it.enforcement, Stage::Admitted),
            Event::EnforcementHeld(it) => self.stage(at, it.enforcement, Stage::Held(it.budget)),
            Event::EnforcementAttempted(it) => self.stage(at, it.enforcement, Stage::Attempted(it.attempt)),
            Event::EnforcementSucceeded(it) => self.stage(at, it.enforcement, Stage::Succeeded(it.attempt)),
            Event::EnforcementVerified(it) => self.stage(at, it.enforcement, Stage::Verified),
            Event::EnforcementNotNeeded(it) => self.stage(at, it.enforcement, Stage::NotNeeded),
            Event::EnforcementSuperseded(it) => {
                self.stage(at, it.enforcement, Stage::Superseded(it.found.clone()));
            }
            Event::EnforcementFailed(it) => self.stage(at, it.enforcement, Stage::Failed),
            Event::EnforcementCancelled(it) => self.stage(at, it.enforcement, Stage::Cancelled),
            Event::SessionStarted(_)
            | Event::SessionEnded(_)
            | Event::FrameSkipped(_)
            | Event::FrameFailed(_)
            | Event::FrameConflict(_)
            | Event::ChannelWatched(_)
            | Event::ChannelUnwatched(_)
            | Event::ChannelQuarantined(_)
            | Event::CadenceChanged(_)
            | Event::PolicyPublished(_)
            | Event::PolicyRetired(_)
            | Event::NotificationRejected(_)
            | Event::InputGap(_)
            | Event::StoreOpened(_)
            | Event::StoreClosed(_)
            | Event::SegmentSealed(_)
            | Event::DataLossAccepted(_)
            | Event::ContentErased(_)
            | Event::EvidenceStored(_)
            | Event::EvidenceRead(_)
            | Event::ExportMade(_)
            | Event::ConsumerCreated(_)
            | Event::ConsumerDeleted(_)
            | Event::ConsumerRewound(_)
            | Event::EntryParked(_)
            | Event::EntryUnparked(_)
            | Event::EntrySettled(_)
            | Event::ReplayStarted(_)
            | Event::ReplayEnded(_) => {}
        }
    }

    fn raise(&mut self, entry: Entry) {
        self.insert(entry);
        self.make_room(QUEUE_MAX);
    }

    /// The assessment that raises a warning stands before the warning: its frame is evidence already.
    fn join(&mut self, captured_at: Timestamp, assessed: &FrameAssessed) {
        for outcome in &assessed.rules {
            let RuleEffect::Joined(warning) = outcome.effect else { continue };
            let Some(entry) = self.entries.get_mut(&warning) else { continue };
            entry.hits = entry.hits.saturating_add(1);
            if entry.evidence.len() >= EVIDENCE_MAX {
                entry.evidence.remove(1);
            }
            let confidence = assessed.labels.get(usize::from(outcome.by)).map(|label| label.confidence());
            entry.evidence.push(Evidence {
                frame: assessed.frame,
                captured_at,
                confidence: confidence.unwrap_or_default(), // the index is checked where the event is made
                margin: outcome.margin,
            });
        }
    }

    fn touch(&mut self, warning: WarningId, envelope: &Envelope, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(&warning) {
            entry.version = envelope.sequence;
            change(entry);
        }
    }

    fn answer(&mut self, warning: WarningId, envelope: &Envelope, by: &ModeratorId, upheld: bool, undo_ms: u32) {
        let at = envelope.recorded_at;
        let until = at.plus_ms(u64::from(undo_ms));
        if !self.entries.contains_key(&warning) {
            // Every warning was kept when it was raised: this one was left out, and is no longer open.
            self.beyond = self.beyond.saturating_sub(1);
            return;
        }
        self.leaving.insert((until, warning));
        self.touch(warning, envelope, |entry| {
            entry.claim = None;
            entry.answer = Some(Answered { by: by.clone(), upheld, at, until });
        });
    }

    fn reopen(&mut self, warning: WarningId, envelope: &Envelope) {
        let Some(entry) = self.entries.get(&warning) else {
            self.beyond += 1; // one that was left out is open again
            return;
        };
        if let Some(answer) = &entry.answer {
            self.leaving.remove(&(answer.until, warning));
        }
        self.touch(warning, envelope, |entry| entry.answer = None);
    }

    fn requested(&mut self, at: Timestamp, requested: &EnforcementRequested) {
        let Some(warning) = requested.origin.warning() else { return };
        let Some(entry) = self.entries.get_mut(&warning) else { return };
        let led_to =
            LedTo { enforcement: requested.enforcement, kind: requested.kind, stage: Stage::Requested, since: at };
        if let Some(before) = entry.enforcement.replace(led_to) {
            self.led_to.remove(&before.enforcement);
        }
        self.led_to.insert(requested.enforcement, warning);
    }

    fn stage(&mut self, at: Timestamp, enforcement: EnforcementId, stage: Stage) {
        let Some(warning) = self.led_to.get(&enforcement) else { return };
        if let Some(led_to) = self.entries.get_mut(warning).and_then(|entry| entry.enforcement.as_mut()) {
            led_to.stage = stage;
            led_to.since = at;
        }
    }

    /// Answered warnings leave when the answer can no longer be taken back. Time is what the journal last said.
    fn forget_answered(&mut self, now: Timestamp) {
        let gone = now.minus_ms(LEAVING_GRACE_MS);
        while let Some((_, warning)) = self.leaving.first().filter(|(until, _)| *until < gone).copied() {
            self.remove(warning);
        }
    }

    /// Leaves out the oldest of the least grave, answered or not.
    fn make_room(&mut self, most: usize) {
        while self.entries.len() > most {
            let Some(least) = self.order.last_key_value().map(|(last, _)| last.severity()) else { return };
            let oldest = self.order.range(Urgency::new(least, Position(0))..).next().map(|(_, id)| *id);
            let Some(entry) = oldest.and_then(|oldest| self.remove(oldest)) else { return };
            if entry.answer.is_none() {
                self.beyond += 1;
            }
        }
    }

    fn insert(&mut self, entry: Entry) {
        let (warning, place) = (entry.warning(), entry.urgency());
        self.order.insert(place, warning);
        self.of_channel.entry(entry.channel.clone()).or_default().insert(place);
        if let Some(led_to) = &entry.enforcement {
            self.led_to.insert(led_to.enforcement, warning);
        }
        if let Some(answer) = &entry.answer {
            self.leaving.insert((answer.until, warning));
        }
        self.entries.insert(warning, entry);
    }

    fn remove(&mut self, warning: WarningId) -> Option<Entry> {
        let entry = self.entries.remove(&warning)?;
        self.order.remove(&entry.urgency());
        if let Some(places) = self.of_channel.get_mut(&entry.channel) {
            places.remove(&entry.urgency());
            if places.is_empty() {
                self.of_channel.remove(&entry.channel);
            }
        }
        if let Some(led_to) = &entry.enforcement {
            self.led_to.remove(&led_to.enforcement);
        }
        if let Some(answer) = &entry.answer {
            self.leaving.remove(&(answer.until, warning));
        }
        Some(entry)
    }
}

impl Entry {
    fn new(channel: &ChannelId, envelope: &Envelope, raised: &WarningRaised) -> Self {
        let captured_at = envelope.captured_at.unwrap_or(envelope.recorded_at);
        let evidence =
            Evidence { frame: raised.frame, captured_at, confidence: raised.label.confidence(), margin: raised.margin };
        Self {
            channel: channel.clone(),
            raised: raised.clone(),
            position: envelope.position,
            raised_at: envelope.recorded_at,
            captured_at,
            version: envelope.sequence,
            claim: None,
            notes: 0,
            escalated: None,
            answer: None,
            enforcement: None,
            hits: 1,
            evidence: vec![evidence],
        }
    }
}

/// Saved are the warnings and what is beyond them; the rest is found again.
#[derive(Serialize, Deserialize)]
struct Saved<Entries> {
    entries: Entries,
    beyond: u64,
}

impl Serialize for Queue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries: Vec<&Entry> = self.entries.values().collect();
        Saved { entries, beyond: self.beyond }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Queue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::<Vec<Entry>>::deserialize(deserializer)?;
        let mut queue = Self { beyond: saved.beyond, ..Self::default() };
        for entry in saved.entries {
            queue.insert(entry);
        }
        Ok(queue)
    }
}
