//! What a journal holds, counted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::events::Recorded;
use crate::journal::{ChainValue, Inspection, Manifest};
use crate::model::{ConsumerName, Position, Scope, Timestamp};

/// Scopes that the printed form lists.
const SCOPES_SHOWN: usize = 10;

/// Counts over a whole journal.
pub(super) struct Stats {
    store: [u8; 16],
    head: Position,
    chain: ChainValue,
    clean: bool,
    manifest: Manifest,
    consumers: Vec<(ConsumerName, Position)>,
    /// Bytes of all files of the data directory.
    pub(super) disk_bytes: u64,
    events: u64,
    payload_bytes: u64,
    recorded: Option<(Timestamp, Timestamp)>,
    types: BTreeMap<String, u64>,
    scopes: BTreeMap<Scope, u64>,
}

impl Stats {
    /// What is known without reading the events.
    pub(super) fn of(journal: &Inspection) -> Self {
        Self {
            store: journal.store_id(),
            head: journal.head(),
            chain: journal.chain(),
            clean: journal.is_clean(),
            manifest: journal.manifest().clone(),
            consumers: journal.cursors(),
            disk_bytes: 0,
            events: 0,
            payload_bytes: 0,
            recorded: None,
            types: BTreeMap::new(),
            scopes: BTreeMap::new(),
        }
    }

    /// Counts one event; they come in order.
    pub(super) fn count(&mut self, event: &Recorded) {
        let at = event.envelope.recorded_at;
        self.events += 1;
        self.payload_bytes += event.payload.len() as u64;
        self.recorded = Some((self.recorded.map_or(at, |(first, _)| first), at));
        *self.types.entry(event.envelope.event_type.clone()).or_default() += 1;
        *self.scopes.entry(event.envelope.scope.clone()).or_default() += 1;
    }

    /// Everything, all scopes included.
    pub(super) fn to_json(&self) -> Value {
        let consumers: BTreeMap<String, Position> =
            self.consumers.iter().map(|(name, at)| (name.to_string(), *at)).collect();
        let scopes: BTreeMap<String, u64> = self.scopes.iter().map(|(scope, n)| (scope.to_string(), *n)).collect();
        json!({
            "store": hex(&self.store),
            "head": self.head,
            "chain": self.chain,
            "clean": self.clean,
            "events": self.events,
            "payload_bytes": self.payload_bytes,
            "disk_bytes": self.disk_bytes,
            "recorded_first": self.recorded.map(|(first, _)| first),
            "recorded_last": self.recorded.map(|(_, last)| last),
            "segments": self.manifest,
            "consumers": consumers,
            "types": self.types,
            "scopes": scopes,
        })
    }

    /// The readable form.
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { manifest, events, .. } = self;
        writeln!(out, "store      {}", hex(&self.store))?;
        writeln!(out, "head       position {}, chain {}", self.head, self.chain)?;
        writeln!(out, "closed     {}", if self.clean { "in order" } else { "not in order by its last writer" })?;
        let each = |bytes: u64| bytes / (*events).max(1);
        writeln!(
            out,
            "events     {events}; {} bytes of payload and {} bytes on disk each",
            each(self.payload_bytes),
            each(self.disk_bytes)
        )?;
        if let Some((first, last)) = self.recorded {
            writeln!(out, "recorded   {first} to {last}")?;
        }
        let archived = manifest.sealed.iter().filter(|sealed| sealed.archived.is_some()).count();
        writeln!(
            out,
            "segments   {} sealed ({archived} archived), {} full, 1 hot",
            manifest.sealed.len(),
            manifest.retired.len()
        )?;
        for loss in &manifest.losses {
            writeln!(out, "lost       positions {} to {}, accepted", loss.from, loss.to)?;
        }
        for (consumer, at) in &self.consumers {
            writeln!(out, "consumer   {consumer} at {at}, {} behind", self.head.0.saturating_sub(at.0))?;
        }
        writeln!(out, "\nby type")?;
        for (name, count) in by_count(&self.types) {
            writeln!(out, "  {count:>10}  {:>5.1} %  {name}", *count as f64 * 100.0 / (*events).max(1) as f64)?;
        }
        writeln!(out, "\nbusiest of {} scopes", self.scopes.len())?;
        for (scope, count) in by_count(&self.scopes).into_iter().take(SCOPES_SHOWN) {
            writeln!(out, "  {count:>10}  {scope}")?;
        }
        Ok(())
    }
}

fn by_count<K>(counts: &BTreeMap<K, u64>) -> Vec<(&K, &u64)> {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    sorted
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
