//! Replays to the bus: what a replay job shows once more is put beside the live events, marked as replayed.
//!
//! A job has its own place, which moves behind what was answered for, so it never moves the live one; and its own turns,
//! a share of the bus's, so it never holds the live ones up. At most one page of a job is on its way at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::bus::Bus;
use super::courier::{Courier, Item};
use super::said::BusLetter;
use super::{Destination, Sending};
use crate::aws::{Crowded, Turns};
use crate::consumers::{ConsumerError, Consumers};
use crate::events::Recorded;
use crate::journal::Journal;
use crate::model::{Position, ReplayId};

/// Events of one job on their way at most.
const PAGE: usize = 100;
/// How often it is looked whether a paced job has something due.
const ROUND: Duration = Duration::from_millis(250);

/// Takes replay jobs to the bus, one after the other, page by page.
pub struct BusReplays {
    journal: Arc<dyn Journal>,
    consumers: Arc<Consumers>,
    bus: Arc<Shared>,
}

/// The bus as replays may use it.
struct Shared {
    bus: Arc<Bus>,
    turns: Turns,
}

impl Destination for Shared {
    type Letter = BusLetter;

    fn name(&self) -> &'static str {
        "eventbridge-replays"
    }

    fn letters_max(&self) -> usize {
        self.bus.letters_max()
    }

    fn bytes_max(&self) -> usize {
        self.bus.bytes_max()
    }

    fn letter(&self, _: &Recorded) -> Option<Self::Letter> {
        None // replays give what consumers made of the journal, never the journal's own events
    }

    fn send(&self, letters: Vec<Self::Letter>) -> Sending<'_> {
        Box::pin(async move {
            match self.turns.take().await {
                Ok(()) => self.bus.send(letters).await,
                Err(Crowded) => Err(Bus::crowded()),
            }
        })
    }
}

impl BusReplays {
    /// Replays to that bus.
    pub fn new(journal: Arc<dyn Journal>, consumers: Arc<Consumers>, bus: Arc<Bus>) -> Self {
        let turns = bus.replay_turns();
        Self { journal, consumers, bus: Arc::new(Shared { bus, turns }) }
    }

    /// Runs until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut changes = self.consumers.changes();
        while !*stop.borrow() {
            changes.borrow_and_update();
            let jobs = self.consumers.bus_replays();
            let mut got_on = false;
            for job in &jobs {
                match self.page(*job, &mut stop).await {
                    Ok(more) => got_on |= more,
                    // Called off meanwhile, or the journal cannot be read now: the next round tells.
                    Err(error) => tracing::debug!(replay = %job, "the replay does not go on: {error}"),
                }
            }
            if got_on {
                continue;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(ROUND), if !jobs.is_empty() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Delivers what is due of a job, one page of it. Says whether there was any. Given up when `stop` turns true: what
    /// was not answered for comes again at the next start.
    async fn page(&self, job: ReplayId, stop: &mut watch::Receiver<bool>) -> Result<bool, ConsumerError> {
        let consumers = self.consumers.clone();
        let pulled = tokio::task::spawn_blocking(move || consumers.pull_for_bus(job, PAGE)).await;
        let Ok(heard) = pulled else { return Ok(false) }; // a panic in it was reported
        let heard = heard?;
        let mut courier = Courier::new(self.journal.clone(), self.bus.clone(), Position(0));
        for event in &heard.entries {
            let envelope = event.envelope();
            let letter = self.bus.bus.replayed(event);
            courier.add(envelope.position, envelope.scope.clone(), Item { letter, event: envelope.id });
        }
        let reads = !heard.entries.is_empty();
        loop {
            courier.begin_calls();
            if !courier.is_calling() && courier.until_due().is_none() {
                break;
            }
            let pause = courier.until_due().unwrap_or(ROUND);
            tokio::select! {
                called = courier.called() => if called.is_err() { return Ok(false) },
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => return Ok(false),
            }
        }
        let consumers = self.consumers.clone();
        let noted = tokio::task::spawn_blocking(move || consumers.delivered_to_bus(job, &heard)).await;
        noted.unwrap_or(Ok(()))?; // a panic in it was reported
        Ok(reads)
    }
}
