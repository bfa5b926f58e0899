//! `[provider.hive_speech]`: how Hive's speech moderation is asked, where `provider.also` names it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Bounded;
use super::asked::{check_addresses, guarded};
use super::key::KeyPlace;
use crate::egress::{Secret, SecretError};
use crate::providers::guard;
use crate::providers::hive::speech;

/// How Hive's speech moderation is asked: v2, with the key of a project of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HiveSpeechConfig {
    /// Where it is: `https`, or `http` on the loopback. Empty (the default): at Hive.
    pub endpoint: String,
    /// The file that holds the key of the project and nothing else; for nobody else to read.
    pub key_file: PathBuf,
    /// The variable of the environment that holds the key, where no file does.
    pub key_env: String,
    /// Classes that every answer must moderate, by their names in `hive-speech/1`; one that does not, because it does not
    /// do so in the language that was heard, is none, and its frame fails. Name those that rules rest on. Default: the
    /// four that Hive documents.
    pub classes: Vec<String>,
    /// Whether what Hive takes for personal data stands as `[…]` in transcripts. Default true.
    pub redact: bool,
    /// Calls a second that the account may make, 1 to 10,000. Default 2.
    pub calls_per_second: Bounded<1, 10_000>,
    /// So many failures in a row suspend it, 1 to 1,000. Default 10.
    pub failures_max: Bounded<1, 1_000>,
    /// Seconds for which it is suspended at first, 1 to 3,600; the time doubles with each trial that fails. Default 15.
    pub suspended_s: Bounded<1, 3_600>,
    /// Seconds for one call, from its beginning to the last byte of its answer, 1 to 120. Default 20.
    pub segment_deadline_s: Bounded<1, 120>,
    /// US dollars that a million calls cost, 0 to 1,000,000: what the overview reckons with. 0: no cost is told. Default
    /// 30,000: the documented answer says a charge of 0.102 dollars for 33 seconds, which is 0.03 for ten.
    pub usd_per_million: Bounded<0, 1_000_000>,
}

const KEY: KeyPlace = KeyPlace {
    who: "Hive's speech moderation",
    file: "provider.hive_speech.key_file",
    variable: "provider.hive_speech.key_env",
};

impl HiveSpeechConfig {
    /// What no single key can say.
    pub(super) fn check(&self) -> Result<(), String> {
        check_addresses("provider.hive_speech", &[("endpoint", &self.endpoint)])?;
        KEY.check(&self.key_file, &self.key_env)
    }

    /// The key. Blocks: reads the file, or the variable.
    pub fn key(&self) -> Result<Secret, SecretError> {
        KEY.read(&self.key_file, &self.key_env)
    }

    /// What is asked for.
    pub fn settings(&self) -> speech::Settings {
        speech::Settings {
            endpoint: (!self.endpoint.is_empty()).then(|| self.endpoint.clone()),
            deadline: Duration::from_secs(self.segment_deadline_s.get()),
            classes: self.classes.clone(),
            redact: self.redact,
        }
    }

    /// How often it is asked, and when no more.
    pub fn guard(&self) -> guard::Settings {
        guarded(self.calls_per_second, self.failures_max, self.suspended_s)
    }
}

impl Default for HiveSpeechConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            key_file: PathBuf::new(),
            key_env: String::new(),
            classes: speech::Settings::CLASSES.map(str::to_owned).to_vec(),
            redact: true,
            calls_per_second: Bounded::of(2),
            failures_max: Bounded::of(10),
            suspended_s: Bounded::of(15),
            segment_deadline_s: Bounded::of(20),
            usd_per_million: Bounded::of(30_000),
        }
    }
}
