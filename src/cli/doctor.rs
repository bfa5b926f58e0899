//! `streamwarden doctor`: looks at AWS from where the process stands, and says of each thing that is needed whether it is
//! there, what is wrong with it, and what to do. Changes nothing, and judges no picture.

use std::fmt;
use std::io::{self, Write};

use clap::Args;

pub use super::Outcome;
use crate::aws::ivs::IvsPace;
use crate::aws::{Aws, CallTimes, Class, Endpoints, Failure};
use crate::clock::{Clock, SystemClock};

/// By how much our clock may differ from that of AWS. Calls are refused from five minutes on; frames are called stale,
/// and stops late, by far less.
const SKEW_MS_MAX: u64 = 10_000;
/// What Rekognition is shown to hear that it is no picture: whoever may not call is told that instead.
const NO_PICTURE: &[u8] = b"not a picture";
/// The code by which Rekognition says so.
const NOT_A_PICTURE: &str = "InvalidImageFormatException";

/// What the doctor can be told.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The region; where it is left out, that of the environment.
    #[arg(long)]
    region: Option<String>,
    #[command(flatten)]
    needs: Needs,
}

/// What is needed besides credentials, Rekognition and IVS. What is left out is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Needs {
    /// The Kinesis stream that notifications are read from.
    #[arg(long, value_name = "NAME")]
    pub stream: Option<String>,
    /// The EventBridge bus that decisions are published to.
    #[arg(long, value_name = "NAME")]
    pub bus: Option<String>,
    /// The bucket that thumbnails are recorded to.
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which: `credentials`, `clock`, `stream`, `bus`, `bucket`, `rekognition`, `ivs`.
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

/// Examines what the arguments name; exit code 1 if something is wrong. Fails only if it cannot write.
pub fn run(args: &DoctorArgs, out: &mut dyn Write) -> io::Result<Outcome> {
    let findings = actix::System::new().block_on(async {
        let aws = Aws::load(args.region.clone(), Endpoints::default(), CallTimes::default()).await;
        examine(&aws, &args.needs, &SystemClock).await
    });
    for finding in &findings {
        write!(out, "{finding}")?;
    }
    let wrong = findings.iter().any(|finding| matches!(finding.state, Wrong { .. }));
    Ok(if wrong { Outcome::Found } else { Outcome::Fine })
}

/// Looks at everything, one after the other: a handful of calls, each within the client's time limits. Without a region,
/// or with credentials that hold nowhere, there is nothing to ask the others.
pub async fn examine(aws: &Aws, needs: &Needs, clock: &dyn Clock) -> Vec<Finding> {
    let (credentials, clock) = credentials_and_clock(aws, clock).await;
    let may_ask = credentials.may_ask();
    let mut findings =
        vec![Finding { what: "credentials", state: credentials.state() }, Finding { what: "clock", state: clock }];
    let mut found = |what, state| findings.push(Finding { what, state });
    if !may_ask {
        for what in ["stream", "bus", "bucket", "rekognition", "ivs"] {
            found(what, Unasked("first the credentials".to_owned()));
        }
        return findings;
    }
    found("stream", asked(needs.stream.as_deref(), "--stream", async |name| stream(aws, name).await).await);
    found("bus", asked(needs.bus.as_deref(), "--bus", async |name| bus(aws, name).await).await);
    found("bucket", asked(needs.bucket.as_deref(), "--bucket", async |name| bucket(aws, name).await).await);
    found("rekognition", rekognition(aws).await);
    found("ivs", ivs(aws).await);
    findings
}

/// What is known of whom calls are made as.
enum Credentials {
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
    fn may_ask(&self) -> bool {
        match self {
            Self::Hold { .. } | Self::Unknown(_) => true,
            Self::Nowhere | Self::None | Self::Refused(_) => false,
        }
    }

    fn state(self) -> State {
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

async fn credentials_and_clock(aws: &Aws, clock: &dyn Clock) -> (Credentials, State) {
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

async fn asked(name: Option<&str>, option: &str, look: impl AsyncFnOnce(&str) -> State) -> State {
    match name {
        Some(name) => look(name).await,
        None => Unasked(format!("not named; {option} names it")),
    }
}

async fn stream(aws: &Aws, name: &str) -> State {
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

async fn bus(aws: &Aws, name: &str) -> State {
    match aws.event_bus(name).describe().await {
        Ok(()) => Well(format!("{name} is there")),
        Err(failure) => wrong(
            failure,
            "PublishDecisions",
            "name the stack's output DecisionBus: events put on a bus that is not there are lost without a word",
        ),
    }
}

async fn bucket(aws: &Aws, name: &str) -> State {
    match aws.bucket_announces(name).await {
        Ok(true) => Well(format!("{name} announces its objects to EventBridge")),
        Ok(false) => Wrong {
            what: format!("{name} announces nothing to EventBridge: no frame of it will ever come"),
            fix: "switch it on; the stack's output BucketNotifications is the command".to_owned(),
        },
        Err(failure) => wrong(failure, "SeeBucketNotifications", "name the bucket that IVS records to, in this region"),
    }
}

async fn rekognition(aws: &Aws) -> State {
    match aws.rekognition().detect(&NO_PICTURE.into(), 50.0).await {
        Err(failure) if failure.is(NOT_A_PICTURE) => Well("it answers, and tells what is no picture".to_owned()),
        Ok(_) => Wrong {
            what: "it takes for a picture what is none".to_owned(),
            fix: "what answers there is not Rekognition: look at its endpoint".to_owned(),
        },
        Err(failure) => wrong(failure, "LabelImages", "use a region that has Rekognition"),
    }
}

async fn ivs(aws: &Aws) -> State {
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
