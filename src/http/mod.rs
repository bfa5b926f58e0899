//! Who asks over the network: routes by noun, one problem envelope, one gate in front of all of them. Knows nothing
//! of storage formats; what it shows and does, the rooms below show and do.

mod app;
pub mod auth;
mod backtesting;
mod blocking;
mod callbacks;
mod console;
mod consuming;
mod edge;
mod extract;
mod feed;
mod filtering;
mod gate;
mod idempotency;
mod list;
mod live;
mod moderating;
mod moment;
mod openapi;
mod origin;
mod page;
mod past;
mod picture;
mod problem;
mod rate;
mod recheck;
mod refused;
mod repeated;
mod report;
mod route;
mod routes;
mod rows;
mod scaling;
mod server;
mod session;
mod slow_body;
mod socket;
mod store_frames;
mod turn;
mod written;

pub use app::App;
pub use callbacks::{Callbacks, Meaning};
pub use console::has_pages;
pub use feed::{Feed, Patience};
pub use gate::{Gate, GateConfig, GateConfigError};
pub use origin::OriginError;
pub use problem::{Code, Problem};
pub use rate::{Rate, RateConfig, RateError};
pub use server::{ListenError, Server, ServerSettings};
pub use session::{PagesConfig, PublicUrlError};
pub use store_frames::{StoreFramesConfig, StoreTimeError};

/// The API description (OpenAPI 3.1) of the routes that this program answers, as JSON.
pub fn openapi() -> String {
    openapi::Description::of(&routes::all()).json()
}
