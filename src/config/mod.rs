//! What an operator decides, read once at the start from one TOML file into typed structs. A key that is unknown or
//! wrong stops the start, named with its line and what was expected. Knows the rooms whose settings these are; nothing
//! knows it but the command line, and nothing reads the environment for more than where a secret lies, or the secret.
//!
//! `ops/streamwarden.toml` is the reference: every key with its default, commented. A test keeps the two together.

mod asked;
mod aws;
mod bounded;
mod dashboard;
mod dashboard_provider;
mod hive;
mod hive_speech;
mod key;
mod mistake;
mod sections;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use aws::{
    AwsConfig, BusConfig, ChatConfig, EndpointsConfig, IvsConfig, KinesisConfig, NoticesConfig, OutboxConfig,
    RekognitionConfig,
};
pub use bounded::Bounded;
pub use dashboard::{DashboardAction, HiveDashboardConfig, Then};
pub use dashboard_provider::DashboardConfig;
pub use hive::{By, HiveConfig};
pub use hive_speech::HiveSpeechConfig;
pub use key::UrlKeyError;
pub use mistake::ConfigError;
pub use sections::{
    Control, ControlConfig, DataConfig, EnforcementConfig, EvidenceConfig, Judge, ListenConfig, LogConfig,
    ModerationConfig, ProviderConfig, SoundConfig, WardensConfig,
};

use crate::actors::Deposit;
use crate::http::GateConfig;
use crate::http::auth::config::AuthConfig;
use crate::shards::SEGMENTS_OFFERED_MAX;

/// The most bytes of a configuration file.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Names the tokens file in the file's stead, so that one file can serve machines whose secrets lie elsewhere.
pub const TOKENS_FILE_VARIABLE: &str = "STREAMWARDEN_TOKENS_FILE";

/// Everything an operator decides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the journal is kept, and how.
    pub data: DataConfig,
    /// Where it listens, and for how long it waits.
    pub listen: ListenConfig,
    /// Who may come in.
    pub auth: AuthConfig,
    /// How strict the gate is.
    pub http: GateConfig,
    /// Who labels images.
    pub provider: ProviderConfig,
    /// What the actions of Hive's Moderation Dashboard mean.
    pub hive_dashboard: HiveDashboardConfig,
    /// Who carries the streams.
    pub control: ControlConfig,
    /// Which pictures are kept.
    pub evidence: EvidenceConfig,
    /// What is kept of what was said.
    pub sound: SoundConfig,
    /// What moderators may take back.
    pub moderation: ModerationConfig,
    /// How many streams rules may stop by themselves.
    pub enforcement: EnforcementConfig,
    /// Bounds of the wardens.
    pub wardens: WardensConfig,
    /// Who calls Amazon Web Services, and where.
    pub aws: AwsConfig,
    /// The stream that frames and broadcasts are announced on.
    pub kinesis: KinesisConfig,
    /// What leaves on its own account.
    pub outbox: OutboxConfig,
    /// What is logged.
    pub logs: LogConfig,
}

impl Config {
    /// Reads a file. `tokens_file`: the value of [`TOKENS_FILE_VARIABLE`], if it is set.
    pub fn read(file: &Path, tokens_file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let reading = |source| ConfigError::Read { file: file.to_owned(), source };
        let opened = File::open(file).map_err(reading)?;
        let found = opened.metadata().map_err(reading)?.len();
        if found > FILE_BYTES_MAX {
            return Err(ConfigError::Large { file: file.to_owned(), found, max: FILE_BYTES_MAX });
        }
        let mut text = String::new();
        opened.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(reading)?;
        Self::parse(file, &text, tokens_file)
    }

    /// Reads the text of a file.
    pub fn parse(file: &Path, text: &str, tokens_file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let parsed = toml::from_str(text);
        let mut config: Self = parsed.map_err(|error| ConfigError::mistake(file.to_owned(), text, &error))?;
        if let Some(tokens_file) = tokens_file {
            config.auth.tokens_file = tokens_file;
        }
        config.check(file)?;
        Ok(config)
    }

    /// What no single key can say.
    fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let file = || file.to_owned();
        self.auth.check().map_err(|source| ConfigError::Auth { file: file(), source })?;
        self.http.check().map_err(|source| ConfigError::Gate { file: file(), source })?;
        if self.auth.oidc.sign_in.is_offered() && self.http.pages.public_url.is_empty() {
            let finding =
                "http.pages.public_url is empty, and must be set where auth.oidc.sign_in.client_id is: it is \
                where the issuer sends people back to"
                    .to_owned();
            return Err(ConfigError::Together { file: file(), finding });
        }
        if self.listen.shutdown_timeout_s.get() <= self.wardens.frame_deadline_s.get() {
            let finding = format!(
                "listen.shutdown_timeout_s is {}, and must be more than wardens.frame_deadline_s, which is {}, so that \
                 a frame that was taken is answered before the end",
                self.listen.shutdown_timeout_s.get(),
                self.wardens.frame_deadline_s.get()
            );
            return Err(ConfigError::Together { file: file(), finding });
        }
        for (section, bucket, prefix) in [
            ("evidence", &self.evidence.bucket, &self.evidence.prefix),
            ("http.store_frames", &self.http.store_frames.bucket, &self.http.store_frames.prefix),
        ] {
            if !bucket.is_empty() {
                let checked = Deposit::check(bucket, prefix);
                let wrong = |error| ConfigError::Together { file: file(), finding: format!("{section}.{error}") };
                checked.map_err(wrong)?;
            }
        }
        if u64::from(self.http.store_frames.timeout_s) >= self.wardens.frame_deadline_s.get() {
            let finding = format!(
                "http.store_frames.timeout_s is {}, and must be less than wardens.frame_deadline_s, which is {}",
                self.http.store_frames.timeout_s,
                self.wardens.frame_deadline_s.get()
            );
            return Err(ConfigError::Together { file: file(), finding });
        }
        let bus = self.outbox.bus.check(self.sound.transcripts);
        bus.map_err(|finding| ConfigError::Together { file: file(), finding })?;
        self.hive_dashboard.check().map_err(|finding| ConfigError::Together { file: file(), finding })?;
        self.provider.check().map_err(|finding| ConfigError::Together { file: file(), finding })?;
        self.kinesis.settings().map_err(|finding| ConfigError::Together { file: file(), finding })?;
        let offered = self.kinesis.offers_max.get() + SEGMENTS_OFFERED_MAX as u64;
        if offered >= self.wardens.frames_max.get() && !self.kinesis.stream.is_empty() {
            let finding = format!(
                "kinesis.offers_max is {}, and with {SEGMENTS_OFFERED_MAX} segments must be less than \
                 wardens.frames_max, which is {}, so that no frame of the stream is shed",
                self.kinesis.offers_max.get(),
                self.wardens.frames_max.get()
            );
            return Err(ConfigError::Together { file: file(), finding });
        }
        if self.enforcement.per_rule_per_minute.get() > self.enforcement.per_minute.get() {
            let finding = format!(
                "enforcement.per_rule_per_minute is {}, more than enforcement.per_minute, which is {}",
                self.enforcement.per_rule_per_minute.get(),
                self.enforcement.per_minute.get()
            );
            return Err(ConfigError::Together { file: file(), finding });
        }
        Ok(())
    }
}
