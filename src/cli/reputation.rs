//! `streamwarden reputation`: how far a channel is trusted, how closely it is watched for it, and why. Asks
//! [`crate::audit::reputation`], offline, and writes to what it is given: the answer to `out`, everything else to `err`.

pub use super::Outcome;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::event_text::printable;
use super::journal_failure::{Failed, Failure};
use crate::audit::AuditError;
use crate::audit::decision::Sources;
use crate::audit::reputation::{Change, ReputationAt, past};
use crate::audit::state_at::{Basis, Moment};
use crate::clock::Clock;
use crate::events::ReputationChange;
use crate::journal::{Inspection, Options, content};
use crate::model::{ChannelId, Timestamp};

/// sled's cache while a store is looked at, in bytes.
const CACHE_BYTES: u64 = 16 << 20;

/// Say how far a channel is trusted, how closely it is watched for it, and why.
///
/// Works offline, on a directory that no process is writing.
/// Exit code 0: answered; 1: the journal holds nothing of the channel, or is damaged; 2: it could not be read.
#[derive(Debug, Args)]
pub struct ReputationArgs {
    /// The channel.
    #[arg(value_name = "CHANNEL")]
    pub channel: ChannelId,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// As it was known at this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Whole, as JSON: what the API answers.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command. Fails only if it cannot write.
pub fn run(
    args: &ReputationArgs,
    clock: Arc<dyn Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Outcome> {
    match answer(args, clock, out) {
        Ok(()) => Ok(Outcome::Fine),
        Err(Failed::Writing(error)) => Err(error),
        Err(Failed::Here(failure)) => {
            failure.print(err)?;
            Ok(failure.outcome)
        }
    }
}

fn answer(args: &ReputationArgs, clock: Arc<dyn Clock>, out: &mut dyn Write) -> Result<(), Failed> {
    let now = clock.now();
    let options = Options { cache_bytes: CACHE_BYTES, ..Options::new(&args.data, clock) };
    let journal = Inspection::open(&options)?;
    let content = content::Store::open(&args.data.join("content"), &args.data.join("keys"))?;
    let sources = Sources { journal: &journal, content: &content };
    let moment = args.at.map_or(Moment::Now, |at| Moment::Time(at, Basis::Recorded));
    let told = past(sources, &args.channel, moment, None, now).map_err(Failed::from)?.told(sources);
    match args.json {
        true => {
            let text = serde_json::to_string_pretty(&told).unwrap_or_else(|error| error.to_string());
            writeln!(out, "{text}")?;
        }
        false => print(&told, out)?,
    }
    Ok(())
}

fn print(told: &ReputationAt, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} at {}", told.channel, told.standing.at)?;
    for (number, line) in told.standing.explanation.iter().enumerate() {
        writeln!(out, "{}{}", if number == 0 { "" } else { "  " }, printable(line))?;
    }
    writeln!(out, "{}", told.says)?;
    if let Some(set) = &told.adjusted {
        let what = match set.change {
            ReputationChange::Pin(score) => format!("pinned at {score}"),
            ReputationChange::By(milli) => format!("adjusted by {:+.2}", f64::from(milli) / 1000.0),
            ReputationChange::Release => "left to the events".to_owned(),
        };
        let until = set.until.map(|until| format!(" until {until}")).unwrap_or_default();
        let why = set.why.as_ref().map(|why| format!(": {}", printable(why))).unwrap_or_default();
        writeln!(out, "{what} by {}{until}{why}", set.by)?;
    }
    if !told.changes.is_empty() {
        writeln!(out, "changes of cadence, newest first:")?;
    }
    for change in &told.changes {
        writeln!(out, "  {}", changed(change))?;
    }
    told.missing.iter().try_for_each(|missing| writeln!(out, "cannot be shown: {}", printable(missing)))
}

/// `2026-… 12.5 s → 60 s: its reputation rose, score 0.81 (session)`.
fn changed(change: &Change) -> String {
    let seconds = |ms: u32| format!("{:.1} s", f64::from(ms) / 1000.0);
    let from = change.from_ms.map(|from| format!("{} → ", seconds(from))).unwrap_or_default();
    let score = change.score.map(|score| format!(", score {score}")).unwrap_or_default();
    let session = change.session.as_ref().map(|session| format!(" ({session})")).unwrap_or_default();
    format!("{} {from}{}: {}{score}{session}", change.at, seconds(change.to_ms), change.because)
}

impl From<AuditError> for Failed {
    fn from(error: AuditError) -> Self {
        let (hint, outcome) = match &error {
            AuditError::Read(_) => {
                ("`journal verify` goes through everything and names the first bad position", Outcome::Found)
            }
            AuditError::Codec { .. } => ("use the version that wrote it, or a newer one", Outcome::Unanswered),
            AuditError::UnknownChannel(_) => ("`journal stats` lists the busiest channels", Outcome::Found),
            AuditError::Beyond { .. } | AuditError::TooLong { .. } | AuditError::AnswerTooFar { .. } => {
                ("ask for an earlier time", Outcome::Unanswered)
            }
        };
        Self::Here(Failure { error: error.into(), hint, outcome })
    }
}
