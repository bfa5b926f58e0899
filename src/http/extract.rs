//! What handlers take out of a request, each with a problem that says what was expected and where.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::error::{PathError, QueryPayloadError};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::auth;
use super::problem::{Code, Problem};
use super::slow_body;

/// The most bytes of a JSON body. Pictures have a limit of their own.
pub(in crate::http) const JSON_BYTES_MAX: usize = 256 * 1024;

/// The caller, whom the gate let through.
pub(in crate::http) struct Caller(Rc<auth::Principal>);

impl Deref for Caller {
    type Target = auth::Principal;
    fn deref(&self) -> &auth::Principal {
        &self.0
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Rc<auth::Principal>>().cloned();
        ready(caller.map(Self).ok_or_else(|| Problem::new(Code::Unauthenticated, "this route is for known callers")))
    }
}

/// How bodies, queries and paths are read, and what is said when they cannot be.
pub(in crate::http) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::JsonConfig::default().limit(JSON_BYTES_MAX).error_handler(|error, _| json(&error).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| query(&error).into()))
        .app_data(web::PathConfig::default().error_handler(|error, _| path(&error).into()));
}

/// What is wrong with a query, without the framework's own words around it.
pub(in crate::http) fn query(error: &QueryPayloadError) -> Problem {
    match error {
        QueryPayloadError::Deserialize(wrong) => Problem::malformed("query", wrong),
        other => Problem::malformed("query", other),
    }
}

fn path(error: &PathError) -> Problem {
    match error {
        PathError::Deserialize(wrong) => Problem::malformed("path", wrong),
        other => Problem::malformed("path", other),
    }
}

fn json(error: &actix_web::error::JsonPayloadError) -> Problem {
    use actix_web::error::JsonPayloadError as Json;
    match error {
        Json::OverflowKnownLength { .. } | Json::Overflow { .. } => {
            Problem::new(Code::TooLarge, format!("a JSON body has at most {JSON_BYTES_MAX} bytes"))
        }
        Json::Payload(error) if slow_body::timed_out(error) => {
            Problem::new(Code::Timeout, "the body did not arrive in time")
        }
        Json::ContentType => Problem::new(Code::UnsupportedMedia, "the body must be application/json"),
        Json::Deserialize(wrong) => Problem::malformed("body", wrong),
        other => Problem::malformed("body", other),
    }
}
