//! Every route, by noun.

mod api;
mod decisions;
mod events;
mod evidence;
mod journal;
mod state;

use super::route::Route;

/// All of them. The order is that of the API description.
pub(in crate::http) fn all() -> Vec<Route> {
    [api::routes(), journal::routes(), events::routes(), decisions::routes(), state::routes(), evidence::routes()]
        .into_iter()
        .flatten()
        .collect()
}
