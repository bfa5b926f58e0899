//! One frame's decision with everything it rests on and everything that came of it: what an appeal is answered from.
//!
//! Taken from stored events and kept content alone, and computed with the warden's own functions over the state as it
//! was just before. What cannot be shown (erased, never kept, further away than one answer reads) is named, never left
//! out silently.

mod cadence;
mod evidence;
mod judgement;
mod likeness;
mod opinions;
mod outside;
mod published;
mod shadow;
mod story;

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{Event, EventView, FailedStage, FrameAssessed, Recorded, Skip};
use crate::journal::Journal;
use crate::journal::content::{Content, Store};
use crate::model::{
    ChannelId, ContentRef, EventId, FrameId, Medium, PolicyRef, Position, Scope, Sequence, SessionId, Timestamp,
    Verdict,
};
use crate::warden::ChannelState;

use super::AuditError;
use super::reputation::LastSet;
use super::state_at::{Moment, folded};

pub use cadence::Cadence;
pub use evidence::{Copied, Evidence, Kept, Unkept, stored};
pub use judgement::{Alternative, BestLabel, Judgement, LabelView, LabelsFrom, ReachedView, RuleView};
pub use likeness::{ComparedFrame, Likeness};
pub use opinions::{Consulted, NoAnswer, OpinionView};
pub use outside::DecidedOutside;
pub(super) use published::version as policy_version;
pub use published::{PolicyVersion, Published};
pub use shadow::InShadow;
pub use story::{EnforcementStory, Followed, Relation, Stage, Standing, WarningStory};

/// The most events followed back from a decision to what caused it.
const CAUSES_MAX: usize = 16;

/// Where decisions are read from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The events.
    pub journal: &'a dyn Journal,
    /// What was too large or too personal for them.
    pub content: &'a Store,
}

/// One frame's decision, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Decision {
    /// The frame.
    pub frame: FrameId,
    /// The channel it shows.
    pub channel: ChannelId,
    /// The broadcast it belonged to; of a frame that was not assessed, the one on the air just before.
    pub session: Option<SessionId>,
    /// Whether it is one picture, or what of a segment was judged.
    pub medium: Medium,
    /// The frame's own time; of a segment that of its end.
    pub captured_at: Option<Timestamp>,
    /// When the decision was durable.
    pub recorded_at: Timestamp,
    /// How the frame ended.
    pub outcome: Outcome,
    /// The verdict; none for a frame that was not judged, which is never the same as clear.
    pub verdict: Option<Verdict>,
    /// In one sentence.
    pub because: String,
    /// The outcome event itself.
    pub event: EventView,
    /// The picture: what it was, and whether it is kept.
    pub evidence: Evidence,
    /// Whether a frame was due, from the state just before the decision; none where no cadence was set.
    pub cadence: Option<Cadence>,
    /// How far it was from the last assessed frame; none where it was not hashed.
    pub likeness: Option<Likeness>,
    /// What the provider said and the policy made of it; none where it was not assessed.
    pub judgement: Option<Judgement>,
    /// Whom the policy's arrangement asked beside the one that decided; none where one provider was asked.
    pub consulted: Option<Consulted>,
    /// What a policy in shadow said of it, if one ran beside the live one; it had no part in the decision.
    pub shadow: Option<InShadow>,
    /// The policy version it was decided under; none where no policy had a part in it.
    pub policy: Option<PolicyVersion>,
    /// What it took, and how long after the frame's own time it was durable.
    pub took: Took,
    /// The events that led to it, nearest first.
    pub caused_by: Vec<EventLink>,
    /// What followed: warnings and enforcements with their whole story, and who did what.
    pub followed: Followed,
    /// What could not be shown, and why.
    pub missing: Vec<String>,
}

impl Decision {
    /// Its explanation in lines of text: the sentence, one line per rule, whether a frame was due, what was decided outside,
    /// what is missing.
    pub fn lines(&self) -> Vec<String> {
        let rules = self.judgement.iter().flat_map(|judgement| &judgement.rules).map(|rule| rule.text.clone());
        let missing = self.missing.iter().map(|missing| format!("cannot be shown: {missing}"));
        let consulted = self.consulted.iter().flat_map(|consulted| {
            let others = consulted.others.iter().map(|other| &other.text);
            std::iter::once(&consulted.because).chain(others).chain(&consulted.otherwise).cloned()
        });
        let shadow = self.shadow.iter().map(|shadow| shadow.because.clone());
        let cadence = self.cadence.iter().map(|cadence| cadence.text.clone());
        let outside = self.followed.decided_outside.iter().map(|decided| decided.text.clone());
        std::iter::once(self.because.clone())
            .chain(rules)
            .chain(consulted)
            .chain(shadow)
            .chain(cadence)
            .chain(outside)
            .chain(missing)
            .collect()
    }
}

/// How a frame ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was not shown to a provider.
    Skipped,
    /// A provider judged it, and the policy judged the answer.
    Assessed,
    /// It could not be judged.
    Failed,
}

/// What a decision took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Took {
    /// Fetching the picture.
    pub fetch_ms: Option<u32>,
    /// Decoding and hashing it.
    pub look_ms: Option<u32>,
    /// The provider, all attempts.
    pub provider_ms: Option<u32>,
    /// From the frame's own time until the decision was durable.
    pub captured_to_recorded_ms: Option<u64>,
}

/// An event, named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EventLink {
    /// The event.
    pub id: EventId,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its place in the journal.
    pub position: Position,
    /// Its place in its list.
    pub sequence: Sequence,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who brought it about.
    pub actor: String,
}

impl From<&Recorded> for EventLink {
    fn from(recorded: &Recorded) -> Self {
        let envelope = &recorded.envelope;
        Self {
            id: envelope.id,
            event_type: envelope.event_type.clone(),
            position: envelope.position,
            sequence: envelope.sequence,
            recorded_at: envelope.recorded_at,
            actor: envelope.actor.to_string(),
        }
    }
}

/// The outcome event of a frame, or the outcome event of that id itself: where the decision is recorded.
pub fn outcome_of(journal: &dyn Journal, id: [u8; 16]) -> Result<Option<Recorded>, AuditError> {
    for id in [EventId::outcome_of(FrameId::from_bytes(id)), EventId::from_bytes(id)] {
        if let Some(found) = journal.find(id)?
            && matches!(outcome(&found), Ok(Some(_)))
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The decision that an outcome event holds, explained. None if the event is no frame's outcome.
pub fn decision(sources: Sources<'_>, recorded: Recorded) -> Result<Option<Decision>, AuditError> {
    let Some(Decided { frame, medium, skip, assessed, failed }) = outcome(&recorded)? else { return Ok(None) };
    let envelope = recorded.envelope.clone();
    let Scope::Channel(channel) = envelope.scope.clone() else { return Ok(None) };
    let mut missing = Vec::new();

    let (before, set) = state_before(sources.journal, &channel, envelope.sequence, &mut missing).unzip();
    let policy = policy_of(&recorded, assessed.as_ref(), before.as_ref());
    let policy = policy.map(|reference| published::version(sources, reference)).transpose()?;
    let compiled = policy.as_ref().and_then(|(_, compiled)| compiled.as_ref());
    missing.extend(policy.iter().filter_map(|(version, _)| version.missing.clone()));

    let session = match &assessed {
        Some(assessed) => Some(assessed.session.clone()),
        None => before.as_ref().and_then(|state| state.session.as_ref().map(|session| session.id.clone())),
    };
    let cadence = before.as_ref().zip(envelope.captured_at).and_then(|(state, captured_at)| {
        let mut cadence = cadence::arithmetic(state, compiled, medium, session.as_ref(), captured_at, skip.as_ref())?;
        if let Some(set) = set.flatten() {
            cadence.tell_of(&set, state.ledger.adjusted(captured_at).is_some(), sources, &mut missing);
        }
        Some(cadence)
    });
    let likeness = likeness::of(sources.journal, &channel, skip.as_ref(), assessed.as_ref(), compiled, &envelope)?;
    let given = opinions::given(sources.journal, &channel, envelope.sequence, frame)?;
    let judgement = assessed.as_ref().map(|assessed| {
        let captured_at = envelope.captured_at.unwrap_or(envelope.recorded_at);
        let agreed = compiled.and_then(|policy| opinions::agreed(policy, &assessed.provider.name, &given));
        let frame = judgement::Judged { assessed, captured_at, agreed };
        judgement::of(sources, &frame, compiled, before.as_ref())
    });
    missing.extend(judgement.iter().filter_map(|judgement| judgement.missing.clone()));
    let shadow = match &assessed {
        Some(assessed) => shadow::of(sources.journal, frame, assessed, &mut missing)?,
        None => None,
    };
    let consulted = match skip {
        None => opinions::of(compiled, assessed.as_ref(), given),
        Some(_) => None, // nobody was asked
    };
    let because = because(skip.as_ref(), assessed.as_ref(), failed.as_ref(), judgement.as_ref());
    let followed = story::followed(sources, &channel, &recorded, frame, assessed.as_ref(), &mut missing)?;
    let evidence = evidence::of(sources, frame, assessed.as_ref())?;

    Ok(Some(Decision {
        frame,
        medium,
        session,
        captured_at: envelope.captured_at,
        recorded_at: envelope.recorded_at,
        outcome: match (&assessed, &failed) {
            (Some(_), _) => Outcome::Assessed,
            (None, Some(_)) => Outcome::Failed,
            (None, None) => Outcome::Skipped,
        },
        verdict: assessed.as_ref().map(|assessed| assessed.verdict),
        because,
        evidence,
        cadence,
        likeness,
        judgement,
        consulted,
        shadow,
        took: took(assessed.as_ref(), envelope.captured_at, envelope.recorded_at),
        policy: policy.map(|(version, _)| version),
        caused_by: causes(sources.journal, envelope.causation)?,
        followed,
        missing,
        channel,
        event: EventView::from(recorded),
    }))
}

/// What an outcome event says, by its kind.
struct Decided {
    frame: FrameId,
    medium: Medium,
    skip: Option<Skip>,
    assessed: Option<FrameAssessed>,
    failed: Option<(FailedStage, String, u8)>,
}

fn outcome(recorded: &Recorded) -> Result<Option<Decided>, AuditError> {
    let event = recorded.event().map_err(|source| AuditError::Codec {
        scope: recorded.envelope.scope.clone(),
        sequence: recorded.envelope.sequence,
        source,
    })?;
    let nothing = |frame, medium| Decided { frame, medium, skip: None, assessed: None, failed: None };
    Ok(match event {
        Event::FrameSkipped(event) => Some(Decided { skip: Some(event.because), ..nothing(event.frame, event.medium) }),
        Event::FrameAssessed(event) => {
            Some(Decided { assessed: Some(event.clone()), ..nothing(event.frame, event.medium) })
        }
        Event::FrameFailed(event) => {
            let failed = Some((event.stage, event.reason, event.attempts));
            Some(Decided { failed, ..nothing(event.frame, event.medium) })
        }
        _ => None, // no other event is a frame's outcome (invariant I1)
    })
}

/// The channel's state just before an event of it, and what a person had set its reputation to last.
fn state_before(
    journal: &dyn Journal,
    channel: &ChannelId,
    event: Sequence,
    missing: &mut Vec<String>,
) -> Option<(ChannelState, Option<LastSet>)> {
    let before = Moment::Sequence(Sequence(event.0.saturating_sub(1)));
    let mut set = None;
    let state = folded(journal, channel, before, |recorded, event| {
        if let Event::ReputationAdjusted(adjusted) = event {
            set = Some(LastSet::of(&recorded.envelope, adjusted));
        }
    });
    match state {
        Ok(at) => Some((at.state, set)),
        Err(error) => {
            missing.push(format!("the state before the decision, and what is computed from it: {error}"));
            None
        }
    }
}

/// The policy version it was decided under: what the assessment names, else what the warden acted under, else the one
/// that had set the cadence.
fn policy_of(
    recorded: &Recorded,
    assessed: Option<&FrameAssessed>,
    before: Option<&ChannelState>,
) -> Option<PolicyRef> {
    let named = assessed.map(|assessed| assessed.policy.clone());
    let acted = match &recorded.envelope.actor {
        crate::events::Actor::Warden(policy) => policy.clone(),
        crate::events::Actor::Moderator(_) | crate::events::Actor::External(_) | crate::events::Actor::Service(_) => {
            None
        }
    };
    let paced = before.and_then(|state| state.pace.as_ref().map(|(_, policy)| policy.clone()));
    named.or(acted).or(paced)
}

fn took(assessed: Option<&FrameAssessed>, captured_at: Option<Timestamp>, recorded_at: Timestamp) -> Took {
    let spent = assessed.map(|assessed| assessed.took);
    Took {
        fetch_ms: spent.map(|took| took.0),
        look_ms: spent.map(|took| took.1),
        provider_ms: spent.map(|took| took.2),
        captured_to_recorded_ms: captured_at.map(|captured_at| recorded_at.ms_since(captured_at)),
    }
}

/// The events that led to one, nearest first.
fn causes(journal: &dyn Journal, mut causation: Option<EventId>) -> Result<Vec<EventLink>, AuditError> {
    let mut causes = Vec::new();
    while let Some(id) = causation
        && causes.len() < CAUSES_MAX
    {
        let Some(cause) = journal.find(id)? else { break };
        causation = cause.envelope.causation;
        causes.push(EventLink::from(&cause));
    }
    Ok(causes)
}

fn because(
    skip: Option<&Skip>,
    assessed: Option<&FrameAssessed>,
    failed: Option<&(FailedStage, String, u8)>,
    judgement: Option<&Judgement>,
) -> String {
    if let Some(skip) = skip {
        return skipped_because(skip);
    }
    if let Some((stage, reason, attempts)) = failed {
        let stage = match stage {
            FailedStage::Fetch => "its picture could not be fetched",
            FailedStage::Decode => "its picture could not be read",
            FailedStage::Provider => "the provider gave no answer that could be judged",
            FailedStage::NoProvider => "there was no provider",
            FailedStage::Deadline => "its time had passed",
            FailedStage::Warden => "the warden broke on it",
        };
        return format!("not judged, after {attempts} attempts: {stage} ({reason})");
    }
    let (Some(assessed), Some(judgement)) = (assessed, judgement) else { return String::new() };
    let rules: Vec<&str> = judgement.decided_by.iter().map(|rule| rule.as_str()).collect();
    match assessed.verdict {
        Verdict::Clear if assessed.rules.is_empty() => {
            let near = assessed.near.as_ref().map_or(String::new(), |near| {
                let short = f64::from(near.short) / 1000.0;
                format!("; one came within {short:.1} percent points of {}, a near miss", near.rule)
            });
            format!("clear: no label hit a rule of {}{near}", assessed.policy)
        }
        Verdict::Clear => {
            format!("clear: labels hit rules of {}, and none of them asked for anything", assessed.policy)
        }
        Verdict::Warn => format!("warn, by {} of {}", rules.join(", "), assessed.policy),
        Verdict::Stop => format!("stop, by {} of {}", rules.join(", "), assessed.policy),
    }
}

fn skipped_because(skip: &Skip) -> String {
    match skip {
        Skip::TooSoon { due } => format!("not looked at: too soon, a frame was due from {due} on"),
        Skip::Similar { distance, .. } => {
            let luma = distance.1.map_or(String::new(), |luma| format!(" and {luma} grey levels"));
            format!(
                "not shown to a provider: it shows what the last assessed frame showed, {} bits{luma} away",
                distance.0
            )
        }
        Skip::GaveWay { need, bar, due } => format!(
            "not shown to a provider: the budget of calls ran short, the channel's need of {need} was below {bar} of \
             1000; from {due} on a frame is judged whatever the budget"
        ),
        Skip::Overloaded => "not looked at: too many frames were waiting".to_owned(),
        Skip::Superseded { by } => format!("not looked at: the newer frame {by} took its place while it waited"),
        Skip::Stale { newest: Some(newest) } => {
            format!("not looked at: a frame captured at {newest} was assessed before")
        }
        Skip::Stale { newest: None } => "not looked at: it was older on arrival than the policy accepts".to_owned(),
        Skip::OtherSource => "not looked at: another source of the channel is judged".to_owned(),
        Skip::OtherSession => "not looked at: its broadcast was over".to_owned(),
        Skip::NoPolicy => "not looked at: no policy watches this channel".to_owned(),
        Skip::Unsupported => "not looked at: its kind of picture is not read".to_owned(),
        Skip::NoTrack { .. } => {
            "not shown to a provider: the segment has no sound, or of a clip no picture, and says so itself".to_owned()
        }
    }
}

/// What somebody wrote, or why it cannot be shown.
pub(super) fn plain_text(sources: Sources<'_>, wanted: &ContentRef) -> Result<String, String> {
    plain(sources.content, wanted).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Kept content, or why it cannot be shown.
fn plain(content: &Store, wanted: &ContentRef) -> Result<Vec<u8>, String> {
    match content.get(wanted) {
        Ok(Content::Plain(bytes)) => Ok(bytes),
        Ok(Content::Erased) => Err(format!("the content of {} was erased", wanted.subject)),
        Ok(Content::Expired) => Err(format!("the content of {} was deleted when its time was over", wanted.subject)),
        Err(error) => {
            tracing::error!(content.digest = %wanted.digest, "kept content cannot be read: {error}");
            Err(format!("the content of {} cannot be read", wanted.subject))
        }
    }
}
