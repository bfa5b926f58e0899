//! Policies by which figures are told apart: a bounded number of them, because their ids come from outside.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::model::PolicyId;

/// Policies that have figures of their own; those published beyond are counted together.
pub(super) const POLICIES_MAX: usize = 64;
/// The class of channels that no policy watches.
const NO_POLICY: &str = "none";
/// The class of channels whose policies came after [`POLICIES_MAX`] others.
const OTHER_POLICIES: &str = "other";

/// The policies met so far.
#[derive(Default)]
pub(super) struct PolicyClasses(Mutex<BTreeSet<String>>);

impl PolicyClasses {
    /// Under which name a policy is counted.
    pub fn of(&self, policy: Option<&PolicyId>) -> String {
        let Some(policy) = policy else { return NO_POLICY.to_owned() };
        let policy = policy.to_string();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&policy) {
            if known.len() >= POLICIES_MAX {
                return OTHER_POLICIES.to_owned();
            }
            known.insert(policy.clone());
        }
        policy
    }
}
