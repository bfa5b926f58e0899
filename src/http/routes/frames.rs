//! Frames handed in, and what became of them.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json, Path, Payload, Query};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actors::{Deposited, Outcome};
use crate::events::{Event, FailedStage, Recorded, RuleOutcome, Skip};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::blocking::blocking;
use crate::http::idempotency::{IDEMPOTENCY_KEY, IdempotencyKey};
use crate::http::moment::not_absurd;
use crate::http::picture::MEDIA;
use crate::http::problem::{Code, Problem};
use crate::http::refused;
use crate::http::route::Route;
use crate::http::store_frames::store;
use crate::model::{
    ChannelId, EventId, Fingerprint, Frame, FrameId, FrameOrigin, ImageFormat, PolicyRef, Position, SessionId, Sha256,
    Timestamp, Verdict,
};
use crate::warden::Command;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/channels/{channel}/frames", "create_frame", Permission::Ingest)
            .says(
                "Hand in a frame",
                "Answers when the decision about the frame is durable. The same frame again gets the same answer and \
                 no second event: the same `Idempotency-Key`, or without one the same picture, session and \
                 `captured_at`. Under a key that came before with something else the first outcome stays and the \
                 conflict is recorded. With `Prefer: respond-async` the answer is 202 as soon as the picture is here; \
                 nothing is promised until the frame's outcome can be read.\n\nA frame that there is no room for, that \
                 comes too soon or shows nothing new is answered with 200 as well: skipped, and why. Frames of one \
                 channel are judged one at a time; of those that wait the newest does, the others are superseded.",
            )
            .path::<ChannelId>("channel", "The channel.")
            .query::<FrameQuery>()
            .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "Names the frame: the same key again is the same frame.")
            .header::<String>("Prefer", "`respond-async`: do not wait for the decision.")
            .takes_bytes(MEDIA[0], "The picture, at most 16 MiB.")
            .takes_bytes(MEDIA[1], "The picture, at most 16 MiB.")
            .takes_bytes(MEDIA[2], "The picture, at most 16 MiB.")
            .answers::<FrameAnswer>(200, "What was decided. It is durable.")
            .answers::<FrameTaken>(202, "Taken in; not decided and not durable yet.")
            .refuses(
                409,
                "Another frame came under this key. `first` is its outcome, `conflict` the recorded conflict.",
            )
            .refuses(
                503,
                "It could not be stored before being judged, where frames are stored first, and was not accepted.",
            )
            .refuses(422, "It is no picture that can be read. That is recorded as well; `outcome` says where.")
            .to(create_frame),
        Route::get("/v1/channels/{channel}/frames/{frame}", "get_frame", Permission::ReadOutcome)
            .says("What became of a frame", "Not found as long as nothing is decided.")
            .path::<ChannelId>("channel", "The channel.")
            .path::<FrameId>("frame", "The frame.")
            .answers::<FrameAnswer>(200, "What was decided.")
            .to(get_frame),
    ]
}

/// Which frame it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FrameQuery {
    /// When the picture was taken; now, if it is not said. At most 5 minutes ahead of this server's clock and 30 days
    /// behind it.
    captured_at: Option<Timestamp>,
    /// The broadcast it belongs to; the one on the air, if it is not said, and if none is, a new one.
    session: Option<SessionId>,
}

/// What was decided about a frame.
#[derive(Debug, Serialize, JsonSchema)]
struct FrameAnswer {
    /// The frame.
    frame: FrameId,
    /// Its channel.
    channel: ChannelId,
    /// Assessed, skipped or failed.
    outcome: FrameOutcome,
    /// The event that holds the outcome.
    event: EventId,
    /// Where it stands in the journal.
    position: Position,
    /// Whether it was there before this request.
    repeated: bool,
    /// The verdict, if the frame was assessed. A frame without one was not judged: that is never clear.
    verdict: Option<Verdict>,
    /// The policy version it was judged under, if it was.
    policy: Option<PolicyRef>,
    /// The rules that some label hit.
    rules: Vec<RuleOutcome>,
    /// Why it was skipped, if it was.
    skipped: Option<Skip>,
    /// Why it failed, if it did.
    failed: Option<FrameFailure>,
    /// Where the decision is explained.
    decision: String,
    /// The object that it was put as by this request, before being judged, where frames are stored first.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<String>,
}

/// How a frame ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FrameOutcome {
    /// A provider labelled it and the policy judged it.
    Assessed,
    /// It was not shown to a provider.
    Skipped,
    /// It could not be judged.
    Failed,
}

/// Why a frame could not be judged.
#[derive(Debug, Serialize, JsonSchema)]
struct FrameFailure {
    /// Where it failed.
    stage: FailedStage,
    /// What was wrong.
    reason: String,
    /// How often it was tried.
    attempts: u8,
}

/// A frame taken in.
#[derive(Debug, Serialize, JsonSchema)]
struct FrameTaken {
    /// The frame.
    frame: FrameId,
    /// Its channel.
    channel: ChannelId,
    /// Where its outcome will be.
    outcome: String,
    /// The object that it was put as before being judged, where frames are stored first.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<String>,
}

async fn create_frame(
    app: Data<App>,
    channel: Path<ChannelId>,
    query: Query<FrameQuery>,
    key: IdempotencyKey,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let (channel, query) = (channel.into_inner(), query.into_inner());
    let now = app.clock.now();
    if let Some(captured_at) = query.captured_at {
        not_absurd("captured_at", captured_at, now)?;
    }
    let picture = app.pictures.take(&request, body).await?;
    let digest = Sha256::of(&picture.bytes);
    let captured_at = query.captured_at.unwrap_or(now);
    let session = match query.session.clone() {
        Some(session) => session,
        None => on_the_air(&app, &channel, captured_at).await,
    };
    let id = match key.get() {
        Some(key) => FrameId::of(&channel, &[b"http key", key.as_bytes()]),
        None => {
            let at = captured_at.as_micros().to_be_bytes();
            FrameId::of(&channel, &[b"http content", session.as_str().as_bytes(), &at, &digest.0])
        }
    };
    let mut origin = FrameOrigin::Inline(picture.bytes.clone());
    if let Some(deposit) = &app.store_frames
        && !is_known(&app, id).await?
    {
        let (channel, bytes, format) = (channel.clone(), picture.bytes, format_of(&request));
        let stored = Deposited { channel, frame: id, captured_at, image: digest, format, bytes };
        origin = FrameOrigin::S3(store(deposit, &stored).await?);
    }
    let stored = match &origin {
        FrameOrigin::S3(object) => Some(object.to_string()),
        FrameOrigin::Inline(_) | FrameOrigin::File(_) => None,
    };
    let frame = Frame {
        medium: Default::default(),
        channel,
        session,
        id,
        captured_at,
        fingerprint: print(&query, &digest),
        origin,
    };
    let held = picture.held;
    if prefers_async(&request) {
        let (wardens, taken) = (app.wardens.clone(), FrameTaken::new(&frame, stored));
        actix_web::rt::spawn(async move {
            let _held = held;
            if let Err(error) = wardens.offer(frame).await {
                tracing::warn!("a frame whose caller did not wait was not accepted: {error}");
            }
        });
        return Ok(HttpResponse::Accepted().insert_header((LOCATION, taken.outcome.clone())).json(taken));
    }
    let (channel, fingerprint) = (frame.channel.clone(), frame.fingerprint);
    let outcome = app.wardens.offer(frame).await.map_err(|error| refused::offer(&error))?;
    drop(held);
    answer(channel, id, fingerprint, &outcome, stored)
}

/// Whether the frame has its outcome already: then it is not stored once more, and the outcome is all it gets.
async fn is_known(app: &Data<App>, frame: FrameId) -> Result<bool, Problem> {
    let outcome = EventId::outcome_of(frame);
    if !app.journal.may_hold(outcome) {
        return Ok(false);
    }
    let journal = app.journal.clone();
    Ok(blocking("looking a frame up", move || journal.find(outcome)).await?.is_some())
}

/// The kind of picture that the request says it is; taking it in has refused every other.
fn format_of(request: &HttpRequest) -> ImageFormat {
    let said = request.content_type().to_ascii_lowercase();
    let kinds = [ImageFormat::Png, ImageFormat::Webp];
    kinds.into_iter().find(|kind| kind.media_type() == said).unwrap_or(ImageFormat::Jpeg)
}

/// A redelivery says the same of itself; what was not said is not compared.
fn print(query: &FrameQuery, digest: &Sha256) -> Fingerprint {
    let captured_at = query.captured_at.map(|at| at.as_micros().to_be_bytes());
    let session = query.session.as_ref().map_or("", SessionId::as_str);
    Fingerprint::of(&[&digest.0, captured_at.as_ref().map_or(&[], |at| at.as_slice()), session.as_bytes()])
}

/// The broadcast on the air, or a new one named after its first frame.
async fn on_the_air(app: &App, channel: &ChannelId, first: Timestamp) -> SessionId {
    let state = app.wardens.inspect(channel).await;
    state.and_then(|state| state.session).map_or_else(
        || {
            let name: String = channel.as_str().chars().take(60).collect();
            SessionId::new(format!("st-{name}-{}", first.as_micros() / 1000))
                .expect("a channel's characters are a session's, and it is shorter than a session may be")
        },
        |session| session.id,
    )
}

fn prefers_async(request: &HttpRequest) -> bool {
    let said = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
    said.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case("respond-async"))
}

fn answer(
    channel: ChannelId,
    frame: FrameId,
    fingerprint: Fingerprint,
    outcome: &Outcome,
    stored: Option<String>,
) -> Result<HttpResponse, Problem> {
    let told = FrameAnswer { stored, ..FrameAnswer::new(channel, frame, outcome) };
    if print_of(&outcome.event).is_some_and(|print| print != fingerprint) {
        let detail = format!("frame {frame} came before with something else; its first outcome stays");
        let conflict = Command::conflict_id(fingerprint, outcome.id);
        return Err(Problem::new(Code::Conflict, detail).with("first", told).with("conflict", conflict));
    }
    match &outcome.event {
        Event::FrameFailed(failed) if failed.stage == FailedStage::Decode => {
            let problem = Problem::new(Code::Unprocessable, failed.reason.clone());
            Err(problem.with("outcome", told))
        }
        _ => Ok(HttpResponse::Ok().json(told)),
    }
}

fn print_of(event: &Event) -> Option<Fingerprint> {
    match event {
        Event::FrameSkipped(outcome) => Some(outcome.print),
        Event::FrameAssessed(outcome) => Some(outcome.print),
        Event::FrameFailed(outcome) => Some(outcome.print),
        _ => None, // no other event is a frame's outcome
    }
}

async fn get_frame(app: Data<App>, path: Path<(ChannelId, FrameId)>) -> Result<Json<FrameAnswer>, Problem> {
    let (channel, frame) = path.into_inner();
    let journal = app.journal.clone();
    let found = blocking("looking a frame up", move || journal.find(EventId::outcome_of(frame))).await?;
    let theirs = found.filter(|recorded| recorded.envelope.scope.channel() == Some(&channel));
    let recorded = theirs.ok_or_else(|| Problem::not_found(format!("outcome of frame {frame} in this channel")))?;
    let outcome = outcome(&recorded)?;
    Ok(Json(FrameAnswer::new(channel, frame, &outcome)))
}

fn outcome(recorded: &Recorded) -> Result<Outcome, Problem> {
    let event = recorded.event().map_err(|error| Problem::internal("reading a frame's outcome", &error))?;
    Ok(Outcome { id: recorded.envelope.id, position: recorded.envelope.position, event, repeated: true })
}

impl FrameTaken {
    fn new(frame: &Frame, stored: Option<String>) -> Self {
        let outcome = format!("/v1/channels/{}/frames/{}", in_path(&frame.channel), frame.id);
        Self { frame: frame.id, channel: frame.channel.clone(), outcome, stored }
    }
}

/// A channel as a segment of a path: of its characters only these mean something else there.
fn in_path(channel: &ChannelId) -> String {
    channel.as_str().replace('/', "%2F").replace('+', "%2B")
}

impl FrameAnswer {
    fn new(channel: ChannelId, frame: FrameId, outcome: &Outcome) -> Self {
        let mut told = Self {
            frame,
            channel,
            outcome: FrameOutcome::Skipped,
            event: outcome.id,
            position: outcome.position,
            repeated: outcome.repeated,
            verdict: None,
            policy: None,
            rules: Vec::new(),
            skipped: None,
            failed: None,
            decision: format!("/v1/decisions/{frame}"),
            stored: None,
        };
        match &outcome.event {
            Event::FrameAssessed(assessed) => {
                told.outcome = FrameOutcome::Assessed;
                told.verdict = Some(assessed.verdict);
                told.policy = Some(assessed.policy.clone());
                told.rules.clone_from(&assessed.rules);
            }
            Event::FrameFailed(failed) => {
                told.outcome = FrameOutcome::Failed;
                let (stage, reason, attempts) = (failed.stage, failed.reason.clone(), failed.attempts);
                told.failed = Some(FrameFailure { stage, reason, attempts });
            }
            Event::FrameSkipped(skipped) => told.skipped = Some(skipped.because.clone()),
            _ => {} // no other event has the id of a frame's outcome
        }
        told
    }
}
