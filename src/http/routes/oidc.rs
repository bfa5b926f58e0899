//! To the issuer and back: how somebody signs in to the pages where their organisation knows them. A browser follows
//! these; whatever goes wrong ends on the page where one signs in, with a word for it.

use actix_web::http::header::{HeaderValue, LOCATION, SET_COOKIE};
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Deserialize;

use super::session::{keep, not_too_often};
use crate::http::App;
use crate::http::auth::{Back, Permission, SignInFailure};
use crate::http::gate::Gate;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::http::session::{Begun, ReturnTo};

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/session/oidc", "start_oidc", Permission::Open)
            .says(
                "Sign in at the issuer",
                "Sends a browser to the issuer (authorization code flow with PKCE). It comes back to `finish_oidc`, and \
                 from there to `return_to`. What is random is kept by the browser meanwhile, for ten minutes.",
            )
            .query::<Start>()
            .answers_empty(303, "To the issuer; or to `/sign-in?problem=unavailable`, if it cannot be asked.")
            .refuses(404, "No sign-in at an issuer is configured.")
            .to(start_oidc),
        Route::get("/v1/session/oidc/callback", "finish_oidc", Permission::Open)
            .says(
                "Come back from the issuer",
                "Exchanges the code, checks the tokens, and keeps the one that requests will bring as `sign_in` does. \
                 Where that fails, `problem` says why: `denied`, `expired` (it took longer than ten minutes, or begun \
                 elsewhere), `unknown` (it answers no attempt of this browser), `refused` (what came back does not \
                 hold), `no_role` (nothing is granted to the person's groups), `too_long`, `unavailable`.",
            )
            .query::<Returned>()
            .answers_empty(303, "To where it goes on, signed in; or to `/sign-in?problem=…`.")
            .refuses(404, "No sign-in at an issuer is configured.")
            .to(finish_oidc),
    ]
}

/// Where somebody wants to go on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Start {
    /// A path of the pages; `/` if it is none, or not said.
    return_to: Option<String>,
}

/// What the issuer sends along. Others than these are not looked at.
#[derive(Deserialize, JsonSchema)]
struct Returned {
    /// What tokens are given for.
    code: Option<String>,
    /// As it was sent there.
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// The issuer's name for itself (RFC 9207).
    iss: Option<String>,
}

async fn start_oidc(
    app: Data<App>,
    gate: Data<Gate>,
    request: HttpRequest,
    start: Query<Start>,
) -> Result<HttpResponse, Problem> {
    let callback = gate.callback().ok_or_else(not_offered)?;
    not_too_often(&gate, &request)?;
    let (return_to, now) = (ReturnTo::or_home(start.return_to.as_deref().unwrap_or_default()), app.clock.now());
    Ok(match gate.authenticator.begin_at_issuer(callback, now).await {
        Ok((url, attempt)) => {
            let begun = Begun { attempt, return_to, at: now };
            see(url.as_str()).append_header((SET_COOKIE, gate.attempt.keep(&begun))).finish()
        }
        Err(failure) => back_to_sign_in(problem(failure)),
    })
}

async fn finish_oidc(
    app: Data<App>,
    gate: Data<Gate>,
    request: HttpRequest,
    returned: Query<Returned>,
) -> Result<HttpResponse, Problem> {
    let callback = gate.callback().ok_or_else(not_offered)?;
    not_too_often(&gate, &request)?;
    let now = app.clock.now();
    let Returned { code, state, error, iss } = returned.into_inner();
    let back = Back { code, state, error, iss };
    let Some(begun) = gate.attempt.read(request.headers(), now) else { return Ok(back_to_sign_in("expired")) };
    let finished = gate.authenticator.finish_at_issuer(&back, &begun.attempt, callback, now).await;
    let mut answer = match finished {
        // Somebody else's answer does not end the attempt that is under way.
        Err(SignInFailure::Unknown) => return Ok(back_to_sign_in(problem(SignInFailure::Unknown))),
        Err(failure) => back_to_sign_in(problem(failure)),
        Ok((token, vouched)) => match keep(&gate, &token, vouched.until, now) {
            Some(cookies) => {
                let mut answer = see(begun.return_to.as_str());
                for cookie in cookies {
                    answer.append_header((SET_COOKIE, cookie));
                }
                answer.finish()
            }
            None => back_to_sign_in("too_long"),
        },
    };
    answer.headers_mut().append(SET_COOKIE, gate.attempt.forget());
    Ok(answer)
}

fn not_offered() -> Problem {
    Problem::not_found("sign-in at an issuer here")
}

/// A word for it, which the page turns into a sentence.
const fn problem(failure: SignInFailure) -> &'static str {
    match failure {
        SignInFailure::Denied => "denied",
        SignInFailure::Unknown => "unknown",
        SignInFailure::Refused => "refused",
        SignInFailure::NothingGranted => "no_role",
        SignInFailure::Unavailable => "unavailable",
    }
}

fn back_to_sign_in(problem: &'static str) -> HttpResponse {
    see(&format!("/sign-in?problem={problem}")).finish()
}

fn see(place: &str) -> actix_web::HttpResponseBuilder {
    let place = HeaderValue::from_str(place).expect("an address is ASCII: it was read as one, or is ours");
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((LOCATION, place));
    answer
}
