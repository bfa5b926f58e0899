//! Every version of every policy that was ever published, or run in shadow: who put it in force and took it out again,
//! when, and why. Folded from the journal; texts and reasons stay in the content store.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::events::{Actor, CodecError, Event, Recorded};
use crate::model::{ContentRef, PolicyId, PolicyRef, Position, Timestamp};

/// The newest versions that are remembered of one policy, of those in force and of those in shadow each. Older ones
/// stand in the journal.
const VERSIONS_MAX: usize = 1000;

/// Every policy's versions.
#[derive(Debug, Default)]
pub struct PolicyHistory {
    policies: BTreeMap<PolicyId, PolicyVersions>,
}

/// One policy's versions. They are counted together, and none is in both.
#[derive(Debug, Default)]
pub struct PolicyVersions {
    /// Those that were put in force, oldest first.
    pub published: VecDeque<PolicyVersion>,
    /// Those that ran in shadow, oldest first.
    pub shadowed: VecDeque<PolicyVersion>,
}

/// A policy version that was put in force, or in shadow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Which.
    pub policy: PolicyRef,
    /// The text as it was published; it may hold other policies too.
    pub text: ContentRef,
    /// Who put it there, where that is recorded, when and why.
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
    /// Policies by id, from that bound on, each with its versions.
    pub fn after(&self, from: Bound<&PolicyId>) -> impl Iterator<Item = (&PolicyId, &PolicyVersions)> {
        self.policies.range::<PolicyId, _>((from, Bound::Unbounded))
    }

    /// A policy's versions; none if it was never published, nor in shadow.
    pub fn of(&self, policy: &PolicyId) -> Option<&PolicyVersions> {
        self.policies.get(policy)
    }

    /// The newest version that was put in force, still or not; none if none ever was.
    pub fn newest(&self, policy: &PolicyId) -> Option<&PolicyVersion> {
        self.of(policy)?.published.back()
    }

    /// The newest version that ran in shadow, still or not; none if none ever did.
    pub fn newest_shadow(&self, policy: &PolicyId) -> Option<&PolicyVersion> {
        self.of(policy)?.shadowed.back()
    }

    /// The version that the policy's next text gets: none is used twice, whatever it was used for.
    pub(super) fn next_version(&self, policy: &PolicyId) -> u32 {
        let newest = [self.newest(policy), self.newest_shadow(policy)];
        newest.into_iter().flatten().map(|version| version.policy.version).max().unwrap_or(0) + 1
    }

    /// The version of each policy that is in force.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &PolicyVersion> {
        self.policies.values().filter_map(PolicyVersions::in_force)
    }

    /// The version of each policy that is in shadow.
    pub(super) fn in_shadow(&self) -> impl Iterator<Item = &PolicyVersion> {
        self.policies.values().filter_map(PolicyVersions::in_shadow)
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
        let begun = |policy: PolicyRef, text: ContentRef, why: &Option<ContentRef>| PolicyVersion {
            policy,
            text,
            published: act(why),
            retired: None,
        };
        let event = recorded.event()?;
        match event {
            Event::PolicyPublished(it) => {
                let versions = self.policies.entry(it.policy.id.clone()).or_default();
                add(&mut versions.published, begun(it.policy, it.text, &it.why));
            }
            Event::PolicyShadowed(it) => {
                let versions = self.policies.entry(it.policy.id.clone()).or_default();
                add(&mut versions.shadowed, begun(it.policy, it.text, &it.why));
            }
            Event::PolicyRetired(it) => {
                let versions = self.policies.get_mut(&it.policy.id);
                if let Some(newest) = versions.and_then(|versions| versions.published.back_mut()) {
                    newest.retired = Some(act(&it.why));
                }
            }
            Event::PolicyUnshadowed(it) => {
                let versions = self.policies.get_mut(&it.policy.id);
                if let Some(newest) = versions.and_then(|versions| versions.shadowed.back_mut()) {
                    newest.retired = Some(act(&it.why));
                }
            }
            _ => {} // the list of policies holds nothing else
        }
        Ok(())
    }
}

impl PolicyVersions {
    /// The version in force, if one is.
    pub fn in_force(&self) -> Option<&PolicyVersion> {
        self.published.back().filter(|newest| newest.retired.is_none())
    }

    /// The version in shadow, if one is.
    pub fn in_shadow(&self) -> Option<&PolicyVersion> {
        self.shadowed.back().filter(|newest| newest.retired.is_none())
    }

    /// The version of that number, and whether it ran in shadow.
    pub fn numbered(&self, version: u32) -> Option<(&PolicyVersion, bool)> {
        let numbered =
            |versions: &VecDeque<PolicyVersion>| versions.iter().position(|one| one.policy.version == version);
        match numbered(&self.published) {
            Some(at) => Some((&self.published[at], false)),
            None => numbered(&self.shadowed).map(|at| (&self.shadowed[at], true)),
        }
    }
}

fn add(versions: &mut VecDeque<PolicyVersion>, one: PolicyVersion) {
    versions.push_back(one);
    if versions.len() > VERSIONS_MAX {
        versions.pop_front();
    }
}
