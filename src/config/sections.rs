//! The sections of the file, one struct each: every key with its meaning, unit, bounds and default.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Bounded;
use super::aws::{IvsConfig, RekognitionConfig};
use super::dashboard_provider::DashboardConfig;
use super::hive::HiveConfig;
use super::hive_speech::HiveSpeechConfig;
use crate::actors::{Deposit, Evidence, Settings, Transcripts};
use crate::aws::S3;
use crate::clock::Clock;
use crate::http::ServerSettings;
use crate::journal::{Archive, Options};
use crate::providers::local::PINNED_PATH;
use crate::telemetry::LogFormat;
use crate::warden::UndoTime;
use crate::warden::enforcement::BudgetLimits;

/// `[data]`: where the journal is kept, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// The data directory; made if it is not there. One process at a time writes it. Relative paths in this file are
    /// relative to where the program is started.
    pub directory: PathBuf,
    /// A segment holds about so many events, 1,000 to 10,000,000; then it is sealed. Default 200,000.
    pub roll_after_events: Bounded<1_000, 10_000_000>,
    /// Or about so many MiB of records, 1 to 4,096. Default 256.
    pub roll_after_mib: Bounded<1, 4096>,
    /// MiB that must stay free on the disk, 16 to 1,048,576; below it nothing is accepted until there is room.
    /// Default 64.
    pub reserve_mib: Bounded<16, 1_048_576>,
    /// Page cache of the hot segment in MiB, 8 to 4,096; it takes 1.6 to 2.8 times as much memory. Default 64.
    pub cache_mib: Bounded<8, 4096>,
    /// Where old sealed segments are moved; they stay readable there. Empty (the default): nothing is moved.
    pub archive_directory: PathBuf,
    /// How many sealed segments stay in the data directory, 1 to 10,000. Default 16.
    pub archive_keep: Bounded<1, 10_000>,
}

/// `[listen]`: where it listens, and for how long it waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenConfig {
    /// Address and port; port 0 takes a free one, which is printed. Default `127.0.0.1:8642`. TLS ends in front of it.
    pub address: SocketAddr,
    /// Threads that requests run on, 1 to 64; what blocks runs elsewhere. Default 2.
    pub workers: Bounded<1, 64>,
    /// Connections of each of them at the same time, 16 to 65,536; others wait in the kernel's queue. Default 2,048.
    pub connections_max: Bounded<16, 65_536>,
    /// Seconds in which a request's head must arrive, 1 to 60. Default 5.
    pub head_timeout_s: Bounded<1, 60>,
    /// Seconds that a connection is kept for a next request, 1 to 300. Default 5.
    pub keep_alive_s: Bounded<1, 300>,
    /// Seconds that requests under way are waited for at the end, 1 to 120. More than `wardens.frame_deadline_s`, so
    /// that every frame that was taken is answered. Default 30.
    pub shutdown_timeout_s: Bounded<1, 120>,
}

/// `[provider]`: who labels images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderConfig {
    /// Who judges where a policy does not say: `local`, the model in this process, `rekognition`, `hive` or
    /// `hive-dashboard`. Default `local`.
    pub judge: Judge,
    /// Who else a policy may name: any of them but `judge`, each once, and `hive-speech`, which judges sound. Default:
    /// nobody.
    pub also: Vec<Judge>,
    /// Weights of the local model; `make model` fetches them. Their digest is checked. Empty: no provider, and every
    /// frame that needs one fails, loudly.
    pub local_model: PathBuf,
    /// Frames an hour that this process shows to providers, 0 to 100,000,000; tries of one frame count once. 0 (the
    /// default): as many as are asked for.
    /// When they run short, channels whose policy lets their reputation set the cadence give way to those with more
    /// need, down to what the policy promises at least.
    pub calls_per_hour: Bounded<0, 100_000_000>,
    /// How Amazon Rekognition is asked.
    pub rekognition: RekognitionConfig,
    /// How Hive is asked.
    pub hive: HiveConfig,
    /// How Hive's speech moderation is asked.
    pub hive_speech: HiveSpeechConfig,
    /// How Hive's Moderation Dashboard is shown frames.
    pub hive_dashboard: DashboardConfig,
}

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    /// The local model.
    #[default]
    Local,
    /// Amazon Rekognition.
    Rekognition,
    /// Hive: pictures and clips.
    Hive,
    /// Hive's speech moderation: sound.
    #[serde(rename = "hive-speech")]
    HiveSpeech,
    /// Hive's Moderation Dashboard.
    #[serde(rename = "hive-dashboard")]
    HiveDashboard,
}

/// `[control]`: who carries the streams.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlConfig {
    /// How a stream is stopped. Default `none`.
    pub platform: Control,
    /// How Amazon IVS is told to.
    pub ivs: IvsConfig,
}

/// How a stream is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Not at all: every enforcement ends as failed, which a person must see to.
    #[default]
    None,
    /// A stand-in in this process, for trying things out: it says that streams stop, and none does.
    Rehearsal,
    /// By Amazon IVS, which carries the channels.
    Ivs,
}

/// `[evidence]`: which pictures are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceConfig {
    /// `none`; `not_clear`: those that a rule was hit by; `assessed`: every one that was judged. Kept encrypted under
    /// their channel's key, apart from the journal, and can be erased. Default `not_clear`.
    pub keep: Evidence,
    /// Days for which they are kept, 0 to 3,650; then they are deleted, and an event says so. 0 (the default): until they
    /// are erased.
    pub retention_days: Bounded<0, 3_650>,
    /// The bucket into which the picture of every frame that raised or joined a warning is copied as well, whatever
    /// `keep` says. Empty (the default): none. A lifecycle rule of the bucket ends their time; nothing here deletes there.
    pub bucket: String,
    /// What the copies' keys begin with. Default `evidence/`.
    pub prefix: String,
    /// Seconds in which a copy must be there, all attempts together, 1 to 60. Nothing waits for it. Default 10.
    pub copy_timeout_s: Bounded<1, 60>,
}

/// `[sound]`: what is kept of what was said in segments whose sound a policy has judged. It is personal data: no event of
/// the journal holds a word of it, and on the bus it stands beside events only with `outbox.bus.transcripts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoundConfig {
    /// Of which segments the words are kept: `none`; `not_clear`: those that a rule was hit by; `all`. Kept encrypted
    /// under a key of its own for each channel, apart from the journal and the pictures, and can be erased alone. Default
    /// `not_clear`.
    pub transcripts: Transcripts,
    /// Days for which they are kept, 0 to 3,650; then they are deleted, and an event says so. 0: until they are erased.
    /// Default 30.
    pub keep_days: Bounded<0, 3_650>,
}

/// `[moderation]`: what moderators may take back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModerationConfig {
    /// Seconds in which an answer to a warning can be withdrawn by its author, 0 to 600. Default 60.
    pub undo_s: Bounded<0, 600>,
}

/// `[enforcement]`: how many streams rules may stop by themselves. A person's own stop is never held by this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnforcementConfig {
    /// Automatic stops per minute, all rules together, 0 to 10,000. Beyond it a person is asked. Default 5.
    pub per_minute: Bounded<0, 10_000>,
    /// Automatic stops per minute by one rule, 0 to 10,000, at most `per_minute`. Default 3.
    pub per_rule_per_minute: Bounded<0, 10_000>,
    /// Automatic stops per minute in thousandths of the live channels, 0 to 1,000; one is always allowed by this limit.
    /// Default 10.
    pub live_share_milli: Bounded<0, 1000>,
}

/// `[wardens]`: bounds of the wardens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WardensConfig {
    /// Threads that wardens run on, 1 to 64. Default 2.
    pub arbiters: Bounded<1, 64>,
    /// Frames under way in the process, 1 to 100,000; beyond it a frame is shed at once, with an outcome. Default 4,096.
    pub frames_max: Bounded<1, 100_000>,
    /// Frames being fetched, decoded and hashed at the same time, 1 to 256. Default 4.
    pub looks_max: Bounded<1, 256>,
    /// Wardens reading their past at the same time, 1 to 1,000. Default 50.
    pub recoveries_max: Bounded<1, 1000>,
    /// Seconds from a frame's being taken up to its outcome at the latest, 1 to 120. Default 20.
    pub frame_deadline_s: Bounded<1, 120>,
    /// The same for a segment, whose call may take long, 1 to 300. It holds up no picture, and the end does not wait for
    /// it: it is announced again. Default 60.
    pub segment_deadline_s: Bounded<1, 300>,
    /// MiB of segments in memory, fetched and being judged, 32 to 16,384; one that there is no room for waits within its
    /// time. Default 256.
    pub segments_mib: Bounded<32, 16_384>,
    /// Seconds after which a warden without session and work is put to rest, 1 to 86,400. Default 120.
    pub idle_after_s: Bounded<1, 86_400>,
    /// Luma planes kept per arbiter, 0 to 1,000,000; about 1.2 KiB each. Default 8,192.
    pub planes_max: Bounded<0, 1_000_000>,
    /// MiB for the last picture of each channel, 0 to 65,536, in memory only: what the wall of channels shows. Beyond it
    /// the channels go that were not looked at the longest; a usual thumbnail has 0.1 to 0.4 MB. 0: none. Default 128.
    pub last_pictures_mib: Bounded<0, 65_536>,
    /// A warden's state is saved after so many events, 10 to 100,000. Default 200.
    pub snapshot_every: Bounded<10, 100_000>,
}

/// `[logs]`: what is logged, on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `text` for people, `json` for programs: one object per line. Default `text`.
    pub format: LogFormat,
    /// What is said: a level, or levels by module, such as `warn,streamwarden::journal=debug`. `STREAMWARDEN_LOG`
    /// comes before it. What AWS's SDK says at `trace`, whole answers, is never written. Default `info`.
    pub filter: String,
}

impl DataConfig {
    /// How the journal is kept.
    pub fn journal(&self, clock: std::sync::Arc<dyn Clock>) -> Options {
        let archive = !self.archive_directory.as_os_str().is_empty();
        Options {
            roll_after_events: self.roll_after_events.get(),
            roll_after_bytes: self.roll_after_mib.get() << 20,
            reserve_bytes: self.reserve_mib.get() << 20,
            cache_bytes: self.cache_mib.get() << 20,
            archive: archive.then(|| Archive { dir: self.archive_directory.clone(), keep: self.archive_keep.count() }),
            ..Options::new(&self.directory, clock)
        }
    }
}

impl ProviderConfig {
    /// Whether that one judges, or a policy may name it.
    pub fn has(&self, judge: Judge) -> bool {
        self.judge == judge || self.also.contains(&judge)
    }

    /// What no single key can say.
    pub(super) fn check(&self) -> Result<(), String> {
        for (at, judge) in self.also.iter().enumerate() {
            if *judge == self.judge || self.also[..at].contains(judge) {
                return Err(format!("provider.also names {judge:?} a second time; each provider is there once"));
            }
        }
        if self.judge == Judge::HiveSpeech {
            return Err("provider.judge is hive-speech, which judges sound: name it in provider.also".to_owned());
        }
        if self.has(Judge::Hive) {
            self.hive.check()?;
        }
        if self.has(Judge::HiveSpeech) {
            self.hive_speech.check()?;
        }
        if self.has(Judge::HiveDashboard) { self.hive_dashboard.check() } else { Ok(()) }
    }
}

impl ModerationConfig {
    /// As answers carry it.
    pub fn undo(&self) -> UndoTime {
        let ms = self.undo_s.small() * 1000;
        UndoTime::from_ms(ms).expect("the bounds of the key are those of the type")
    }
}

impl ListenConfig {
    /// The bounds as the server takes them.
    pub fn settings(&self) -> ServerSettings {
        ServerSettings {
            workers: self.workers.count(),
            connections_max: self.connections_max.count(),
            head_timeout: Duration::from_secs(self.head_timeout_s.get()),
            keep_alive: Duration::from_secs(self.keep_alive_s.get()),
            shutdown_timeout: Duration::from_secs(self.shutdown_timeout_s.get()),
        }
    }
}

impl EnforcementConfig {
    /// The automatic budget.
    pub fn budget(&self) -> BudgetLimits {
        BudgetLimits {
            per_minute: self.per_minute.small(),
            per_rule_per_minute: self.per_rule_per_minute.small(),
            live_share_milli: self.live_share_milli.small(),
        }
    }
}

impl SoundConfig {
    /// How long transcripts are kept after they were recorded; none: until they are erased.
    pub fn retention(&self) -> Option<Duration> {
        let days = self.keep_days.get();
        (days > 0).then(|| Duration::from_secs(days * 24 * 3600))
    }
}

impl Default for SoundConfig {
    fn default() -> Self {
        Self { transcripts: Transcripts::default(), keep_days: Bounded::of(30) }
    }
}

impl EvidenceConfig {
    /// How long pictures are kept after they were recorded; none: until they are erased.
    pub fn retention(&self) -> Option<Duration> {
        let days = self.retention_days.get();
        (days > 0).then(|| Duration::from_secs(days * 24 * 3600))
    }

    /// Where copies are put; none if no bucket is named.
    pub fn copies(&self, s3: S3) -> Option<Deposit> {
        let within = Duration::from_secs(self.copy_timeout_s.get());
        (!self.bucket.is_empty()).then(|| Deposit::new(s3, &self.bucket, &self.prefix, within))
    }
}

impl WardensConfig {
    /// The bounds as the actors take them, with what is kept and the calls that may be made.
    pub fn settings(&self, evidence: &EvidenceConfig, sound: &SoundConfig, provider: &ProviderConfig) -> Settings {
        Settings {
            calls_per_hour: Some(provider.calls_per_hour.small()).filter(|calls| *calls > 0),
            evidence: evidence.keep,
            arbiters: self.arbiters.count(),
            frames_max: self.frames_max.count(),
            looks_max: self.looks_max.count(),
            recoveries_max: self.recoveries_max.count(),
            frame_deadline: Duration::from_secs(self.frame_deadline_s.get()),
            segment_deadline: Duration::from_secs(self.segment_deadline_s.get()),
            segments_mib_max: self.segments_mib.small(),
            transcripts: sound.transcripts,
            idle_after: Duration::from_secs(self.idle_after_s.get()),
            planes_max: self.planes_max.count(),
            pictures_bytes_max: self.last_pictures_mib.count() << 20,
            snapshot_every: self.snapshot_every.small(),
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            directory: "data/streamwarden".into(),
            roll_after_events: Bounded::of(200_000),
            roll_after_mib: Bounded::of(256),
            reserve_mib: Bounded::of(64),
            cache_mib: Bounded::of(64),
            archive_directory: PathBuf::new(),
            archive_keep: Bounded::of(16),
        }
    }
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8642),
            workers: Bounded::of(2),
            connections_max: Bounded::of(2048),
            head_timeout_s: Bounded::of(5),
            keep_alive_s: Bounded::of(5),
            shutdown_timeout_s: Bounded::of(30),
        }
    }
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self {
            judge: Judge::default(),
            also: Vec::new(),
            local_model: PINNED_PATH.into(),
            calls_per_hour: Bounded::of(0),
            rekognition: RekognitionConfig::default(),
            hive: HiveConfig::default(),
            hive_speech: HiveSpeechConfig::default(),
            hive_dashboard: DashboardConfig::default(),
        }
    }
}

impl Default for EvidenceConfig {
    fn default() -> Self {
        Self {
            keep: Evidence::NotClear,
            retention_days: Bounded::of(0),
            bucket: String::new(),
            prefix: "evidence/".to_owned(),
            copy_timeout_s: Bounded::of(10),
        }
    }
}

impl Default for ModerationConfig {
    fn default() -> Self {
        Self { undo_s: Bounded::of(60) }
    }
}

impl Default for EnforcementConfig {
    fn default() -> Self {
        Self { per_minute: Bounded::of(5), per_rule_per_minute: Bounded::of(3), live_share_milli: Bounded::of(10) }
    }
}

impl Default for WardensConfig {
    fn default() -> Self {
        Self {
            arbiters: Bounded::of(2),
            frames_max: Bounded::of(4096),
            looks_max: Bounded::of(4),
            recoveries_max: Bounded::of(50),
            frame_deadline_s: Bounded::of(20),
            segment_deadline_s: Bounded::of(60),
            segments_mib: Bounded::of(256),
            idle_after_s: Bounded::of(120),
            planes_max: Bounded::of(8192),
            last_pictures_mib: Bounded::of(128),
            snapshot_every: Bounded::of(200),
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}
