//! Every route, by noun.

mod api;
mod health;
mod journal;

use super::route::Route;

/// All of them. The order is that of the API description.
pub(in crate::http) fn all() -> Vec<Route> {
    [api::routes(), health::routes(), journal::routes()].into_iter().flatten().collect()
}
