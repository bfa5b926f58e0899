//! Amazon Web Services, one file per service. The SDK's types end here: what comes out are our own words and
//! [`Failure`], which says what follows from a failed call.
//!
//! Every client has explicit time limits (the SDK has none but for connecting) and never repeats a call by itself:
//! whether a call may be repeated is known where its meaning is known, so there is one retry loop per kind of work.
//! Credentials come from where the SDK looks: environment, profile, web identity, container, instance.

pub mod eventbridge;
mod failure;
pub mod ivs;
pub mod ivschat;
pub mod sns;
mod turns;

pub use failure::{Class, Failure};
pub use turns::{Crowded, Turns};

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// How long calls may take. Stated for every client: without it the SDK waits for an answer for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimes {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the answer is there, after which the call has failed.
    pub call: Duration,
}

impl Default for CallTimes {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), call: Duration::from_secs(5) }
    }
}

/// Where calls go and who makes them.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
}

impl Aws {
    /// Finds region and credentials as every AWS program does; `region` goes before what is found. `AWS_ENDPOINT_URL`
    /// and its form per service lead to an emulator.
    pub async fn load(region: Option<String>, times: CallTimes) -> Self {
        let https = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring)) // the one TLS stack of this program
            .build_https();
        let times = TimeoutConfig::builder()
            .connect_timeout(times.connect)
            .operation_attempt_timeout(times.call)
            .operation_timeout(times.call)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https)
            .timeout_config(times)
            .retry_config(RetryConfig::disabled());
        if let Some(region) = region {
            loader = loader.region(Region::new(region));
        }
        Self { config: loader.load().await }
    }

    /// The region that calls go to; none if nobody says.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// What the clients are made from.
    pub(in crate::aws) fn sdk_config(&self) -> &SdkConfig {
        &self.config
    }
}
