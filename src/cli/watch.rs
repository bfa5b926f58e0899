//! `streamwarden watch`: your own videos and folders of pictures, as if they were live channels.

use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::demo::{local_model, session_at};
use super::play::Pace;
use super::show::Show;
use crate::actors::ProviderChoice;
use crate::clock::{Clock, SystemClock};
use crate::events::Actor;
use crate::house::Ground;
use crate::intake::{Broadcast, Ffmpeg, Folder, Source, Times, Video, channels_of};
use crate::model::Timestamp;
use crate::policy::file;
use crate::providers::local::PINNED_PATH;

/// The policy where none is named: its rules are for what the local model says, which is who is asked here.
const POLICY: &str = include_str!("../../policies/local.yaml");

/// What watching can be told.
#[derive(Debug, Clone, Args)]
pub(super) struct WatchArgs {
    /// Video files and folders of pictures; each is a channel.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Where the journal is kept.
    #[arg(long, value_name = "DIR", default_value = "data/watch")]
    data: PathBuf,
    /// Policies; without one everything is watched for what the local model can say.
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// How fast the pictures are shown.
    #[arg(long, value_enum, default_value = "fast")]
    pace: Pace,
    /// Milliseconds from one picture to the next: of a folder's pictures, and of the frames taken from a video.
    #[arg(long, value_name = "MS", default_value = "1000")]
    every: NonZeroU32,
    /// The ffmpeg that reads videos.
    #[arg(long, value_name = "FILE", default_value = "ffmpeg")]
    ffmpeg: PathBuf,
    /// Weights of the local model; `make model` fetches them.
    #[arg(long, value_name = "FILE", default_value = PINNED_PATH)]
    model: PathBuf,
    /// Print the closing summary only.
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &WatchArgs) -> anyhow::Result<()> {
    // What can be wrong with the question is found out before a store is made for the answer.
    for path in &args.paths {
        std::fs::metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    }
    let mut policies = Vec::with_capacity(args.policy.len().max(1));
    for path in &args.policy {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.to_string_lossy().into_owned();
        file::load(&name, &text)?;
        policies.push((name, text));
    }
    if policies.is_empty() {
        policies.push(("policies/local.yaml".to_owned(), POLICY.to_owned()));
    }
    let mut ground = Ground::open(&args.data)?;
    let by = Actor::service("watch");
    for (name, text) in &policies {
        ground.policies.publish(name, text, &by, None).with_context(|| format!("publishing {name}"))?;
    }
    let start = SystemClock.now();
    let mut out = std::io::stdout().lock();
    writeln!(out, "real:      pictures, decoding, hashing, decisions, the local model, the journal")?;
    writeln!(out, "pretended: that the channels are live")?;
    writeln!(
        out,
        "the local model is a preliminary filter for photographic nudity with a review band, not a verdict\n"
    )?;
    drop(out);
    let providers = ProviderChoice { default: Some(local_model(&args.model)), ..ProviderChoice::default() };
    let show = Show { ground, data: &args.data, providers, pace: args.pace, start, quiet: args.quiet, door: None };
    show.run(open(args.clone(), start))
}

async fn open(args: WatchArgs, start: Timestamp) -> anyhow::Result<Vec<Source>> {
    let ffmpeg = Ffmpeg::at(&args.ffmpeg);
    let channels = channels_of(&args.paths);
    let mut sources = Vec::with_capacity(args.paths.len());
    for (path, channel) in args.paths.iter().zip(channels) {
        let session = session_at(&channel, start);
        let broadcast = Broadcast { channel, session };
        sources.push(source(path, broadcast, start, args.every, &ffmpeg).await?);
    }
    Ok(sources)
}

async fn source(
    path: &Path,
    broadcast: Broadcast,
    start: Timestamp,
    every: NonZeroU32,
    ffmpeg: &Ffmpeg,
) -> anyhow::Result<Source> {
    if path.is_dir() {
        let times = Times::Spaced { start, interval_ms: every };
        Ok(Source::Folder(Folder::open(path, broadcast, times)?))
    } else {
        Ok(Source::Video(Box::new(Video::open(path, broadcast, start, every, ffmpeg).await?)))
    }
}
