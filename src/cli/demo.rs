//! `streamwarden demo`: the bundled footage, played live into wardens, judged and printed.

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use super::play::Pace;
use super::show::{Door, Show};
use crate::actors::ProviderChoice;
use crate::clock::{Clock, SystemClock};
use crate::events::Actor;
use crate::house::Ground;
use crate::intake::{Footage, FootageChannel, FootageProvider, Source};
use crate::model::{ChannelId, SessionId, Timestamp};
use crate::providers::Provider;
use crate::providers::local::{AbsentModel, LocalModel, PINNED_PATH, PINNED_SHA256};

/// The demo's policies, as they stand in the repository.
const POLICIES: &str = include_str!("../../policies/demo.yaml");
/// Set where nobody sits in front of the terminal and would end the demo.
const CI_VARIABLE: &str = "CI";

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
    /// Where the API listens meanwhile, on this machine only; by default 127.0.0.1:8642, or a free port if that is taken.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// End after the closing summary. Without it the API stays open until Ctrl-C, unless the environment says `CI`.
    #[arg(long)]
    once: bool,
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

    let door = Door::listen(args.listen, !args.once && std::env::var_os(CI_VARIABLE).is_none())?;
    let mut ground = Ground::open(&args.data)?;
    let by = Actor::service("demo");
    ground.policies.publish("policies/demo.yaml", POLICIES, &by, None).context("publishing the demo's policies")?;
    let now = SystemClock.now();
    let sources = async move {
        let play = |channel: &FootageChannel| channel.play(session_at(&channel.channel, now), now);
        Ok(footage.channels().iter().map(|channel| Source::Folder(play(channel))).collect())
    };
    let show = Show {
        ground,
        data: &args.data,
        // Frames that somebody hands in on a channel of their own are the real model's.
        providers: ProviderChoice { default: Some(local), by_channel, others: Vec::new() },
        pace: args.pace,
        start: now,
        quiet: args.quiet,
        door: Some(door),
    };
    show.run(sources)
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
