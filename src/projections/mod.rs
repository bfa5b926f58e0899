//! What we show: pure folds over events. A projection decides nothing and can be thrown away and built again.

mod channels;
mod queue;
mod summary;
mod view;

pub use channels::{
    CHANNELS_MAX, Cadence, Channel, Channels, Counts, Coverage, LastEvent, LastFrame, LastOutcome, OnAir,
    SkippedBecause,
};
pub use queue::{
    Answered, Claim, EVIDENCE_MAX, Entry, Escalated, Evidence, LedTo, QUEUE_MAX, Queue, Stage, Standing, Urgency,
    answer_within_ms,
};
pub use summary::{ChannelSummary, Summary};
pub use view::View;
