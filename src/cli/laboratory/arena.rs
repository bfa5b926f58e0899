//! `streamwarden arena`: providers held against each other by what a closed store recorded of them.

use std::io::Write;

use clap::Args;

use super::running::{Recording, watched};
use super::{Recorded, prices};
use crate::cli::event_text::printable;
use crate::laboratory::arena::{Question, Report, run, text};
use crate::laboratory::price::Price;
use crate::laboratory::{stretch, whole_answer};
use crate::model::ProviderName;

/// Of what, and in which form.
#[derive(Debug, Args)]
pub(in crate::cli) struct ArenaArgs {
    #[command(flatten)]
    recorded: Recorded,
    /// Only these providers. May be given several times.
    #[arg(long = "provider", value_name = "NAME", num_args = 1..)]
    providers: Vec<ProviderName>,
    /// The upheld rate that thresholds are suggested for, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "90", value_parser = clap::value_parser!(u32).range(50..=99))]
    wanted: u32,
    /// What a million calls to a provider cost, in dollars, such as hive=3000. May be given several times. Of Amazon
    /// Rekognition what it lists for the first million images a month, unless it is said.
    #[arg(long = "price", value_name = "NAME=USD", num_args = 1..)]
    prices: Vec<Price>,
    /// Whole, as JSON: what the API answers.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(in crate::cli) fn arena(args: &ArenaArgs) -> anyhow::Result<()> {
    let question = Question {
        channels: args.recorded.channels.clone(),
        providers: args.providers.clone(),
        prices: prices(&args.prices)?,
        wanted_permille: args.wanted * 10,
    };
    let Recording { journal, content, .. } = Recording::open(&args.recorded.data)?;
    let asked = stretch(&*journal, args.recorded.from, args.recorded.to)?;
    let report = watched("going through the recording", asked, move |progress| {
        run(&*journal, &question, asked, u64::MAX, &|kept| whole_answer(&content, kept), progress)
    })?;
    let mut out = std::io::stdout().lock();
    out.write_all(shown(&report, args.json).as_bytes())?;
    Ok(())
}

/// Names come from outside; lines are ours.
fn shown(report: &Report, json: bool) -> String {
    match json {
        true => report.to_json(),
        false => text::text(report).lines().map(|line| printable(line) + "\n").collect(),
    }
}
