//! Many events in one answer, as lines of JSON or as comma-separated rows, in pieces of bounded size.
//!
//! How far an export reaches is settled before its first byte, so that it can be recorded first: at most
//! [`EXPORT_SPAN_MAX`] places of its list, whatever the filter passes. Who wants more goes on behind its last place: so a
//! reader that is cut off has lost one part and not the whole, and knows from [`Export::places`] how far it is.

use std::sync::Arc;

use serde_json::Value;

use crate::events::{EventView, ExportFormat, ExportMade, ExportOf, Filter};
use crate::journal::{Journal, ReadError};
use crate::model::Position;

use super::AuditError;
use super::search::{List, Span, Within, matching};

/// The most places one export reaches over, and so the most events it holds.
pub const EXPORT_SPAN_MAX: u32 = 100_000;
/// Events read for one piece; a piece has some hundred kilobytes at most.
const PIECE_EVENTS: u64 = 250;
/// The most bytes of the filter's text that the record of an export holds.
const FILTER_BYTES_MAX: usize = 300;

/// The columns of a row. They stay: a new one is added at the end.
pub const COLUMNS: [&str; 19] = [
    "position",
    "recorded_at",
    "captured_at",
    "scope",
    "sequence",
    "type",
    "schema_version",
    "id",
    "actor",
    "causation",
    "correlation",
    "epoch",
    "frame",
    "session",
    "policy",
    "verdict",
    "rule",
    "warning",
    "payload",
];

/// An export, settled and not yet read.
#[derive(Debug, Clone)]
pub struct Export {
    within: Within,
    filter: Filter,
    format: ExportFormat,
    after: u64,
    to: u64,
    last: u64,
    made: ExportMade,
}

/// Which export is wanted.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Of which list.
    pub within: Within,
    /// Which of its events.
    pub filter: Filter,
    /// In which form.
    pub format: ExportFormat,
    /// Only what comes after this place.
    pub after: Option<u64>,
    /// The most places it reaches over; more than [`EXPORT_SPAN_MAX`] counts as that.
    pub span: u32,
    /// The filter as its caller wrote it.
    pub said: &'a str,
}

/// Which places of its list an export reaches over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The first.
    pub first: u64,
    /// The last; before the first if there is none.
    pub to: u64,
    /// The last that all of the exports together reach which go on where this one ends, as far as the list goes now.
    pub last: u64,
}

/// Settles how far an export reaches.
pub fn plan(journal: &dyn Journal, wanted: Wanted<'_>) -> Result<Export, AuditError> {
    let Wanted { within, filter, format, after, span, said } = wanted;
    let list = List::of(journal, &within);
    let after = match after {
        Some(given) if given > list.head => {
            return Err(AuditError::Beyond { parameter: "after", given, last: list.head });
        }
        after => after.unwrap_or(0),
    };
    let Span { first, last } = list.span(&filter)?;
    let after = after.max(first.saturating_sub(1)).min(list.head);
    let last = last.max(after);
    let to = last.min(after + u64::from(span.clamp(1, EXPORT_SPAN_MAX)));
    let made = ExportMade {
        what: match &within {
            Within::Journal => ExportOf::Journal,
            Within::Channel(channel) => ExportOf::Channel(channel.clone()),
        },
        format,
        filter: shortened(said),
        from: position_of(&list, after)?,
        to: position_of(&list, to)?,
        events_max: u32::try_from(to - after).unwrap_or(EXPORT_SPAN_MAX),
    };
    Ok(Export { within, filter, format, after, to, last, made })
}

impl Export {
    /// What is recorded of it, before its first byte leaves.
    pub fn made(&self) -> &ExportMade {
        &self.made
    }

    /// Where another export goes on; none if this one reaches the end of its list.
    pub fn next(&self) -> Option<u64> {
        (self.to < self.last).then_some(self.to)
    }

    /// How far it reaches.
    pub fn places(&self) -> Places {
        Places { first: self.after + 1, to: self.to, last: self.last }
    }

    /// Its pieces in order, each read when it is asked for. A piece may be empty; a failure ends them.
    pub fn pieces(self, journal: Arc<dyn Journal>) -> Pieces {
        Pieces { journal, at: Some(self.after), export: self, begun: false }
    }
}

/// An export's bytes, piece by piece. Each step blocks on the disk.
pub struct Pieces {
    journal: Arc<dyn Journal>,
    export: Export,
    /// The last place read; none when there is no more.
    at: Option<u64>,
    begun: bool,
}

impl Iterator for Pieces {
    type Item = Result<Vec<u8>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at?;
        let has_header = self.export.format == ExportFormat::Csv && !self.begun;
        self.begun = true;
        let events = if at < self.export.to { self.read(at) } else { Ok(Vec::new()) };
        let events = match events {
            Ok(events) => events,
            Err(error) => {
                self.at = None;
                return Some(Err(error));
            }
        };
        if self.at.is_none() && events.is_empty() && !has_header {
            return None;
        }
        Some(Ok(match self.export.format {
            ExportFormat::Ndjson => lines(&events),
            ExportFormat::Csv => rows(&events, has_header),
        }))
    }
}

impl Pieces {
    fn read(&mut self, at: u64) -> Result<Vec<EventView>, ReadError> {
        let list = List::of(&*self.journal, &self.export.within);
        let events = list.read(at, PIECE_EVENTS.min(self.export.to - at))?;
        self.at = events.last().map(|last| list.place(last)).filter(|last| *last < self.export.to);
        let within = events.into_iter().filter(|recorded| list.place(recorded) <= self.export.to);
        Ok(within.filter_map(|recorded| matching(&self.export.filter, recorded)).collect())
    }
}

/// The position of the event at a place of the list; 0 for the place before the first.
fn position_of(list: &List<'_>, place: u64) -> Result<Position, ReadError> {
    if place == 0 {
        return Ok(Position(0));
    }
    let there = list.read(place - 1, 1)?;
    Ok(there.first().map_or(Position(0), |recorded| recorded.envelope.position))
}

fn shortened(said: &str) -> String {
    let cut = (0..=said.len().min(FILTER_BYTES_MAX)).rev().find(|at| said.is_char_boundary(*at)).unwrap_or(0);
    said[..cut].to_owned()
}

fn lines(events: &[EventView]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(events.len() * 512);
    for event in events {
        // Writing to memory fails only if an event cannot be JSON, which its schema rules out; a gap would be silent.
        serde_json::to_writer(&mut bytes, event).expect("every event is JSON");
        bytes.push(b'\n');
    }
    bytes
}

fn rows(events: &[EventView], has_header: bool) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::with_capacity(events.len() * 512));
    if has_header {
        writer.write_record(COLUMNS).expect("memory takes what is written");
    }
    for event in events {
        writer.write_record(row(event).map(harmless)).expect("every row has as many cells as there are columns");
    }
    writer.into_inner().expect("memory takes what is written")
}

fn row(event: &EventView) -> [String; COLUMNS.len()] {
    let envelope = event.envelope();
    let shown = serde_json::to_value(event).expect("every event is JSON");
    let payload = &shown["payload"];
    let named = |field: &str| text(&payload[field]);
    let id = |id: Option<crate::model::EventId>| id.map_or(String::new(), |id| id.to_string());
    [
        envelope.position.to_string(),
        envelope.recorded_at.to_string(),
        envelope.captured_at.map_or(String::new(), |at| at.to_string()),
        envelope.scope.to_string(),
        envelope.sequence.to_string(),
        envelope.event_type.clone(),
        envelope.schema_version.to_string(),
        envelope.id.to_string(),
        envelope.actor.to_string(),
        id(envelope.causation),
        id(envelope.correlation),
        envelope.epoch.to_string(),
        named("frame"),
        named("session"),
        named("policy"),
        named("verdict"),
        named("rule"),
        named("warning"),
        payload.to_string(),
    ]
}

/// A payload's field as a cell: a word as it is, a policy version as `id@version`, nothing else.
fn text(field: &Value) -> String {
    match (field, &field["id"], &field["version"]) {
        (Value::String(word), _, _) => word.clone(),
        (_, Value::String(id), Value::Number(version)) => format!("{id}@{version}"),
        _ => String::new(),
    }
}

/// A cell that no spreadsheet takes for a formula: one that would begin one gets an apostrophe before it.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}
