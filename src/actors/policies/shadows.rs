//! Policies put in shadow, and taken out again: as durable, and as bounded, as those in force.

use std::sync::Arc;

use crate::events::{Actor, PolicyUnshadowed};
use crate::model::{PolicyId, PolicyRef};
use crate::policy::{Policy, file};

use super::{Place, PolicyDesk, PublishError, reason_fits};

/// The most policies in shadow at the same time: each is another judgement of the frames that it is for.
pub const SHADOWS_MAX: usize = 8;

impl PolicyDesk {
    /// A policy as it runs in shadow.
    pub fn in_shadow(&self, id: &PolicyId) -> Option<&Arc<Policy>> {
        self.shadows.get(id).map(|published| &published.policy)
    }

    /// Runs what a file holds in shadow, in the name of `by` and for the reason they give. A policy whose text runs in
    /// shadow already goes on as it is; another takes its place, under the next version of the policy. What is in force
    /// stays in force. Durable when this returns; if it fails halfway, the policies before the one that could not be kept
    /// are in shadow. Blocks.
    pub fn shadow(
        &mut self,
        file: &str,
        text: &str,
        by: &Actor,
        why: Option<&str>,
    ) -> Result<Vec<PolicyRef>, PublishError> {
        reason_fits(why)?;
        let loaded = file::load(file, text).map_err(|source| PublishError::Text { file: file.to_owned(), source })?;
        let new = loaded.iter().filter(|one| !self.shadows.contains_key(&one.policy.reference.id)).count();
        if self.shadows.len() + new > SHADOWS_MAX {
            return Err(PublishError::TooManyShadows { wanted: self.shadows.len() + new });
        }
        let shadowed = self.put(Place::InShadow, loaded, text, by, why);
        self.announce(); // also where one of several could not be kept: those before it are durable
        shadowed
    }

    /// Ends a policy's shadow, in the name of `by` and for the reason they give. None if it is not in shadow. Durable when
    /// this returns. Blocks.
    pub fn unshadow(
        &mut self,
        id: &PolicyId,
        by: &Actor,
        why: Option<&str>,
    ) -> Result<Option<PolicyRef>, PublishError> {
        reason_fits(why)?;
        // One whose text could not be read is none that judges; it is ended all the same.
        let Some(shadowed) = self.history.of(id).and_then(|versions| versions.in_shadow()) else { return Ok(None) };
        let reference = shadowed.policy.clone();
        let why = why.map(|why| self.keep(&reference, why)).transpose()?;
        self.append(PolicyUnshadowed { policy: reference.clone(), why }.into(), &reference, "unshadowed", by)?;
        self.shadows.remove(id);
        self.announce();
        Ok(Some(reference))
    }
}
