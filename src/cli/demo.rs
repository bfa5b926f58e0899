//! `streamwarden demo`: the bundled footage, played live into wardens, judged and printed.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use indicatif::{MultiProgress, ProgressDrawTarget};
use tokio::sync::watch;

use super::interrupt::{Interrupted, interrupted};
use super::play::{Pace, go_off_early, play, settle};
use super::print;
use crate::actors::{ProviderChoice, Settings};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::control::{RehearsalControl, StreamControl};
use crate::events::Actor;
use crate::house::Ground;
use crate::intake::{Broadcast, Footage, FootageChannel, FootageProvider, Source};
use crate::journal::Journal;
use crate::model::{ChannelId, SessionId, Timestamp};
use crate::projections::{ChannelSummary, Summary};
use crate::providers::Provider;
use crate::providers::local::{AbsentModel, LocalModel, PINNED_PATH, PINNED_SHA256};
use crate::telemetry::write_lines_within;
use crate::warden::enforcement::BudgetLimits;

/// The demo's policies, as they stand in the repository.
const POLICIES: &str = include_str!("../../policies/demo.yaml");
/// How long stops under way at the end may take.
const SETTLE: Duration = Duration::from_secs(20);

/// What the demo can be told.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Where the journal is kept.
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Where the bundled footage is.
    #[arg(long, value_name = "DIR", default_value = "demo/footage")]
    footage: PathBuf,
    /// Weights of the local model; `make model` fetches them.
    #[arg(long, value_name = "FILE", default_value = PINNED_PATH)]
    model: PathBuf,
    /// How fast the footage is played.
    #[arg(long, value_enum, default_value = "live")]
    pace: Pace,
    /// Print the closing summary only.
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<()> {
    let footage = Footage::open(&args.footage).context("opening the bundled footage")?;
    let local = local_model(&args.model);
    let rehearsal: Arc<dyn Provider> = Arc::new(footage.rehearsal().context("reading the rehearsal's labels")?);
    let by_channel: HashMap<ChannelId, Arc<dyn Provider>> = footage
        .channels()
        .iter()
        .map(|channel| {
            let provider = match channel.provider {
                FootageProvider::Local => local.clone(),
                FootageProvider::Rehearsal => rehearsal.clone(),
            };
            (channel.channel.clone(), provider)
        })
        .collect();
    introduce(&footage, &by_channel, args)?;

    let mut ground = Ground::open(&args.data)?;
    let by = Actor::service("demo");
    ground.policies.publish("policies/demo.yaml", POLICIES, &by, None).context("publishing the demo's policies")?;
    let now = SystemClock.now();
    let sources = async move {
        let play = |channel: &FootageChannel| channel.play(session_at(&channel.channel, now), now);
        Ok(footage.channels().iter().map(|channel| Source::Folder(play(channel))).collect())
    };
    let providers = ProviderChoice { default: None, by_channel };
    let outcome = run_played(ground, sources, providers, args.pace, now, args.quiet)?;
    outcome.say(&args.data)
}

/// A session named after its channel's start.
pub(super) fn session_at(channel: &ChannelId, start: Timestamp) -> SessionId {
    let name: String = channel.as_str().chars().take(60).collect();
    SessionId::new(format!("st-{name}-{}", start.as_micros() / 1000)).expect("a channel's characters are a session's")
}

/// The local model, or one that says loudly that it is not there.
pub(super) fn local_model(path: &Path) -> Arc<dyn Provider> {
    match LocalModel::load(path, PINNED_SHA256) {
        Ok(model) => Arc::new(model),
        Err(error) => {
            eprintln!(
                "warning: classifier absent: {error}\nhint: run `make model`; until then every frame that needs it fails, loudly"
            );
            Arc::new(AbsentModel::because(&error))
        }
    }
}

fn introduce(
    footage: &Footage,
    providers: &HashMap<ChannelId, Arc<dyn Provider>>,
    args: &DemoArgs,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Streamwarden demo")?;
    writeln!(
        out,
        "  real:      the pictures, their decoding and hashing, the wardens' decisions, the local model, the journal"
    )?;
    writeln!(
        out,
        "  pretended: that the channels are live; the platform that carries and stops them (a stand-in in this process);"
    )?;
    writeln!(
        out,
        "             the labels of channels judged by `rehearsal` (written into the files, no pixel is looked at)"
    )?;
    writeln!(
        out,
        "  the local model is a preliminary filter for photographic nudity with a review band, not a verdict"
    )?;
    writeln!(out, "  journal:   {}\n", args.data.display())?;
    for channel in footage.channels() {
        let provider = providers.get(&channel.channel).map(|provider| provider.reference().to_string());
        writeln!(
            out,
            "  {:<22} {} — judged by {}",
            channel.channel.as_str(),
            channel.title,
            provider.unwrap_or_default()
        )?;
        writeln!(out, "  {:<22} {}", "", channel.note)?;
    }
    writeln!(out)?;
    Ok(())
}

/// What a run left.
pub(super) struct Ran {
    summary: Summary,
    played: super::play::Played,
    settled: bool,
}

/// Opens the house over `ground`, plays the sources, prints decisions, closes everything. Sources are opened inside,
/// because a child process belongs to the runtime that started it.
pub(super) fn run_played(
    ground: Ground,
    sources: impl Future<Output = anyhow::Result<Vec<Source>>> + 'static,
    providers: ProviderChoice,
    pace: Pace,
    start: Timestamp,
    quiet: bool,
) -> anyhow::Result<Ran> {
    actix::System::new().block_on(async move {
        let sources = sources.await?;
        let journal: Arc<dyn Journal> = ground.journal.clone();
        let after = *journal.watermark().borrow();
        let stage = Arc::new(RehearsalControl::new());
        let control: Arc<dyn StreamControl> = stage.clone();
        let footage_clock = (pace == Pace::Fast).then(|| Arc::new(ManualClock::at(start)));
        let clock: Arc<dyn Clock> = match &footage_clock {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock),
        };
        let house = ground.start(clock, providers, control, BudgetLimits::default(), Settings::default());
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let drawn = bars.clone();
        write_lines_within(move |writing| drawn.suspend(writing)); // a log line must not tear them
        let (finished, done) = watch::channel(false);
        let printing = tokio::task::spawn_local(print::follow(journal, after, quiet, bars.clone(), done));

        let broadcasts: Vec<Broadcast> = sources.iter().map(|source| source.broadcast().clone()).collect();
        let channels: Vec<ChannelId> = broadcasts.iter().map(|broadcast| broadcast.channel.clone()).collect();
        let played = tokio::select! {
            played = play(sources, &house.wardens, &stage, pace, footage_clock.as_ref(), &bars) => played,
            asked = interrupted() => {
                go_off_early(&broadcasts, &house.wardens, &stage).await;
                asked.context("waiting for signals").and(Err(Interrupted.into()))
            }
        };
        // Who interrupts does not wait for stops under way: the next start takes them up.
        let settled = match &played {
            Ok(_) => settle(&channels, &house.wardens, SETTLE).await,
            Err(_) => false,
        };
        let _ = finished.send(true); // the printer waits for nothing else
        let summary = printing.await.context("printing broke")?;
        house.close().await;
        Ok(Ran { summary: summary?, played: played?, settled })
    })
}

/// Of some channel no frame was judged: each that was looked at failed. The run as such went well, and every failure is
/// recorded.
#[derive(Debug, thiserror::Error)]
#[error("NOTHING WAS JUDGED of {}: every frame that was looked at failed; `journal tail` says why", listed(channels))]
pub(super) struct NothingJudged {
    channels: Vec<ChannelId>,
}

/// Exit code of a run that came to its end, but of some channel nothing was judged.
pub(super) const EXIT_NOTHING_JUDGED: u8 = 3;

/// Names that a message spells out; it counts the others.
const NAMES_MAX: usize = 5;

fn listed(channels: &[ChannelId]) -> String {
    let names: Vec<&str> = channels.iter().take(NAMES_MAX).map(ChannelId::as_str).collect();
    let more = channels.len().saturating_sub(NAMES_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", names.join(", "))
}

impl Ran {
    /// Says what came of it; an error if a frame got no outcome, or of a channel nothing was judged.
    pub(super) fn say(&self, data: &Path) -> anyhow::Result<()> {
        print::closing(&self.summary)?;
        let mut out = std::io::stdout().lock();
        let total = self.summary.total();
        writeln!(
            out,
            "\n{} frames shown, {} with a recorded outcome; {} events in {}",
            self.played.frames,
            total.frames,
            self.summary.events,
            data.display()
        )?;
        writeln!(
            out,
            "look again:  streamwarden journal tail --data {0}   |   streamwarden journal verify --data {0}",
            data.display()
        )?;
        if !self.settled {
            writeln!(out, "an enforcement is still under way; the next start takes it up")?;
        }
        anyhow::ensure!(
            self.played.refused == 0,
            "{} frames got no outcome: the journal refused them",
            self.played.refused
        );
        anyhow::ensure!(self.played.broke == 0, "{} sources broke off", self.played.broke);
        // Similar to what an earlier run assessed counts as judged; a channel that was too quiet to be looked at does not fail.
        let unjudged = |counts: &ChannelSummary| counts.failed > 0 && counts.assessed + counts.similar == 0;
        let channels = self.summary.channels.iter().filter(|(_, counts)| unjudged(counts));
        let channels: Vec<ChannelId> = channels.map(|(channel, _)| channel.clone()).collect();
        if channels.is_empty() { Ok(()) } else { Err(NothingJudged { channels }.into()) }
    }
}
