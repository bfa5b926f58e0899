//! Decisions as lines that a person reads while they happen.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use indicatif::MultiProgress;
use tokio::sync::watch;

use super::event_text::one_line;
use crate::events::{Event, Recorded};
use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{Position, Verdict};
use crate::projections::Summary;

/// Follows the journal from `after` until `done` turns true and everything up to then is written; returns the counts.
pub(super) async fn follow(
    journal: Arc<dyn Journal>,
    after: Position,
    quiet: bool,
    bars: MultiProgress,
    mut done: watch::Receiver<bool>,
) -> anyhow::Result<Summary> {
    let mut watermark = journal.watermark();
    let mut summary = Summary { position: after, ..Summary::default() };
    loop {
        let ending = *done.borrow_and_update();
        loop {
            let (journal, after) = (journal.clone(), summary.position);
            let page = tokio::task::spawn_blocking(move || journal.read(after, READ_LIMIT_MAX)).await??;
            if page.is_empty() {
                break;
            }
            for recorded in &page {
                summary.apply(recorded)?;
                if !quiet {
                    show(recorded, &bars)?;
                }
            }
        }
        if ending {
            return Ok(summary);
        }
        tokio::select! {
            changed = watermark.changed() => changed?,
            changed = done.changed() => changed?,
        }
    }
}

/// One line on standard output, without tearing the bars on standard error.
fn show(recorded: &Recorded, bars: &MultiProgress) -> anyhow::Result<()> {
    let line = one_line(recorded);
    let mut out = std::io::stdout().lock();
    let coloured = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    match colour(recorded).filter(|_| coloured) {
        Some(colour) => bars.suspend(|| writeln!(out, "\x1b[{colour}m{line}\x1b[0m"))?,
        None => bars.suspend(|| writeln!(out, "{line}"))?,
    }
    Ok(())
}

/// The colour of a line on a terminal. Never the only sign: the line says in words what it is.
fn colour(recorded: &Recorded) -> Option<&'static str> {
    const DIM: &str = "2";
    const RED: &str = "31";
    const YELLOW: &str = "33";
    const GREEN: &str = "32";
    match recorded.event().ok()? {
        Event::FrameSkipped(_) => Some(DIM),
        Event::FrameAssessed(assessed) => match assessed.verdict {
            Verdict::Clear => None,
            Verdict::Warn => Some(YELLOW),
            Verdict::Stop => Some(RED),
        },
        Event::WarningRaised(_)
        | Event::ChannelUnwatched(_)
        | Event::SegmentsUnjudged(_)
        | Event::EnforcementHeld(_) => Some(YELLOW),
        Event::FrameFailed(_) | Event::ChannelQuarantined(_) | Event::EnforcementFailed(_) => Some(RED),
        Event::EnforcementRequested(_)
        | Event::EnforcementAdmitted(_)
        | Event::EnforcementAttempted(_)
        | Event::EnforcementSucceeded(_) => Some(RED),
        Event::EnforcementVerified(_) | Event::ChannelWatched(_) => Some(GREEN),
        _ => None, // the rest is plain
    }
}

/// The closing table.
pub(super) fn closing(summary: &Summary) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "\n{:<24} {:>6} {:>8} {:>8} {:>8} {:>7} {:>8} {:>6} {:>9}",
        "channel", "frames", "assessed", "similar", "too soon", "failed", "warnings", "stops", "unwatched"
    )?;
    let total = summary.total();
    let named = summary.channels.iter().map(|(channel, counts)| (channel.to_string(), counts));
    for (name, counts) in named.chain(std::iter::once(("all".to_owned(), &total))) {
        writeln!(
            out,
            "{name:<24} {:>6} {:>8} {:>8} {:>8} {:>7} {:>8} {:>6} {:>8}s",
            counts.frames,
            counts.assessed,
            counts.similar,
            counts.too_soon + counts.skipped_otherwise,
            counts.failed,
            counts.warnings,
            counts.verified,
            counts.unwatched_ms / 1000,
        )?;
    }
    Ok(())
}
