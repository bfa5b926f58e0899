//! The same over the store on disk: places are kept, also across a restart.

use std::sync::Arc;

use streamwarden::clock::{ManualClock, SystemClock};
use streamwarden::consumers::*;
use streamwarden::events::*;
use streamwarden::journal::{Options, SledJournal};
use streamwarden::model::*;

use crate::{append, by, consumer, of_channels, positions, reader};

#[test]
fn a_consumer_and_a_replay_go_on_where_they_were_after_the_store_was_closed() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = || {
        let journal = SledJournal::open(Options::new(dir.path(), Arc::new(SystemClock))).expect("it opens");
        let journal = Arc::new(journal);
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1)));
        (journal.clone(), Consumers::open(journal, clock).expect("it is read"))
    };
    let (journal, consumers) = open();
    let past: Vec<Position> = (0..20).map(|number| append(&*journal, "a", number)).collect();
    consumers.create(&consumer(), &of_channels("a"), Place::After(Position(0)), &by()).expect("made");
    let new = NewReplay {
        name: consumer(),
        from: Place::After(Position(0)),
        to: Place::Now,
        filter: of_channels("a"),
        target: ReplayTarget::Consumer(consumer()),
        speed: ReplaySpeed::Max,
    };
    let replay = consumers.start_replay(&new, &by()).expect("started").id;
    let token = consumers.lease(&consumer(), &reader(), 60, None).expect("free").token;
    let reading = consumers.read(&consumer(), token, LaneName::All, 500).expect("readable");
    assert_eq!(positions(&reading.entries), [&past[..], &past[..]].concat(), "live first, then the replay");
    let done = Acknowledged { live: Some(past[12]), replays: [(replay, past[5])].into(), ..Acknowledged::default() };
    consumers.acknowledge(&consumer(), token, &done).expect("delivered");
    drop((journal, consumers));
    let (_journal, consumers) = open();
    let token = consumers.lease(&consumer(), &reader(), 60, None).expect("a restart drops leases").token;
    let read = |lane| positions(&consumers.read(&consumer(), token, lane, 500).expect("readable").entries);
    assert_eq!(read(LaneName::Live), past[13..]);
    assert_eq!(read(LaneName::Replay(replay)), past[6..]);
}
