//! Every route, by noun.

mod api;
mod channels;
mod consumers;
mod journal;
mod queue;
mod replays;

use super::route::Route;

/// All of them. The order is that of the API description.
pub(in crate::http) fn all() -> Vec<Route> {
    [api::routes(), journal::routes(), channels::routes(), queue::routes()].into_iter().flatten().collect()
    [api::routes(), channels::routes(), journal::routes(), consumers::routes(), replays::routes()]
        .into_iter()
        .flatten()
        .collect()
}
