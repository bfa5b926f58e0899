//! What we show: pure folds over events. A projection decides nothing and can be thrown away and built again.

mod channels;
mod enforcements;
mod index;
mod orders;
pub mod overview;
mod queue;
mod summary;
mod unjudged;
mod view;
mod warning;

pub use channels::{
    CHANNELS_MAX, Cadence, Channel, Channels, Counts, Coverage, Ended, LastEvent, LastFrame, LastOutcome, OnAir,
    SkippedBecause,
};
pub use enforcements::{ENFORCEMENTS_MAX, EnforcementStep, Enforcements, Followed};
pub use index::{Index, WARNINGS_INDEXED_MAX};
pub use orders::{Ending, Risk};
pub use queue::{QUEUE_MAX, Queue};
pub use summary::{ChannelSummary, Summary};
pub use unjudged::Unjudged;
pub use view::View;
pub use warning::{
    Answered, Claim, EVIDENCE_MAX, Entry, Escalated, Evidence, Lapsed, LedTo, Overturned, Stage, Standing, Urgency,
    answer_within_ms,
};
