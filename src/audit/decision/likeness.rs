//! How far a frame was from the one it was compared with.

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{Envelope, Event, FrameAssessed, Skip};
use crate::journal::Journal;
use crate::model::{ChannelId, EventId, FrameId, LumaDelta, PerceptualHash, Scope, Sequence, Similarity, Timestamp};
use crate::policy::Policy;

use super::AuditError;

/// A frame's hash, and its distance to the last frame assessed before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Likeness {
    /// This frame's hash.
    pub hash: PerceptualHash,
    /// The frame it was compared with; none if it was the first of its broadcast, or the hashes cannot be compared.
    pub compared_with: Option<ComparedFrame>,
    /// Differing hash bits, of 64.
    pub bits: Option<u8>,
    /// Mean difference of the 32×32 luma in hundredths of a grey level; none if it was not at hand.
    pub luma: Option<LumaDelta>,
    /// The most differing bits at which the policy calls two frames the same; none if it never does.
    pub bits_max: Option<u8>,
    /// The most luma difference that it excuses beyond that, in hundredths of a grey level.
    pub luma_max: Option<LumaDelta>,
    /// From the compared frame to this one, in milliseconds of captured-at.
    pub age_ms: Option<u64>,
    /// From this age on a frame is assessed however similar it is.
    pub reassess_after_ms: Option<u32>,
    /// The same in a sentence.
    pub text: String,
}

/// A frame that another was compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComparedFrame {
    /// The frame.
    pub frame: FrameId,
    /// The event that assessed it.
    pub event: EventId,
    /// That event's place in the channel's list.
    pub sequence: Sequence,
    /// Its own time.
    pub captured_at: Option<Timestamp>,
    /// Its hash.
    pub hash: PerceptualHash,
}

/// What was compared. None for a frame that was not hashed, or whose hash no event holds.
pub(super) fn of(
    journal: &dyn Journal,
    channel: &ChannelId,
    skip: Option<&Skip>,
    assessed: Option<&FrameAssessed>,
    policy: Option<&Policy>,
    envelope: &Envelope,
) -> Result<Option<Likeness>, AuditError> {
    let (hash, distance) = match (skip, assessed) {
        (Some(Skip::Similar { hash, distance, to }), _) => (*hash, Some((*distance, *to))),
        (_, Some(FrameAssessed { hash: Some(hash), distance, .. })) => (*hash, *distance),
        _ => return Ok(None),
    };
    let similar = skip.is_some();
    let compared_with = match distance {
        Some((_, to)) => compared(journal, channel, to)?,
        None => None,
    };
    let limits = policy.and_then(|policy| policy.similarity);
    let captured = compared_with.as_ref().and_then(|compared| compared.captured_at).zip(envelope.captured_at);
    let age_ms = captured.map(|(then, now)| now.ms_since(then));
    let reassess_after_ms = policy.map(|policy| policy.sampling.reassess_after_ms);
    let text = match distance {
        None => "it was compared with no frame".to_owned(),
        Some((Similarity(bits, luma), to)) => {
            let luma = luma.map_or(String::new(), |luma| format!(" and {luma} grey levels"));
            let why = match (similar, age_ms.zip(reassess_after_ms)) {
                (true, _) => "which counts as the same picture",
                (false, Some((age, limit))) if age >= u64::from(limit) => {
                    "but that frame was so old that this one was assessed whatever it showed"
                }
                (false, _) => "and it was assessed",
            };
            format!("{bits} of 64 hash bits{luma} from the frame assessed at sequence {to}, {why}")
        }
    };
    Ok(Some(Likeness {
        hash,
        compared_with,
        bits: distance.map(|(distance, _)| distance.0),
        luma: distance.and_then(|(distance, _)| distance.1),
        bits_max: limits.map(|limits| limits.hash_distance_max),
        luma_max: limits.map(|limits| limits.luma_delta_max),
        age_ms,
        reassess_after_ms,
        text,
    }))
}

fn compared(journal: &dyn Journal, channel: &ChannelId, at: Sequence) -> Result<Option<ComparedFrame>, AuditError> {
    let scope = Scope::Channel(channel.clone());
    let page = journal.read_scope(&scope, Sequence(at.0.saturating_sub(1)), 1)?;
    let Some(recorded) = page.into_iter().next().filter(|found| found.envelope.sequence == at) else {
        return Ok(None); // declared lost
    };
    Ok(match recorded.event() {
        Ok(Event::FrameAssessed(FrameAssessed { frame, hash: Some(hash), .. })) => Some(ComparedFrame {
            frame,
            event: recorded.envelope.id,
            sequence: at,
            captured_at: recorded.envelope.captured_at,
            hash,
        }),
        _ => None,
    })
}
