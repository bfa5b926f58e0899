//! Every route, by noun.

mod acts;
mod answers;
mod api;
mod appeals;
mod arena;
mod backtests;
mod callbacks;
mod channels;
mod consumers;
mod decisions;
mod enforcements;
mod erasures;
mod events;
mod evidence;
mod feed;
mod frames;
mod health;
mod history;
mod journal;
mod live;
mod oidc;
mod overview;
mod pictures;
mod policies;
mod queue;
mod replays;
mod reputation;
mod session;
mod sessions;
mod state;
mod taxonomies;

use super::route::Route;

/// All of them. The order is that of the API description.
pub(in crate::http) fn all() -> Vec<Route> {
    let nouns = [
        channels::routes(), // one noun a line, in the order of the description
        frames::routes(),
        sessions::routes(),
        decisions::routes(),
        callbacks::routes(),
        evidence::routes(),
        erasures::routes(),
        pictures::routes(),
        events::routes(),
        state::routes(),
        history::routes(),
        reputation::routes(),
        queue::routes(),
        acts::routes(),
        answers::routes(),
        appeals::routes(),
        enforcements::routes(),
        policies::routes(),
        taxonomies::routes(),
        backtests::routes(),
        arena::routes(),
        feed::routes(),
        live::routes(),
        overview::routes(),
        consumers::routes(),
        replays::routes(),
        session::routes(),
        oidc::routes(),
        journal::routes(),
        health::routes(),
        api::routes(),
    ];
    nouns.into_iter().flatten().collect()
}
