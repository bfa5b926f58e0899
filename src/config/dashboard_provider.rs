//! `[provider.hive_dashboard]`: how Hive's Moderation Dashboard is shown frames, where `provider.judge` or `provider.also`
//! names it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Bounded;
use super::asked::{check_addresses, guarded};
use super::key::{KeyPlace, UrlKey, UrlKeyError, UrlKeyPlace};
use crate::aws::cloudfront::AddressSigner;
use crate::egress::{Secret, SecretError};
use crate::model::Confidence;
use crate::providers::guard;
use crate::providers::hive::dashboard::{Settings, UsersAs};

/// How the Dashboard is shown frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DashboardConfig {
    /// Where it takes posts: `https`, or `http` on the loopback. Empty (the default): at Hive.
    pub endpoint: String,
    /// The file that holds the key of the application there and nothing else; for nobody else to read.
    pub key_file: PathBuf,
    /// The variable of the environment that holds the key, where no file does.
    pub key_env: String,
    /// The address below which the objects' keys are found, such as that of a CloudFront distribution; its addresses name
    /// no version. Empty (the default): addresses of S3, signed.
    pub url_base: String,
    /// The bucket that lies below `url_base`; objects of another are not shown.
    pub url_bucket: String,
    /// As which key pair addresses below `url_base` are signed: the id that CloudFront has for its public key. Empty (the
    /// default): they are not signed.
    pub url_key_pair_id: String,
    /// The file that holds the private key of that pair in PEM and nothing else; for nobody else to read.
    pub url_key_file: PathBuf,
    /// The variable of the environment that holds it, where no file does.
    pub url_key_env: String,
    /// Seconds for which a signed address holds, 10 to 3,600. Default 60.
    pub url_lives_s: Bounded<10, 3_600>,
    /// Classes that score less, in percent, are not reported, and no later policy can judge them, 0 to 100. Default 5.
    pub floor_percent: Bounded<0, 100>,
    /// Heads that an answer must speak of, by their names in `hive-visual/1`. Default: none.
    pub heads: Vec<String>,
    /// Calls a second that the application may make, 1 to 10,000. Default 5.
    pub calls_per_second: Bounded<1, 10_000>,
    /// So many failures in a row suspend it, 1 to 1,000. Default 10.
    pub failures_max: Bounded<1, 1_000>,
    /// Seconds for which it is suspended at first, 1 to 3,600; the time doubles with each trial that fails. Default 15.
    pub suspended_s: Bounded<1, 3_600>,
    /// Seconds for one call, from its beginning to the last byte of its answer, 1 to 60. Default 5.
    pub deadline_s: Bounded<1, 60>,
    /// US dollars that a million posts cost, 0 to 1,000,000: what the overview reckons with. Default 0: no cost is told.
    pub usd_per_million: Bounded<0, 1_000_000>,
}

const KEY: KeyPlace = KeyPlace {
    who: "Hive's Moderation Dashboard",
    file: "provider.hive_dashboard.key_file",
    variable: "provider.hive_dashboard.key_env",
};
const URL_KEY: UrlKeyPlace = UrlKeyPlace {
    base: "provider.hive_dashboard.url_base",
    bucket: "provider.hive_dashboard.url_bucket",
    id: "provider.hive_dashboard.url_key_pair_id",
    file: "provider.hive_dashboard.url_key_file",
    variable: "provider.hive_dashboard.url_key_env",
};

impl DashboardConfig {
    /// What no single key can say.
    pub(super) fn check(&self) -> Result<(), String> {
        check_addresses("provider.hive_dashboard", &[("endpoint", &self.endpoint), ("url_base", &self.url_base)])?;
        URL_KEY.check(&self.url_key())?;
        KEY.check(&self.key_file, &self.key_env)
    }

    fn url_key(&self) -> UrlKey<'_> {
        let Self { url_base, url_bucket, url_key_pair_id, url_key_file, url_key_env, .. } = self;
        UrlKey { base: url_base, bucket: url_bucket, id: url_key_pair_id, file: url_key_file, variable: url_key_env }
    }

    /// Who signs addresses below `url_base`; none if they are not signed. Blocks: reads the file, or the variable.
    pub fn url_signer(&self) -> Result<Option<AddressSigner>, UrlKeyError> {
        URL_KEY.signer(&self.url_key())
    }

    /// The key. Blocks: reads the file, or the variable.
    pub fn key(&self) -> Result<Secret, SecretError> {
        KEY.read(&self.key_file, &self.key_env)
    }

    /// What is asked for, of channels that are shown so.
    pub fn settings(&self, users_as: UsersAs) -> Settings {
        Settings {
            endpoint: (!self.endpoint.is_empty()).then(|| self.endpoint.clone()),
            floor: Confidence::from_milli(self.floor_percent.small() * 1000).expect("at most 100 %"),
            deadline: Duration::from_secs(self.deadline_s.get()),
            heads: self.heads.clone(),
            users_as,
        }
    }

    /// For how long a signed address holds.
    pub fn url_lives(&self) -> Duration {
        Duration::from_secs(self.url_lives_s.get())
    }

    /// How often it is asked, and when no more.
    pub fn guard(&self) -> guard::Settings {
        guarded(self.calls_per_second, self.failures_max, self.suspended_s)
    }
}

impl Default for DashboardConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            key_file: PathBuf::new(),
            key_env: String::new(),
            url_base: String::new(),
            url_bucket: String::new(),
            url_key_pair_id: String::new(),
            url_key_file: PathBuf::new(),
            url_key_env: String::new(),
            url_lives_s: Bounded::of(60),
            floor_percent: Bounded::of(5),
            heads: Vec::new(),
            calls_per_second: Bounded::of(5),
            failures_max: Bounded::of(10),
            suspended_s: Bounded::of(15),
            deadline_s: Bounded::of(5),
            usd_per_million: Bounded::of(0),
        }
    }
}
