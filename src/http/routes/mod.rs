//! Every route, by noun.

mod api;
mod channels;
mod consumers;
mod decisions;
mod events;
mod evidence;
mod journal;
mod replays;
mod state;

use super::route::Route;

/// All of them. The order is that of the API description.
pub(in crate::http) fn all() -> Vec<Route> {
    let nouns = [
        api::routes(), // one noun a line, in the order of the description
        journal::routes(),
        channels::routes(),
        state::routes(),
        events::routes(),
        decisions::routes(),
        evidence::routes(),
        consumers::routes(),
        replays::routes(),
    ];
    nouns.into_iter().flatten().collect()
}
