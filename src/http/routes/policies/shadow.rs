//! Policies in shadow: started and ended. What they say is recorded beside what is decided, and nothing follows from it.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path, Payload, Query};
use schemars::JsonSchema;
use serde::Serialize;

use super::publish::{Retire, Retired, reason, refusal, take_out};
use super::read::with_desk;
use super::text::{NAME, Sent, ShadowPolicies, ShadowSaid, beside_json, mistaken, sent};
use crate::actors::PolicyDesk;
use crate::events::Actor;
use crate::http::App;
use crate::http::extract::Caller;
use crate::http::problem::Problem;
use crate::http::written;
use crate::model::{PolicyId, PolicyRef, Position};
use crate::policy::file;
use crate::policy::outline::{Changes, Outline};

/// What runs in shadow now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shadowed {
    /// Every policy of the text.
    policies: Vec<ShadowedPolicy>,
    /// Position of the last event; none if nothing changed.
    position: Option<Position>,
}

/// A policy of the text.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ShadowedPolicy {
    /// The version in shadow now.
    policy: PolicyRef,
    /// Whether its text was the one in shadow already, so that nothing changed.
    unchanged: bool,
    /// The version of the same policy that is in force, if one is.
    beside: Option<PolicyRef>,
    /// What differs from that version, rule by rule.
    changes: Changes,
}

pub(super) async fn start(
    app: Data<App>,
    caller: Caller,
    said: Query<ShadowSaid>,
    request: HttpRequest,
    body: Payload,
) -> Result<Json<Shadowed>, Problem> {
    let said = said.into_inner();
    let wanted = match sent(&request, body).await? {
        Sent::Json(_) if said.why.is_some() => return Err(beside_json("why")),
        Sent::Json(wanted) => wanted,
        Sent::Text(text) => ShadowPolicies { text, why: said.why.unwrap_or_default() },
    };
    let why = reason(wanted.why)?;
    let by = caller.actor();
    let starting = with_desk(&app, "putting policies in shadow", move |desk| put(desk, &wanted.text, &by, &why));
    let shadowed = starting.await??;
    if let Some(position) = shadowed.position {
        written::shown(&app, position).await;
    }
    Ok(Json(shadowed))
}

fn put(desk: &mut PolicyDesk, text: &str, by: &Actor, why: &str) -> Result<Shadowed, Problem> {
    let loaded = file::load(NAME, text).map_err(|mistakes| mistaken(&mistakes.0))?;
    let refs = desk.shadow(NAME, text, by, Some(why)).map_err(|error| refusal(&error))?;
    let policies = loaded.into_iter().filter_map(|one| {
        let now = Outline::of(desk.in_shadow(&one.policy.reference.id)?);
        let beside = super::outline_of(desk, &one.policy.reference.id);
        Some(ShadowedPolicy {
            unchanged: !refs.contains(&now.policy),
            changes: now.changes_from(beside.as_ref()),
            beside: beside.map(|beside| beside.policy),
            policy: now.policy,
        })
    });
    let policies = policies.collect();
    let position = refs.last().and_then(|last| Some(desk.history().newest_shadow(&last.id)?.published.position));
    Ok(Shadowed { policies, position })
}

pub(super) async fn end(
    app: Data<App>,
    caller: Caller,
    id: Path<PolicyId>,
    wanted: Json<Retire>,
) -> Result<Json<Retired>, Problem> {
    let nothing = Problem::not_found(format!("policy {id} in shadow"));
    take_out(&app, &caller, wanted.into_inner(), "ending a policy's shadow", nothing, move |desk, by, why| {
        let policy = desk.unshadow(&id, by, Some(why))?;
        let act = desk.history().newest_shadow(&id).and_then(|newest| newest.retired.as_ref());
        Ok(policy.zip(act.map(|act| act.position)))
    })
    .await
}
