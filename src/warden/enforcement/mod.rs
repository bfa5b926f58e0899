//! What can make us stop a stream: the plan of every enforcement, pure.
//!
//! The [`Desk`] folds the journal into the enforcements under way and into the budget; [`plan()`] says, from one
//! enforcement and what was just seen of the channel, the one thing to do next. The reactor in `actors` does that
//! thing and has no choice left. Everything that could hit the wrong session is decided here.

mod budget;
mod desk;
mod plan;

pub use budget::{BudgetLimits, Spending};
pub use desk::{Case, Desk, Due};
pub use plan::{
    ATTEMPTS_MAX, PICTURES_SETTLE_MS, Seen, Step, UNSEEN_MS_MAX, VERIFY_WAIT_MS, backoff_ms, plan, plan_denied,
    plan_unseen,
};
