//! What of the journal a comparison reads: from where the version was put in shadow, to the newest event, because answers
//! come after what they answer. Blocks on the disk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{CodecError, Event};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{PolicyId, PolicyRef, Position, Scope, Sequence, SystemScope, Timestamp};

use super::{Comparing, Comparison};

/// The most events of the policies' list that are read to find a version: more than anybody publishes in years.
const POLICY_EVENTS_MAX: u64 = 50_000;

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// The journal could not be read.
    #[error("the journal could not be read")]
    Read(#[from] ReadError),
    /// An event that counts cannot be understood. A comparison that passed over it would be a guess.
    #[error("the event at position {at} cannot be understood")]
    Codec {
        /// Where.
        at: Position,
        /// Why.
        source: CodecError,
    },
    /// Whoever asked waits no more.
    #[error("the comparison was called off")]
    CalledOff,
}

/// A version that ran in shadow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ran {
    /// The version.
    pub policy: PolicyRef,
    /// Where it was put in shadow.
    pub from: Position,
    /// When.
    pub since: Timestamp,
    /// When it was ended, or another version took its place; none while it runs.
    pub until: Option<Timestamp>,
}

/// A comparison, and what was read for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// When the version was put in shadow.
    pub since: Timestamp,
    /// When it was ended, or another version took its place; none while it runs.
    pub until: Option<Timestamp>,
    /// The first position read.
    pub from: Position,
    /// The last.
    pub to: Position,
    /// Whether there were more events than one comparison reads: then what follows `to` is in no count.
    pub cut: bool,
    /// What came of it.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// The version of a policy that ran in shadow: of that number, or the last one. None if there is none.
pub fn ran(journal: &dyn Journal, policy: &PolicyId, version: Option<u32>) -> Result<Option<Ran>, ComparisonError> {
    let scope = Scope::System(SystemScope::Policies);
    let (mut after, mut found) = (Sequence(0), None::<Ran>);
    while after.0 < POLICY_EVENTS_MAX {
        let page = journal.read_scope(&scope, after, READ_LIMIT_MAX)?;
        let Some(last) = page.last() else { break };
        after = last.envelope.sequence;
        for recorded in &page {
            let envelope = &recorded.envelope;
            let event = recorded.event().map_err(|source| ComparisonError::Codec { at: envelope.position, source })?;
            match event {
                Event::PolicyShadowed(it) if it.policy.id == *policy => {
                    end(&mut found, envelope.recorded_at);
                    if version.is_none_or(|version| it.policy.version == version) {
                        let (from, since) = (envelope.position, envelope.recorded_at);
                        found = Some(Ran { policy: it.policy, from, since, until: None });
                    }
                }
                Event::PolicyUnshadowed(it) if it.policy.id == *policy => end(&mut found, envelope.recorded_at),
                _ => {} // what is in force is another matter
            }
        }
    }
    Ok(found)
}

fn end(running: &mut Option<Ran>, at: Timestamp) {
    if let Some(ran) = running {
        ran.until = ran.until.or(Some(at));
    }
}

/// Reads at most `events_max` events from where the version was put in shadow, and compares. `goes_on` is asked now and
/// then, with the position reached, whether anybody still waits.
pub fn compare(
    journal: &dyn Journal,
    ran: &Ran,
    events_max: u64,
    mut goes_on: impl FnMut(Position) -> bool,
) -> Result<Compared, ComparisonError> {
    let head = *journal.watermark().borrow();
    let to = head.min(Position(ran.from.0.saturating_add(events_max)));
    let mut comparing = Comparing::new(ran.policy.clone());
    let mut after = ran.from;
    while after < to {
        if !goes_on(after) {
            return Err(ComparisonError::CalledOff);
        }
        let page = journal.read(after, READ_LIMIT_MAX)?;
        let Some(last) = page.last() else { break };
        after = last.envelope.position;
        for recorded in page.iter().filter(|recorded| recorded.envelope.position <= to) {
            if Comparing::needs(&recorded.envelope) {
                let at = recorded.envelope.position;
                let event = recorded.event().map_err(|source| ComparisonError::Codec { at, source })?;
                comparing.see(&recorded.envelope, &event);
            }
        }
    }
    Ok(Compared {
        since: ran.since,
        until: ran.until,
        from: ran.from,
        to,
        cut: to < head,
        comparison: comparing.report(),
    })
}
