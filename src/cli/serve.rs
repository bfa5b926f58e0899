//! `streamwarden serve`: the process that stays. Takes frames, from a stream and over HTTP, and questions until it is
//! asked to end.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use super::cloud::Cloud;
use super::interrupt::Signals;
use super::judges::judges;
use super::show::pages_at;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Control, TOKENS_FILE_VARIABLE};
use crate::control::{NoControl, RehearsalControl};
use crate::house::Ground;
use crate::http::auth::{Authenticator, External};
use crate::http::{App, Gate, Server};
use crate::laboratory::price::Prices;
use crate::providers::hive::dashboard::{self, Posts};
use crate::telemetry::start_logging;

/// What serving can be told.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The configuration; ops/streamwarden.toml has every key with its default.
    #[arg(long, value_name = "FILE", default_value = "streamwarden.toml")]
    config: PathBuf,
}

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let config = Config::read(&args.config, std::env::var_os(TOKENS_FILE_VARIABLE).map(PathBuf::from))?;
    start_logging(config.logs.format, &config.logs.filter);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // What can be wrong with who may call, and where, is found out before a store is opened.
    let authenticator = Authenticator::open(&config.auth, clock.clone()).context("opening the ways in")?;
    let address = config.listen.address;
    authenticator.may_listen(address)?;
    let mut gate = Gate::new(authenticator, &config.http).context("setting the gate up")?;
    if config.hive_dashboard.calls_back() {
        let secret = config.hive_dashboard.secret().context("reading the secret of Hive's Moderation Dashboard")?;
        gate = gate.and_external(External::new(dashboard::NAME, &secret).context("setting hive_dashboard up")?);
    }
    let gate = Arc::new(gate);
    let listener = TcpListener::bind(address).with_context(|| format!("listening on {address}"))?;

    let mut ground = Ground::open_with(config.data.journal(clock.clone()))?;
    actix::System::new().block_on(async move {
        let (budget, settings) =
            (config.enforcement.budget(), config.wardens.settings(&config.evidence, &config.sound, &config.provider));
        let signals = Signals::listen().context("listening for signals")?;
        let mut cloud = Cloud::reach(&config, &clock, &ground.content).await?;
        let posts = Arc::new(Posts::default());
        let providers = judges(&config, &mut cloud, &clock, &posts)?;
        let rehearsal = Arc::new(RehearsalControl::new());
        let control = cloud.control.unwrap_or_else(|| match config.control.platform {
            Control::Rehearsal => rehearsal.clone(),
            Control::None | Control::Ivs => Arc::new(NoControl),
        });
        ground.objects = cloud.objects;
        ground.copies = cloud.copies;
        ground.keep_pictures = config.evidence.retention();
        ground.keep_transcripts = config.sound.retention();
        let mut house = ground.start(clock.clone(), providers, control, budget, settings);
        rehearsal.believe(house.on_air());
        house.connect(cloud.connections, &clock).context("connecting the house")?;
        let mut app = App::of(&house, clock);
        app.undo = config.moderation.undo();
        app.prices = Prices::configured([
            ("rekognition", config.provider.rekognition.usd_per_million.get()),
            ("hive", config.provider.hive.usd_per_million.get()),
            ("hive-speech", config.provider.hive_speech.usd_per_million.get()),
            (dashboard::NAME, config.provider.hive_dashboard.usd_per_million.get()),
        ]);
        app.store_frames = cloud.store_frames;
        if config.hive_dashboard.calls_back() {
            app.callbacks = Some(config.hive_dashboard.callbacks(posts, settings.frame_deadline));
        }
        let public_url = config.http.pages.public_url;
        let served = match Server::start_within(listener, Arc::new(app), gate, config.listen.settings()) {
            Ok(server) => {
                let announced = listens(server.address(), &public_url);
                if announced.is_ok() {
                    signals.asked().await;
                }
                tracing::info!("asked to end: no new connections, requests under way are finished");
                server.stop().await;
                announced
            }
            Err(error) => Err(anyhow::Error::new(error).context(format!("answering on {address}"))),
        };
        house.close().await;
        served
    })
}

/// Says where: on standard output, because a program that asked for a free port reads it from there.
fn listens(address: SocketAddr, public_url: &str) -> anyhow::Result<()> {
    let here = format!("http://{address}");
    let pages = pages_at(if public_url.is_empty() { &here } else { public_url });
    // In one piece: who reads the first line and hangs up has then taken both, and the server goes on.
    let said = format!("listening on {here}\n{pages}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(said.as_bytes())?;
    out.flush()?;
    Ok(())
}
