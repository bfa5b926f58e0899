//! What went wrong, as callers see it: one envelope (RFC 9457) with a stable code. Says what was expected and where,
//! and nothing of the inside: no path, no secret, no source of an error.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// Media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $title:literal),+ $(,)?) => {
        /// What kind of problem it is. Codes are for programs and never change; titles are for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as it stands in answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// Its status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// Its title.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }
        }
    };
}

codes! {
    /// A parameter, header or body that cannot be understood.
    Malformed = 400 "malformed" "The request cannot be understood",
    /// No credentials, or none that hold.
    Unauthenticated = 401 "unauthenticated" "Say who you are",
    /// Known, and not allowed.
    Forbidden = 403 "forbidden" "Not allowed",
    /// There is no such thing, or none that this caller may see.
    NotFound = 404 "not_found" "Nothing is here",
    /// The path takes other methods.
    MethodNotAllowed = 405 "method_not_allowed" "Another method is needed",
    /// None of the media types asked for is offered.
    NotAcceptable = 406 "not_acceptable" "Not offered in that form",
    /// The request came too slowly.
    Timeout = 408 "timeout" "The request took too long to arrive",
    /// The state of the thing does not allow it.
    Conflict = 409 "conflict" "Not possible as things stand",
    /// What the caller saw is not what is there now.
    ChangedSince = 409 "changed_since" "It changed since you looked",
    /// It was here, and was erased or its time is over.
    Gone = 410 "gone" "It is not kept any more",
    /// The body is larger than taken.
    TooLarge = 413 "too_large" "Too large",
    /// The body is of a kind that is not taken.
    UnsupportedMedia = 415 "unsupported_media" "Not a kind that is read here",
    /// Understood, and cannot be done as it stands.
    Unprocessable = 422 "unprocessable" "Understood, but not possible",
    /// Too many requests.
    TooMany = 429 "too_many" "Too many requests",
    /// Our fault.
    Internal = 500 "internal" "Something broke here",
    /// Not now; perhaps later.
    Unavailable = 503 "unavailable" "Not available now",
}

/// A refused or failed request.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    extra: Map<String, Value>,
    retry_after_s: Option<u32>,
}

/// The envelope of every problem (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemBody {
    /// `urn:streamwarden:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of problem it is, for people.
    pub title: String,
    /// The status code.
    pub status: u16,
    /// What kind of problem it is, for programs. Stable.
    pub code: String,
    /// What was expected, and where.
    pub detail: String,
    /// More, depending on the code: `changed`, `parameter`, `mistakes`, …
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Problem {
    /// A problem with what was expected, and where.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), extra: Map::new(), retry_after_s: None }
    }

    /// A parameter, header or part of the body that cannot be understood.
    pub fn malformed(what: &str, detail: impl fmt::Display) -> Self {
        Self::new(Code::Malformed, format!("{what}: {detail}")).with("parameter", what)
    }

    /// There is no such thing.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what}, or none that you may see"))
    }

    /// Our fault. The cause is logged here, once, and not told.
    pub fn internal(doing: &str, cause: &dyn std::error::Error) -> Self {
        let mut chain = cause.to_string();
        let mut source = cause.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!("{doing}: {chain}");
        Self::new(Code::Internal, format!("{doing} failed; the log of this server says why"))
    }

    /// Not now; perhaps after so many seconds.
    pub fn unavailable(detail: impl Into<String>, retry_after_s: u32) -> Self {
        Self::new(Code::Unavailable, detail).retry_after(retry_after_s)
    }

    /// When to try again.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// With a further member.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).expect("every code has a lawful status")
    }

    fn error_response(&self) -> HttpResponse {
        let body = ProblemBody {
            kind: format!("urn:streamwarden:problem:{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            code: self.code.as_str().to_owned(),
            detail: self.detail.clone(),
            extra: self.extra.clone(),
        };
        let mut response = HttpResponse::build(self.status_code()).json(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let methods = self.extra.get("allow").and_then(Value::as_array).into_iter().flatten();
        for method in methods.filter_map(Value::as_str).filter_map(|method| HeaderValue::from_str(method).ok()) {
            headers.append(ALLOW, method);
        }
        if self.code == Code::Unauthenticated {
            headers.insert(actix_web::http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
