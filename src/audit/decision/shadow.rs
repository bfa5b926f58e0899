//! What a policy in shadow said of the frame, beside the decision. It had no part in it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{Event, FrameAssessed, ShadowEffect, ShadowFound, ShadowLook, ShadowVerdict};
use crate::journal::Journal;
use crate::model::{Action, FrameId, PolicyRef, Verdict};
use crate::warden::Command;

use super::{AuditError, EventLink};

/// What a policy in shadow said of the frame. Nothing followed from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InShadow {
    /// The policy version in shadow.
    pub policy: PolicyRef,
    /// What it found.
    pub found: ShadowFound,
    /// Its verdict: clear where it hit nothing; none where the answer was in another taxonomy, which is not clear.
    pub verdict: Option<Verdict>,
    /// Whether it agrees with the live verdict; none where it has none of its own.
    pub agrees: Option<bool>,
    /// In one sentence.
    pub because: String,
    /// What it said of each rule, where it hit some.
    pub said: Option<ShadowVerdict>,
    /// The event that holds that.
    pub event: Option<EventLink>,
}

/// What the shadow said, if there was one; where it cannot be found, `missing` names it.
pub(super) fn of(
    journal: &dyn Journal,
    frame: FrameId,
    assessed: &FrameAssessed,
    missing: &mut Vec<String>,
) -> Result<Option<InShadow>, AuditError> {
    let Some(ShadowLook { policy, found }) = assessed.shadow.clone() else { return Ok(None) };
    let (mut said, mut event) = (None, None);
    if found == ShadowFound::Hit {
        let recorded = journal.find(Command::shadow_id(frame))?;
        event = recorded.as_ref().map(EventLink::from);
        said = recorded.and_then(|recorded| match recorded.event() {
            Ok(Event::ShadowVerdict(verdict)) => Some(verdict),
            _ => None,
        });
        if said.is_none() {
            missing.push(format!("what {policy} in shadow said of the frame: its event is not in this journal"));
        }
    }
    let verdict = match found {
        ShadowFound::NoHit => Some(Verdict::Clear),
        ShadowFound::Hit => said.as_ref().map(|said| said.verdict),
        ShadowFound::OtherTaxonomy => None,
    };
    Ok(Some(InShadow {
        because: because(&policy, found, said.as_ref()),
        agrees: verdict.map(|verdict| verdict == assessed.verdict),
        policy,
        found,
        verdict,
        said,
        event,
    }))
}

fn because(policy: &PolicyRef, found: ShadowFound, said: Option<&ShadowVerdict>) -> String {
    let Some(said) = said else {
        return match found {
            ShadowFound::NoHit => format!("{policy} in shadow hit no rule: clear"),
            ShadowFound::Hit => format!("{policy} in shadow hit rules"),
            ShadowFound::OtherTaxonomy => {
                format!("{policy} in shadow could not judge the answer, which is in another taxonomy than its rules")
            }
        };
    };
    let would = match said.would {
        None => "done nothing",
        Some(Action::Warn) => "asked a person",
        Some(Action::Stop) => "stopped the stream without a person",
        Some(Action::Suspend) => "revoked keys and stopped the stream without a person",
    };
    let rules: Vec<String> = said
        .rules
        .iter()
        .map(|rule| {
            let effect = match rule.effect {
                ShadowEffect::Partial => "too few hits so far",
                ShadowEffect::Raised { .. } => "a warning",
                ShadowEffect::Joined => "its warning was open",
                ShadowEffect::Cooldown(_) => "quiet after an answer",
            };
            format!("{} ({effect})", rule.rule)
        })
        .collect();
    format!("{policy} in shadow would have {would}, by {}", rules.join(", "))
}
