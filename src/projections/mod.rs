//! What we show: pure folds over events. A projection decides nothing and can be thrown away and built again.

mod summary;

pub use summary::{ChannelSummary, Summary};
