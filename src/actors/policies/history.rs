//! Every version of every policy that was ever published: who put it in force and took it out again, when, and why.
//! Folded from the journal; texts and reasons stay in the content store.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::events::{Actor, CodecError, Event, Recorded};
use crate::model::{ContentRef, PolicyId, PolicyRef, Position, Timestamp};

/// The newest versions that are remembered of one policy. Older ones stand in the journal.
const VERSIONS_MAX: usize = 1000;

/// Every policy's versions, oldest first.
#[derive(Debug, Default)]
pub struct PolicyHistory {
    policies: BTreeMap<PolicyId, VecDeque<PolicyVersion>>,
}

/// A policy version that was put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Which.
    pub policy: PolicyRef,
    /// The text as it was published; it may hold other policies too.
    pub text: ContentRef,
    /// Who put it in force, where that is recorded, when and why.
    pub published: PolicyAct,
    /// Who took it out, without another version in its place.
    pub retired: Option<PolicyAct>,
}

/// Who did something, where it is recorded, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyAct {
    /// Who.
    pub by: Actor,
    /// Where that is recorded.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// Why, if they said.
    pub why: Option<ContentRef>,
}

impl PolicyHistory {
    /// Policies by id, from that bound on, each with its versions, oldest first.
    pub fn after(&self, from: Bound<&PolicyId>) -> impl Iterator<Item = (&PolicyId, &VecDeque<PolicyVersion>)> {
        self.policies.range::<PolicyId, _>((from, Bound::Unbounded))
    }

    /// A policy's versions, oldest first; none if it was never published.
    pub fn of(&self, policy: &PolicyId) -> Option<&VecDeque<PolicyVersion>> {
        self.policies.get(policy)
    }

    /// The newest version of a policy, in force or not; none if it was never published.
    pub fn newest(&self, policy: &PolicyId) -> Option<&PolicyVersion> {
        self.policies.get(policy)?.back()
    }

    /// The newest version of each policy that is in force.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &PolicyVersion> {
        self.policies.values().filter_map(|versions| versions.back()).filter(|newest| newest.retired.is_none())
    }

    /// Folds one event of the policies' list in.
    pub(super) fn apply(&mut self, recorded: &Recorded) -> Result<(), CodecError> {
        let envelope = &recorded.envelope;
        let act = |why: &Option<ContentRef>| PolicyAct {
            by: envelope.actor.clone(),
            position: envelope.position,
            at: envelope.recorded_at,
            why: why.clone(),
        };
        let event = recorded.event()?;
        if let Event::PolicyPublished(it) = event {
            let versions = self.policies.entry(it.policy.id.clone()).or_default();
            versions.push_back(PolicyVersion {
                policy: it.policy,
                text: it.text,
                published: act(&it.why),
                retired: None,
            });
            if versions.len() > VERSIONS_MAX {
                versions.pop_front();
            }
        } else if let Event::PolicyRetired(it) = event
            && let Some(newest) = self.policies.get_mut(&it.policy.id).and_then(VecDeque::back_mut)
        {
            newest.retired = Some(act(&it.why));
        }
        Ok(())
    }
}
