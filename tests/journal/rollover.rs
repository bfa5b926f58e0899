//! Segments fill, are sealed and leave for the archive; everything stays where it was for whoever reads.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use streamwarden::clock::SystemClock;
use streamwarden::events::Event;
use streamwarden::journal::{Appended, Archive, Journal, Options, READ_LIMIT_MAX, SledJournal};
use streamwarden::model::{ChannelId, ConsumerName, Mark, MarkName, Position, Sequence};

use crate::events::{append, append_at, channel, event, id};
use crate::store::{options, settled};

fn rolling(dir: &std::path::Path) -> Options {
    Options { roll_after_events: 300, ..options(dir, Arc::new(SystemClock)) }
}

#[test]
fn event_1_is_found_and_deduplicated_after_three_roll_overs() {
    let dir = tempfile::tempdir().unwrap();
    let journal = SledJournal::open(rolling(dir.path())).unwrap();
    let consumer = ConsumerName::new("reader").unwrap();
    journal.save_cursor(&consumer, Position(17)).wait().unwrap();
    let (input, mark) = (MarkName::new("kinesis/frames/1").unwrap(), Mark::new("after=17").unwrap());
    journal.save_mark(&input, Some(&mark)).wait().unwrap();
    let Appended::New { first, .. } = journal.append(append(&channel(1), [1])).wait().unwrap() else {
        panic!("it is new")
    };
    let mut number = 2;
    while journal.manifest().sealed.len() < 3 {
        journal.append(append(&channel(number % 7), number..number + 20)).wait().unwrap();
        number += 20;
    }
    settled(&journal);
    assert_eq!(fs::read_dir(dir.path().join("hot")).unwrap().count(), 1, "only the hot segment is left in sled");

    let found = journal.find(id(1)).unwrap().expect("event 1 is there");
    assert_eq!(found.event().unwrap(), event(1).event);
    assert_eq!(journal.append(append(&channel(1), [1])).wait(), Ok(Appended::Repeated { first }));
    let of_channel = journal.read_scope(&channel(1), Sequence(0), READ_LIMIT_MAX).unwrap();
    assert_eq!(of_channel[0], found);
    assert!((1..).zip(&of_channel).all(|(sequence, event)| event.envelope.sequence == Sequence(sequence)));
    assert_eq!(journal.cursor(&consumer).unwrap(), Some(Position(17)));
    assert_eq!(journal.marks(""), [(input, mark)]);
    let head = journal.scope_head(&channel(1));
    assert_eq!(head, Sequence(of_channel.len() as u64));
    journal.append(append_at(&channel(1), head.0, [number])).wait().unwrap();
}

#[test]
fn each_sealed_segment_is_announced_once_with_its_digest() {
    let dir = tempfile::tempdir().unwrap();
    for base in [0, 100_000] {
        let journal = SledJournal::open(rolling(dir.path())).unwrap();
        for turn in 0..40 {
            journal.append(append(&channel(turn % 3), base + turn * 20..base + turn * 20 + 20)).wait().unwrap();
        }
        settled(&journal);
        let manifest = journal.manifest();
        let mut announced = Vec::new();
        let mut after = Position(0);
        loop {
            let page = journal.read(after, READ_LIMIT_MAX).unwrap();
            let Some(last) = page.last() else { break };
            after = last.envelope.position;
            announced.extend(page.iter().filter_map(|event| match event.event() {
                Ok(Event::SegmentSealed(sealed)) => Some((sealed.first, sealed.last, sealed.file)),
                _ => None,
            }));
        }
        let sealed: Vec<_> = manifest.sealed.iter().map(|entry| (entry.first, entry.last, entry.sha256)).collect();
        assert!(sealed.len() >= 2);
        assert_eq!(announced, sealed);
    }
}

#[test]
fn segments_in_the_archive_are_read_and_deduplicated_and_the_chain_still_verifies() {
    let (dir, archive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options =
        Options { archive: Some(Archive { dir: archive.path().join("old"), keep: 1 }), ..rolling(dir.path()) };
    let numbers: BTreeSet<u64> = (0..1600).collect();
    {
        let journal = SledJournal::open(options.clone()).unwrap();
        for turn in 0..80 {
            journal.append(append(&channel(turn % 3), turn * 20..turn * 20 + 20)).wait().unwrap();
        }
        while journal.manifest().sealed.iter().rev().skip(1).any(|sealed| sealed.archived.is_none())
            || journal.manifest().sealed.len() < 4
        {
            std::thread::yield_now();
        }
    }
    assert!(fs::read_dir(archive.path().join("old")).unwrap().count() >= 3);
    assert_eq!(fs::read_dir(dir.path().join("sealed")).unwrap().count(), 1);
    let journal = SledJournal::open(options).unwrap();
    for number in numbers {
        assert!(journal.find(id(number)).unwrap().is_some(), "event {number}");
    }
    assert!(matches!(journal.append(append(&channel(0), [5])).wait(), Ok(Appended::Repeated { .. })));
}

#[test]
fn thousands_of_channels_with_long_names_are_carried_into_the_next_segment() {
    let dir = tempfile::tempdir().unwrap();
    let journal = SledJournal::open(Options { roll_after_events: 4_000, ..rolling(dir.path()) }).unwrap();
    let long = |number: u64| ChannelId::new(format!("{number:0>200}")).unwrap().into();
    let tickets: Vec<_> = (0..3_900).map(|number| journal.append(append(&long(number), [number]))).collect();
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    journal.append(append(&channel(1), 10_000..10_060)).wait().unwrap();
    journal.append(append(&channel(1), 10_060..10_120)).wait().unwrap();
    settled(&journal);
    assert_eq!(journal.manifest().sealed.len(), 1);
    drop(journal);
    let journal = SledJournal::open(rolling(dir.path())).unwrap();
    for number in [0, 1, 1_999, 3_899] {
        assert_eq!(journal.scope_head(&long(number)), Sequence(1));
        assert!(journal.append(append_at(&long(number), 1, [20_000 + number])).wait().is_ok());
        assert_eq!(journal.read_scope(&long(number), Sequence(0), 10).unwrap().len(), 2);
    }
}
