//! Every route, by noun.

mod acts;
mod answers;
mod api;
mod channels;
mod consumers;
mod enforcements;
mod frames;
mod journal;
mod replays;
mod sessions;

use super::route::Route;

/// All of them. The order is that of the API description.
pub(in crate::http) fn all() -> Vec<Route> {
    [
        api::routes(),
        channels::routes(),
        journal::routes(),
        frames::routes(),
        sessions::routes(),
        acts::routes(),
        answers::routes(),
        enforcements::routes(),
        consumers::routes(),
        replays::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
