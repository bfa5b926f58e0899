//! One commit in the making: which of the queued appends are taken, at which places, with which hashes.

use std::collections::HashMap;
use std::time::Instant;

use tokio::sync::oneshot;

use super::chunk;
use super::segments::Segments;
use crate::events::Recorded;
use crate::journal::admission::{self, Admission, Prepared, Stored};
use crate::journal::{AppendError, Appended, ChainValue, ReadError, StoredRecord};
use crate::model::{ConsumerName, Epoch, EventId, Mark, MarkName, Position, Scope, Sequence, Timestamp};
use crate::telemetry::metrics;

/// Where the answer to a request goes, and since when it is waited for.
pub(super) struct Settle {
    answer: oneshot::Sender<Result<Appended, AppendError>>,
    queued: Instant,
}

impl Settle {
    /// The request is queued now.
    pub fn queued(answer: oneshot::Sender<Result<Appended, AppendError>>) -> Self {
        Self { answer, queued: Instant::now() }
    }

    /// Answers. Whoever stopped waiting needs none.
    pub fn send(self, result: Result<Appended, AppendError>) {
        metrics().journal.appended(self.queued.elapsed());
        if let Err(refused) = &result {
            metrics().journal.refused(refused.name());
        }
        let _ = self.answer.send(result);
    }
}

/// Where the journal stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub position: Position,
    pub chain: ChainValue,
    pub epoch: Epoch,
    pub recorded_at: Timestamp,
}

/// Events, cursors and marks that will become durable together.
pub(super) struct Batch<'a> {
    segments: &'a Segments,
    before: ChainValue,
    pub standing: Standing,
    pub records: Vec<StoredRecord>,
    /// What the next appends of this batch must know of its events.
    events: HashMap<EventId, Recorded>,
    sequences: HashMap<Scope, Sequence>,
    /// Id and scope of each record, in order.
    pub index: Vec<(EventId, Scope)>,
    pub cursors: Vec<(ConsumerName, Position)>,
    pub marks: Vec<(MarkName, Option<Mark>)>,
}

impl Stored for Batch<'_> {
    fn last_sequence(&self, scope: &Scope) -> Sequence {
        let stored = || self.segments.hot.index().last_sequence(scope).unwrap_or_default();
        self.sequences.get(scope).copied().unwrap_or_else(stored)
    }

    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        match self.events.get(&id) {
            Some(event) => Ok(Some(event.clone())),
            None => self.segments.find(id, Position(u64::MAX)),
        }
    }
}

impl<'a> Batch<'a> {
    /// A batch after `standing`, recorded at `now` or, should the clock have run backwards, at the latest time so far.
    pub fn new(segments: &'a Segments, standing: Standing, now: Timestamp) -> Self {
        let standing = Standing { recorded_at: now.max(standing.recorded_at), ..standing };
        Self {
            segments,
            before: standing.chain,
            standing,
            records: Vec::new(),
            events: HashMap::new(),
            sequences: HashMap::new(),
            index: Vec::new(),
            cursors: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// Takes an append or refuses it; a refusal leaves no trace and does not concern its neighbours.
    pub fn add(&mut self, prepared: Prepared) -> Result<Appended, AppendError> {
        if let Admission::Repeated(first) = admission::admit(&prepared, self)? {
            return Ok(Appended::Repeated { first });
        }
        let first = self.standing.position.next();
        let mut last_sequence = self.last_sequence(&prepared.scope);
        // encoded before anything of this batch changes, so that a failure is this append's alone
        let mut placed = Vec::with_capacity(prepared.events.len());
        for (offset, mut event) in (0..).zip(prepared.events) {
            last_sequence = last_sequence.next();
            event.envelope.position = Position(first.0 + offset);
            event.envelope.sequence = last_sequence;
            event.envelope.recorded_at = self.standing.recorded_at;
            event.envelope.epoch = self.standing.epoch;
            let bytes = event.to_bytes().map_err(|error| AppendError::Unfit(error.to_string()))?;
            placed.push((event, bytes));
        }
        for (event, bytes) in placed {
            self.standing.position = event.envelope.position;
            self.standing.chain = self.standing.chain.after(&bytes);
            self.records.push(StoredRecord { position: self.standing.position, bytes, chain: self.standing.chain });
            self.index.push((event.envelope.id, prepared.scope.clone()));
            self.events.insert(event.envelope.id, event);
        }
        self.sequences.insert(prepared.scope, last_sequence);
        Ok(Appended::New { first, last_sequence, recorded_at: self.standing.recorded_at })
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.cursors.is_empty() && self.marks.is_empty()
    }

    /// Everything as one batch of sled's, and the scopes it registers.
    pub fn to_sled(&self, store: [u8; 16]) -> (sled::Batch, Vec<Scope>) {
        let hot = &self.segments.hot;
        let index = hot.index();
        let mut batch = sled::Batch::default();
        for (first, bytes) in chunk::log_chunks(self.before, &self.records) {
            batch.insert(&chunk::log_key(first), bytes);
        }
        let mut fresh: Vec<Scope> = Vec::new();
        let mut numbers: HashMap<&Scope, u32> = HashMap::new();
        let entries: Vec<(EventId, u32)> = self
            .index
            .iter()
            .map(|(id, scope)| {
                let number = *numbers.entry(scope).or_insert_with(|| {
                    index.number(scope).unwrap_or_else(|| {
                        fresh.push(scope.clone());
                        index.scopes() + fresh.len() as u32 - 1
                    })
                });
                (*id, number)
            })
            .collect();
        if let Some(first) = self.records.first() {
            for (first, bytes) in chunk::index_chunks(first.position, &entries) {
                batch.insert(&chunk::index_key(first), bytes);
            }
        }
        let registered: Vec<_> = fresh.iter().map(|scope| (scope.clone(), Sequence(0))).collect();
        for (first, bytes) in chunk::scope_chunks(index.scopes(), &registered) {
            batch.insert(&chunk::scope_key(first), bytes);
        }
        for (consumer, position) in &self.cursors {
            batch.insert(chunk::cursor_key(consumer.as_str()), &position.0.to_be_bytes());
        }
        for (name, mark) in &self.marks {
            let key = chunk::mark_key(name.as_str());
            match mark {
                Some(mark) => batch.insert(key, mark.as_str()),
                None => batch.remove(key),
            }
        }
        let head = chunk::Head {
            store,
            first: hot.first,
            chain_before: hot.chain_before,
            position: self.standing.position,
            chain: self.standing.chain,
            epoch: self.standing.epoch,
            recorded_at: self.standing.recorded_at,
        };
        batch.insert(chunk::HEAD_KEY, head.to_bytes());
        (batch, fresh)
    }
}
