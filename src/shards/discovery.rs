//! Which shards a stream has, found again and again; each that is due is read by a task of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::context::{Context, backoff};
use super::lineage::Lineage;
use super::place::{Beginning, ShardMark, StreamMark};
use super::shard::{Outcome, read_shard};
use super::{Start, Status};
use crate::aws::Failure;
use crate::aws::kinesis::{Shard, ShardId, StreamSummary};
use crate::journal::AppendError;
use crate::model::{Mark, MarkName};
use crate::telemetry::metrics;

/// "The newest" begins so much before the first start, in milliseconds, so that a clock that is ahead of Kinesis' names
/// no moment still to come.
const CLOCK_SKEW_MS: u64 = 5_000;
/// A shard whose reader ended before its shard did is left alone so long.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Why a look at the stream came to nothing.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Kinesis(#[from] Failure),
    #[error("where the stream's reading goes on could not be kept")]
    Journal(#[from] AppendError),
    /// Told to stop.
    #[error("reading the stream is being stopped")]
    Stopped,
}

/// Finds shards and has them read.
pub(super) struct Discovery {
    context: Arc<Context>,
    status: watch::Sender<Status>,
    stream: Option<StreamMark>,
    described_at: Option<Instant>,
    lineage: Lineage,
    tasks: JoinSet<Outcome>,
    shards: HashMap<Id, ShardId>,
    /// Tells the tasks that their stream is gone.
    leave: watch::Sender<bool>,
}

impl Discovery {
    pub fn new(context: Arc<Context>, status: watch::Sender<Status>) -> Self {
        Self {
            context,
            status,
            stream: None,
            described_at: None,
            lineage: Lineage::default(),
            tasks: JoinSet::new(),
            shards: HashMap::new(),
            leave: watch::Sender::new(false),
        }
    }

    /// Runs until it is told to stop, and until every shard has kept how far it is.
    pub async fn run(mut self) {
        let mut failures = 0;
        let every = Duration::from_secs(self.context.settings.discover_every_s);
        let context = self.context.clone();
        loop {
            let looked = self.look().await;
            let pause = match &looked {
                Ok(()) => every,
                Err(LookError::Stopped) => break,
                Err(error) => {
                    failures += 1;
                    let stream = &self.context.settings.stream;
                    tracing::error!(kinesis.stream = %stream, %error, "the stream's shards cannot be found out");
                    backoff(failures)
                }
            };
            if looked.is_ok() {
                failures = 0;
            }
            self.tell(looked.err());
            tokio::select! {
                () = self.rest(pause) => {}
                () = context.stopped() => break,
            }
        }
        while self.tasks.join_next().await.is_some() {}
        self.tell(None);
    }

    /// Waits until it is time to look again: the time is up, or a shard has ended, whose children are due.
    async fn rest(&mut self, pause: Duration) {
        let mut wake = Instant::now() + pause;
        loop {
            let joined = match self.tasks.is_empty() {
                true => {
                    tokio::time::sleep_until(wake).await;
                    return;
                }
                false => timeout_at(wake, self.tasks.join_next_with_id()).await,
            };
            match joined {
                Err(_) | Ok(None) => return,
                Ok(Some(joined)) => {
                    if self.joined(joined) {
                        return;
                    }
                    wake = wake.min(Instant::now() + RESTART_AFTER);
                }
            }
        }
    }

    /// Takes note of a task's end. True: its shard's children are due.
    fn joined(&mut self, joined: Result<(Id, Outcome), JoinError>) -> bool {
        let (id, outcome) = match joined {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => {
                tracing::error!(%error, "the reader of a shard broke; it begins again from its cursor");
                (error.id(), Outcome::Stopped)
            }
        };
        let Some(shard) = self.shards.remove(&id) else { return false };
        match outcome {
            Outcome::Ended => {
                tracing::info!(kinesis.shard = %shard, "a shard is read and settled to its end");
                self.lineage.ended(&shard);
                true
            }
            // The next listing says whether it is gone for good.
            Outcome::Gone | Outcome::Stopped => {
                self.lineage.interrupted(&shard);
                false
            }
        }
    }

    /// Looks what there is and begins with what is due.
    async fn look(&mut self) -> Result<(), LookError> {
        let context = self.context.clone();
        let every = Duration::from_secs(context.settings.discover_every_s);
        // Listed before it is described: what is described as the stream known was that one when it was listed.
        let mut listed = context.kinesis.list_shards(&context.settings.stream).await?;
        let stream = match (self.stream, self.described_at) {
            (Some(stream), Some(at)) if at.elapsed() < every => stream,
            (before, _) => {
                let summary = context.kinesis.describe(&context.settings.stream).await?;
                let kept_ms = u64::try_from(summary.retention.as_millis()).unwrap_or(u64::MAX);
                context.retention_ms.store(kept_ms, Ordering::Relaxed);
                let stream = self.recognize(&summary).await?;
                if before != Some(stream) {
                    listed = context.kinesis.list_shards(&context.settings.stream).await?;
                }
                self.described_at = Some(Instant::now());
                stream
            }
        };
        self.miss(&listed, stream).await?;
        for shard in self.lineage.begin(context.settings.shards_max) {
            let Some(name) = name_of(&context, &shard) else { continue };
            let mark = kept(&context, &name).and_then(|mark| read(&name, &mark, ShardMark::read));
            let reading_it = context.until_left(self.leave.subscribe());
            let reading = read_shard(reading_it, shard.clone(), name, mark, stream.beginning);
            self.shards.insert(self.tasks.spawn(reading).id(), shard);
        }
        let waiting = self.lineage.left_over();
        metrics().shards.waiting(waiting);
        if waiting > 0 {
            tracing::error!(
                kinesis.shards_waiting = waiting,
                "the stream has more shards than shards_max allows to be read at a time; the rest waits unread"
            );
        }
        Ok(())
    }

    /// Makes sure that the stream is the one whose cursors are kept.
    async fn recognize(&mut self, summary: &StreamSummary) -> Result<StreamMark, LookError> {
        let context = self.context.clone();
        let name = StreamMark::name(&context.settings.stream).expect("the settings were checked");
        let now = context.clock.now();
        let known = self.stream.or_else(|| kept(&context, &name).and_then(|mark| read(&name, &mark, StreamMark::read)));
        let stream = match known {
            Some(known) if known.created_at == summary.created_at => known,
            Some(known) => {
                self.leave(known, summary).await?;
                StreamMark { created_at: summary.created_at, begun_at: now, beginning: Beginning::Oldest }
            }
            None => {
                let beginning = match context.settings.start {
                    Start::TrimHorizon => Beginning::Oldest,
                    Start::Latest => Beginning::From(now.minus_ms(CLOCK_SKEW_MS)),
                    Start::At(time) => Beginning::From(time),
                };
                StreamMark { created_at: summary.created_at, begun_at: now, beginning }
            }
        };
        if known != Some(stream) {
            context.save(&name, Some(stream.to_mark())).await?;
        }
        if self.stream != Some(stream) {
            for (name, mark) in context.journal.marks(&ShardMark::prefix(&context.settings.stream)) {
                let shard = name.as_str().rsplit('/').next().and_then(ShardId::new);
                let (Some(shard), Some(mark)) = (shard, read(&name, &mark, ShardMark::read)) else { continue };
                self.lineage.remember(shard, matches!(mark, ShardMark::Ended { .. }));
            }
            self.stream = Some(stream);
        }
        Ok(stream)
    }

    /// Lets go of a stream that was deleted; another has its name now, and none of the cursors holds in it.
    async fn leave(&mut self, known: StreamMark, summary: &StreamSummary) -> Result<(), LookError> {
        let context = self.context.clone();
        let stream = &context.settings.stream;
        tracing::error!(kinesis.stream = %stream, "the stream was deleted and made again; it is read from its oldest record");
        // To their end, and not broken off: one that is just keeping its cursor would have it written after the cursors
        // are removed below, and the new stream would be read from the old one's place.
        self.leave.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.leave = watch::Sender::new(false);
        self.shards.clear();
        self.lineage = Lineage::default();
        let marks = context.journal.marks(&ShardMark::prefix(stream));
        let until = marks.iter().filter_map(|(_, mark)| ShardMark::read(mark)).map(|mark| mark.until()).min();
        let from = until.unwrap_or(known.begun_at);
        if !context.note_gap("", from, summary.created_at.max(from)).await {
            return Err(LookError::Stopped);
        }
        for (name, _) in marks {
            context.save(&name, None).await?;
        }
        Ok(())
    }

    /// Takes in a listing: says what is missing, and forgets what has been read and has expired.
    async fn miss(&mut self, listed: &[Shard], stream: StreamMark) -> Result<(), LookError> {
        let context = self.context.clone();
        let vanished = self.lineage.listed(listed);
        let now = context.clock.now();
        for shard in &vanished.unread {
            let Some(name) = name_of(&context, shard) else { continue };
            let mark = kept(&context, &name).and_then(|mark| read(&name, &mark, ShardMark::read));
            let until = mark.map_or(stream.begun_at, |mark| mark.until());
            let (from, to) = context.gap(until).unwrap_or((until, now.max(until)));
            if !context.note_gap(shard.as_str(), from, to).await {
                return Err(LookError::Stopped);
            }
        }
        for shard in &vanished.never_seen {
            // One that ended before the stream was first read is none of ours.
            let Some((from, to)) = context.gap(stream.begun_at) else { continue };
            if !context.note_gap(shard.as_str(), from, to).await {
                return Err(LookError::Stopped);
            }
        }
        for (name, _) in context.journal.marks(&ShardMark::prefix(&context.settings.stream)) {
            let shard = name.as_str().rsplit('/').next().and_then(ShardId::new);
            let Some(shard) = shard else { continue };
            let reading = self.shards.values().any(|other| *other == shard);
            if !reading && !listed.iter().any(|other| other.id == shard) {
                context.save(&name, None).await?;
            }
        }
        Ok(())
    }

    fn tell(&self, failure: Option<LookError>) {
        self.status.send_replace(Status {
            reading: self.lineage.reading(),
            waiting: self.lineage.left_over(),
            failure: failure.map(|failure| failure.to_string()),
        });
    }
}

fn name_of(context: &Context, shard: &ShardId) -> Option<MarkName> {
    let name = ShardMark::name(&context.settings.stream, shard);
    name.inspect_err(|error| tracing::error!(kinesis.shard = %shard, %error, "the shard cannot be read")).ok()
}

fn kept(context: &Context, name: &MarkName) -> Option<Mark> {
    context.journal.marks(name.as_str()).into_iter().find(|(other, _)| other == name).map(|(_, mark)| mark)
}

/// Reads a mark. One that nobody could have written says nothing: what it stood for begins anew, loudly.
fn read<T>(name: &MarkName, mark: &Mark, how: impl Fn(&Mark) -> Option<T>) -> Option<T> {
    let read = how(mark);
    if read.is_none() {
        tracing::error!(mark.name = %name, mark.text = %mark, "a mark cannot be read; reading begins anew");
    }
    read
}
