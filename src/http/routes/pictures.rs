//! Pictures as moderators see them without asking to: small ones of what is on the air, coarse grey ones of what is
//! warned of. Neither is recorded; the picture itself, asked for at `/v1/evidence/{frame}`, is.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, HeaderName, IfNoneMatch};
use actix_web::web::{Data, Path};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use super::evidence::{self, Kept};
use crate::actors::LastPicture;
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::http::scaling;
use crate::model::{ChannelId, FrameId};

/// The frame that a picture is of.
const FRAME: HeaderName = HeaderName::from_static("streamwarden-frame");
/// Whether the picture is the coarse one.
const BLURRED: HeaderName = HeaderName::from_static("streamwarden-blurred");
/// Kept by the browser of who asked, which asks each time whether it is still the one.
const ASK_AGAIN: &str = "private, no-cache";
/// For how long a picture waits until the views know whether it is warned of. Usually they do.
const VIEWS_WITHIN: Duration = Duration::from_secs(1);

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/channels/{channel}/picture", "get_channel_picture", Permission::ReadEvidence)
            .says(
                "A channel's last picture, small",
                "The newest frame of the channel that this server fetched and decided about, within 320 pixels; a frame \
                 that the cadence passes over is not fetched. While the channel has an open warning it is coarse and \
                 grey instead, within 32 pixels, as is a frame that a rule was hit by, and `streamwarden-blurred` says so. `streamwarden-frame` names the \
                 frame. The last pictures are in the server's memory only, within `wardens.last_pictures_mib`, and gone \
                 with it, or when the channel's content is erased. Looking at them is not recorded.",
            )
            .path::<ChannelId>("channel", "The channel; a `/` in its id is written `%2F`.")
            .header::<String>("If-None-Match", "The `ETag` of the picture that is there already.")
            .answers_as(200, "image/jpeg", "The picture.")
            .answers_as(200, "image/png", "Coarse and grey.")
            .answers_empty(304, "It is still the picture that is there already.")
            .to(get_channel_picture),
        Route::get("/v1/evidence/{frame}/preview", "get_evidence_preview", Permission::ReadEvidence)
            .says(
                "A frame's kept picture, coarse and grey",
                "Within 32 pixels, so that a person knows the scene and is spared the sight. Looking at it is not \
                 recorded; looking at the picture itself, `GET /v1/evidence/{frame}`, is.",
            )
            .path::<FrameId>("frame", "The frame's id.")
            .header::<String>("If-None-Match", "The `ETag` of the preview that is there already.")
            .answers_as(200, "image/png", "The preview.")
            .answers_empty(304, "It is still the preview that is there already.")
            .refuses(410, "The picture was kept, and erased since, or its time is over: `because` says which, `erased_at` when.")
            .to(get_evidence_preview),
    ]
}

async fn get_channel_picture(
    app: Data<App>,
    channel: Path<ChannelId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let channel = channel.into_inner();
    let nothing = || Problem::not_found(format!("picture of channel {channel} in memory"));
    let last = app.wardens.pictures().of(&channel).ok_or_else(nothing)?;
    let blurred = is_warned(&app, &channel, &last).await;
    let (into, tag) = match blurred {
        true => (scaling::Into::Preview, format!("{}-blurred", last.frame)),
        false => (scaling::Into::Thumbnail, last.frame.to_string()),
    };
    let tag = EntityTag::new_strong(tag);
    let mut answer = answer_with(&request, &tag);
    answer.insert_header((FRAME, last.frame.to_string())).insert_header((BLURRED, blurred.to_string()));
    if is_there(&request, &tag) {
        return Ok(answer.finish());
    }
    let picture: Arc<[u8]> = match last.scaled.get().filter(|_| !blurred) {
        Some(made) => made.clone(),
        None => {
            // What cannot be decoded in full, and what it would look like, the log of frames says.
            let made = app.scaling.make(into, last.bytes.clone()).await?.map_err(|_| nothing())?;
            let made: Arc<[u8]> = made.into();
            if !blurred {
                let _ = last.scaled.set(made.clone()); // another request may have been as quick
            }
            made
        }
    };
    let media = if blurred { "image/png" } else { "image/jpeg" };
    Ok(answer.insert_header((CONTENT_TYPE, media)).body(picture.to_vec()))
}

/// Whether a rule was hit by it, whatever became of the warning; or the channel has an open warning, or may have one that
/// the views do not know of yet.
async fn is_warned(app: &App, channel: &ChannelId, last: &LastPicture) -> bool {
    if last.hit {
        return true;
    }
    let known = app.views.reached(last.decided, VIEWS_WITHIN).await.is_ok();
    !known || app.views.read(|view| view.queue.open_of(channel).next().is_some())
}

async fn get_evidence_preview(
    app: Data<App>,
    caller: Caller,
    frame: Path<FrameId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let frame = frame.into_inner();
    let Kept { bytes, .. } = evidence::kept(&app, &caller, frame).await?;
    let tag = EntityTag::new_strong(format!("{frame}-preview"));
    let mut answer = answer_with(&request, &tag);
    if is_there(&request, &tag) {
        return Ok(answer.finish());
    }
    let made = app.scaling.make(scaling::Into::Preview, bytes.into()).await?;
    let preview = made.map_err(|error| Problem::internal("making a preview of a kept picture", &error))?;
    Ok(answer.insert_header((CONTENT_TYPE, "image/png")).body(preview))
}

fn answer_with(request: &HttpRequest, tag: &EntityTag) -> actix_web::HttpResponseBuilder {
    let status = if is_there(request, tag) { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut answer = HttpResponse::build(status);
    answer.insert_header((ETAG, tag.to_string())).insert_header((CACHE_CONTROL, ASK_AGAIN));
    answer
}

/// Whether the caller has it already.
fn is_there(request: &HttpRequest, tag: &EntityTag) -> bool {
    match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        None => false,
    }
}
