//! `streamwarden backtest`, `streamwarden frontier` and `streamwarden arena`: a closed store opened for reading, the
//! laboratory asked, a bar shown meanwhile on standard error, and what came of it written. Asked to end, it leaves
//! nothing half-written.

mod arena;
mod files;
mod running;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};
use clap::Args;

use crate::laboratory::document::Backtest;
use crate::laboratory::frontier::{DetectionsOf, asked};
use crate::laboratory::price::{PRICES_MAX, Price, Prices};
use crate::laboratory::{html, price, proposed, summary, trying};
use crate::model::{ChannelPattern, Timestamp};
use crate::policy::{Policy, bounds, file};

pub(super) use arena::{ArenaArgs, arena};
pub(super) use running::CalledOff;
use running::{Recording, run};

/// Which part of which journal.
#[derive(Debug, Args)]
pub(super) struct Recorded {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Only what was recorded from then on, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only what was recorded before then.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Only these channels; `*` stands for any run of characters. May be given several times.
    #[arg(long = "channel", value_name = "PATTERN", num_args = 1..)]
    channels: Vec<ChannelPattern>,
}

/// On what, and where the answer goes.
#[derive(Debug, Args)]
pub(super) struct OnWhat {
    /// The policies that are proposed: a file as it would be published.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    recorded: Recorded,
    /// What a million calls to a provider cost, in dollars, such as hive=3000. May be given several times. Of Amazon
    /// Rekognition what it lists for the first million images a month, unless it is said.
    #[arg(long = "price", value_name = "NAME=USD", num_args = 1..)]
    prices: Vec<Price>,
    /// Write the answer as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the answer as a page for people.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Threads that try, besides the one that reads; as many as there are processors, unless it is said. The answer is the
    /// same.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=16))]
    threads: Option<u8>,
}

#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    #[command(flatten)]
    on: OnWhat,
}

#[derive(Debug, Args)]
pub(super) struct FrontierArgs {
    #[command(flatten)]
    on: OnWhat,
    /// Time all warnings, not only those that moderators upheld.
    #[arg(long)]
    all_warnings: bool,
    /// What may be spent on all channels of the recording, such as 12.50/day: the best cadence within it is named.
    #[arg(long, value_name = "USD/day")]
    budget: Option<Budget>,
}

/// Dollars a day, in millionths.
#[derive(Debug, Clone, Copy)]
struct Budget(u64);

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(amount) = text.strip_suffix("/day") else {
            return Err("a budget is an amount in dollars a day, such as 12.50/day".to_owned());
        };
        price::read(amount).map(Self).map_err(|error| error.to_string())
    }
}

/// Tries a policy.
pub(super) fn backtest(args: &BacktestArgs) -> anyhow::Result<()> {
    let on = &args.on;
    let policies = read_policies(&on.policy)?;
    let recording = Recording::open(&on.recorded.data)?;
    let tried = proposed(policies, &recording.in_force);
    let mut question = trying(&recording.in_force, &tried);
    question.channels.clone_from(&on.recorded.channels);
    question.threads = threads(on);
    let found = run(recording, question, on.recorded.from, on.recorded.to)?;
    let references = tried.iter().map(|policy| policy.reference.clone()).collect();
    let backtest = Backtest::of(found, references, on.recorded.channels.clone(), &prices(&on.prices)?);
    write(on, &summary::backtest(&backtest), || backtest.to_json(), || html::backtest(&backtest))
}

/// Tries one policy at every cadence.
pub(super) fn frontier(args: &FrontierArgs) -> anyhow::Result<()> {
    let on = &args.on;
    let mut policies = read_policies(&on.policy)?;
    let (Some(policy), true) = (policies.pop(), policies.is_empty()) else {
        bail!("{} holds several policies; a frontier is of one", on.policy.display());
    };
    let recording = Recording::open(&on.recorded.data)?;
    let tried = proposed([policy], &recording.in_force);
    let detections = if args.all_warnings { DetectionsOf::AllWarnings } else { DetectionsOf::UpheldWarnings };
    let mut asked = asked(&recording.in_force, &tried[0], detections);
    asked.question.channels.clone_from(&on.recorded.channels);
    asked.question.threads = threads(on);
    let found = run(recording, asked.question.clone(), on.recorded.from, on.recorded.to)?;
    let budget = args.budget.map(|Budget(micros)| micros);
    let references = vec![tried[0].reference.clone()];
    let frontier = asked.frontier(found, references, on.recorded.channels.clone(), &prices(&on.prices)?, budget);
    write(on, &summary::frontier(&frontier), || frontier.to_json(), || html::frontier(&frontier))
}

/// What calls cost, as it is listed and as it is said.
fn prices(said: &[Price]) -> anyhow::Result<Prices> {
    if said.len() > PRICES_MAX {
        bail!("{} prices are given, at most {PRICES_MAX} can be", said.len());
    }
    let mut prices = Prices::listed();
    said.iter().for_each(|price| prices.say(price.clone()));
    Ok(prices)
}

fn read_policies(path: &Path) -> anyhow::Result<Vec<Policy>> {
    let size = std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.len();
    if size > bounds::FILE_BYTES_MAX as u64 {
        bail!("{} has {size} bytes, a policy file has at most {}", path.display(), bounds::FILE_BYTES_MAX);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let loaded = file::load(&path.display().to_string(), &text)?;
    if loaded.is_empty() {
        bail!("{} holds no policy", path.display());
    }
    Ok(loaded.into_iter().map(|one| one.policy).collect())
}

fn threads(on: &OnWhat) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    on.threads.map_or_else(processors, usize::from)
}

/// Files first: who reads the summary may look at them.
fn write(
    on: &OnWhat,
    summary: &str,
    json: impl FnOnce() -> String,
    html: impl FnOnce() -> String,
) -> anyhow::Result<()> {
    if let Some(path) = &on.json {
        files::put(path, &json())?;
    }
    if let Some(path) = &on.html {
        files::put(path, &html())?;
    }
    std::io::stdout().write_all(summary.as_bytes())?;
    Ok(())
}
