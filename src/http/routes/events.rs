//! Recorded events: pages of them, one of them, and exports of many.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::AuditError;
use crate::audit::export::{self, EXPORT_SPAN_MAX, Pieces, Places, plan};
use crate::audit::search::{Order, Wanted, Within, page};
use crate::events::{Event, EventView, ExportFormat, Filter};
use crate::http::App;
use crate::http::auth::{Permission, Principal};
use crate::http::extract::Caller;
use crate::http::filtering::Filtering;
use crate::http::list::{Limit, List};
use crate::http::past::{ask, parameter, record_access};
use crate::http::problem::{Code, Problem};
use crate::http::route::{Building, Route};
use crate::model::{ChannelId, EventId, Position, Scope};

/// Where another export goes on; absent where one reached the end.
const NEXT: HeaderName = HeaderName::from_static("streamwarden-next");
/// Over which places an export reaches, and how far all of them together: `first-to/last`.
const PLACES: HeaderName = HeaderName::from_static("streamwarden-places");

pub(in crate::http) fn routes() -> Vec<Route> {
    let listing = |building: Building| {
        building
            .header::<String>("accept", "`application/x-ndjson` or `text/csv` for an export, as `format` says it.")
            .query::<Filtering<ListEvents>>()
            .answers::<List<EventView>>(200, "A page of events; or an export, if one was asked for.")
            .answers_as(200, NDJSON, "An export: an event a line.")
            .answers_as(200, CSV, "An export: an event a row, under a row of names.")
            .refuses(403, "Exports need the permission `export`.")
            .refuses(503, "The export could not be recorded, and so was not made.")
    };
    vec![
        listing(Route::get("/v1/events", "list_events", Permission::Read).says(
            "Events of the whole journal",
            "Those that you may see, in the order of their positions. The cursor is a position. Events of a type that \
             this program does not know are shown raw, whatever the filter asks of their payload.\n\nAn export holds at \
             most the events of 100,000 positions, or of `span`; its header `streamwarden-next` is the `after` with which \
             another goes on, and absent when there is no more. `streamwarden-places` says how far it is: \
             `1-100000/345678` reaches from the first to the 100,000th place of 345,678. An export is recorded, with your \
             name, before its first byte leaves. As rows, each part has a row of names.",
        ))
        .to(list_events),
        listing(Route::get("/v1/channels/{channel}/events", "list_channel_events", Permission::Read).says(
            "Events of one channel",
            "In the order of their sequences. The cursor is a sequence. Exports as for the whole journal.",
        ))
        .path::<ChannelId>("channel", "The channel; a `/` in its id is written `%2F`.")
        .to(list_channel_events),
        Route::get("/v1/events/{id}", "get_event", Permission::Read)
            .says("One event", "By its id.")
            .path::<EventId>("id", "The event's id.")
            .answers::<EventView>(200, "The event.")
            .to(get_event),
    ]
}

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";

/// Which page, besides which events.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListEvents {
    /// Go on after this place: the `next` of the page before. Descending, what comes after it has smaller places.
    #[schemars(with = "Option<Position>")]
    after: Option<String>,
    /// Events of a page.
    limit: Option<Limit>,
    /// Oldest first (`asc`) or newest first (`desc`).
    order: Option<Direction>,
    /// The most places that one export reaches over, 1 to 100,000, which it is if not said. A page has none.
    #[schemars(with = "Option<u32>", range(min = 1, max = 100_000))]
    span: Option<String>,
    /// In which form; without it, what `Accept` asks for. `ndjson` and `csv` are exports.
    format: Option<Form>,
}

/// In which order a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Direction {
    /// Oldest first.
    #[default]
    Asc,
    /// Newest first.
    Desc,
}

/// In which form events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// A page.
    Json,
    /// An export: an event a line.
    Ndjson,
    /// An export: an event a row.
    Csv,
}

impl Form {
    fn asked(own: Option<Self>, request: &HttpRequest) -> Option<ExportFormat> {
        let accepted = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let of_accept = accepted.split([',', ';']).map(str::trim).find_map(|media| match media {
            NDJSON => Some(Self::Ndjson),
            CSV => Some(Self::Csv),
            "application/json" | "*/*" => Some(Self::Json),
            _ => None,
        });
        match own.or(of_accept)? {
            Self::Json => None,
            Self::Ndjson => Some(ExportFormat::Ndjson),
            Self::Csv => Some(ExportFormat::Csv),
        }
    }
}

async fn list_events(
    app: Data<App>,
    caller: Caller,
    asked: Filtering<ListEvents>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    match Form::asked(asked.own.format, &request) {
        None => {
            let filter = asked.filter.restricted_to(&caller.channels(Permission::Read));
            list(app, Within::Journal, filter, asked.own).await
        }
        Some(format) => {
            let channels = caller.channels(Permission::Export);
            let filter = asked.filter.restricted_to(&channels);
            let may = !channels.is_empty();
            export(app, &caller, may, Asked { within: Within::Journal, filter, own: asked.own, format }, &request).await
        }
    }
}

async fn list_channel_events(
    app: Data<App>,
    caller: Caller,
    channel: Path<ChannelId>,
    asked: Filtering<ListEvents>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let channel = channel.into_inner();
    let may_export = caller.may(Permission::Export, &channel);
    let within = Within::Channel(channel);
    match Form::asked(asked.own.format, &request) {
        None => list(app, within, asked.filter, asked.own).await,
        Some(format) => {
            let asked = Asked { within, filter: asked.filter, own: asked.own, format };
            export(app, &caller, may_export, asked, &request).await
        }
    }
}

async fn list(app: Data<App>, within: Within, filter: Filter, own: ListEvents) -> Result<HttpResponse, Problem> {
    if own.span.is_some() {
        return Err(Problem::malformed("span", "is of exports; `limit` says how many events a page has"));
    }
    let wanted = Wanted {
        within,
        filter,
        order: match own.order.unwrap_or_default() {
            Direction::Asc => Order::Ascending,
            Direction::Desc => Order::Descending,
        },
        after: after(&own)?,
        limit: own.limit.unwrap_or_default().get(),
    };
    // Serialised there as well: a page of large events is some hundred kilobytes.
    let bytes = ask("reading events", move || {
        let head = *app.journal.watermark().borrow();
        let page = page(&*app.journal, &wanted)?;
        let next = page.next.map(|next| next.to_string());
        // The journal may have grown before the page was read: who goes on after the head must not see an event twice.
        let head = page.items.iter().map(|item| item.envelope().position).fold(head, Position::max);
        Ok::<_, AuditError>(json(&List { items: page.items, next, complete: page.complete, head }))
    });
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(bytes.await?))
}

/// An export as it was asked for.
struct Asked {
    within: Within,
    filter: Filter,
    own: ListEvents,
    format: ExportFormat,
}

async fn export(
    app: Data<App>,
    caller: &Principal,
    may: bool,
    asked: Asked,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    if !may {
        return Err(Problem::new(
            Code::Forbidden,
            "an export needs the permission \"export\" here, which you do not have",
        ));
    }
    if asked.own.order == Some(Direction::Desc) {
        return Err(Problem::malformed("order", "an export runs from the oldest event to the newest"));
    }
    if asked.own.limit.is_some() {
        return Err(Problem::malformed("limit", "an export has no pages; `span` says over how many places it reaches"));
    }
    let after = after(&asked.own)?;
    let span = span(&asked.own)?.unwrap_or(EXPORT_SPAN_MAX);
    let said = request.query_string().to_owned();
    let journal = app.journal.clone();
    let Asked { within, filter, format, .. } = asked;
    let settling = move || plan(&*journal, export::Wanted { within, filter, format, after, span, said: &said });
    let export = ask("reading events", settling).await?;
    record_access(&app, caller, Event::ExportMade(export.made().clone())).await?;
    let mut response = HttpResponse::Ok();
    let Places { first, to, last } = export.places();
    response.insert_header((PLACES, format!("{first}-{to}/{last}")));
    if let Some(next) = export.next() {
        response.insert_header((NEXT, next.to_string()));
    }
    let (media, name) = match format {
        ExportFormat::Ndjson => (NDJSON, "attachment; filename=\"events.ndjson\""),
        ExportFormat::Csv => (CSV, "attachment; filename=\"events.csv\""),
    };
    response.insert_header((CONTENT_TYPE, media)).insert_header((CONTENT_DISPOSITION, name));
    Ok(response.streaming(streamed(export.pieces(app.journal.clone()))))
}

/// An export's pieces, each read when the one before has been taken: a slow reader holds nothing but its place.
fn streamed(pieces: Pieces) -> impl stream::Stream<Item = Result<Bytes, Problem>> {
    stream::unfold(Some(pieces), |pieces| async move {
        let mut pieces = pieces?;
        let read = ask("reading events for an export", move || {
            let piece = pieces.next().transpose()?;
            Ok::<_, AuditError>((piece, pieces))
        });
        match read.await {
            Ok((piece, pieces)) => Some((Ok(Bytes::from(piece?)), Some(pieces))),
            // Said to the log already; the reader sees an answer that breaks off, never one that looks whole.
            Err(problem) => Some((Err(problem), None)),
        }
    })
}

async fn get_event(app: Data<App>, caller: Caller, id: Path<EventId>) -> Result<HttpResponse, Problem> {
    let id = id.into_inner();
    let journal = app.journal.clone();
    let found = ask("reading an event", move || Ok(journal.find(id)?)).await?;
    let visible = found.filter(|found| match &found.envelope.scope {
        Scope::Channel(channel) => caller.may(Permission::Read, channel),
        Scope::System(_) => caller.may_everywhere(Permission::Read),
    });
    let found = visible.ok_or_else(|| Problem::not_found(format!("event {id}")))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(json(&EventView::from(found))))
}

fn after(own: &ListEvents) -> Result<Option<u64>, Problem> {
    parameter("after", "the `next` of a page, a whole number", own.after.as_deref())
}

fn span(own: &ListEvents) -> Result<Option<u32>, Problem> {
    let span = parameter("span", "a whole number from 1 to 100,000", own.span.as_deref())?;
    match span {
        Some(span) if !(1..=EXPORT_SPAN_MAX).contains(&span) => {
            Err(Problem::malformed("span", format!("takes a whole number from 1 to 100,000: {span} is not")))
        }
        span => Ok(span),
    }
}

fn json(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("every event is JSON")
}
