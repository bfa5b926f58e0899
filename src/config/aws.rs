//! The sections about Amazon Web Services: where calls go, what is read, what is sent. A section whose name, stream,
//! bus or topic is empty is not used, and then no call is made for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Bounded;
use super::asked::guarded;
use crate::actors::Transcripts;
use crate::aws::{CallTimes, Endpoints};
use crate::control::{DirectorySettings, IvsSettings};
use crate::events::EventType;
use crate::model::{ChannelId, Confidence, Timestamp};
use crate::outbox::{BusSettings, ChatSettings, DEFAULT_TYPES, NoticeSettings};
use crate::providers::guard;
use crate::providers::rekognition::{self, ByObject};
use crate::shards::{self, IntakeSettings, Start};

/// `[aws]`: who calls, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsConfig {
    /// The region. Empty (the default): as the environment or the profile says. Credentials are never in this file.
    pub region: String,
    /// Seconds until a connection stands, 1 to 30. Default 3.
    pub connect_timeout_s: Bounded<1, 30>,
    /// Seconds until a call is answered, 1 to 60. Default 5.
    pub call_timeout_s: Bounded<1, 60>,
    /// Other places than AWS itself.
    pub endpoints: EndpointsConfig,
}

/// `[aws.endpoints]`: a private endpoint, an emulator or a stand-in for each service. Empty: as `AWS_ENDPOINT_URL` and
/// its form per service say, else AWS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointsConfig {
    /// Kinesis Data Streams.
    pub kinesis: String,
    /// S3.
    pub s3: String,
    /// Rekognition.
    pub rekognition: String,
    /// Interactive Video Service.
    pub ivs: String,
    /// IVS Chat.
    pub ivs_chat: String,
    /// EventBridge.
    pub eventbridge: String,
    /// Simple Notification Service.
    pub sns: String,
    /// Security Token Service, which `doctor` asks who calls.
    pub sts: String,
}

/// `[kinesis]`: the stream that thumbnails and broadcasts are announced on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KinesisConfig {
    /// The stream's name. Empty (the default): none is read, and frames come over HTTP alone.
    pub stream: String,
    /// Where reading begins the first time: `latest`, `trim_horizon`, or a time such as `2026-01-31T12:00:00Z`.
    /// Afterwards it goes on where it was. Default `latest`.
    pub start: String,
    /// The ARN of a registered consumer, to which records are pushed (enhanced fan-out). Empty: they are polled for.
    pub consumer_arn: String,
    /// Milliseconds from one read of a shard to the next, 200 to 10,000. Default 250.
    pub poll_every_ms: Bounded<200, 10_000>,
    /// Notifications of one shard that have no outcome yet, 1 to 10,000; at the bound nothing more is read. Default 500.
    pub in_flight_max: Bounded<1, 10_000>,
    /// Shards read at a time, 1 to 1,000. Default 200.
    pub shards_max: Bounded<1, 1_000>,
    /// Seconds from one question for new shards to the next, 1 to 3,600. Default 30.
    pub discover_every_s: Bounded<1, 3_600>,
    /// Seconds that an orderly end waits for what is in flight, 0 to 300. Default 10.
    pub stop_within_s: Bounded<0, 300>,
    /// Milliseconds that a frame waits for one that should come before it, 0 to 30,000. Default 2,000.
    pub reorder_wait_ms: Bounded<0, 30_000>,
    /// Seconds that a frame may wait for the frames of its channel before it, 1 to 300; then it fails. Default 20.
    pub line_wait_s: Bounded<1, 300>,
    /// Frames that are with the wardens at the same time, 1 to 100,000, less than `wardens.frames_max`. Default 2,048.
    pub offers_max: Bounded<1, 100_000>,
}

/// `[provider.rekognition]`: how Amazon Rekognition is asked, where `provider.judge` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RekognitionConfig {
    /// Labels below so many percent are not reported, and no later policy can judge them, 0 to 100. Default 10.
    pub floor_percent: Bounded<0, 100>,
    /// Whether it reads pictures in their bucket itself: `never`, or `when_possible`, which is where the policy of the
    /// channel compares no pictures (`similarity: off`) and the notification names version and size of the object; then
    /// nothing is fetched to be judged. Default `never`.
    pub by_object: ByObject,
    /// Calls a second that the account may make, 1 to 10,000: 50 in us-east-1, us-west-2 and eu-west-1, 5 elsewhere,
    /// unless it was raised. Default 5.
    pub calls_per_second: Bounded<1, 10_000>,
    /// So many failures in a row suspend it, 1 to 1,000. Default 10.
    pub failures_max: Bounded<1, 1_000>,
    /// Seconds for which it is suspended at first, 1 to 3,600; the time doubles with each trial that fails. Default 15.
    pub suspended_s: Bounded<1, 3_600>,
    /// US dollars that a million calls cost, 0 to 1,000,000: what the overview reckons with. 0: no cost is told. Default
    /// 1,000, which is the list price of a month's first million images; the dearest there is.
    pub usd_per_million: Bounded<0, 1_000_000>,
}

/// `[control.ivs]`: how Amazon IVS is told to stop, where `control.platform` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IvsConfig {
    /// Milliseconds by which the clocks of IVS and S3 may differ, 0 to 60,000: a broadcast that began later than the
    /// judged frame and this is another one. Default 2,000.
    pub start_skew_ms: Bounded<0, 60_000>,
    /// Milliseconds without a new thumbnail after which a stop counts as seen to have worked, 0 to 300,000; 0 believes
    /// IVS alone. Default 15,000.
    pub quiet_ms: Bounded<0, 300_000>,
    /// Seconds from one list of live streams to the next, 1 to 600. Default 15.
    pub refresh_s: Bounded<1, 600>,
}

/// `[outbox]`: what leaves on its own account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxConfig {
    /// Events onto an EventBridge bus.
    pub bus: BusConfig,
    /// Events into IVS Chat rooms.
    pub chat: ChatConfig,
    /// Notices to an SNS topic.
    pub notices: NoticesConfig,
}

/// `[outbox.bus]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusConfig {
    /// The bus, by name or ARN. Empty (the default): nothing is put on any.
    pub name: String,
    /// Types of events that are put on it. Default: what decides something.
    pub types: Vec<EventType>,
    /// Calls to PutEvents a second, 1 to 10,000. Default 100.
    pub calls_per_second: Bounded<1, 10_000>,
    /// How many percent of them replays may take, 1 to 50. Default 20.
    pub replay_share_percent: Bounded<1, 50>,
    /// Whether what was said in a segment goes along with its `FrameAssessed`, as `sound.transcripts` keeps it. It is
    /// personal data, and what was put on a bus cannot be erased from here. Not together with `none` there. Default false.
    pub transcripts: bool,
}

/// `[outbox.chat]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatConfig {
    /// Types of events that a room is told. Default `EnforcementVerified`.
    pub types: Vec<EventType>,
    /// Seconds after which an event is not told any more, 1 to 3,600. Default 60.
    pub age_s_max: Bounded<1, 3_600>,
    /// Calls to SendEvent a second, 1 to 100. Default 50.
    pub calls_per_second: Bounded<1, 100>,
    /// The room's ARN by the channel's ARN. None (the default): no room is told anything.
    pub rooms: BTreeMap<ChannelId, String>,
}

/// `[outbox.notices]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoticesConfig {
    /// The topic's ARN. Empty (the default): nobody is told.
    pub topic: String,
    /// Types of events. Default: what a person should see to.
    pub types: Vec<EventType>,
    /// Calls to Publish a second, 1 to 1,000. Default 50.
    pub calls_per_second: Bounded<1, 1_000>,
}

/// The text of a key that may be left empty.
fn stated(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl AwsConfig {
    /// The region, if the file states one.
    pub fn region(&self) -> Option<String> {
        stated(&self.region)
    }

    /// How long calls may take.
    pub fn times(&self) -> CallTimes {
        CallTimes {
            connect: Duration::from_secs(self.connect_timeout_s.get()),
            call: Duration::from_secs(self.call_timeout_s.get()),
        }
    }

    /// Where calls go that do not go to AWS itself.
    pub fn endpoints(&self) -> Endpoints {
        let EndpointsConfig { kinesis, s3, rekognition, ivs, ivs_chat, eventbridge, sns, sts } = &self.endpoints;
        Endpoints {
            kinesis: stated(kinesis),
            s3: stated(s3),
            rekognition: stated(rekognition),
            ivs: stated(ivs),
            ivs_chat: stated(ivs_chat),
            eventbridge: stated(eventbridge),
            sns: stated(sns),
            sts: stated(sts),
        }
    }
}

impl KinesisConfig {
    /// How the stream is read, or what is wrong with a key; none if no stream is named.
    pub fn settings(&self) -> Result<Option<shards::Settings>, String> {
        if self.stream.is_empty() {
            return Ok(None);
        }
        let start = match self.start.as_str() {
            "latest" => Start::Latest,
            "trim_horizon" => Start::TrimHorizon,
            time => Start::At(time.parse::<Timestamp>().map_err(|_| {
                format!(
                    "kinesis.start is {time:?}; expected latest, trim_horizon or a time such as 2026-01-31T12:00:00Z"
                )
            })?),
        };
        let settings = shards::Settings {
            start,
            consumer_arn: stated(&self.consumer_arn),
            poll_every_ms: self.poll_every_ms.get(),
            in_flight_max: self.in_flight_max.count(),
            shards_max: self.shards_max.count(),
            discover_every_s: self.discover_every_s.get(),
            stop_within_s: self.stop_within_s.get(),
            ..shards::Settings::new(&self.stream)
        };
        settings.check().map_err(|error| format!("kinesis.{error}"))?;
        Ok(Some(settings))
    }

    /// How notifications come to their outcomes.
    pub fn intake(&self) -> IntakeSettings {
        IntakeSettings {
            reorder_wait: Duration::from_millis(self.reorder_wait_ms.get()),
            line_wait_max: Duration::from_secs(self.line_wait_s.get()),
            offers_max: self.offers_max.count(),
            ..IntakeSettings::default()
        }
    }
}

impl RekognitionConfig {
    /// What is asked for.
    pub fn settings(&self) -> rekognition::Settings {
        let floor = Confidence::from_milli(self.floor_percent.small() * 1000).expect("at most 100 %");
        rekognition::Settings { floor, by_object: self.by_object }
    }

    /// How often it is asked, and when no more.
    pub fn guard(&self) -> guard::Settings {
        guarded(self.calls_per_second, self.failures_max, self.suspended_s)
    }
}

impl IvsConfig {
    /// How streams are stopped.
    pub fn settings(&self) -> IvsSettings {
        IvsSettings { start_skew_ms: self.start_skew_ms.get(), quiet_ms: self.quiet_ms.get(), ..IvsSettings::default() }
    }

    /// How what is on the air is known.
    pub fn directory(&self) -> DirectorySettings {
        DirectorySettings { refresh: Duration::from_secs(self.refresh_s.get()) }
    }
}

impl BusConfig {
    /// What no single key can say. `kept`: of which segments the words are.
    pub(super) fn check(&self, kept: Transcripts) -> Result<(), String> {
        if !self.transcripts {
            return Ok(());
        }
        let because = if self.name.is_empty() {
            "outbox.bus.name names no bus"
        } else if !self.types.contains(&EventType::FrameAssessed) {
            "outbox.bus.types has no FrameAssessed, beside which the words go"
        } else if kept == Transcripts::None {
            // Not without effect, but hardly meant.
            return Err("outbox.bus.transcripts is true and sound.transcripts is `none`: no new words are kept that could \
                        go along, and replays would put those that were kept before on the bus; set one of them otherwise"
                .to_owned());
        } else {
            return Ok(());
        };
        Err(format!("outbox.bus.transcripts is true, and has no effect: {because}"))
    }

    /// What is put on the bus; none if none is named.
    pub fn settings(&self) -> Option<BusSettings> {
        let settings = BusSettings {
            types: self.types.clone(),
            calls_per_second: self.calls_per_second.small(),
            replay_share_percent: self.replay_share_percent.small(),
        };
        (!self.name.is_empty()).then_some(settings)
    }
}

impl ChatConfig {
    /// What rooms are told; none if there is none.
    pub fn settings(&self) -> Option<ChatSettings> {
        let settings = ChatSettings {
            rooms: self.rooms.clone(),
            types: self.types.clone(),
            age_s_max: self.age_s_max.small(),
            calls_per_second: self.calls_per_second.small(),
        };
        (!self.rooms.is_empty()).then_some(settings)
    }
}

impl NoticesConfig {
    /// What is told; none if nobody is.
    pub fn settings(&self) -> Option<NoticeSettings> {
        let settings = NoticeSettings {
            topic: self.topic.clone(),
            types: self.types.clone(),
            calls_per_second: self.calls_per_second.small(),
        };
        (!self.topic.is_empty()).then_some(settings)
    }
}

impl Default for AwsConfig {
    fn default() -> Self {
        Self {
            region: String::new(),
            connect_timeout_s: Bounded::of(3),
            call_timeout_s: Bounded::of(5),
            endpoints: EndpointsConfig::default(),
        }
    }
}

impl Default for KinesisConfig {
    fn default() -> Self {
        Self {
            stream: String::new(),
            start: "latest".to_owned(),
            consumer_arn: String::new(),
            poll_every_ms: Bounded::of(250),
            in_flight_max: Bounded::of(500),
            shards_max: Bounded::of(200),
            discover_every_s: Bounded::of(30),
            stop_within_s: Bounded::of(10),
            reorder_wait_ms: Bounded::of(2_000),
            line_wait_s: Bounded::of(20),
            offers_max: Bounded::of(2_048),
        }
    }
}

impl Default for RekognitionConfig {
    fn default() -> Self {
        Self {
            floor_percent: Bounded::of(10),
            by_object: ByObject::Never,
            calls_per_second: Bounded::of(5),
            failures_max: Bounded::of(10),
            suspended_s: Bounded::of(15),
            usd_per_million: Bounded::of(1000),
        }
    }
}

impl Default for IvsConfig {
    fn default() -> Self {
        Self { start_skew_ms: Bounded::of(2_000), quiet_ms: Bounded::of(15_000), refresh_s: Bounded::of(15) }
    }
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            types: DEFAULT_TYPES.to_vec(),
            calls_per_second: Bounded::of(100),
            replay_share_percent: Bounded::of(20),
            transcripts: false,
        }
    }
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self {
            types: ChatSettings::default().types,
            age_s_max: Bounded::of(60),
            calls_per_second: Bounded::of(50),
            rooms: BTreeMap::new(),
        }
    }
}

impl Default for NoticesConfig {
    fn default() -> Self {
        Self { topic: String::new(), types: NoticeSettings::to("").types, calls_per_second: Bounded::of(50) }
    }
}
