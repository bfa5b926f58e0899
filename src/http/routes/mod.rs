//! Every route, by noun.

mod api;
mod channels;
mod consumers;
mod health;
mod journal;
mod replays;

use super::route::Route;

/// All of them. The order is that of the API description.
pub(in crate::http) fn all() -> Vec<Route> {
    [api::routes(), health::routes(), channels::routes(), journal::routes(), consumers::routes(), replays::routes()]
        .into_iter()
        .flatten()
        .collect()
}
