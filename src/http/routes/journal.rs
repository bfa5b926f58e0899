//! The journal as a whole: which store it is, how far it has come.

use actix_web::web::{Data, Json};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::App;
use crate::http::auth::Permission;
use crate::http::route::Route;
use crate::model::Position;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/journal", "get_journal", Permission::Read)
            .says("How far the journal has come", "Every event up to `head` is on the disk and can be read.")
            .answers::<JournalHead>(200, "The journal's head.")
            .to(get_journal),
    ]
}

/// How far the journal has come.
#[derive(Debug, Serialize, JsonSchema)]
struct JournalHead {
    /// Position of the last durable event.
    head: Position,
}

async fn get_journal(app: Data<App>) -> Json<JournalHead> {
    Json(JournalHead { head: *app.journal.watermark().borrow() })
}
