//! What every handler has at hand.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::actors::{Deposit, Erasures, PolicyDesk, Views, Wardens};
use crate::clock::Clock;
use crate::consumers::Consumers;
use crate::house::{House, Vitals};
use crate::http::feed::{Feed, Patience};
use crate::journal::{Journal, content};
use crate::laboratory::price::Prices;
use crate::policy::PolicySet;
use crate::warden::UndoTime;

use super::Callbacks;
use super::backtesting::Backtests;
use super::picture::PictureRoom;
use super::scaling::Scaling;
use super::turn::Turn;

/// The house as requests see it.
pub struct App {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Large and personal content.
    pub content: Arc<content::Store>,
    /// What is erased, and what is to be. Blocks.
    pub erasures: Arc<Erasures>,
    /// The wardens.
    pub wardens: Wardens,
    /// Whether the house can do its work.
    pub vitals: Vitals,
    /// Where policies are published. Blocks meanwhile.
    pub policies: Arc<Mutex<PolicyDesk>>,
    /// The policies in force, at hand without waiting for one that is being published.
    pub in_force: watch::Receiver<Arc<PolicySet>>,
    /// Channels and the queue, as of a moment ago.
    pub views: Views,
    /// Consumers and replays. Blocks on the journal.
    pub consumers: Arc<Consumers>,
    /// The live feed.
    pub feed: Arc<Feed>,
    /// The time by which requests are handled.
    pub clock: Arc<dyn Clock>,
    /// For how long an answer to a warning may be taken back.
    pub undo: UndoTime,
    /// What calls to providers cost.
    pub prices: Prices,
    /// Where frames are put before they are judged; none: they are judged as they came.
    pub store_frames: Option<Deposit>,
    /// What decisions that are told of from outside mean here; none: nobody tells of any.
    pub callbacks: Option<Callbacks>,
    /// Backtests of all history.
    pub(in crate::http) backtests: Backtests,
    /// Who tries a policy on the past.
    pub(in crate::http) dry_runs: Turn,
    /// Who holds a policy in shadow against what was decided.
    pub(in crate::http) comparisons: Turn,
    /// Who holds providers against each other.
    pub(in crate::http) arena: Turn,
    /// Who scales pictures for people.
    pub(in crate::http) scaling: Arc<Scaling>,
    /// Memory for pictures that are being taken in.
    pub(in crate::http) pictures: PictureRoom,
}

impl App {
    /// The house as requests see it.
    pub fn of(house: &House, clock: Arc<dyn Clock>) -> Self {
        Self {
            journal: house.journal.clone(),
            content: house.content.clone(),
            erasures: house.erasures.clone(),
            wardens: house.wardens.clone(),
            vitals: house.vitals.clone(),
            policies: house.policies.clone(),
            in_force: house.in_force.clone(),
            views: house.views.clone(),
            consumers: house.consumers.clone(),
            feed: Feed::new(house.journal.clone(), house.consumers.clone(), Patience::default()),
            clock,
            undo: UndoTime::default(),
            prices: Prices::listed(),
            store_frames: None,
            callbacks: None,
            backtests: Backtests::default(),
            dry_runs: Turn::default(),
            comparisons: Turn::default(),
            arena: Turn::default(),
            scaling: Arc::default(),
            pictures: PictureRoom::default(),
        }
    }
}
