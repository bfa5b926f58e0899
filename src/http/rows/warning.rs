//! A warning's row: how it stands to whoever asks.

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{AsksBecause, DecidedBy};
use crate::model::{
    Action, Approval, ChannelId, Confidence, FrameId, LabelPath, Medium, ModeratorId, OnUnavailable, PolicyRef,
    Position, RuleId, Sequence, SessionId, Timestamp, WarningId,
};
use crate::projections::{Answered, Claim, Entry, Escalated, Evidence, Lapsed, LedTo, Overturned, Standing};

/// Who asks, and when: a claim is somebody else's or one's own, and runs out.
#[derive(Clone, Copy)]
pub(in crate::http) struct Asker<'a> {
    pub id: &'a ModeratorId,
    pub now: Timestamp,
}

/// A warning as it stands now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "QueuedWarning")]
pub(in crate::http) struct WarningRow {
    /// The warning.
    pub warning: WarningId,
    /// Its channel.
    pub channel: ChannelId,
    /// The broadcast it was judged in.
    pub session: SessionId,
    /// How it stands to you.
    pub standing: Standing,
    /// What the moderator sees, as a number that every act on it names: the place, within the channel, of the last event
    /// that touched the question. A frame that joins does not change it.
    pub version: Sequence,
    /// How grave the policy calls it, 1 (least) to 5.
    pub severity: u8,
    /// By when it should be answered.
    pub due_at: Timestamp,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// The own time of the frame that raised it.
    pub captured_at: Timestamp,
    /// Where that is recorded.
    pub position: Position,
    /// The policy version that raised it.
    pub policy: PolicyRef,
    /// The rule.
    pub rule: RuleId,
    /// What the rule asks for.
    pub action: Action,
    /// Who must agree to it.
    pub approval: Approval,
    /// Why a person is asked though the rule would stop without one; none if it asks as it is written.
    pub asks: Option<AsksBecause>,
    /// Set where no rule raised it but frames that could not be judged: what the policy says of that.
    pub unavailable: Option<OnUnavailable>,
    /// Set where no rule raised it but an external actor that decided about the frame: who, and what they call it.
    pub decided_by: Option<DecidedBy>,
    /// The frame that raised it, or that could not be judged.
    pub frame: FrameId,
    /// What of the stream that frame is: a picture, or a segment as it looks or as it sounds.
    pub medium: Medium,
    /// The label that hit the rule with the largest margin; none where no rule raised it.
    pub label: Option<LabelPath>,
    /// Its confidence.
    pub confidence: Option<Confidence>,
    /// That confidence over the rule's threshold, in thousandths of a percent; 0 where there is no label.
    pub margin: i32,
    /// Who works on it now.
    pub claim: Option<Claim>,
    /// How many notes it has.
    pub notes: u32,
    /// The last escalation.
    pub escalated: Option<Escalated>,
    /// Its answer.
    pub answer: Option<Answered>,
    /// The appeal that overturned the answer, if one did.
    pub overturned: Option<Overturned>,
    /// Why it needs none any more, if so.
    pub lapsed: Option<Lapsed>,
    /// The last enforcement it led to.
    pub enforcement: Option<LedTo>,
    /// Frames that met its rule while it was open, the first included.
    pub hits: u32,
    /// Those of them that are kept: the first, then the newest, oldest first; at most 8.
    pub evidence: Vec<Evidence>,
}

impl WarningRow {
    /// Of a warning as the queue, or its story, has it.
    pub fn of(entry: &Entry, asker: Asker<'_>) -> Self {
        let raised = &entry.raised;
        Self {
            warning: raised.warning,
            channel: entry.channel.clone(),
            session: raised.session.clone(),
            standing: entry.standing(asker.id, asker.now),
            version: entry.version,
            severity: raised.severity,
            due_at: entry.due_at(),
            raised_at: entry.raised_at,
            captured_at: entry.captured_at,
            position: entry.position,
            policy: raised.policy.clone(),
            rule: raised.rule.clone(),
            action: raised.action,
            approval: raised.approval,
            asks: raised.asks,
            unavailable: raised.unavailable,
            decided_by: raised.decided_by.clone(),
            frame: raised.frame,
            medium: raised.medium,
            label: raised.label.as_ref().map(|label| label.path().clone()),
            confidence: raised.label.as_ref().map(|label| label.confidence()),
            margin: raised.margin,
            claim: entry.claimed(asker.now).cloned(),
            notes: entry.notes,
            escalated: entry.escalated.clone(),
            answer: entry.answer.clone(),
            overturned: entry.overturned.clone(),
            lapsed: entry.lapsed.clone(),
            enforcement: entry.enforcement.clone(),
            hits: entry.hits,
            evidence: entry.evidence.clone(),
        }
    }
}
