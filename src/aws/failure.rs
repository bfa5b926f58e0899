//! What a failed call means to whoever made it. The SDK's error types end here: callers decide on the class, and on the
//! service's own code where two failures share a status.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What follows from a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Too many calls. The service did nothing; ask again later, and more slowly.
    Throttled,
    /// The service or the way to it failed. Whether the call had an effect is not known.
    Unavailable,
    /// No answer in time. Whether the call had an effect is not known.
    TimedOut,
    /// We may not. Asking again changes nothing until somebody changes permissions or credentials.
    Denied,
    /// What the call names is not there.
    NotFound,
    /// The service refuses this very call. Asking the same again changes nothing.
    Refused,
    /// An answer came that is none.
    Nonsense,
}

impl Class {
    /// The class in a word, for figures and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Nonsense => "nonsense",
        }
    }

    /// Whether the same call may succeed later.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::TimedOut)
    }
}

/// A call to AWS that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {}{}: {said}", .class.name(), .code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct Failure {
    /// The operation, as AWS calls it.
    pub operation: &'static str,
    /// What follows from it.
    pub class: Class,
    /// The service's own code for it, if it gave one (`ChannelNotBroadcasting`).
    pub code: Option<String>,
    /// What was said, without addresses, credentials or request ids, in at most [`Failure::SAID_BYTES_MAX`] bytes.
    pub said: String,
}

/// Codes by which services say "too many", whatever the status (an unmodelled throttle of IVS is a 4xx of any kind).
const THROTTLING: [&str; 16] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "KMSThrottlingException",
    "HumanLoopQuotaExceededException",
];
const DENIED: [&str; 11] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
];
const NOT_FOUND: [&str; 5] = ["ResourceNotFoundException", "NoSuchKey", "NoSuchBucket", "NoSuchVersion", "NotFound"];
const UNAVAILABLE: [&str; 6] = [
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "RequestTimeout",
    "RequestTimeoutException",
    "StreamUnavailable",
];

/// In place of what was said of a call that carried what nobody may repeat.
const WITHHELD: &str = "what was said of it is withheld, for it may quote what was sent";
/// The most bytes of a code that may be repeated whatever the call carried.
const CODE_BYTES_MAX: usize = 100;

impl Failure {
    /// The most bytes of [`Failure::said`].
    pub const SAID_BYTES_MAX: usize = 200;

    /// Reads what the SDK says of a failed call.
    pub(super) fn of<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        Self::read(operation, error, status)
    }

    /// Reads what the SDK says of an answer that broke off while it came in parts.
    pub(super) fn in_stream<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: fmt::Debug,
    {
        Self::read(operation, error, None)
    }

    fn read<E, R>(operation: &'static str, error: &SdkError<E, R>, status: Option<u16>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: fmt::Debug,
    {
        let code = error.code().map(|code| bare(code).to_owned());
        let class = match error {
            SdkError::TimeoutError(_) => Class::TimedOut,
            SdkError::ConstructionFailure(_) => Class::Refused,
            SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => Class::TimedOut,
            SdkError::DispatchFailure(dispatch) if dispatch.is_user() => Class::Refused,
            SdkError::DispatchFailure(_) => Class::Unavailable,
            SdkError::ResponseError(_) => Class::Nonsense,
            _ => class_of(code.as_deref(), status),
        };
        let said = match error.message() {
            Some(message) => message.to_owned(),
            None => causes(error),
        };
        Self { operation, class, code, said: shorten(said) }
    }

    /// An answer in parts of which no part came for `waited`.
    pub(super) fn silence(operation: &'static str, waited: Duration) -> Self {
        let said = format!("nothing came for {} s", waited.as_secs());
        Self { operation, class: Class::TimedOut, code: None, said }
    }

    /// An answer that came, and is none.
    pub(super) fn nonsense(operation: &'static str, said: impl Into<String>) -> Self {
        Self { operation, class: Class::Nonsense, code: None, said: shorten(said.into()) }
    }

    /// A failure that the SDK does not report itself, such as that of a body that ends too early.
    pub(super) fn passing(operation: &'static str, class: Class, said: impl Into<String>) -> Self {
        Self { operation, class, code: None, said: shorten(said.into()) }
    }

    /// The service's own answer about one part of a call that went through.
    pub(super) fn of_part(operation: &'static str, class: Class, code: String, said: Option<String>) -> Self {
        Self { operation, class, code: Some(code), said: shorten(said.unwrap_or_default()) }
    }

    /// The same without a word of what was said: services quote in their errors what they were sent. A code that is more
    /// than a name goes too.
    pub(super) fn without_quotes(self) -> Self {
        let is_name = |code: &String| {
            code.len() <= CODE_BYTES_MAX && code.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it))
        };
        Self { code: self.code.filter(is_name), said: WITHHELD.to_owned(), ..self }
    }

    /// Whether the service gave this code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

/// What a service error means, by its code first: statuses are shared, and IVS answers 404 for two different things.
pub(super) fn class_of(code: Option<&str>, status: Option<u16>) -> Class {
    let among = |list: &[&str]| code.is_some_and(|code| list.contains(&code));
    match status {
        _ if among(&THROTTLING) => Class::Throttled,
        _ if among(&DENIED) => Class::Denied,
        _ if among(&NOT_FOUND) => Class::NotFound,
        _ if among(&UNAVAILABLE) => Class::Unavailable,
        Some(200..=299) | None => Class::Nonsense,
        Some(429) => Class::Throttled,
        Some(401 | 403) => Class::Denied,
        Some(500..=599) => Class::Unavailable,
        Some(_) => Class::Refused,
    }
}

/// A code without the namespace before `#` and the address after `:` that some protocols put on it.
fn bare(code: &str) -> &str {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code)
}

/// The chain of causes: the SDK's own words are only the kind of failure.
fn causes(error: &dyn Error) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.dedup();
    words.join(": ")
}

fn shorten(mut said: String) -> String {
    said.retain(|c| !c.is_control());
    let mut end = said.len().min(Failure::SAID_BYTES_MAX);
    while !said.is_char_boundary(end) {
        end -= 1;
    }
    said.truncate(end);
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_before_the_status() {
        for (code, status, class) in [
            (Some("ProvisionedThroughputExceededException"), 400, Class::Throttled),
            (Some("ThrottlingException"), 400, Class::Throttled),
            (None, 429, Class::Throttled),
            (Some("AccessDeniedException"), 400, Class::Denied),
            (Some("ExpiredToken"), 400, Class::Denied),
            (None, 403, Class::Denied),
            (Some("ResourceNotFoundException"), 404, Class::NotFound),
            (Some("ChannelNotBroadcasting"), 404, Class::Refused),
            (Some("InvalidImageFormatException"), 400, Class::Refused),
            (Some("InternalServerError"), 500, Class::Unavailable),
            (Some("StreamUnavailable"), 503, Class::Unavailable),
            (None, 502, Class::Unavailable),
            (None, 200, Class::Nonsense),
        ] {
            assert_eq!(class_of(code, Some(status)), class, "{code:?} {status}");
        }
    }

    #[test]
    fn a_code_is_read_without_its_namespace_and_address() {
        assert_eq!(bare("com.amazonaws.ivs#ChannelNotBroadcasting"), "ChannelNotBroadcasting");
        assert_eq!(bare("ThrottlingException:http://internal.example/"), "ThrottlingException");
    }

    #[test]
    fn what_may_quote_is_withheld_and_class_and_code_stay() {
        let refused = |code: &str| {
            Failure::of_part("PutEvents", Class::Refused, code.to_owned(), Some("not valid: 'a secret'".to_owned()))
        };
        let told = refused("MalformedDetail").without_quotes().to_string();
        assert!(told.starts_with("PutEvents: refused (MalformedDetail): ") && !told.contains("secret"), "{told}");
        let told = refused("not valid: a secret").without_quotes().to_string();
        assert!(told.starts_with("PutEvents: refused: ") && !told.contains("secret"), "{told}");
    }

    #[test]
    fn what_is_said_is_one_short_line() {
        let said = shorten(format!("a\nb{}", "ü".repeat(300)));
        assert!(said.starts_with("abü") && said.len() <= Failure::SAID_BYTES_MAX);
    }
}
