//! One frame's decision, explained.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Path};

use crate::audit::decision::{Decision, Sources, decision, outcome_of};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::past::ask;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::model::{FrameId, Scope};

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/decisions/{frame}", "get_decision", Permission::Read)
            .says(
                "A frame's decision, explained",
                "Why the frame ended as it did, from the journal alone: the picture's digest, whether it was due, what it \
                 was compared with, every label, every rule with its threshold, margin and what would have changed the \
                 verdict, the policy's text, the provider and its model, and what was then done to the stream and by \
                 whom. Skipped and failed frames are explained as well. What can no longer be shown is named in \
                 `missing`.",
            )
            .path::<FrameId>("frame", "The frame's id, or the id of its outcome event.")
            .answers::<Decision>(200, "The decision.")
            .to(get_decision),
    ]
}

async fn get_decision(app: Data<App>, caller: Caller, frame: Path<FrameId>) -> Result<HttpResponse, Problem> {
    let frame = frame.into_inner();
    let unknown = || Problem::not_found(format!("decision {frame}"));
    let journal = app.journal.clone();
    let outcome = ask("finding a decision", move || outcome_of(&*journal, *frame.as_bytes())).await?;
    let visible = outcome.filter(|outcome| match &outcome.envelope.scope {
        Scope::Channel(channel) => caller.may(Permission::Read, channel),
        Scope::System(_) => false, // no frame's outcome is there
    });
    let outcome = visible.ok_or_else(unknown)?;
    let all = caller.may_everywhere(Permission::Read);
    let explained = ask("explaining a decision", move || {
        let sources = Sources { journal: &*app.journal, content: &app.content };
        let mut explained = decision(sources, outcome)?;
        // A text may hold policies of channels that they may not see.
        if let Some(policy) = explained.as_mut().and_then(|explained| explained.policy.as_mut()).filter(|_| !all) {
            policy.cut_down();
        }
        Ok(explained.map(|explained| serde_json::to_vec(&explained).expect("every decision is JSON")))
    });
    let body = explained.await?.ok_or_else(unknown)?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(body))
}
