//! `streamwarden policy compare`: what a policy said in shadow, held against what was decided. Reads the journal of a data
//! directory that no process is writing.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::Outcome;
use super::event_text::printable;
use super::journal_failure::{Failed, Failure};
use crate::clock::SystemClock;
use crate::events::PolicyChoice;
use crate::journal::{Inspection, Options};
use crate::laboratory::shadow::html::{self, Milli, word, would};
use crate::laboratory::shadow::{Compared, Comparison, ComparisonError, Standing, compare, ran};

/// sled's cache while the journal is read, in bytes.
const CACHE_BYTES: u64 = 16 << 20;
/// Differing frames that the text shows; JSON and the page show more.
const DIFFERENCES_SHOWN: usize = 10;
/// Channels that the text names.
const CHANNELS_SHOWN: usize = 10;

/// Which policy, from where, and in which form.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The policy, or one version of it, `id@version`. Without a version the last one that ran in shadow.
    #[arg(value_name = "POLICY")]
    policy: PolicyChoice,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Write JSON to the standard output.
    #[arg(long)]
    json: bool,
    /// Write the comparison as a page of HTML into this file, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs the command. Fails only if it cannot write.
pub(super) fn run(args: &CompareArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Outcome> {
    match answer(args, out) {
        Ok(outcome) => Ok(outcome),
        Err(Failed::Writing(error)) => Err(error),
        Err(Failed::Here(failure)) => {
            failure.print(err)?;
            Ok(failure.outcome)
        }
    }
}

fn answer(args: &CompareArgs, out: &mut dyn Write) -> Result<Outcome, Failed> {
    let options = Options { cache_bytes: CACHE_BYTES, ..Options::new(&args.data, Arc::new(SystemClock)) };
    let journal = Inspection::open(&options)?;
    let Some(ran) = ran(&journal, &args.policy.id, args.policy.version)? else {
        return Err(Failed::Here(Failure {
            error: format!("policy {} never ran in shadow, as far as this journal tells", args.policy).into(),
            hint: "POST /v1/policies/shadow runs a policy in shadow; `journal tail --scope \\$policies` lists those that ran",
            outcome: Outcome::Found,
        }));
    };
    let compared = compare(&journal, &ran, u64::MAX, |_| true)?;
    if let Some(file) = &args.html {
        write_page(file, &html::page(&compared))?;
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &compared).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", printable_lines(&text(&compared)))?;
    }
    Ok(Outcome::Fine)
}

fn write_page(file: &Path, page: &str) -> Result<(), Failed> {
    std::fs::write(file, page).map_err(|error| {
        Failed::Here(Failure {
            error: format!("writing {}: {error}", file.display()).into(),
            hint: "name a file in a directory that exists and may be written",
            outcome: Outcome::Unanswered,
        })
    })
}

impl From<ComparisonError> for Failed {
    fn from(error: ComparisonError) -> Self {
        let hint = "`journal verify` goes through everything and names the first bad position";
        Self::Here(Failure { error: error.into(), hint, outcome: Outcome::Found })
    }
}

/// Names come from outside; lines are ours.
fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line) + "\n").collect()
}

fn text(compared: &Compared) -> String {
    let Comparison { policy, beside, frames, agree, live_only, shadow_only, otherwise, .. } = &compared.comparison;
    let comparison = &compared.comparison;
    let beside: Vec<String> = beside.iter().map(ToString::to_string).collect();
    let until = compared.until.map_or("and runs still".to_owned(), |until| format!("until {until}"));
    let mut lines = vec![
        format!("{policy} in shadow since {} {until}, beside {}", compared.since, or_none(&beside.join(", "))),
        format!(
            "positions {} to {}{}",
            compared.from,
            compared.to,
            if compared.cut { "; later ones were not read" } else { "" }
        ),
        String::new(),
        format!("{frames:>9} frames judged by both"),
        format!("{agree:>9} with the same verdict ({})", Milli((agree * 1000).checked_div(*frames))),
        format!("{live_only:>9} that only the live policy warned or stopped for"),
        format!("{shadow_only:>9} that only the shadow would have"),
        format!("{otherwise:>9} that both would, not in the same way"),
    ];
    if comparison.other_taxonomy > 0 {
        lines.push(format!(
            "{:>9} more that it could not judge: answers in another taxonomy",
            comparison.other_taxonomy
        ));
    }
    lines.extend([String::new(), "           warnings  stops  upheld  dismissed  unanswered  precision".to_owned()]);
    for (who, standing) in [("live", comparison.live), ("in shadow", comparison.shadow)] {
        let Standing { warnings, stops, upheld, dismissed, unanswered, precision_milli } = standing;
        let precision = Milli(precision_milli.map(u64::from)).to_string();
        lines.push(format!(
            "{who:<10} {warnings:>8} {stops:>6} {upheld:>7} {dismissed:>10} {unanswered:>11} {precision:>10}"
        ));
    }
    lines.extend([String::new(), "     both       live     shadow  frames that met a rule".to_owned()]);
    for rule in &comparison.rules {
        lines.push(format!("{:>9}  {:>9}  {:>9}  {}", rule.both, rule.live_only, rule.shadow_only, rule.rule));
    }
    let differing: Vec<_> = comparison.by_channel.iter().filter(|channel| channel.differing > 0).collect();
    if !differing.is_empty() {
        lines.extend([String::new(), "other verdicts  of frames  channel".to_owned()]);
    }
    for channel in differing.iter().take(CHANNELS_SHOWN) {
        lines.push(format!("{:>14}  {:>9}  {}", channel.differing, channel.frames, channel.channel));
    }
    if !comparison.differences.is_empty() {
        lines.extend([String::new(), "the first frames with another verdict:".to_owned()]);
    }
    for one in comparison.differences.iter().take(DIFFERENCES_SHOWN) {
        let rules = |said: &crate::laboratory::shadow::Said| {
            said.rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        lines.push(format!(
            "{:>9}  {}  {}  {} ({}), the shadow would have {} ({})",
            one.position,
            one.captured_at,
            one.channel,
            word(one.live.verdict),
            or_none(&rules(&one.live)),
            would(one.would),
            or_none(&rules(&one.shadow)),
        ));
    }
    lines.join("\n")
}

fn or_none(names: &str) -> &str {
    if names.is_empty() { "none" } else { names }
}
