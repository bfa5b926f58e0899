//! STS: who calls are made as, and what time AWS has. Needs no permission, so whatever it says is about credentials,
//! clock or way, never about rights.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sts::Client;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use super::{Aws, Failure};
use crate::model::Timestamp;

/// What asking gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// The ARN of whom calls are made as.
    pub caller: Result<String, Failure>,
    /// When AWS says that it answered, to the second; none if no answer came, or none that says so. A refusal says so
    /// too: a clock that is wrong is refused, and this tells by how much.
    pub answered_at: Option<Timestamp>,
}

impl Aws {
    /// Asks who calls are made as.
    pub async fn introduce(&self) -> Introduction {
        const CALL: &str = "GetCallerIdentity";
        let heard = DateHeard::default();
        let mut config = aws_sdk_sts::config::Builder::from(self.config()).interceptor(heard.clone());
        if let Some(endpoint) = &self.endpoints().sts {
            config = config.endpoint_url(endpoint);
        }
        let answer = Client::from_conf(config.build()).get_caller_identity().send().await;
        let caller = match answer {
            Ok(answer) => answer.arn.ok_or_else(|| Failure::nonsense(CALL, "it names nobody")),
            Err(error) => Err(Failure::of(CALL, &error)),
        };
        Introduction { caller, answered_at: heard.read() }
    }
}

/// Hears the `Date` of an answer, which the SDK itself shows to nobody.
#[derive(Debug, Clone, Default)]
struct DateHeard(Arc<Mutex<Option<String>>>);

impl DateHeard {
    fn read(&self) -> Option<Timestamp> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let date = DateTime::from_str(&said, Format::HttpDate).ok()?;
        Some(Timestamp::from_millis(date.to_millis().ok()?))
    }
}

impl Intercept for DateHeard {
    fn name(&self) -> &'static str {
        "DateHeard"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
