//! One run over many channels: whatever the threads, the same bytes; and called off, nothing.

use std::sync::Arc;

use streamwarden::clock::ManualClock;
use streamwarden::journal::{Append, Expected, Journal, MemoryJournal};
use streamwarden::laboratory::{self, LaboratoryError, Progress, Question, stretch};
use streamwarden::model::{ChannelId, ChannelPattern, EventId, Position, Scope};

use crate::lines::moment;
use crate::recorder::{Recorder, at, broadcast, found, only_d, prices, question};
use crate::wanted::policy;

/// The history of one channel as that of many, event by event in turn.
fn many(recorder: &Recorder, channels: usize) -> MemoryJournal {
    let clock = Arc::new(ManualClock::at(moment(0.0)));
    let journal = MemoryJournal::new(Arc::<ManualClock>::clone(&clock));
    for (number, recorded) in recorder.events().iter().enumerate() {
        clock.set(recorded.envelope.recorded_at);
        for channel in 0..channels {
            // Each channel leaves out one event of its own, so that no two are the same.
            if number > 2 && number % (channel + 7) == 0 {
                continue;
            }
            let name = ChannelId::new(format!("stage-{channel}")).expect("a sound name");
            let event = streamwarden::events::NewEvent {
                id: EventId::of_command("copy", &[recorded.envelope.id.as_bytes(), &channel.to_be_bytes()]),
                event: recorded.event().expect("a known event"),
                captured_at: recorded.envelope.captured_at,
                actor: recorded.envelope.actor.clone(),
                causation: None,
                correlation: None,
            };
            let append = Append { scope: Scope::Channel(name), expected: Expected::Any, events: vec![event] };
            journal.append(append).wait().expect("memory has room");
        }
    }
    journal
}

fn history() -> Recorder {
    let frames: Vec<_> =
        (1..60).map(|second| at(f64::from(second), &[(second as u8 % 5, 60_000 + (second * 7919) % 40_000)])).collect();
    let mut recorder = broadcast(policy(1), &frames);
    let warning = recorder.warning_of("d");
    recorder.answers(moment(61.0), warning, true);
    recorder
}

fn bytes(journal: &MemoryJournal, question: &Question) -> String {
    let found = found(journal, question);
    serde_json::to_string_pretty(&found.report(&prices())).expect("a report is JSON")
}

#[test]
fn the_report_is_the_same_to_the_byte_with_one_thread_and_with_many() {
    let journal = many(&history(), 23);
    let one = bytes(&journal, &question(only_d(80.0)));
    for threads in [1, 2, 3, 16] {
        assert_eq!(bytes(&journal, &Question { threads, ..question(only_d(80.0)) }), one, "{threads} threads");
    }
    let report: laboratory::Report = serde_json::from_str(&one).expect("it reads what it wrote");
    assert!(report.channels == 23 && report.differing > 50, "it is about something: {one}");
}

#[test]
fn a_run_that_is_called_off_has_no_result() {
    let journal = many(&history(), 3);
    let progress = Progress::default();
    progress.cancel();
    let whole = stretch(&journal, None, None).expect("memory can be read");
    let run = laboratory::run(&journal, &question(only_d(80.0)), whole, &|_| None, &progress);
    assert!(matches!(run, Err(LaboratoryError::Cancelled { after: Position(0) })), "{run:?}");
}

#[test]
fn channels_that_no_pattern_holds_and_those_beyond_the_most_are_left_out_and_the_latter_counted() {
    let journal = many(&history(), 5);
    let only =
        Question { channels: vec![ChannelPattern::new("stage-3").expect("a sound pattern")], ..question(only_d(80.0)) };
    let report = found(&journal, &only).report(&prices());
    assert_eq!((report.channels, report.left_out), (1, 0));
    let few = Question { channels_max: 2, ..question(only_d(80.0)) };
    let report = found(&journal, &few).report(&prices());
    assert_eq!(report.channels, 2);
    assert!(report.left_out > 100, "{}", report.left_out);
}

#[test]
fn a_stretch_holds_what_was_recorded_from_one_moment_up_to_another() {
    let journal = many(&history(), 2);
    let part = stretch(&journal, Some(moment(10.0)), Some(moment(20.0))).expect("memory can be read");
    let run = laboratory::run(&journal, &question(only_d(80.0)), part, &|_| None, &Progress::default());
    let found = run.expect("it runs to its end");
    assert!(found.recorded_from >= Some(moment(10.0)) && found.recorded_to < Some(moment(20.0)));
    assert!(found.frames > 0);
    let report = found.report(&prices());
    assert!(report.judged > 0, "a broadcast begun before the stretch is judged from its first assessed frame on");
    let empty = stretch(&journal, Some(moment(5000.0)), None).expect("memory can be read");
    assert_eq!(empty.after, empty.to);
}
