//! Exports: every event of the stretch once, in pieces, with cells that no spreadsheet takes for a formula.

use std::sync::Arc;

use serde_json::Value;
use streamwarden::audit::AuditError;
use streamwarden::audit::export::{COLUMNS, EXPORT_SPAN_MAX, Export, Places, Wanted, plan};
use streamwarden::audit::search::Within;
use streamwarden::events::{Actor, EventType, ExportFormat, Filter, NewEvent, NotificationRejected};
use streamwarden::journal::{Append, Expected, Journal};
use streamwarden::model::{ChannelId, ContentRef, EventId, Position, Sha256};

use crate::stage::Stage;

fn text(export: Export, journal: &Arc<streamwarden::journal::MemoryJournal>) -> String {
    let pieces = export.pieces(journal.clone());
    let bytes: Vec<u8> = pieces.flat_map(|piece| piece.expect("memory is read")).collect();
    String::from_utf8(bytes).expect("it is text")
}

fn settled(stage: &Stage, filter: Filter, format: ExportFormat) -> Export {
    let (within, span) = (Within::Journal, EXPORT_SPAN_MAX);
    let wanted = Wanted { within, filter, format, after: None, span, said: "type=x" };
    plan(&*stage.journal, wanted).expect("memory is read")
}

#[test]
fn lines_of_json_hold_every_event_once_in_order() {
    let mut stage = Stage::new();
    stage.begin();
    for second in 0..400 {
        stage.take(f64::from(second) + 0.5);
    }
    let export = settled(&stage, Filter::default(), ExportFormat::Ndjson);
    let head = stage.journal.watermark().borrow().0;
    assert_eq!((export.next(), export.made().from, export.made().to), (None, Position(0), Position(head)));
    assert_eq!(u64::from(export.made().events_max), head);
    let text = text(export, &stage.journal);
    let positions: Vec<u64> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("a line of JSON")["position"].as_u64().expect("it has one")
        })
        .collect();
    assert_eq!(positions, (1..=head).collect::<Vec<_>>());
}

#[test]
fn rows_have_the_columns_and_what_matched() {
    let mut stage = Stage::new();
    stage.begin();
    let frame = stage.judge(1.0, &[("Alcohol", 90.0)]);
    let filter = Filter { types: vec![EventType::FrameAssessed, EventType::WarningRaised], ..Filter::default() };
    let text = text(settled(&stage, filter, ExportFormat::Csv), &stage.journal);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(COLUMNS.join(",").as_str()));
    let rows: Vec<&str> = lines.collect();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].contains(&frame.to_string()) && rows[0].contains(",stage@1,warn,"), "{}", rows[0]);
}

#[test]
fn nothing_that_matches_is_a_header_and_no_row() {
    let stage = Stage::new();
    let filter = Filter { types: vec![EventType::StoreOpened], ..Filter::default() };
    assert_eq!(text(settled(&stage, filter.clone(), ExportFormat::Csv), &stage.journal), COLUMNS.join(",") + "\n");
    assert_eq!(text(settled(&stage, filter, ExportFormat::Ndjson), &stage.journal), "");
}

#[test]
fn a_cell_that_would_begin_a_formula_does_not() {
    let stage = Stage::new();
    for (number, name) in ["=1+1", "@SUM", "+1", "-1", "plain"].into_iter().enumerate() {
        let copy = ContentRef { subject: "s".to_owned(), digest: Sha256([0; 32]), bytes: 1 };
        let rejected = NotificationRejected { source: "s".to_owned(), reason: "r\n=2".to_owned(), copy };
        let new = NewEvent {
            id: EventId::of_command("test", &[&[number as u8]]),
            event: rejected.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let scope = ChannelId::new(name).map(Into::into).expect("a sound name");
        stage.journal.append(Append { scope, expected: Expected::Any, events: vec![new] }).wait().expect("it is taken");
    }
    let filter = Filter { types: vec![EventType::NotificationRejected], ..Filter::default() };
    let text = text(settled(&stage, filter, ExportFormat::Csv), &stage.journal);
    let scopes: Vec<&str> = text.lines().skip(1).map(|row| row.split(',').nth(3).expect("a scope")).collect();
    assert_eq!(scopes, ["'=1+1", "'@SUM", "'+1", "'-1", "plain"]);
}

#[test]
fn an_export_reaches_over_so_many_places_and_another_goes_on() {
    let stage = Stage::new();
    let scope: streamwarden::model::Scope = ChannelId::new("much").expect("a sound name").into();
    let total = EXPORT_SPAN_MAX + 5;
    for number in 0..total {
        let head = streamwarden::events::StoreClosed { head: Position(u64::from(number)) };
        let new = NewEvent {
            id: EventId::of_command("test", &[&number.to_be_bytes()]),
            event: head.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let append = Append { scope: scope.clone(), expected: Expected::Any, events: vec![new] };
        stage.journal.append(append).wait().expect("it is taken");
    }
    let much = || Within::Channel(ChannelId::new("much").expect("a sound name"));
    let part = |after, span| {
        let (filter, format) = (Filter::default(), ExportFormat::Ndjson);
        plan(&*stage.journal, Wanted { within: much(), filter, format, after, span, said: "" })
    };
    let at = |after| part(after, u32::MAX);
    let first = at(None).expect("memory is read");
    let whole = Places { first: 1, to: u64::from(EXPORT_SPAN_MAX), last: u64::from(total) };
    assert_eq!(first.places(), whole, "no more than that, whatever is asked for");
    assert_eq!((first.next(), first.made().events_max), (Some(u64::from(EXPORT_SPAN_MAX)), EXPORT_SPAN_MAX));
    let second = at(first.next()).expect("memory is read");
    assert_eq!((second.next(), second.made().events_max), (None, 5));
    // What is recorded are positions, of which the policy's publication has the first.
    assert_eq!(second.made().from, Position(u64::from(EXPORT_SPAN_MAX) + 1));
    let last = u64::from(total);
    assert_eq!(
        second.places(),
        Places { first: u64::from(EXPORT_SPAN_MAX) + 1, to: last, last },
        "it says how far it is"
    );
    assert_eq!(text(second, &stage.journal).lines().count(), 5);
    // In parts of any size: together they are the whole, and nothing of it twice.
    let (mut after, mut lines) = (Some(last - 12), Vec::new());
    while after.is_some() {
        let export = part(after, 5).expect("memory is read");
        after = export.next();
        lines.extend(text(export, &stage.journal).lines().map(str::to_owned));
    }
    let mut told: Vec<&String> = lines.iter().collect();
    told.dedup();
    assert_eq!((lines.len(), told.len()), (12, 12));
    let refused = at(Some(u64::from(total) + 1));
    assert!(matches!(refused, Err(AuditError::Beyond { parameter: "after", .. })), "{refused:?}");
}
