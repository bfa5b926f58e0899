//! One look at each thing that is needed: what it says, and what to do if that is not what is needed.

use std::time::Duration;

use super::State::{self, Unasked, Well, Wrong};
use crate::aws::cloudfront::AddressSigner;
use crate::aws::ivs::IvsPace;
use crate::aws::{Aws, Class, Failure};
use crate::clock::Clock;
use crate::config::{DashboardConfig, HiveConfig, HiveDashboardConfig, HiveSpeechConfig, UrlKeyError};
use crate::egress::{Secret, SecretError, chain};
use crate::http::auth::config::OidcConfig;
use crate::http::auth::{External, issuer_answers};
use crate::providers::hive::dashboard::{self, UsersAs};
use crate::providers::hive::{self, Address, HiveError};

/// By how much our clock may differ from that of AWS. Calls are refused from five minutes on; frames are called stale,
/// and stops late, by far less.
const SKEW_MS_MAX: u64 = 10_000;
/// What Rekognition is shown to hear that it is no picture: whoever may not call is told that instead.
const NO_PICTURE: &[u8] = b"not a picture";
/// The code by which Rekognition says so.
const NOT_A_PICTURE: &str = "InvalidImageFormatException";

/// For how long an answer of Hive is waited for.
const HIVE_WAIT_MAX: Duration = Duration::from_secs(10);

/// Rooms that are looked at. Each is a call, and the account may make few a second.
const ROOMS_MAX: usize = 50;

/// What is known of whom calls are made as.
pub(super) enum Credentials {
    /// They hold.
    Hold { arn: String, region: String },
    /// Nobody says which region.
    Nowhere,
    /// There are none.
    None,
    /// AWS refuses them.
    Refused(Failure),
    /// Nothing was heard of them; others may be heard, each has a way of its own.
    Unknown(Failure),
}

impl Credentials {
    /// Whether the others are asked.
    pub(super) fn may_ask(&self) -> bool {
        match self {
            Self::Hold { .. } | Self::Unknown(_) => true,
            Self::Nowhere | Self::None | Self::Refused(_) => false,
        }
    }

    pub(super) fn state(self) -> State {
        let (what, fix) = match self {
            Self::Hold { arn, region } => return Well(format!("{arn}, in {region}")),
            Self::Nowhere => (
                "nobody says which region".to_owned(),
                "name that of the channels by --region or AWS_REGION".to_owned(),
            ),
            Self::None => (
                "there are none".to_owned(),
                "give it a task's role, a profile, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY".to_owned(),
            ),
            Self::Refused(failure) => (
                failure.to_string(),
                "the keys are wrong, over, or signed by a wrong clock: look at the clock, or make them anew".to_owned(),
            ),
            Self::Unknown(failure) => (failure.to_string(), mend(failure.class, "no statement", "look at the region")),
        };
        Wrong { what, fix }
    }
}

pub(super) async fn credentials_and_clock(aws: &Aws, clock: &dyn Clock) -> (Credentials, State) {
    let unheard = || Unasked("no answer said what time it is".to_owned());
    let Some(region) = aws.region() else { return (Credentials::Nowhere, unheard()) };
    let before = clock.now();
    let said = aws.introduce().await;
    let credentials = match said.caller {
        Ok(arn) => Credentials::Hold { arn, region: region.to_owned() },
        // The SDK has words for it, and no code.
        Err(failure) if failure.said.contains("no credentials found") => Credentials::None,
        Err(failure) if failure.class == Class::Denied => Credentials::Refused(failure),
        Err(failure) => Credentials::Unknown(failure),
    };
    let clock = match said.answered_at {
        None => unheard(),
        // In whole seconds, and said somewhere between our two looks at the clock.
        Some(there) => {
            let behind = there.ms_since(clock.now());
            let ahead = before.ms_since(there.plus_ms(1000));
            match (behind, ahead) {
                (SKEW_MS_MAX.., _) => skewed(format!("{} s behind that of AWS", behind / 1000)),
                (_, SKEW_MS_MAX..) => skewed(format!("{} s ahead of that of AWS", ahead / 1000)),
                _ => Well(format!("within {} s of that of AWS", SKEW_MS_MAX / 1000)),
            }
        }
    };
    (credentials, clock)
}

fn skewed(what: String) -> State {
    Wrong { what: format!("our clock is {what}"), fix: "have the machine's clock set by NTP or chrony".to_owned() }
}

/// Looks at what is named; `named_by` says where that is done.
pub(super) async fn asked(name: Option<&str>, named_by: &str, look: impl AsyncFnOnce(&str) -> State) -> State {
    match name {
        Some(name) => look(name).await,
        None => Unasked(format!("not named; {named_by} names it")),
    }
}

pub(super) async fn stream(aws: &Aws, name: &str) -> State {
    let kinesis = aws.kinesis();
    let found = match kinesis.describe(name).await {
        Ok(found) if found.readable => found,
        Ok(_) => {
            let fix = "wait until it is ACTIVE; one that is being deleted is made anew by its stack".to_owned();
            return Wrong { what: format!("{name} is there and cannot be read now"), fix };
        }
        Err(failure) => return wrong(failure, "FindShards", "name the stack's output NotificationStream"),
    };
    if let Err(failure) = kinesis.list_shards(name).await {
        return wrong(failure, "FindShards", "name the stack's output NotificationStream");
    }
    let hours = found.retention.as_secs() / 3600;
    Well(format!("{name}, {} shards, what is not read is kept for {hours} h", found.shards_open))
}

/// A registered reader, by its ARN: whether records are pushed to it, and whether it is one of the stream's.
pub(super) async fn consumer(aws: &Aws, arn: &str, stream: Option<&str>) -> State {
    const MISSING: &str =
        "name the stack's output FannedOutReader, or register one, or leave kinesis.consumer_arn empty";
    if let Some(stream) = stream
        && !arn.contains(&format!(":stream/{stream}/consumer/"))
    {
        let what = format!("{arn} is registered with another stream than {stream}, which would not be read");
        return Wrong { what, fix: MISSING.to_owned() };
    }
    match aws.kinesis().consumer_is_ready(arn).await {
        Ok(true) => Well(format!("{arn} is ready")),
        Ok(false) => Wrong {
            what: format!("{arn} is there and records are not pushed to it now"),
            fix: "wait until it is ACTIVE; one that is being deleted is registered anew by its stack".to_owned(),
        },
        Err(failure) => wrong(failure, "SubscribeToShards", MISSING),
    }
}

pub(super) async fn bus(aws: &Aws, name: &str) -> State {
    match aws.event_bus(name).describe().await {
        Ok(()) => Well(format!("{name} is there")),
        Err(failure) => wrong(
            failure,
            "PublishDecisions",
            "name the stack's output DecisionBus: events put on a bus that is not there are lost without a word",
        ),
    }
}

pub(super) async fn bucket(aws: &Aws, name: &str) -> State {
    match aws.bucket_announces(name).await {
        Ok(true) => Well(format!("{name} announces its objects to EventBridge")),
        Ok(false) => Wrong {
            what: format!("{name} announces nothing to EventBridge: no frame of it will ever come"),
            fix: "switch it on; the stack's output BucketNotifications is the command".to_owned(),
        },
        Err(failure) => wrong(failure, "SeeBucketNotifications", "name the bucket that IVS records to, in this region"),
    }
}

/// A bucket that we put pictures into, as `statement` of docs/aws-permissions.md allows. Whoever may only put into it is
/// told that much, and no more is needed.
pub(super) async fn bucket_to_fill(aws: &Aws, name: &str, statement: &str) -> State {
    match aws.s3().head_bucket(name).await {
        Ok(()) => Well(format!("{name} is there")),
        Err(failure) if failure.class == Class::Denied => {
            Unasked(format!("{name} does not show itself to us; whether pictures may be put there the first one tells"))
        }
        Err(failure) => wrong(failure, statement, "name a bucket that is there, in this region"),
    }
}

/// The issuer of the tokens that people and programs come with. Nobody signs in: whether a token of it lets somebody in,
/// the first one tells.
pub(super) async fn sign_in(config: &OidcConfig) -> State {
    match issuer_answers(config).await {
        Ok(keys) if config.sign_in.is_offered() => {
            Well(format!("{} says where people sign in, and {keys} of its keys can be used", config.issuer))
        }
        Ok(keys) => Well(format!("{keys} keys of {} can be used", config.issuer)),
        Err(what) => {
            let fix = "set auth.oidc.issuer exactly as its tokens have `iss`, and see that it can be reached from here; until \
                       then nobody whose token it signed is let in";
            Wrong { what, fix: fix.to_owned() }
        }
    }
}

pub(super) async fn topic(aws: &Aws, arn: &str) -> State {
    match aws.sns().topic_is_there(arn).await {
        Ok(()) => Well(format!("{arn} is there")),
        Err(failure) => {
            wrong(failure, "SendNotices", "name the topic that people subscribe to: notices to no topic reach nobody")
        }
    }
}

/// Chat rooms, one after the other: of many only so many, because a room is looked at by a call of its own.
pub(super) async fn rooms(aws: &Aws, rooms: &[String]) -> State {
    if rooms.is_empty() {
        return Unasked("not named; --room or outbox.chat.rooms names them".to_owned());
    }
    let chat = aws.ivs_chat();
    for room in rooms.iter().take(ROOMS_MAX) {
        if let Err(failure) = chat.room_is_there(room).await {
            let fix = mend(failure.class, "TellChatRooms", "name a room that is there, by its ARN, in this region");
            return Wrong { what: format!("{room}: {failure}"), fix };
        }
    }
    match rooms.len().saturating_sub(ROOMS_MAX) {
        0 => Well(format!("{} are there", rooms.len())),
        more => Well(format!("{ROOMS_MAX} are there; {more} more were not looked at")),
    }
}

pub(super) async fn rekognition(aws: &Aws) -> State {
    match aws.rekognition().detect(&NO_PICTURE.into(), 50.0).await {
        Err(failure) if failure.is(NOT_A_PICTURE) => Well("it answers, and tells what is no picture".to_owned()),
        Ok(_) => Wrong {
            what: "it takes for a picture what is none".to_owned(),
            fix: "what answers there is not Rekognition: look at its endpoint".to_owned(),
        },
        Err(failure) => wrong(failure, "LabelImages", "use a region that has Rekognition"),
    }
}

pub(super) async fn hive(config: &HiveConfig) -> State {
    let settings = config.settings();
    let endpoint = hive::endpoint(settings.api, settings.endpoint.as_deref());
    let asked = Asked { table: "provider.hive", with: "picture", deadline: settings.deadline };
    asked.look(config.key(), config.url_signer(), endpoint).await
}

pub(super) async fn hive_speech(config: &HiveSpeechConfig) -> State {
    let settings = config.settings();
    let endpoint = hive::speech::address(settings.endpoint.as_deref());
    let asked = Asked { table: "provider.hive_speech", with: "sound", deadline: settings.deadline };
    asked.look(config.key(), Ok(None), endpoint).await
}

pub(super) async fn hive_dashboard(config: &DashboardConfig) -> State {
    let settings = config.settings(UsersAs::default());
    let endpoint = dashboard::address(settings.endpoint.as_deref());
    let asked = Asked { table: "provider.hive_dashboard", with: "picture", deadline: settings.deadline };
    asked.look(config.key(), config.url_signer(), endpoint).await
}

/// The secret that the Dashboard's actions are known by. Whether it is the one that is set up there, the first tells.
pub(super) fn callbacks(config: &HiveDashboardConfig) -> State {
    const FIX: &str = "put the secret there that the Actions send, in one line: `openssl rand -hex 32` makes one";
    let told = |what: &dyn std::error::Error| Wrong { what: chain(what), fix: FIX.to_owned() };
    match config.secret() {
        Err(error) => told(&error),
        Ok(secret) => match External::new(dashboard::NAME, &secret) {
            Err(error) => told(&error),
            Ok(_) => Well(format!("the secret is there, and {} actions mean something", config.actions.len())),
        },
    }
}

/// One of Hive's interfaces, as it is configured.
struct Asked {
    table: &'static str,
    /// What it is asked with.
    with: &'static str,
    deadline: Duration,
}

impl Asked {
    /// The keys are read and the interface is called without them and with nothing to judge: nothing is charged for that.
    async fn look(
        &self,
        key: Result<Secret, SecretError>,
        signer: Result<Option<AddressSigner>, UrlKeyError>,
        endpoint: Result<Address, HiveError>,
    ) -> State {
        let Self { table, with, deadline } = self;
        let told = |what: &dyn std::error::Error, fix: String| Wrong { what: chain(what), fix };
        if let Err(error) = key {
            let fix = "put the key of the project there, in one line, readable by us and by nobody else";
            return told(&error, fix.to_owned());
        }
        let signs = match signer {
            Ok(None) => String::new(),
            Ok(Some(signer)) => {
                let id = signer.key_pair_id();
                format!("; addresses are signed as {id}, and whether CloudFront knows that key the first {with} tells")
            }
            Err(error) => {
                let fix = "put the private key of the pair there, readable by us and by nobody else; CloudFront is told its \
                           public half (`openssl pkey -in KEY -pubout`), and that in a key group of the distribution";
                return told(&error, fix.to_owned());
            }
        };
        let endpoint = match endpoint {
            Ok(endpoint) => endpoint,
            Err(error) => return told(&error, format!("mend {table}.endpoint, or leave it empty")),
        };
        match hive::answers(&endpoint, (*deadline).min(HIVE_WAIT_MAX)).await {
            Ok(status) => Well(format!(
                "the key is there, and something answers with {status} to a question without key and {with}; whether the \
                 key holds, the first {with} tells: each one is charged{signs}"
            )),
            Err(what) => {
                Wrong { what, fix: mend(Class::Unavailable, "no statement", &format!("look at {table}.endpoint")) }
            }
        }
    }
}

pub(super) async fn ivs(aws: &Aws) -> State {
    match aws.ivs(IvsPace::default()).list_streams().await {
        Ok(live) => Well(format!("{} broadcasts are on the air", live.len())),
        Err(failure) => wrong(failure, "ListLiveStreams", "use a region that has IVS"),
    }
}

fn wrong(failure: Failure, statement: &str, missing: &str) -> State {
    Wrong { fix: mend(failure.class, statement, missing), what: failure.to_string() }
}

/// What to do about a failed call. `statement`: the one of docs/aws-permissions.md that allows it. `missing`: what to do
/// if what it names is not there.
fn mend(class: Class, statement: &str, missing: &str) -> String {
    match class {
        Class::Denied => format!("allow the caller what {statement} of docs/aws-permissions.md says"),
        Class::NotFound => missing.to_owned(),
        Class::Throttled => "ask again in a minute; if it stays, others use up what the account is granted".to_owned(),
        Class::Unavailable | Class::TimedOut => {
            "there is no way to it from here: look at name resolution, at the NAT or the VPC's endpoints, at security \
             groups and proxies"
                .to_owned()
        }
        Class::Refused => "the call itself is refused: look at the region, and at names for misprints".to_owned(),
        Class::Nonsense => "what answers there is not AWS: look at AWS_ENDPOINT_URL and at proxies".to_owned(),
    }
}
