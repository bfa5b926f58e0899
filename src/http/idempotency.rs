//! The `Idempotency-Key` of a request: the same key again is the same request again, and changes nothing.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::App;
use super::problem::Problem;
use crate::model::{EventId, ModeratorId};

/// The header's name.
pub(in crate::http) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// The most bytes of a key.
const BYTES_MAX: usize = 200;

/// A caller's key for a request, if they gave one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The key, if there is one.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The request's identity. Keys are a caller's own, and `what` tells their operations apart. Without a key it is
    /// what the operation makes of itself, where the same twice can only be meant once.
    pub fn request(&self, by: &ModeratorId, what: &[&[u8]], unkeyed: &[u8]) -> EventId {
        let (kind, key) = match &self.0 {
            Some(key) => (b"key".as_slice(), key.as_bytes()),
            None => (b"none".as_slice(), unkeyed),
        };
        let mut parts: Vec<&[u8]> = vec![by.as_str().as_bytes(), kind, key];
        parts.extend_from_slice(what);
        EventId::of_command("http request", &parts)
    }

    /// What tells an unkeyed request from every other, where the same twice may be meant twice.
    pub fn once(app: &App) -> Vec<u8> {
        static ASKED: AtomicU64 = AtomicU64::new(0);
        let nth = ASKED.fetch_add(1, Ordering::Relaxed);
        [app.clock.now().as_micros().to_be_bytes(), nth.to_be_bytes()].concat()
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut given = request.headers().get_all(IDEMPOTENCY_KEY);
        let key = match (given.next(), given.next()) {
            (None, _) => Ok(Self(None)),
            (Some(one), None) => match one.to_str() {
                Ok(key) if is_key(key) => Ok(Self(Some(key.to_owned()))),
                _ => Err(malformed()),
            },
            (Some(_), Some(_)) => Err(malformed()),
        };
        ready(key)
    }
}

fn is_key(text: &str) -> bool {
    (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn malformed() -> Problem {
    Problem::malformed(
        IDEMPOTENCY_KEY,
        format!("expected one header of 1 to {BYTES_MAX} visible ASCII characters without blanks"),
    )
}

impl JsonSchema for IdempotencyKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "IdempotencyKey".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": BYTES_MAX, "pattern": "^[!-~]+$" })
    }
}
