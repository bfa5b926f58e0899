//! The process: wardens, intake and enforcement reactor as the actors run them, all of it lost in a crash.
//!
//! One decision at a time per channel, from deciding until its events are durable and folded. Of each medium one frame in
//! flight and one waiting; the newer takes the waiting place and the other has its outcome at once. A frame's outcome is looked for
//! before any work, and duplicates of a frame under way join it.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use streamwarden::model::{EnforcementId, EventId, Fingerprint, Frame, FrameId, Medium, Position};
use streamwarden::policy::Policy;
use streamwarden::warden::enforcement::Desk;
use streamwarden::warden::{ChannelState, Command, Next};

/// The most commands that wait for one warden; a frame beyond it is shed.
pub const MAILBOX_MAX: usize = 24;
/// The most notifications taken from the source and not yet acknowledged.
pub const UNACKNOWLEDGED_MAX: usize = 48;

/// A command on its way to a warden, and who waits for it.
pub struct Message {
    pub command: Command,
    pub then: Then,
}

/// What happens once a command's events are durable.
#[derive(Debug, Clone)]
pub enum Then {
    /// The frame in flight goes on.
    FrameGoesOn(FrameId),
    /// These notifications are acknowledged; the frame has its outcome.
    Settle(FrameId),
    /// This notification is acknowledged.
    Acknowledge(usize),
    /// A moderator is answered.
    AnswerRequest(EventId),
    /// The enforcement reactor is answered; with an attempt, which is then made.
    Reported(EnforcementId, Option<u8>),
    /// Nobody waits.
    Nothing,
}

/// A frame between its arrival and its outcome.
pub struct Work {
    pub frame: Frame,
    pub policy: Option<Arc<Policy>>,
}

/// Frames of one medium on their way.
#[derive(Default)]
pub struct Lane {
    pub in_flight: Option<Work>,
    pub waiting: Option<Frame>,
}

pub struct Warden {
    pub state: ChannelState,
    pub mailbox: VecDeque<Message>,
    /// The decision whose events are not durable yet.
    pub deciding: Option<(Then, Option<Next>)>,
    /// Pictures, clips and sound: none waits for another.
    pub lanes: [Lane; 3],
    /// Notifications of frames that have no outcome yet, each with what it says.
    pub joined: HashMap<FrameId, Vec<(usize, Fingerprint)>>,
    pub tick_queued: bool,
}

impl Warden {
    pub fn new(state: ChannelState) -> Self {
        Self {
            state,
            mailbox: VecDeque::new(),
            deciding: None,
            lanes: Default::default(),
            joined: HashMap::new(),
            tick_queued: false,
        }
    }

    /// The frames of that medium.
    pub fn lane(&mut self, medium: Medium) -> &mut Lane {
        &mut self.lanes[medium as usize]
    }

    /// Where that frame is in flight.
    pub fn lane_of(&mut self, frame: FrameId) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.in_flight.as_ref().is_some_and(|work| work.frame.id == frame))
    }

    /// Whether nothing is in flight.
    pub fn is_idle(&self) -> bool {
        self.lanes.iter().all(|lane| lane.in_flight.is_none())
    }
}

pub struct Process {
    pub epoch: u32,
    pub wardens: Vec<Warden>,
    /// Next notification to read, those acknowledged beyond the cursor, and the cursor.
    pub next_read: usize,
    pub acknowledged: BTreeSet<usize>,
    pub cursor: usize,
    pub desk: Desk,
    /// Enforcements with a report on its way. The desk is asked what is due only when there are none: else two
    /// admissions could spend the same budget.
    pub reporting: HashSet<EnforcementId>,
    pub looking: HashSet<EnforcementId>,
    /// Enforcements with a call to the platform under way.
    pub calling: HashSet<EnforcementId>,
    /// How often a provider call of a frame was tried.
    pub tries: HashMap<FrameId, u8>,
}

impl Process {
    pub fn new(epoch: u32, wardens: Vec<Warden>, cursor: Option<Position>, desk: Desk) -> Self {
        let cursor = cursor.map_or(0, |cursor| cursor.0 as usize);
        Self {
            epoch,
            wardens,
            next_read: cursor,
            acknowledged: BTreeSet::new(),
            cursor,
            desk,
            reporting: HashSet::new(),
            looking: HashSet::new(),
            calling: HashSet::new(),
            tries: HashMap::new(),
        }
    }
}
