//! The one gate in front of every route: who calls, and may they. What is not stated as a route does not exist.

use std::collections::HashMap;
use std::rc::Rc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, web};

use super::auth::{Grant, Permission, Principal, Role};
use super::problem::{Code, Problem};
use super::route::Reach;
use crate::model::{ChannelId, ChannelPattern, ModeratorId};

/// What one method of a path needs.
#[derive(Debug, Clone)]
pub(in crate::http) struct Needed {
    pub method: Method,
    pub needs: Permission,
    pub reach: Reach,
}

/// Lets a request through or answers it.
pub(in crate::http) async fn pass(
    needed: Rc<[Needed]>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(needed) = needed.iter().find(|needed| needed.method == *request.method()) else {
        return Err(another_method(&needed, request.method()).into());
    };
    if needed.needs != Permission::Open {
        let principal = identify(&request)?;
        check(needed, &principal, &request)?;
        request.extensions_mut().insert(Rc::new(principal));
    }
    next.call(request).await
}

fn another_method(needed: &[Needed], method: &Method) -> Problem {
    let known: Vec<_> = needed.iter().map(|needed| needed.method.as_str()).collect();
    Problem::new(Code::MethodNotAllowed, format!("this path takes {}, not {method}", known.join(", ")))
        .with("allow", known)
}

fn identify(_request: &ServiceRequest) -> Result<Principal, Problem> {
    let id = ModeratorId::new("demo").map_err(|error| Problem::internal("naming the caller", &error))?;
    Ok(Principal { id, grants: vec![Grant { role: Role::Admin, channels: ChannelPattern::all() }] })
}

fn check(needed: &Needed, principal: &Principal, request: &ServiceRequest) -> Result<(), Problem> {
    let allowed = match (needed.reach, channel(request)?) {
        (Reach::Everywhere, _) => principal.may_everywhere(needed.needs),
        (Reach::Theirs, Some(channel)) => principal.may(needed.needs, &channel),
        (Reach::Theirs, None) => principal.may_somewhere(needed.needs),
    };
    if allowed {
        return Ok(());
    }
    let asked = serde_json::to_value(needed.needs).unwrap_or_default();
    Err(Problem::new(Code::Forbidden, format!("this needs the permission {asked} here, which you do not have")))
}

/// The channel that the path names, if it names one.
fn channel(request: &ServiceRequest) -> Result<Option<ChannelId>, Problem> {
    if request.match_info().get("channel").is_none() {
        return Ok(None);
    }
    let read = web::Path::<HashMap<String, String>>::extract(request.request());
    let path = read.into_inner().map_err(|error| Problem::malformed("channel", error))?;
    let named = path.get("channel").map(String::as_str).unwrap_or_default();
    ChannelId::new(named).map(Some).map_err(|error| Problem::malformed("channel", error))
}
