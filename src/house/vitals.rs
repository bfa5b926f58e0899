//! Whether the house can do its work, asked at any moment: each organ with the reason where it cannot. Decides nothing
//! and heals nothing.

use std::sync::{Arc, OnceLock};

use crate::actors::{Views, Wardens};
use crate::journal::{AppendError, SledJournal};

/// Said where a provider is missing; which one and why stands in the log of the start.
const NO_PROVIDER: &str = "no provider is configured, or one that is is not there: frames that need it fail";

/// What the house needs to do its work, seen from outside. A cheap handle.
#[derive(Clone)]
pub struct Vitals {
    pub(super) journal: Arc<SledJournal>,
    pub(super) views: Views,
    pub(super) wardens: Wardens,
    pub(super) reactor: Pulse,
    pub(super) provider_present: bool,
}

/// One thing that the house needs, and why it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organ {
    /// `journal`, `views`, `wardens`, `enforcement`, `provider`.
    pub name: &'static str,
    /// None: it is well. Otherwise what is wrong, for an operator; nothing of the inside.
    pub wrong: Option<String>,
}

impl Vitals {
    /// Every organ. Asks the file system for its free space: off the arbiters.
    pub fn look(&self) -> Vec<Organ> {
        let organ = |name, wrong| Organ { name, wrong };
        vec![
            organ("journal", self.journal.refuses().map(|refusal| said(&refusal))),
            organ("views", self.views_wrong()),
            organ("wardens", self.wardens_wrong()),
            organ("enforcement", self.reactor.ended()),
            organ("provider", (!self.provider_present).then(|| NO_PROVIDER.to_owned())),
        ]
    }

    fn views_wrong(&self) -> Option<String> {
        if self.views.failure().is_some() {
            return Some("the views stand still until the next start; the log says why".to_owned());
        }
        (!self.views.is_caught_up()).then(|| format!("the views are {} events behind the journal", self.views.lag()))
    }

    fn wardens_wrong(&self) -> Option<String> {
        let (alive, all) = self.wardens.shards_alive();
        (alive < all).then(|| format!("{} of {all} threads that wardens run on have ended", all - alive))
    }
}

/// The reason of a failure may hold paths; it stands in the log.
fn said(refusal: &AppendError) -> String {
    match refusal {
        AppendError::Failed(_) => "the journal failed and is closed until the next start; the log says why".to_owned(),
        other => other.to_string(),
    }
}

/// Whether a task goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<OnceLock<String>>);

impl Pulse {
    /// Held by the task: what it leaves without a word is taken for a panic.
    pub fn guard(&self) -> PulseGuard {
        PulseGuard(self.0.clone())
    }

    fn ended(&self) -> Option<String> {
        self.0.get().cloned()
    }
}

/// The task's own end of a [`Pulse`].
pub(super) struct PulseGuard(Arc<OnceLock<String>>);

impl PulseGuard {
    /// The task has ended, and why.
    pub fn ended(self, why: &str) {
        let _ = self.0.set(why.to_owned()); // set once, here or in the drop
    }
}

impl Drop for PulseGuard {
    fn drop(&mut self) {
        let _ = self.0.set("the enforcement reactor broke; no stop is carried out until the next start".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_leaves_without_a_word_is_known_to_have_ended() {
        let pulse = Pulse::default();
        let guard = pulse.guard();
        assert_eq!(pulse.ended(), None);
        drop(guard);
        assert!(pulse.ended().is_some_and(|why| why.contains("broke")));
    }

    #[test]
    fn the_reason_a_task_gives_stays() {
        let pulse = Pulse::default();
        pulse.guard().ended("it was told to");
        assert_eq!(pulse.ended().as_deref(), Some("it was told to"));
    }
}
