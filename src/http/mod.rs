//! Who asks over the network: routes by noun, one problem envelope, one gate in front of all of them. Knows nothing
//! of storage formats; what it shows and does, the rooms below show and do.

mod app;
pub mod auth;
mod extract;
mod gate;
mod openapi;
mod page;
mod problem;
mod route;
mod routes;
mod server;

pub use app::App;
pub use problem::{Code, Problem};
pub use server::Server;

/// The API description (OpenAPI 3.1) of the routes that this program answers, as JSON.
pub fn openapi() -> String {
    openapi::Description::of(&routes::all()).json()
}
