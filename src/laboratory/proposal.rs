//! What is proposed, put in the place of what is in force.

use std::sync::Arc;

use super::reading::Question;
use super::truth::Detections;
use crate::journal::content::{Content, Store};
use crate::model::{ContentRef, Label, PolicyRef};
use crate::policy::{Policy, PolicySet};

/// Channels that are tried unless somebody says otherwise.
const CHANNELS_MAX: usize = 100_000;

/// The policies with the versions that they would get if they were published now.
pub fn proposed(policies: impl IntoIterator<Item = Policy>, in_force: &PolicySet) -> Vec<Arc<Policy>> {
    let next = |policy: Policy| {
        let now = in_force.iter().find(|now| now.reference.id == policy.reference.id);
        let version = now.map_or(0, |now| now.reference.version) + 1;
        Arc::new(Policy { reference: PolicyRef { version, ..policy.reference }, ..policy })
    };
    policies.into_iter().map(next).collect()
}

/// The question what these policies would have said where they would watch, if they were in force beside the others.
pub fn trying(in_force: &PolicySet, tried: &[Arc<Policy>]) -> Question {
    let replaced = |policy: &&Arc<Policy>| tried.iter().any(|one| one.reference.id == policy.reference.id);
    let others = in_force.iter().filter(|policy| !replaced(policy)).cloned();
    Question {
        proposals: vec![PolicySet::new(others.chain(tried.iter().cloned()).collect())],
        tried: tried.iter().map(|policy| policy.reference.id.clone()).collect(),
        channels: Vec::new(),
        channels_max: CHANNELS_MAX,
        detections: Detections::Upheld,
        threads: 1,
    }
}

/// The whole answer behind an assessment whose event holds only the surest labels; none if it is not at hand, which the
/// report counts.
pub fn whole_answer(content: &Store, kept: &ContentRef) -> Option<Vec<Label>> {
    let Ok(Content::Plain(bytes)) = content.get(kept) else { return None };
    serde_json::from_slice(&bytes).ok()
}
