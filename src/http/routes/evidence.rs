//! The kept picture of a frame, and what was said in it. Looking at either is recorded.

use std::convert::Infallible;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Data, Json, Path};

use crate::audit::AuditError;
use crate::audit::decision::{Sources, outcome_of, stored};
use crate::events::{Event, EvidenceRead};
use crate::http::App;
use crate::http::auth::{Permission, Principal};
use crate::http::blocking::blocking;
use crate::http::extract::Caller;
use crate::http::past::{ask, record_access};
use crate::http::problem::{Code, Problem};
use crate::http::route::Route;
use crate::imaging::Limits;
use crate::journal::content::Content;
use crate::model::{ChannelId, ContentRef, FrameId, ImageFormat, Position, Scope, Transcript};

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/evidence/{frame}", "get_evidence", Permission::ReadEvidence)
            .says(
                "A frame's picture, as it was fetched",
                "If it was kept. That you looked at it is recorded, with your name, before its first byte leaves. A \
                 decision says beforehand whether there is a picture.",
            )
            .path::<FrameId>("frame", "The frame's id.")
            .answers_as(200, "image/jpeg", "The picture.")
            .answers_as(200, "image/png", "The picture.")
            .answers_as(200, "image/webp", "The picture.")
            .refuses(410, "It was kept, and erased since, or its time is over: `because` says which, `erased_at` when.")
            .refuses(503, "That you looked could not be recorded, and so the picture was not shown.")
            .to(get_evidence),
        Route::get("/v1/evidence/{frame}/transcript", "get_transcript", Permission::ReadEvidence)
            .says(
                "What was said in a segment",
                "If it was kept: sentence by sentence, with what each was found to be. That you read it is recorded, with \
                 your name, before its first word leaves. A decision says beforehand whether it was kept.",
            )
            .path::<FrameId>("frame", "The frame's id.")
            .answers::<Transcript>(200, "What was said.")
            .refuses(410, "It was kept, and erased since, or its time is over: `because` says which, `erased_at` when.")
            .refuses(503, "That you read it could not be recorded, and so it was not shown.")
            .to(get_transcript),
    ]
}

/// A kept picture, read.
pub(super) struct Kept {
    picture: Picture,
    /// The file as it was fetched.
    pub bytes: Vec<u8>,
}

/// A picture that was kept.
struct Picture {
    frame: FrameId,
    channel: ChannelId,
    /// As it was judged; none if it was fetched only to be kept.
    format: Option<ImageFormat>,
    content: ContentRef,
    /// Where it is said to be kept.
    position: Position,
}

async fn get_evidence(app: Data<App>, caller: Caller, frame: Path<FrameId>) -> Result<HttpResponse, Problem> {
    let Kept { picture, bytes } = kept(&app, &caller, frame.into_inner()).await?;
    let Picture { frame, channel, format, content, position: _ } = picture;
    let sniffed =
        || Limits::default().sniff(&bytes).map_err(|error| Problem::internal("reading a kept picture", &error));
    let format = format.map_or_else(sniffed, Ok)?;
    record_access(&app, &caller, Event::EvidenceRead(EvidenceRead { frame, channel, content })).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format.media_type()))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{frame}.{}\"", format.ending())))
        .body(bytes))
}

async fn get_transcript(app: Data<App>, caller: Caller, frame: Path<FrameId>) -> Result<Json<Transcript>, Problem> {
    let frame = frame.into_inner();
    let asked = app.clone();
    let found = ask("finding what was said", move || transcript_of(&asked, frame)).await?;
    let visible = found.filter(|(channel, ..)| caller.may(Permission::ReadEvidence, channel));
    let (channel, content, position) =
        visible.ok_or_else(|| Problem::not_found(format!("kept transcript of frame {frame}")))?;
    let (store, kept) = (app.content.clone(), content.clone());
    let bytes = match blocking("reading what was said", move || store.get(&kept)).await? {
        Content::Plain(bytes) => bytes,
        lost => return Err(gone(&app, format!("what was said in {frame}"), content, position, &lost).await?),
    };
    let transcript = Transcript::from_kept(&bytes);
    let transcript = transcript.map_err(|error| Problem::internal("reading what was said", &error))?;
    record_access(&app, &caller, Event::EvidenceRead(EvidenceRead { frame, channel, content })).await?;
    Ok(Json(transcript))
}

/// Where what was said in a frame is kept, and whose channel it is.
fn transcript_of(app: &App, frame: FrameId) -> Result<Option<(ChannelId, ContentRef, Position)>, AuditError> {
    let Some(outcome) = outcome_of(&*app.journal, *frame.as_bytes())? else { return Ok(None) };
    let (Ok(Event::FrameAssessed(assessed)), Scope::Channel(channel)) = (outcome.event(), &outcome.envelope.scope)
    else {
        return Ok(None); // nobody judged what was said
    };
    let kept = assessed.spoken.and_then(|spoken| spoken.transcript);
    Ok(kept.map(|content| (channel.clone(), content, outcome.envelope.position)))
}

/// Reads the kept picture of a frame, if the caller may see it. Recorded by whoever shows it.
pub(super) async fn kept(app: &Data<App>, caller: &Principal, frame: FrameId) -> Result<Kept, Problem> {
    let asked = app.clone();
    let picture = ask("finding a picture", move || find(&asked, frame)).await?;
    let visible = picture.filter(|picture| caller.may(Permission::ReadEvidence, &picture.channel));
    let picture = visible.ok_or_else(|| Problem::not_found(format!("kept picture of frame {frame}")))?;
    let (store, content) = (app.content.clone(), picture.content.clone());
    match blocking("reading a kept picture", move || store.get(&content)).await? {
        Content::Plain(bytes) => Ok(Kept { picture, bytes }),
        lost => {
            let Picture { content, position, .. } = picture;
            Err(gone(app, format!("the picture of frame {frame}"), content, position, &lost).await?)
        }
    }
}

/// What was kept at `position` is not there any more, and why. What was erased is so also after its time: that somebody
/// asked for it is the stronger reason.
async fn gone(
    app: &Data<App>,
    what: String,
    content: ContentRef,
    position: Position,
    lost: &Content,
) -> Result<Problem, Problem> {
    let (erasures, is_expired) = (app.erasures.clone(), *lost == Content::Expired);
    let asking = move || {
        Ok::<_, Infallible>(match is_expired {
            true => erasures.erased_after(&content, position),
            false => erasures.erased_at(&content, position),
        })
    };
    let when = blocking("asking when something was erased", asking).await?;
    Ok(match when {
        Some(when) => Problem::new(Code::Gone, format!("{what} was erased at {when}"))
            .with("because", "erased")
            .with("erased_at", when),
        None if is_expired => {
            let detail = format!("{what} was kept for as long as it was to be, and then deleted");
            Problem::new(Code::Gone, detail).with("because", "expired")
        }
        None => Problem::new(Code::Gone, format!("{what} was erased")).with("because", "erased"),
    })
}

fn find(app: &App, frame: FrameId) -> Result<Option<Picture>, AuditError> {
    let Some(outcome) = outcome_of(&*app.journal, *frame.as_bytes())? else { return Ok(None) };
    let (Ok(Event::FrameAssessed(assessed)), Scope::Channel(channel)) = (outcome.event(), &outcome.envelope.scope)
    else {
        return Ok(None); // only the pictures of assessed frames are kept
    };
    let sources = Sources { journal: &*app.journal, content: &app.content };
    let kept = stored(sources, assessed.frame)?;
    Ok(kept.map(|(position, content)| Picture {
        frame: assessed.frame,
        channel: channel.clone(),
        format: assessed.image.map(|image| image.format),
        content,
        position,
    }))
}
