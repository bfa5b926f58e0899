//! The live picture: rows as they now stand, as server-sent events.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::live::{self, LiveMessage};
use crate::http::problem::{Code, Problem};
use crate::http::route::Route;
use crate::http::socket::Socket;

/// When a connection that was refused may try again, in seconds.
const RETRY_AFTER_S: u32 = 30;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/live", "get_live", Permission::Read)
            .says(
                "Channels and warnings as they stand, live",
                "Server-sent events (`text/event-stream`) of rows as they now stand, those of `GET /v1/channels` and \
                 of `GET /v1/warnings`, of the channels you may see. `event: begin`, then every channel that is live \
                 or has open warnings and every warning of the queue, answered ones that can still be taken back \
                 included, then `event: ready`. From then on each row again when it changed, at most four times a \
                 second and once however often it changed in between; `gone` names warnings that need nobody any \
                 more. `event: at` every two seconds says up to which position that is all. Each has that position \
                 as `id`.\n\nA connection always begins with everything; so it does in its midst, with another `begin`, \
                 if too much happened at once. `event: resume` is the last of a connection that reads too slowly, \
                 meets the end of the server, or of views that do not keep up: connect again. Connections count with \
                 those of `GET /v1/feed`.",
            )
            .answers_events::<LiveMessage>(200, "Messages, until one side ends it: the name of each event, and its data.")
            .to(get_live),
    ]
}

async fn get_live(app: Data<App>, caller: Caller, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let socket = request.conn_data::<Arc<Socket>>();
    let messages = live::stream(app, &caller, socket)
        .map_err(|full| Problem::new(Code::TooMany, full.to_string()).retry_after(RETRY_AFTER_S))?;
    Ok(HttpResponse::Ok()
        .force_close() // nothing follows on the connection: what is not taken of this answer may be hung up on
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .streaming(messages))
}
