//! Publishing and retiring, with what changed and who answers for it.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path, Payload, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outline_of;
use super::read::with_desk;
use super::text::{NAME, PublishPolicies, PublishSaid, Sent, beside_json, mistaken, sent};
use crate::actors::{PolicyDesk, PublishError, REASON_BYTES_MAX};
use crate::events::Actor;
use crate::http::App;
use crate::http::extract::Caller;
use crate::http::problem::{Code, Problem};
use crate::http::{refused, written};
use crate::model::{PolicyId, PolicyRef, Position};
use crate::policy::file;
use crate::policy::outline::{Changes, Outline};

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Published {
    /// Every policy of the text.
    policies: Vec<PublishedPolicy>,
    /// Position of the last event; none if nothing changed.
    position: Option<Position>,
}

/// A policy of the text.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PublishedPolicy {
    /// The version in force now.
    policy: PolicyRef,
    /// The version that was in force; none if none was.
    before: Option<PolicyRef>,
    /// Whether its text was the one in force already, so that nothing was published.
    unchanged: bool,
    /// What differs from the version before, rule by rule.
    changes: Changes,
}

/// Why a policy is taken out of force, or its shadow ended.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Retire {
    /// Why, in 1 to 2000 bytes. Recorded.
    #[schemars(length(min = 1, max = 2000))]
    pub(super) why: String,
}

/// A policy that is out of force, or no longer in shadow.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Retired {
    /// The version that was in force, or in shadow.
    pub(super) policy: PolicyRef,
    /// Position of the event.
    pub(super) position: Position,
}

pub(super) async fn publish(
    app: Data<App>,
    caller: Caller,
    said: Query<PublishSaid>,
    request: HttpRequest,
    body: Payload,
) -> Result<Json<Published>, Problem> {
    let said = said.into_inner();
    let wanted = match sent(&request, body).await? {
        Sent::Json(_) if said.why.is_some() => return Err(beside_json("why")),
        Sent::Json(_) if said.expected_version.is_some() => return Err(beside_json("expected_version")),
        Sent::Json(wanted) => wanted,
        Sent::Text(text) => {
            PublishPolicies { text, why: said.why.unwrap_or_default(), expected_version: said.expected_version }
        }
    };
    let why = reason(wanted.why)?;
    let by = caller.actor();
    let (text, expected) = (wanted.text, wanted.expected_version);
    let publishing = with_desk(&app, "publishing policies", move |desk| put_in_force(desk, &text, &by, &why, expected));
    let published = publishing.await??;
    if let Some(position) = published.position {
        written::shown(&app, position).await;
    }
    Ok(Json(published))
}

fn put_in_force(
    desk: &mut PolicyDesk,
    text: &str,
    by: &Actor,
    why: &str,
    expected: Option<u32>,
) -> Result<Published, Problem> {
    let loaded = file::load(NAME, text).map_err(|mistakes| mistaken(&mistakes.0))?;
    let ids: Vec<PolicyId> = loaded.into_iter().map(|one| one.policy.reference.id).collect();
    if let Some(expected) = expected {
        let [id] = ids.as_slice() else {
            let detail = "`expected_version` is for a text with one policy; this one has several";
            return Err(Problem::new(Code::Unprocessable, detail));
        };
        let found = desk.in_force(id).map_or(0, |policy| policy.reference.version);
        if found != expected {
            let detail = format!("version {found} of policy {id} is in force, you saw {expected}; 0 is none");
            return Err(Problem::new(Code::ChangedSince, detail).with("in_force", found));
        }
    }
    let before: BTreeMap<PolicyId, Outline> =
        ids.iter().filter_map(|id| Some((id.clone(), outline_of(desk, id)?))).collect();
    let refs = desk.publish(NAME, text, by, Some(why)).map_err(|error| refusal(&error))?;
    let policies = ids.iter().filter_map(|id| {
        let now = outline_of(desk, id)?;
        let before = before.get(id);
        Some(PublishedPolicy {
            unchanged: !refs.contains(&now.policy),
            changes: now.changes_from(before),
            before: before.map(|before| before.policy.clone()),
            policy: now.policy,
        })
    });
    let policies = policies.collect();
    let position = refs.last().and_then(|last| Some(desk.history().newest(&last.id)?.published.position));
    Ok(Published { policies, position })
}

pub(super) async fn retire(
    app: Data<App>,
    caller: Caller,
    id: Path<PolicyId>,
    wanted: Json<Retire>,
) -> Result<Json<Retired>, Problem> {
    let nothing = Problem::not_found(format!("policy {id} in force"));
    take_out(&app, &caller, wanted.into_inner(), "retiring a policy", nothing, move |desk, by, why| {
        let policy = desk.retire(&id, by, Some(why))?;
        let act = desk.history().newest(&id).and_then(|newest| newest.retired.as_ref());
        Ok(policy.zip(act.map(|act| act.position)))
    })
    .await
}

/// Takes a policy from where it stands, with the reason that the caller gives. `out` says which version it was and where
/// that is recorded; none if it did not stand there.
pub(super) async fn take_out(
    app: &Data<App>,
    caller: &Caller,
    wanted: Retire,
    doing: &'static str,
    nothing: Problem,
    out: impl FnOnce(&mut PolicyDesk, &Actor, &str) -> Result<Option<(PolicyRef, Position)>, PublishError> + Send + 'static,
) -> Result<Json<Retired>, Problem> {
    let why = reason(wanted.why)?;
    let by = caller.actor();
    let taking = with_desk(app, doing, move |desk| out(desk, &by, &why).map_err(|error| refusal(&error)));
    let (policy, position) = taking.await??.ok_or(nothing)?;
    written::shown(app, position).await;
    Ok(Json(Retired { policy, position }))
}

pub(super) fn reason(why: String) -> Result<String, Problem> {
    if why.trim().is_empty() || why.len() > REASON_BYTES_MAX {
        return Err(Problem::malformed("why", format!("expected a reason of 1 to {REASON_BYTES_MAX} bytes")));
    }
    Ok(why)
}

pub(super) fn refusal(error: &PublishError) -> Problem {
    match error {
        PublishError::Text { source, .. } => mistaken(&source.0),
        PublishError::ReasonTooLong { .. } => Problem::malformed("why", error),
        PublishError::TooManyShadows { .. } => Problem::new(Code::Conflict, error.to_string()),
        PublishError::Append(reason) => refused::journal(reason),
        PublishError::Content { .. }
        | PublishError::Erased(_)
        | PublishError::Missing(_)
        | PublishError::Read(_)
        | PublishError::Codec(_) => Problem::internal("publishing policies", error),
    }
}
