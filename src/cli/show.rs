//! A show: recorded pictures played through the whole house as if they were live, each decision printed, and the API
//! beside it for who wants to look inside. Opens the house, and closes it in order however the show ends.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::{MultiProgress, ProgressDrawTarget};
use tokio::sync::watch;

use super::interrupt::{Interrupted, Signals};
use super::play::{Pace, Played, go_off_early, play, settle};
use super::print;
use crate::actors::{ProviderChoice, Settings};
use crate::clock::{Clock, FootageClock, SystemClock};
use crate::control::{RehearsalControl, StreamControl};
use crate::house::{Ground, House};
use crate::http::{App, Gate, Server, has_pages};
use crate::intake::{Broadcast, Source};
use crate::journal::Journal;
use crate::model::{ChannelId, Timestamp};
use crate::projections::{ChannelSummary, Summary};
use crate::telemetry::write_lines_within;
use crate::warden::enforcement::BudgetLimits;

/// Where the API listens unless somebody says otherwise, or something else does already.
const USUAL_PORT: u16 = 8642;
/// How long stops under way at the end may take.
const SETTLE: Duration = Duration::from_secs(20);

/// What is played, and how.
pub(super) struct Show<'a> {
    /// What stands on the disk.
    pub(super) ground: Ground,
    /// Where that is.
    pub(super) data: &'a Path,
    /// Who judges.
    pub(super) providers: ProviderChoice,
    /// How fast.
    pub(super) pace: Pace,
    /// When the footage begins.
    pub(super) start: Timestamp,
    /// Whether only the closing summary is printed.
    pub(super) quiet: bool,
    /// The API, if it is to be had.
    pub(super) door: Option<Door>,
}

/// The API beside a show.
pub(super) struct Door {
    /// Where it listens.
    pub(super) listener: TcpListener,
    /// Whether it stays open when the show is over, until somebody ends it.
    pub(super) stays: bool,
}

/// What a show left.
struct Ran {
    summary: Summary,
    played: Played,
    settled: bool,
}

impl Door {
    /// Listens where it was asked to; otherwise at the usual port of the loopback, or at a free one if that is taken.
    pub(super) fn listen(asked: Option<SocketAddr>, stays: bool) -> anyhow::Result<Self> {
        let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT));
        let listener = match asked {
            Some(address) => TcpListener::bind(address).with_context(|| format!("listening on {address}"))?,
            None => TcpListener::bind(usual)
                .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
                .context("listening on the loopback")?,
        };
        Ok(Self { listener, stays })
    }
}

impl Show<'_> {
    /// Plays the sources to their end and says what came of it. Sources are opened inside, because a child process
    /// belongs to the runtime that started it.
    pub(super) fn run(
        self,
        sources: impl Future<Output = anyhow::Result<Vec<Source>>> + 'static,
    ) -> anyhow::Result<()> {
        let Self { ground, data, providers, pace, start, quiet, door } = self;
        actix::System::new().block_on(async move {
            let sources = sources.await?;
            let signals = Signals::listen().context("listening for signals")?;
            let after = *ground.journal.watermark().borrow();
            let stage = Arc::new(RehearsalControl::new());
            let control: Arc<dyn StreamControl> = stage.clone();
            let footage_clock = (pace == Pace::Fast).then(|| Arc::new(FootageClock::at(start)));
            let clock: Arc<dyn Clock> = match &footage_clock {
                Some(clock) => clock.clone(),
                None => Arc::new(SystemClock),
            };
            let house = ground.start(clock, providers, control, BudgetLimits::default(), Settings::default());
            let stays = door.as_ref().is_some_and(|door| door.stays);
            let open = door.map(|door| open(door.listener, &house)).transpose();
            let on = On { house: &house, stage: &stage, clock: footage_clock.as_ref(), pace, quiet };
            let mut asked: Pin<Box<dyn Future<Output = ()>>> = Box::pin(signals.asked());
            let (server, ended) = match open {
                Ok(server) => {
                    let ended = on.play(sources, after, &mut asked).await.and_then(|ran| ran.say(data));
                    (server, ended)
                }
                Err(error) => (None, Err(error)),
            };
            let ended = match (&server, ended) {
                (Some(server), Ok(())) if stays => stay(server.address(), asked).await,
                (_, ended) => ended,
            };
            if let Some(server) = server {
                server.stop().await;
            }
            house.close().await;
            ended
        })
    }
}

/// Opens the API to this machine and says where it is.
fn open(listener: TcpListener, house: &House) -> anyhow::Result<Server> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let gate = Arc::new(Gate::open(clock.clone()).context("letting everybody on this machine in")?);
    let server = Server::start(listener, Arc::new(App::of(house, clock)), gate).context("opening the API")?;
    let address = server.address();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "  {pages}\n  the API:   http://{address}/docs (both from this machine only; nobody is asked who they are)\n",
        pages = pages_at(&format!("http://{address}")),
    )?;
    out.flush()?;
    Ok(server)
}

/// Says where the pages are, or why there are none.
pub(super) fn pages_at(base: &str) -> String {
    match has_pages() {
        true => format!("the pages: {base}/"),
        false => "the pages: not in this program; `make web` builds them, the next build of the program takes them in"
            .to_owned(),
    }
}

/// Keeps the house open until somebody ends it, which is an order and no failure.
async fn stay(address: SocketAddr, asked: Pin<Box<dyn Future<Output = ()>>>) -> anyhow::Result<()> {
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nthe show is over, the house is open: http://{address}/ — Ctrl-C closes it")?;
        out.flush()?;
    }
    asked.await;
    Ok(())
}

/// A show that runs.
struct On<'a> {
    house: &'a House,
    stage: &'a Arc<RehearsalControl>,
    clock: Option<&'a Arc<FootageClock>>,
    pace: Pace,
    quiet: bool,
}

impl On<'_> {
    async fn play(
        &self,
        sources: Vec<Source>,
        after: crate::model::Position,
        asked: &mut Pin<Box<dyn Future<Output = ()>>>,
    ) -> anyhow::Result<Ran> {
        let (wardens, stage) = (&self.house.wardens, self.stage);
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let drawn = bars.clone();
        write_lines_within(move |writing| drawn.suspend(writing)); // a log line must not tear them
        let (finished, done) = watch::channel(false);
        let journal: Arc<dyn Journal> = self.house.journal.clone();
        let printing = tokio::task::spawn_local(print::follow(journal, after, self.quiet, bars.clone(), done));

        let broadcasts: Vec<Broadcast> = sources.iter().map(|source| source.broadcast().clone()).collect();
        let channels: Vec<ChannelId> = broadcasts.iter().map(|broadcast| broadcast.channel.clone()).collect();
        let playing = async {
            let played = play(sources, wardens, stage, self.pace, self.clock, &bars).await?;
            anyhow::Ok((played, settle(&channels, wardens, SETTLE).await))
        };
        let played = tokio::select! {
            played = playing => played,
            () = asked => {
                // Who interrupts does not wait for stops under way: the next start takes them up.
                go_off_early(&broadcasts, wardens, stage).await;
                Err(Interrupted.into())
            }
        };
        if let Some(clock) = self.clock {
            clock.end();
        }
        let _ = finished.send(true); // the printer waits for nothing else
        let summary = printing.await.context("printing broke")?;
        let (played, settled) = played?;
        Ok(Ran { summary: summary?, played, settled })
    }
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
    fn say(&self, data: &Path) -> anyhow::Result<()> {
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
