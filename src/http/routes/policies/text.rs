//! The text of policies as it is sent: within JSON, or by itself as YAML with everything else in the query.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Payload};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::extract::JSON_BYTES_MAX;
use crate::http::problem::{Code, Problem};
use crate::http::slow_body;
use crate::policy::diagnostic::{Diagnostic, Severity};

/// Media type of a policy file.
pub(super) const YAML: &str = "application/yaml";
/// What a text is called where its mistakes are named.
pub(super) const NAME: &str = "policy.yaml";

/// What is to be checked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckPolicies {
    /// The text: one or more policies in YAML.
    pub text: String,
}

/// What is to be tried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TryPolicies {
    /// The text: one or more policies in YAML.
    pub text: String,
    /// How many hours back, 1 to 168. 24 unless it is said.
    #[schemars(range(min = 1, max = 168))]
    pub hours: Option<u32>,
}

/// How far back, where the body is the text by itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrySaid {
    /// How many hours back, 1 to 168. Only with a body that is not JSON.
    #[schemars(range(min = 1, max = 168))]
    pub hours: Option<u32>,
}

/// What is to be published.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishPolicies {
    /// The text: one or more policies in YAML.
    pub text: String,
    /// Why, in 1 to 2000 bytes. Recorded.
    #[schemars(length(min = 1, max = 2000))]
    pub why: String,
    /// The version that was in force when the author looked; 0 if none was. Only for a text with one policy.
    pub expected_version: Option<u32>,
}

/// What belongs to a publication, where the body is the text by itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishSaid {
    /// Why, in 1 to 2000 bytes. Recorded. Only with a body that is not JSON.
    #[schemars(length(min = 1, max = 2000))]
    pub why: Option<String>,
    /// The version that was in force when the author looked; 0 if none was. Only for a text with one policy, and with a
    /// body that is not JSON.
    pub expected_version: Option<u32>,
}

/// What is to run in shadow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShadowPolicies {
    /// The text: one or more policies in YAML.
    pub text: String,
    /// Why, in 1 to 2000 bytes. Recorded.
    #[schemars(length(min = 1, max = 2000))]
    pub why: String,
}

/// Why, where the body is the text by itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShadowSaid {
    /// Why, in 1 to 2000 bytes. Recorded. Only with a body that is not JSON.
    #[schemars(length(min = 1, max = 2000))]
    pub why: Option<String>,
}

/// A body as it was sent.
pub(super) enum Sent<T> {
    /// JSON.
    Json(T),
    /// The text by itself.
    Text(String),
}

/// Reads the body by its media type.
pub(super) async fn sent<T: DeserializeOwned>(request: &HttpRequest, body: Payload) -> Result<Sent<T>, Problem> {
    use actix_web::HttpMessage;
    match request.content_type() {
        "application/json" => {
            let bytes = bytes(body).await?;
            serde_json::from_slice(&bytes).map(Sent::Json).map_err(|error| Problem::malformed("body", error))
        }
        YAML | "application/x-yaml" | "text/yaml" => {
            let text = String::from_utf8(bytes(body).await?.into());
            text.map(Sent::Text).map_err(|_| Problem::malformed("body", "expected a text in UTF-8"))
        }
        _ => Err(Problem::new(Code::UnsupportedMedia, format!("the body must be application/json or {YAML}"))),
    }
}

/// What belongs to a text by itself stands in the query; beside JSON, which has it too, it could say something else.
pub(super) fn beside_json(parameter: &str) -> Problem {
    Problem::malformed(parameter, "stands in the query only with a text by itself; a JSON body says it in the body")
}

async fn bytes(body: Payload) -> Result<Bytes, Problem> {
    match body.to_bytes_limited(JSON_BYTES_MAX).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let late = error.as_error::<actix_web::error::PayloadError>().is_some_and(slow_body::timed_out);
            Err(match late {
                true => Problem::new(Code::Timeout, "the body did not arrive in time"),
                false => Problem::malformed("body", "it broke off"),
            })
        }
        Err(_) => Err(Problem::new(Code::TooLarge, format!("a policy text has at most {JSON_BYTES_MAX} bytes here"))),
    }
}

/// A text that cannot be published, with every mistake.
pub(in crate::http) fn mistaken(diagnostics: &[Diagnostic]) -> Problem {
    let mistakes: Vec<Mistake> = diagnostics.iter().map(Mistake::of).collect();
    Problem::new(Code::Unprocessable, "the text has mistakes; `mistakes` names each with its place and what to do")
        .with("mistakes", mistakes)
}

/// Something said of one place of a text.
#[derive(Debug, serde::Serialize, JsonSchema)]
pub(super) struct Mistake {
    /// How grave it is.
    pub severity: MistakeSeverity,
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters, from 1.
    pub column: u32,
    /// What is wrong, or worth knowing.
    pub what: String,
    /// What was expected instead.
    pub expected: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum MistakeSeverity {
    /// The policy cannot be used.
    Error,
    /// It can be used, and is probably not what was meant.
    Warning,
    /// Something was understood in a way worth knowing.
    Note,
}

impl Mistake {
    pub fn of(said: &Diagnostic) -> Self {
        Self {
            severity: match said.severity {
                Severity::Error => MistakeSeverity::Error,
                Severity::Warning => MistakeSeverity::Warning,
                Severity::Note => MistakeSeverity::Note,
            },
            line: said.at.line,
            column: said.at.column,
            what: said.what.clone(),
            expected: said.expected.clone(),
            hint: said.hint.clone(),
        }
    }
}
