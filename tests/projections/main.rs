//! What is shown, folded from events as they are stored: channels, and the queue in order of urgency.

mod channels;
mod overview;
mod queue;
mod story;
