//! `streamwarden doctor`: looks at AWS, at Hive and at the issuer of tokens, from where the process stands, and says of
//! each thing that is needed whether it is there, what is wrong with it, and what to do. What is needed the configuration says, as it does to `serve`, or the
//! command line. Changes nothing, and judges no picture.

mod looks;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

pub use super::Outcome;
use crate::aws::{Aws, CallTimes, Endpoints};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError, Control, Judge, TOKENS_FILE_VARIABLE};
use crate::http::auth::config::Way;

/// What the doctor can be told.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The configuration of `serve`: what it names is looked at, and by its region, endpoints and time limits. What is
    /// stated beside it goes first.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The region; where it is left out, that of the configuration, else of the environment.
    #[arg(long)]
    region: Option<String>,
    #[command(flatten)]
    needs: Needs,
}

/// What is needed besides credentials. What is left out is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Needs {
    /// The Kinesis stream that notifications are read from.
    #[arg(long, value_name = "NAME")]
    pub stream: Option<String>,
    /// The reader registered with it, to which records are pushed (enhanced fan-out).
    #[arg(long, value_name = "ARN")]
    pub consumer: Option<String>,
    /// The EventBridge bus that decisions are published to.
    #[arg(long, value_name = "NAME")]
    pub bus: Option<String>,
    /// The bucket that thumbnails are recorded to. No configuration names it: notifications do.
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// The bucket that pictures behind warnings are copied to.
    #[arg(long, value_name = "NAME")]
    pub evidence_bucket: Option<String>,
    /// The bucket that frames handed in over HTTP are put into.
    #[arg(long, value_name = "NAME")]
    pub frames_bucket: Option<String>,
    /// The SNS topic that notices are sent to.
    #[arg(long, value_name = "ARN")]
    pub topic: Option<String>,
    /// A chat room that is told of what was done; as often as there are rooms.
    #[arg(long = "room", value_name = "ARN")]
    pub rooms: Vec<String>,
    /// What the configuration does without: `rekognition` where pictures are judged elsewhere, `ivs` where streams are
    /// not carried by it.
    #[arg(skip)]
    pub unused: Vec<&'static str>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which: `config`, `sign-in`, `credentials`, `clock`, `stream`, `consumer`, `bus`, `bucket`, `evidence`, `frames`,
    /// `topic`, `rooms`, `rekognition`, `ivs`, `hive`, `hive-speech`, `hive-dashboard`, `its actions`.
    pub what: &'static str,
    /// How it is.
    pub state: State,
}

/// How one thing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Well(String),
    /// Not so.
    Wrong {
        /// What is wrong with it.
        what: String,
        /// What to do about it.
        fix: String,
    },
    /// Not looked at, and why.
    Unasked(String),
}

use State::{Unasked, Well, Wrong};

/// Examines what configuration and arguments name; exit code 1 if something is wrong. Fails only if it cannot write.
pub fn run(args: &DoctorArgs, out: &mut dyn Write) -> io::Result<Outcome> {
    let findings = actix::System::new().block_on(look(args));
    for finding in &findings {
        write!(out, "{finding}")?;
    }
    let wrong = findings.iter().any(|finding| matches!(finding.state, Wrong { .. }));
    Ok(if wrong { Outcome::Found } else { Outcome::Fine })
}

async fn look(args: &DoctorArgs) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut region, mut endpoints, mut times) = (None, Endpoints::default(), CallTimes::default());
    let (mut needs, mut hive, mut speech) = (args.needs.clone(), None, None);
    let (mut dashboard, mut callbacks) = (None, None);
    if let Some(file) = &args.config {
        match Config::read(file, std::env::var_os(TOKENS_FILE_VARIABLE).map(PathBuf::from)) {
            Ok(config) => {
                findings.push(Finding { what: "config", state: Well(format!("{} can be served", file.display())) });
                if config.auth.ways.contains(&Way::Oidc) {
                    findings.push(Finding { what: "sign-in", state: looks::sign_in(&config.auth.oidc).await });
                }
                (region, endpoints, times) = (config.aws.region(), config.aws.endpoints(), config.aws.times());
                needs = needs.or(Needs::of(&config));
                speech = config.provider.has(Judge::HiveSpeech).then_some(config.provider.hive_speech.clone());
                dashboard = config.provider.has(Judge::HiveDashboard).then_some(config.provider.hive_dashboard.clone());
                callbacks = config.hive_dashboard.calls_back().then_some(config.hive_dashboard);
                hive = config.provider.has(Judge::Hive).then_some(config.provider.hive);
            }
            Err(error) => return vec![Finding { what: "config", state: mistaken(file, &error) }],
        }
    }
    let aws = Aws::load(args.region.clone().or(region), endpoints, times).await;
    findings.extend(examine(&aws, &needs, &SystemClock).await);
    if let Some(config) = &hive {
        findings.push(Finding { what: "hive", state: looks::hive(config).await });
    }
    if let Some(config) = &speech {
        findings.push(Finding { what: "hive-speech", state: looks::hive_speech(config).await });
    }
    if let Some(config) = &dashboard {
        findings.push(Finding { what: "hive-dashboard", state: looks::hive_dashboard(config).await });
    }
    if let Some(config) = &callbacks {
        findings.push(Finding { what: "its actions", state: looks::callbacks(config) });
    }
    findings
}

fn mistaken(file: &Path, error: &ConfigError) -> State {
    let chain: Vec<String> = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    let fix = format!("mend {}; ops/streamwarden.toml has every key with its default", file.display());
    Wrong { what: chain.join(": "), fix }
}

impl Needs {
    /// What a configuration names.
    pub fn of(config: &Config) -> Self {
        let stated = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut unused = Vec::new();
        if !config.provider.has(Judge::Rekognition) {
            unused.push("rekognition");
        }
        if config.control.platform != Control::Ivs {
            unused.push("ivs");
        }
        Self {
            stream: stated(&config.kinesis.stream),
            consumer: stated(&config.kinesis.consumer_arn),
            bus: stated(&config.outbox.bus.name),
            bucket: None,
            evidence_bucket: stated(&config.evidence.bucket),
            frames_bucket: stated(&config.http.store_frames.bucket),
            topic: stated(&config.outbox.notices.topic),
            rooms: config.outbox.chat.rooms.values().cloned().collect(),
            unused,
        }
    }

    /// These, and the others where these say nothing.
    fn or(self, others: Self) -> Self {
        Self {
            stream: self.stream.or(others.stream),
            consumer: self.consumer.or(others.consumer),
            bus: self.bus.or(others.bus),
            bucket: self.bucket.or(others.bucket),
            evidence_bucket: self.evidence_bucket.or(others.evidence_bucket),
            frames_bucket: self.frames_bucket.or(others.frames_bucket),
            topic: self.topic.or(others.topic),
            rooms: if self.rooms.is_empty() { others.rooms } else { self.rooms },
            unused: others.unused,
        }
    }
}

/// Looks at everything, one after the other: a handful of calls, each within the client's time limits. Without a region,
/// or with credentials that hold nowhere, there is nothing to ask the others.
pub async fn examine(aws: &Aws, needs: &Needs, clock: &dyn Clock) -> Vec<Finding> {
    let (credentials, clock) = looks::credentials_and_clock(aws, clock).await;
    let may_ask = credentials.may_ask();
    let mut findings =
        vec![Finding { what: "credentials", state: credentials.state() }, Finding { what: "clock", state: clock }];
    let mut found = |what, state| findings.push(Finding { what, state });
    if !may_ask {
        for what in OTHERS {
            found(what, Unasked("first the credentials".to_owned()));
        }
        return findings;
    }
    let stream = needs.stream.as_deref();
    let look = async |name: &str| looks::stream(aws, name).await;
    found("stream", looks::asked(stream, "--stream or kinesis.stream", look).await);
    let look = async |arn: &str| looks::consumer(aws, arn, stream).await;
    found("consumer", looks::asked(needs.consumer.as_deref(), "--consumer or kinesis.consumer_arn", look).await);
    let look = async |name: &str| looks::bus(aws, name).await;
    found("bus", looks::asked(needs.bus.as_deref(), "--bus or outbox.bus.name", look).await);
    let look = async |name: &str| looks::bucket(aws, name).await;
    found("bucket", looks::asked(needs.bucket.as_deref(), "--bucket", look).await);
    let look = async |name: &str| looks::bucket_to_fill(aws, name, "CopyEvidence").await;
    found(
        "evidence",
        looks::asked(needs.evidence_bucket.as_deref(), "--evidence-bucket or evidence.bucket", look).await,
    );
    let look = async |name: &str| looks::bucket_to_fill(aws, name, "StoreFrames").await;
    found(
        "frames",
        looks::asked(needs.frames_bucket.as_deref(), "--frames-bucket or http.store_frames.bucket", look).await,
    );
    let look = async |arn: &str| looks::topic(aws, arn).await;
    found("topic", looks::asked(needs.topic.as_deref(), "--topic or outbox.notices.topic", look).await);
    found("rooms", looks::rooms(aws, &needs.rooms).await);
    let used = |what| !needs.unused.contains(&what);
    found("rekognition", if used("rekognition") { looks::rekognition(aws).await } else { unused() });
    found("ivs", if used("ivs") { looks::ivs(aws).await } else { unused() });
    findings
}

/// What is looked at with credentials.
const OTHERS: [&str; 10] =
    ["stream", "consumer", "bus", "bucket", "evidence", "frames", "topic", "rooms", "rekognition", "ivs"];

fn unused() -> State {
    Unasked("the configuration does without it".to_owned())
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what;
        match &self.state {
            Well(said) => writeln!(f, "well      {what:<12} {said}"),
            Unasked(why) => writeln!(f, "unasked   {what:<12} {why}"),
            Wrong { what: said, fix } => writeln!(f, "WRONG     {what:<12} {said}\n          {:<12} fix: {fix}", ""),
        }
    }
}
