//! Every route, by noun.

mod acts;
mod answers;
mod api;
mod channels;
mod consumers;
mod decisions;
mod enforcements;
mod events;
mod evidence;
mod feed;
mod frames;
mod health;
mod journal;
mod policies;
mod queue;
mod replays;
mod sessions;
mod state;

use super::route::Route;

/// All of them. The order is that of the API description.
pub(in crate::http) fn all() -> Vec<Route> {
    let nouns = [
        api::routes(), // one noun a line, in the order of the description
        health::routes(),
        journal::routes(),
        channels::routes(),
        queue::routes(),
        policies::routes(),
        sessions::routes(),
        frames::routes(),
        state::routes(),
        events::routes(),
        decisions::routes(),
        evidence::routes(),
        acts::routes(),
        answers::routes(),
        enforcements::routes(),
        consumers::routes(),
        replays::routes(),
        feed::routes(),
    ];
    nouns.into_iter().flatten().collect()
}
