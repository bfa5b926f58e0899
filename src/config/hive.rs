//! `[provider.hive]`: how Hive is asked, where `provider.judge` or `provider.also` names it.

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
use crate::providers::hive::{self, Api};

/// How Hive is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HiveConfig {
    /// Which of its interfaces is spoken: `v2`, the synchronous one of enterprise projects, or `v3`. Default `v2`.
    pub api: Api,
    /// Where it is: `https`, or `http` on the loopback. Empty (the default): at Hive, as the interface says.
    pub endpoint: String,
    /// The file that holds the key of the project and nothing else; for nobody else to read.
    pub key_file: PathBuf,
    /// The variable of the environment that holds the key, where no file does.
    pub key_env: String,
    /// How it comes to a picture that lies in a bucket: `bytes`, which are fetched here and sent, or `url`, by which it
    /// fetches them itself where the policy of the channel compares no pictures (`similarity: off`) and the notification
    /// names version and size of the object. Default `bytes`.
    pub by: By,
    /// Where `by` is `url`: the address below which the objects' keys are found, such as that of a CloudFront
    /// distribution; its addresses name no version. Empty (the default): addresses of S3, signed.
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
    /// Heads that an answer must speak of, by their names in `hive-visual/1`; one that does not is none, and its frame
    /// fails. Name those that rules rest on: a project without a head never says anything of it. Default: none.
    pub heads: Vec<String>,
    /// Calls a second that the account may make, 1 to 10,000. Default 5.
    pub calls_per_second: Bounded<1, 10_000>,
    /// So many failures in a row suspend it, 1 to 1,000. Default 10.
    pub failures_max: Bounded<1, 1_000>,
    /// Seconds for which it is suspended at first, 1 to 3,600; the time doubles with each trial that fails. Default 15.
    pub suspended_s: Bounded<1, 3_600>,
    /// Seconds for one call, from its beginning to the last byte of its answer, 1 to 60. Default 5.
    pub deadline_s: Bounded<1, 60>,
    /// The same for a call about a clip, 1 to 120: it is longer on its way, and looked at moment by moment. Default 20.
    pub segment_deadline_s: Bounded<1, 120>,
    /// US dollars that a million calls cost, 0 to 1,000,000: what the overview reckons with. 0: no cost is told. Default
    /// 3,000: documented answers say a charge of 0.003 dollars each.
    pub usd_per_million: Bounded<0, 1_000_000>,
}

/// How Hive comes to a picture in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// It is sent the bytes.
    #[default]
    Bytes,
    /// It fetches them.
    Url,
}

const KEY: KeyPlace = KeyPlace { who: "Hive", file: "provider.hive.key_file", variable: "provider.hive.key_env" };
const URL_KEY: UrlKeyPlace = UrlKeyPlace {
    base: "provider.hive.url_base",
    bucket: "provider.hive.url_bucket",
    id: "provider.hive.url_key_pair_id",
    file: "provider.hive.url_key_file",
    variable: "provider.hive.url_key_env",
};

impl HiveConfig {
    /// What no single key can say.
    pub(super) fn check(&self) -> Result<(), String> {
        check_addresses("provider.hive", &[("endpoint", &self.endpoint), ("url_base", &self.url_base)])?;
        URL_KEY.check(&self.url_key())?;
        if self.by == By::Bytes && !self.url_base.is_empty() {
            return Err(
                "provider.hive.url_base is set and has no effect, since provider.hive.by is `bytes`: say `by = \
                        \"url\"`, or leave it out"
                    .to_owned(),
            );
        }
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

    /// What is asked for.
    pub fn settings(&self) -> hive::Settings {
        hive::Settings {
            api: self.api,
            endpoint: (!self.endpoint.is_empty()).then(|| self.endpoint.clone()),
            floor: Confidence::from_milli(self.floor_percent.small() * 1000).expect("at most 100 %"),
            deadline: Duration::from_secs(self.deadline_s.get()),
            segment_deadline: Duration::from_secs(self.segment_deadline_s.get()),
            heads: self.heads.clone(),
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

impl Default for HiveConfig {
    fn default() -> Self {
        Self {
            api: Api::V2,
            endpoint: String::new(),
            key_file: PathBuf::new(),
            key_env: String::new(),
            by: By::Bytes,
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
            segment_deadline_s: Bounded::of(20),
            usd_per_million: Bounded::of(3_000),
        }
    }
}
