//! Playing recorded pictures as if they were live: each source is a channel that goes on the air, shows its frames and
//! goes off. The frames are real; that they happen now is not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use crate::actors::Wardens;
use crate::clock::{Clock, FootageClock, SystemClock};
use crate::control::RehearsalControl;
use crate::intake::{Broadcast, Source};
use crate::model::{ChannelId, Frame, Timestamp};
use crate::warden::Command;

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Pace {
    /// One second of footage in one second.
    Live,
    /// As fast as the wardens take them: each channel waits for the outcome of its frame before it shows the next.
    Fast,
}

/// Footage that is played fast may fall so far behind the wall clock; further behind, on a machine that is slower than the
/// film, it pauses in its own time too. People and platforms act by the wall clock: a stop that the footage asks for would
/// be too old for them before it is begun.
const BEHIND_MAX_MS: u64 = 20_000;

/// What came of playing.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Played {
    /// Frames shown.
    pub(super) frames: u64,
    /// Frames that got no outcome, because the journal refused them.
    pub(super) refused: u64,
    /// Sources that broke off.
    pub(super) broke: u64,
    /// Frames not shown because the channel had been stopped.
    pub(super) stopped: u64,
}

impl Played {
    fn add(&mut self, other: Self) {
        self.frames += other.frames;
        self.refused += other.refused;
        self.broke += other.broke;
        self.stopped += other.stopped;
    }
}

/// A channel on the air.
struct OnAir {
    source: Source,
    bar: ProgressBar,
    played: Played,
}

/// Plays every source to its end.
pub(super) async fn play(
    sources: Vec<Source>,
    wardens: &Wardens,
    stage: &Arc<RehearsalControl>,
    pace: Pace,
    clock: Option<&Arc<FootageClock>>,
    bars: &MultiProgress,
) -> anyhow::Result<Played> {
    let mut on_air = Vec::with_capacity(sources.len());
    for source in sources {
        let broadcast = source.broadcast();
        stage.go_live(&broadcast.channel, &broadcast.session);
        let bar = bars.add(bar(&source));
        on_air.push(OnAir { source, bar, played: Played::default() });
    }
    match (pace, clock) {
        (Pace::Fast, Some(clock)) => fast(on_air, wardens, stage, clock).await,
        _ => {
            let mut tasks = Vec::with_capacity(on_air.len());
            for channel in on_air {
                let (wardens, stage) = (wardens.clone(), stage.clone());
                tasks.push(tokio::task::spawn_local(live(channel, wardens, stage)));
            }
            let mut played = Played::default();
            for task in tasks {
                played.add(task.await.context("a player broke")??);
            }
            Ok(played)
        }
    }
}

fn bar(source: &Source) -> ProgressBar {
    let style = "{prefix:>24.dim} {bar:24} {pos:>5}/{len:<5} {elapsed_precise} {msg}";
    let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(source.frames_expected().unwrap_or(0)).with_style(style);
    bar.with_prefix(source.broadcast().channel.to_string())
}

/// One channel, in real time.
async fn live(mut channel: OnAir, wardens: Wardens, stage: Arc<RehearsalControl>) -> anyhow::Result<Played> {
    let begun = Instant::now();
    let mut first: Option<Timestamp> = None;
    let mut offers: JoinSet<bool> = JoinSet::new();
    while let Some(frame) = channel.next().await {
        match first {
            Some(first) => {
                let due = Duration::from_millis(frame.captured_at.ms_since(first));
                tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
            }
            None => {
                first = Some(frame.captured_at);
                channel.announce(&wardens, frame.captured_at).await?;
            }
        }
        if !channel.is_live(&stage) {
            break;
        }
        channel.played.frames += 1;
        channel.bar.inc(1);
        let wardens = wardens.clone();
        // Not waited for: a live channel does not wait either. Its warden keeps one frame under way and one in line.
        offers.spawn_local(async move { wardens.offer(frame).await.is_ok() });
        while let Some(Ok(accepted)) = offers.try_join_next() {
            channel.played.refused += u64::from(!accepted);
        }
    }
    while let Some(offer) = offers.join_next().await {
        channel.played.refused += u64::from(!offer.unwrap_or(false));
    }
    channel.go_off(&wardens, &stage).await?;
    Ok(channel.played)
}

/// All channels by the footage's own time: in each round every channel shows the frame that is due and waits for its
/// outcome. The clock by which frames are judged follows the footage.
async fn fast(
    mut channels: Vec<OnAir>,
    wardens: &Wardens,
    stage: &Arc<RehearsalControl>,
    clock: &Arc<FootageClock>,
) -> anyhow::Result<Played> {
    let mut due: Vec<Option<Frame>> = Vec::with_capacity(channels.len());
    for channel in &mut channels {
        let frame = channel.next().await;
        if let Some(frame) = &frame {
            clock.set(frame.captured_at.max(clock.now()));
            channel.announce(wardens, frame.captured_at).await?;
        }
        due.push(frame);
    }
    let mut paused_ms = 0;
    while let Some(now) = due.iter().flatten().map(|frame| frame.captured_at).min() {
        let behind_ms = SystemClock.now().ms_since(now.plus_ms(paused_ms));
        if behind_ms > BEHIND_MAX_MS {
            paused_ms += behind_ms;
        }
        clock.set(now.plus_ms(paused_ms).max(clock.now()));
        let mut offers: JoinSet<(usize, bool)> = JoinSet::new();
        for (at, slot) in due.iter_mut().enumerate() {
            if slot.as_ref().is_none_or(|frame| frame.captured_at > now) {
                continue;
            }
            if !channels[at].is_live(stage) {
                channels[at].played.stopped += 1;
                *slot = None;
                continue;
            }
            if let Some(mut frame) = slot.take() {
                frame.captured_at = frame.captured_at.plus_ms(paused_ms);
                let wardens = wardens.clone();
                offers.spawn_local(async move { (at, wardens.offer(frame).await.is_ok()) });
            }
        }
        while let Some(offer) = offers.join_next().await {
            let (at, accepted) = offer.context("a player broke")?;
            let channel = &mut channels[at];
            channel.played.frames += 1;
            channel.played.refused += u64::from(!accepted);
            channel.bar.inc(1);
            due[at] = channel.next().await;
        }
    }
    let mut played = Played::default();
    for mut channel in channels {
        channel.go_off(wardens, stage).await?;
        played.add(channel.played);
    }
    Ok(played)
}

impl OnAir {
    /// The next frame; none at the end, or where the source breaks off, which is said.
    async fn next(&mut self) -> Option<Frame> {
        match self.source.next().await? {
            Ok(frame) => Some(frame),
            Err(error) => {
                self.played.broke += 1;
                let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
                self.bar.suspend(|| eprintln!("error: {}: {error}{hint}", self.source.broadcast().channel));
                None
            }
        }
    }

    async fn announce(&self, wardens: &Wardens, at: Timestamp) -> anyhow::Result<()> {
        let broadcast = self.source.broadcast();
        let command = Command::StartSession { session: broadcast.session.clone(), at };
        wardens.command(&broadcast.channel, command).await.context("announcing a session")?;
        Ok(())
    }

    fn is_live(&self, stage: &RehearsalControl) -> bool {
        let broadcast = self.source.broadcast();
        stage.is_live(&broadcast.channel, &broadcast.session)
    }

    async fn go_off(&mut self, wardens: &Wardens, stage: &RehearsalControl) -> anyhow::Result<()> {
        let broadcast = self.source.broadcast().clone();
        if self.is_live(stage) {
            stage.go_dark(&broadcast.channel);
            let command = Command::EndSession { session: broadcast.session };
            wardens.command(&broadcast.channel, command).await.context("announcing the end of a session")?;
            self.bar.finish_with_message("over");
        } else {
            self.bar.abandon_with_message("STOPPED");
        }
        Ok(())
    }
}

/// Takes every channel that is still on the air off it, where playing was broken off.
pub(super) async fn go_off_early(broadcasts: &[Broadcast], wardens: &Wardens, stage: &RehearsalControl) {
    for Broadcast { channel, session } in broadcasts {
        if !stage.is_live(channel, session) {
            continue;
        }
        stage.go_dark(channel);
        let ended = wardens.command(channel, Command::EndSession { session: session.clone() }).await;
        if let Err(error) = ended {
            tracing::warn!(%channel, "the end of its session was not recorded: {error}");
        }
    }
}

/// Waits until no enforcement of these channels is under way any more, at most `patience`.
pub(super) async fn settle(channels: &[ChannelId], wardens: &Wardens, patience: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        let mut settled = true;
        for channel in channels {
            let state = wardens.inspect(channel).await;
            settled &= state.is_none_or(|state| state.enforcements.is_empty());
        }
        if settled {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}
