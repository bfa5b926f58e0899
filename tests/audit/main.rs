//! The room `audit`: pages of events, a decision explained, exports. Channels are run as wardens run them, over the
//! journal in memory, with policies published and content kept for real.

mod decision;
mod export;
mod history;
mod search;
mod stage;
