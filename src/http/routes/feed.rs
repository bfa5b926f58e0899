//! The live feed: server-sent events from any position.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::feed::{self, Asked, Replays};
use crate::http::filtering::Filtering;
use crate::http::problem::{Code, Problem};
use crate::http::route::Route;
use crate::http::socket::Socket;
use crate::model::Position;

/// When a connection that was refused may try again, in seconds.
const RETRY_AFTER_S: u32 = 30;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/feed", "get_feed", Permission::Read)
            .says(
                "The live feed",
                "Server-sent events (`text/event-stream`): each event of the journal as JSON once it is durable, with \
                 its position as `id`, so that a client resumes with `Last-Event-ID` without gap or repetition. A \
                 comment at least every 15 s. `event: resume` is the last of a connection that reads too slowly or \
                 meets the end of the server: connect again with the position it names. Replays that were asked for \
                 come as `event: replayed`, with `replay: {id, name}` and without an `id`. Of the channels you may see.",
            )
            .header::<Position>("Last-Event-ID", "Resume after this position; it goes before `after`.")
            .query::<Filtering<FeedQuery>>()
            .answers_as(200, "text/event-stream", "Events, until one side ends it.")
            .refuses(422, "The position lies beyond the head.")
            .to(get_feed),
    ]
}

/// Where the feed begins, and what else it brings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedQuery {
    /// Events after this position; those to come if it is not said.
    after: Option<Position>,
    /// Also replays to the feed: `all`, or the id of one. Needs the permission to consume on all channels.
    replays: Option<String>,
}

async fn get_feed(
    app: Data<App>,
    caller: Caller,
    query: Filtering<FeedQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Filtering { filter, own: FeedQuery { after, replays } } = query;
    let head = *app.journal.watermark().borrow();
    let after = last_event_id(&request)?.or(after).unwrap_or(head);
    if after > head {
        let detail = format!("position {after} lies beyond the journal's head {head}");
        return Err(Problem::new(Code::Unprocessable, detail).with("head", head).with("parameter", "after"));
    }
    let replays = match replays.as_deref() {
        None => Replays::None,
        Some(_) if !caller.may_everywhere(Permission::Consume) => {
            let detail = "replays need the permission \"consume\" on all channels, which you do not have";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        Some("all") => Replays::All,
        Some(id) => Replays::One(id.parse().map_err(|error| Problem::malformed("replays", error))?),
    };
    let filter = filter.restricted_to(&caller.channels(Permission::Read));
    let asked = Asked { caller: caller.id.clone(), filter, after, replays };
    let socket = request.conn_data::<Arc<Socket>>();
    let events = feed::stream(&app.feed, asked, socket)
        .map_err(|full| Problem::new(Code::TooMany, full.to_string()).retry_after(RETRY_AFTER_S))?;
    Ok(HttpResponse::Ok()
        .force_close() // nothing follows on the connection: what is not taken of this answer may be hung up on
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .streaming(events))
}

/// What a client that resumes says it had last.
fn last_event_id(request: &HttpRequest) -> Result<Option<Position>, Problem> {
    let Some(said) = request.headers().get("last-event-id") else { return Ok(None) };
    let position = said.to_str().ok().and_then(|text| text.trim().parse().ok());
    let position =
        position.ok_or_else(|| Problem::malformed("Last-Event-ID", "must be a position, as it was given"))?;
    Ok(Some(Position(position)))
}
