//! Amazon Web Services, one file per service. The SDK's types end here: what comes out are our own words and
//! [`Failure`], which says what follows from a failed call.
//!
//! Every client has explicit time limits (the SDK has none but for connecting) and never repeats a call by itself:
//! whether a call may be repeated is known where its meaning is known, so there is one retry loop per kind of work.
//! Credentials come from where the SDK looks: environment, profile, web identity, container, instance.

mod bucket_notifications;
pub mod cloudfront;
pub mod eventbridge;
mod failure;
pub mod ivs;
pub mod ivschat;
pub mod kinesis;
mod rekognition;
mod s3;
pub mod sns;
mod sts;
mod turns;

pub use failure::{Class, Failure};
pub use rekognition::{Detected, DetectedLabel, Rekognition};
pub use s3::{GetError, Head, S3, SignedAddress, Stored};
pub use sts::Introduction;
pub use turns::{Crowded, Turns};

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_rekognition::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

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

/// Where the calls to each service go, if not to AWS itself: the address of a private endpoint, an emulator, a stand-in.
/// What is stated here goes before `AWS_ENDPOINT_URL` and its form per service, which hold where nothing is stated.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoints {
    /// Kinesis Data Streams.
    pub kinesis: Option<String>,
    /// S3. Buckets are then named in the path, not in the host name.
    pub s3: Option<String>,
    /// Rekognition.
    pub rekognition: Option<String>,
    /// Interactive Video Service.
    pub ivs: Option<String>,
    /// IVS Chat.
    pub ivs_chat: Option<String>,
    /// EventBridge.
    pub eventbridge: Option<String>,
    /// Simple Notification Service.
    pub sns: Option<String>,
    /// Security Token Service, which `streamwarden doctor` asks who it is.
    pub sts: Option<String>,
}

/// A key that calls are signed with.
#[derive(Clone)]
pub struct Key {
    /// Which key.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Where calls go and who makes them.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    endpoints: Endpoints,
    times: CallTimes,
}

impl Aws {
    /// Finds region and credentials as every AWS program does; `region` goes before what is found. Calls go where
    /// `endpoints` says, else where the environment says, else to AWS.
    pub async fn load(region: Option<String>, endpoints: Endpoints, times: CallTimes) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https())
            .timeout_config(limits(times))
            .retry_config(RetryConfig::disabled());
        if let Some(region) = region {
            loader = loader.region(Region::new(region));
        }
        Self { config: loader.load().await, endpoints, times }
    }

    /// Takes everything as given and asks no environment: calls to these endpoints, signed with this key. Only for
    /// emulators and stand-ins; a service without an endpoint here would be AWS itself.
    pub fn for_endpoints(region: &str, endpoints: Endpoints, key: Key, times: CallTimes) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                key.id, key.secret, None, None, "stated",
            )))
            .http_client(https())
            .timeout_config(limits(times))
            .retry_config(RetryConfig::disabled())
            .build();
        Self { config, endpoints, times }
    }

    /// The region that calls go to; none if nobody says.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// What a service's client is made from. Where an endpoint is stated for it, it is the only one: the SDK would
    /// let the environment go before a general one.
    pub(in crate::aws) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// How long calls may take.
    pub(in crate::aws) fn times(&self) -> CallTimes {
        self.times
    }

    /// Where the calls to each service go.
    pub(in crate::aws) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }
}

fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring)) // the one TLS stack of this program
        .build_https()
}

fn limits(times: CallTimes) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(times.connect)
        .operation_attempt_timeout(times.call)
        .operation_timeout(times.call)
        .build()
}
