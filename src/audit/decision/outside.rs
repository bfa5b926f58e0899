//! What external actors decided about a frame, afterwards and by their own means, and what that meant here.

use schemars::JsonSchema;
use serde::Serialize;

use super::EventLink;
use crate::events::{DecisionEffect, DecisionReceived, Recorded};
use crate::model::{Action, ActionName, Approval, ExternalId};

/// An external actor's decision about the frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecidedOutside {
    /// Who decided.
    pub by: ExternalId,
    /// What they call it.
    pub action: ActionName,
    /// What the operator had set it to mean; none: it was only recorded.
    pub then: Option<Action>,
    /// Whether a person had to agree.
    pub approval: Approval,
    /// What came of it.
    pub effect: DecisionEffect,
    /// In one sentence.
    pub text: String,
    /// The event that holds it.
    pub event: EventLink,
}

impl DecidedOutside {
    pub(super) fn of(received: &DecisionReceived, recorded: &Recorded) -> Self {
        let DecisionReceived { by, action, then, approval, effect, frame: _, session: _ } = received.clone();
        let text = text(received);
        Self { by, action, then, approval, effect, text, event: EventLink::from(recorded) }
    }
}

fn text(received: &DecisionReceived) -> String {
    let DecisionReceived { by, action, then, approval, effect, .. } = received;
    let means = match (then, approval) {
        (None, _) => "is only recorded here",
        (Some(Action::Warn), _) => "asks a person here",
        (Some(Action::Stop), Approval::Person) => "proposes here that a person stops the broadcast",
        (Some(Action::Stop), Approval::None) => "asks here for the broadcast to be stopped",
        (Some(Action::Suspend), Approval::Person) => "proposes here that a person suspends the channel",
        (Some(Action::Suspend), Approval::None) => "asks here for the channel to be suspended",
    };
    let came = match effect {
        DecisionEffect::Noted => String::new(),
        DecisionEffect::Raised(warning) => format!("; it raised warning {warning}"),
        DecisionEffect::Joined(warning) => format!("; warning {warning} was open already"),
        DecisionEffect::Cooldown(until) => format!("; a person had answered it, and it was quiet until {until}"),
        DecisionEffect::Unplaced => {
            "; nothing followed: the frame was not judged here, and what it shows is over".to_owned()
        }
    };
    format!("{by} decided {action}, which {means}{came}")
}
