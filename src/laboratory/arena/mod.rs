//! The arena: providers held against each other by what was recorded. A fold over recorded events, and nothing is asked or
//! judged again: what each provider was asked, how long it took and what it costs; how two agree that saw the same frames;
//! what people said to the warnings that each label raised; what changed with a model version; and which threshold a
//! wanted upheld rate would take, as far as the answers tell. `docs/arena.md` says what each figure means, and what it
//! cannot mean.

mod answers;
mod categories;
mod changes;
mod fold;
mod models;
mod pairs;
mod reading;
pub mod report;
mod screens;
mod statistics;
pub mod text;
mod thresholds;

pub use answers::WARNINGS_MAX;
pub use changes::{CHANGES_MAX, PROVIDERS_MAX, STRETCH_MAX};
pub use fold::{Fold, RECENT_MAX, Whole};
pub use models::{LABELS_MAX, MODELS_MAX};
pub use pairs::{PAIRS_MAX, RULES_MAX};
pub use reading::{Question, run};
pub use report::Report;
pub use screens::SCREENS_MAX;
