//! What every handler has at hand.

use std::sync::{Arc, Mutex};

use crate::actors::{PolicyDesk, Views, Wardens};
use crate::clock::Clock;
use crate::house::{House, Vitals};
use crate::journal::{Journal, content};

/// The house as requests see it.
pub struct App {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Large and personal content.
    pub content: Arc<content::Store>,
    /// The wardens.
    pub wardens: Wardens,
    /// Whether the house can do its work.
    pub vitals: Vitals,
    /// The policies in force. Blocks while publishing.
    pub policies: Arc<Mutex<PolicyDesk>>,
    /// Channels and the queue, as of a moment ago.
    pub views: Views,
    /// The time by which requests are handled.
    pub clock: Arc<dyn Clock>,
}

impl App {
    /// The house as requests see it.
    pub fn of(house: &House, clock: Arc<dyn Clock>) -> Self {
        Self {
            journal: house.journal.clone(),
            content: house.content.clone(),
            wardens: house.wardens.clone(),
            vitals: house.vitals.clone(),
            policies: house.policies.clone(),
            views: house.views.clone(),
            clock,
        }
    }
}
