//! Who works on the pages: told, signed in by a token, signed out. Nothing of it is recorded, and nothing kept here.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::App;
use crate::http::auth::config::Way;
use crate::http::auth::{Permission, Refusal, RefusalKind, Role, Vouched};
use crate::http::gate::{self, Gate};
use crate::http::origin::Page;
use crate::http::problem::{Code, Problem};
use crate::http::route::Route;
use crate::http::session::Credential;
use crate::model::{ChannelPattern, ModeratorId, Timestamp};

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/session", "get_session", Permission::Open)
            .says(
                "Who works here, and how one signs in",
                "By the session of the pages or by `Authorization`. Who is not known is told so, with 200: it is how a \
                 page finds out. Nothing is recorded.",
            )
            .answers::<Session>(200, "The caller, if one is known.")
            .refuses(503, "Who the caller is cannot be checked at present.")
            .to(get_session),
        Route::post("/v1/session", "sign_in", Permission::Open)
            .says(
                "Sign in to the pages by a token",
                "Keeps the token in cookies that no script can read (`HttpOnly`, `SameSite=Strict`), until it ends. \
                 Requests of the pages are then the token's; what changes something must come from a page of this \
                 server. Programs need no session: they send `Authorization`. Attempts are counted by address.",
            )
            .takes::<SignIn>("The token.")
            .answers::<Session>(200, "Signed in; the cookies are set.")
            .refuses(401, "The token does not hold.")
            .refuses(403, "Nothing is granted to its groups, or a page of another origin asks.")
            .refuses(422, "The token is too long to be kept by a browser.")
            .refuses(503, "Whether the token holds cannot be checked at present.")
            .to(sign_in),
        Route::delete("/v1/session", "sign_out", Permission::Open)
            .says(
                "Sign out of the pages",
                "The browser forgets the token and every picture it kept. The token itself is good until it is revoked.",
            )
            .answers_empty(204, "Forgotten.")
            .refuses(403, "A page of another origin asks.")
            .to(sign_out),
    ]
}

/// Who works here, and what a page needs to know to begin.
#[derive(Debug, Serialize, JsonSchema)]
struct Session {
    /// How one signs in: `tokens`: by a token, handed to `sign_in`; `oidc`: at the issuer, by way of `start_oidc`;
    /// `open`: nobody is asked.
    ways: Vec<Way>,
    /// The caller; null if none is known.
    caller: Option<Known>,
    /// When the caller's credential ends; null if it does not by itself.
    expires_at: Option<Timestamp>,
    /// Milliseconds within which an answer to a warning may be taken back.
    undo_ms: u64,
    /// This server's clock.
    now: Timestamp,
    /// This server's version.
    version: &'static str,
}

/// A caller who is known.
#[derive(Debug, Serialize, JsonSchema)]
struct Known {
    /// The pseudonym under which their acts are recorded.
    id: ModeratorId,
    /// What they may be, and where.
    grants: Vec<Granted>,
    /// What they may do on at least one channel.
    permissions: Vec<Permission>,
}

/// A role on some channels.
#[derive(Debug, Serialize, JsonSchema)]
struct Granted {
    /// The role.
    role: Role,
    /// The channels, in which each `*` stands for anything.
    channels: ChannelPattern,
    /// What the role may do there.
    permissions: Vec<Permission>,
}

/// A token to sign in by. Has no `Debug`: it must not come into a log.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// A token of `streamwarden token create`, or one of the issuer.
    #[schemars(length(min = 1, max = 16384))]
    token: String,
}

async fn get_session(app: Data<App>, gate: Data<Gate>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let credential = gate.credential(request.headers());
    let vouched = match &credential {
        Ok(credential) => gate.vouch(credential).await,
        Err(refusal) => Err(*refusal),
    };
    let mut answer = HttpResponse::Ok();
    match &vouched {
        Err(Refusal::IssuerUnavailable) => return Err(gate::refused(Refusal::IssuerUnavailable)),
        // A session that has ended need not be sent along any longer.
        Err(refusal)
            if refusal.kind() == RefusalKind::Unauthenticated && credential.is_ok_and(|it| it.is_session()) =>
        {
            set(&mut answer, gate.session.forget());
        }
        _ => {}
    }
    Ok(answer.json(told(&app, &gate, vouched.ok())))
}

async fn sign_in(
    app: Data<App>,
    gate: Data<Gate>,
    request: HttpRequest,
    body: Json<SignIn>,
) -> Result<HttpResponse, Problem> {
    not_by_a_named_page(&gate, &request)?;
    not_too_often(&gate, &request)?;
    let SignIn { token } = body.into_inner();
    let token = token.trim(); // as it comes from a clipboard
    let credential = Credential::Session(format!("Bearer {token}").into_bytes());
    let vouched = gate.vouch(&credential).await.map_err(gate::refused)?;
    let mut answer = HttpResponse::Ok();
    if !gate.authenticator.is_open() {
        let cookies = keep(&gate, token, vouched.until, app.clock.now()).ok_or_else(too_long)?;
        set(&mut answer, cookies);
    }
    Ok(answer.json(told(&app, &gate, Some(vouched))))
}

async fn sign_out(gate: Data<Gate>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    not_by_a_named_page(&gate, &request)?;
    let mut answer = HttpResponse::NoContent();
    set(&mut answer, gate.session.forget());
    // Pictures of channels that the next person at this browser may not see. Not what people chose for themselves, and
    // not by `cookies`, which would be those of every host of the domain.
    answer.insert_header(("clear-site-data", "\"cache\""));
    Ok(answer.finish())
}

/// Counts an attempt to sign in.
pub(super) fn not_too_often(gate: &Gate, request: &HttpRequest) -> Result<(), Problem> {
    let address = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    gate.rates.count_sign_in(address).map_err(|wait| gate::too_many("sign_in", wait))
}

/// The cookies that keep a token as long as it holds; none if it is too long for them.
pub(super) fn keep(gate: &Gate, token: &str, until: Option<Timestamp>, now: Timestamp) -> Option<Vec<HeaderValue>> {
    gate.session.keep(token, until.map(|until| until.ms_since(now).div_ceil(1000)))
}

/// Pages of another origin are refused before; those of a named one bring a token of their own, and a session is none
/// of their business.
fn not_by_a_named_page(gate: &Gate, request: &HttpRequest) -> Result<(), Problem> {
    match gate.origins.of(request.headers()) {
        Page::Ours => Ok(()),
        Page::Named | Page::Elsewhere => {
            Err(Problem::new(Code::Forbidden, "only a page of this server may sign somebody in or out"))
        }
    }
}

fn too_long() -> Problem {
    Problem::new(Code::Unprocessable, "the token holds, and is too long to be kept by a browser")
}

fn set(answer: &mut HttpResponseBuilder, cookies: Vec<HeaderValue>) {
    for cookie in cookies {
        answer.append_header((SET_COOKIE, cookie));
    }
}

fn told(app: &App, gate: &Gate, vouched: Option<Vouched>) -> Session {
    let expires_at = vouched.as_ref().and_then(|vouched| vouched.until);
    Session {
        ways: gate.ways(),
        caller: vouched.map(known),
        expires_at,
        undo_ms: app.undo.as_ms().into(),
        now: app.clock.now(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn known(vouched: Vouched) -> Known {
    let principal = vouched.principal;
    let permissions = those(|permission| principal.may_somewhere(permission));
    let granted = principal.grants.into_iter().map(|grant| Granted {
        role: grant.role,
        channels: grant.channels,
        permissions: those(|permission| grant.role.may(permission)),
    });
    Known { id: principal.id, grants: granted.collect(), permissions }
}

/// Those of the permissions that say something: everybody has the one to ask who they are.
fn those(may: impl Fn(Permission) -> bool) -> Vec<Permission> {
    Permission::ALL.into_iter().filter(|permission| *permission != Permission::Open && may(*permission)).collect()
}
