//! Answers to warnings: to those that are named, as they were seen, and to nothing else.

use actix_web::web::{Data, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::idempotency::{IDEMPOTENCY_KEY, IdempotencyKey};
use crate::http::moderating::{ActAnswer, Asked, WarningVersion, Words, channel_of};
use crate::http::problem::{Code, Problem};
use crate::http::route::Route;
use crate::warden::{Answering, ModeratorAct, SeenWarning, WARNINGS_PER_ANSWER_MAX};

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/answers", "create_answer", Permission::Moderate)
            .says(
                "Uphold or dismiss warnings",
                "All of them or, if one has changed since or cannot be answered, none. They are of one channel. What a \
                 rule proposed and a person must agree to is asked for when it is upheld; a dismissal calls off what \
                 has not been tried. The answer may be taken back for a while (`undo_ms` of its event).",
            )
            .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "The same key again is the same answer, answered as it was.")
            .takes::<AnswerGiven>("The answer.")
            .answers::<ActAnswer>(200, "Recorded and durable.")
            .refuses(404, "A warning is not known, or can no longer be acted on.")
            .refuses(
                409,
                "One has changed since that version (`changed_since`: `warning` names it, `changed` holds what \
                 happened), or stands otherwise (`conflict`: `rule` says which rule refuses).",
            )
            .refuses(422, "No warning is named, too many are, or they are of different channels.")
            .to(create_answer),
    ]
}

/// An answer to warnings.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnswerGiven {
    /// Whether the moderator agrees with the rules.
    answer: Verdict,
    /// The warnings, each as the moderator sees it. Of one channel.
    #[schemars(length(min = 1, max = 16))]
    warnings: Vec<WarningVersion>,
    /// A note on each of them.
    note: Option<Words>,
}

/// A moderator's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ModeratorAnswer")]
enum Verdict {
    /// It was what the rule says.
    Uphold,
    /// It was not.
    Dismiss,
}

async fn create_answer(
    app: Data<App>,
    caller: Caller,
    key: IdempotencyKey,
    body: Json<AnswerGiven>,
) -> Result<Json<ActAnswer>, Problem> {
    let AnswerGiven { answer, warnings, note } = body.into_inner();
    let Some(first) = warnings.first() else {
        return Err(Problem::new(Code::Unprocessable, "an answer must name at least one warning"));
    };
    if warnings.len() > WARNINGS_PER_ANSWER_MAX {
        let detail = format!("an answer may name at most {WARNINGS_PER_ANSWER_MAX} warnings");
        return Err(Problem::new(Code::Unprocessable, detail));
    }
    let channel = channel_of(&app, &caller, first.id).await?;
    for other in &warnings[1..] {
        if channel_of(&app, &caller, other.id).await? != channel {
            let detail = format!("warnings {} and {} are of different channels", first.id, other.id);
            return Err(Problem::new(Code::Unprocessable, detail));
        }
    }
    let seen: Vec<SeenWarning> =
        warnings.iter().map(|one| SeenWarning { warning: one.id, seen: Some(one.version) }).collect();
    let named: Vec<u8> =
        warnings.iter().flat_map(|one| [&one.id.as_bytes()[..], &one.version.0.to_be_bytes()].concat()).collect();
    let kind: &[u8] = if answer == Verdict::Uphold { b"uphold" } else { b"dismiss" };
    let request = key.request(&caller.id, &[kind, channel.as_str().as_bytes()], &named);
    let asked = Asked { app: &app, caller: &caller, channel: channel.clone(), request, words: note };
    let done = asked
        .carry_out(|note| {
            let answering = Answering { warnings: seen.clone(), note, undo: app.undo };
            match answer {
                Verdict::Uphold => ModeratorAct::Uphold(answering),
                Verdict::Dismiss => ModeratorAct::Dismiss(answering),
            }
        })
        .await?;
    Ok(Json(done.about_warnings(channel)))
}
