//! Hands and disks that change what is stored: every change that touches an acknowledged event must be found, by
//! verifying or by opening, and named with its first bad position. What an operator accepts as lost is declared.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use streamwarden::clock::SystemClock;
use streamwarden::events::{DataLossAccepted, Event, Recorded};
use streamwarden::journal::{Journal, OpenError, Options, READ_LIMIT_MAX, SledJournal, position_at, repair, verify};
use streamwarden::model::{ConsumerName, Position};

use crate::events::{append, channel, id};
use crate::random::Random;
use crate::store::{options, settled};

/// A closed store of two sealed segments and a hot one, and every event in it.
pub struct Whole {
    dir: tempfile::TempDir,
    pub events: Vec<Recorded>,
}

impl Whole {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let journal = SledJournal::open(rolling(&path)).unwrap();
        for turn in 0..30 {
            journal.append(append(&channel(turn % 5), turn * 20..turn * 20 + 20)).wait().unwrap();
        }
        journal.save_cursor(&ConsumerName::new("reader").unwrap(), Position(99)).wait().unwrap();
        settled(&journal);
        journal.close();
        let events = read_all(&journal);
        drop(journal);
        let verified = verify(&path).unwrap();
        assert_eq!(verified.segments, [2, 0, 1]);
        assert_eq!(verified.events, events.len() as u64);
        Self { dir, events }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn copy(&self) -> tempfile::TempDir {
        let to = tempfile::tempdir().unwrap();
        copy_dir(&self.path(), &to.path().join("store"));
        to
    }

    /// Verifies a changed copy. What passes must still hold every event.
    fn found(&self, copy: &Path) -> Option<OpenError> {
        let found = verify(copy).err();
        if found.is_none() {
            let journal = SledJournal::open(rolling(copy)).expect("what verifies opens");
            let now = read_all(&journal);
            assert!(now.starts_with(&self.events), "a change of an acknowledged event was not found");
        }
        found
    }
}

pub fn rolling(path: &Path) -> Options {
    Options { roll_after_events: 220, ..options(path, Arc::new(SystemClock)) }
}

pub fn read_all(journal: &SledJournal) -> Vec<Recorded> {
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(Position(0), |last| last.envelope.position);
        match journal.read(after, READ_LIMIT_MAX).unwrap() {
            page if page.is_empty() => return events,
            page => events.extend(page),
        }
    }
}

pub fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy_dir(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

pub fn hot_dir(store: &Path) -> PathBuf {
    fs::read_dir(store.join("hot")).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn every_flipped_bit_that_changes_an_event_is_found() {
    let mut random = Random::seeded("DAMAGE_SEED");
    let whole = Whole::new();
    let trials: u64 = std::env::var("DAMAGE_TRIALS").map_or(12, |trials| trials.parse().unwrap());
    let (mut flipped, mut found, mut harmless) = (0, 0, 0);
    for file in files(&whole.path()) {
        let relative = file.strip_prefix(whole.path()).unwrap();
        if relative == Path::new("LOCK") {
            continue;
        }
        let is_log = relative.ends_with("db");
        for _ in 0..if is_log { trials * 4 } else { trials } {
            let copy = whole.copy();
            let target = copy.path().join("store").join(relative);
            let mut bytes = fs::read(&target).unwrap();
            // the log's file is allocated ahead: only what is used is of interest
            let used = bytes.iter().rposition(|&byte| byte != 0).map_or(bytes.len(), |last| last + 1);
            if used == 0 {
                continue;
            }
            let at = random.below(used as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
            fs::write(&target, &bytes).unwrap();
            flipped += 1;
            match whole.found(&copy.path().join("store")) {
                Some(error) => {
                    found += 1;
                    let in_a_log = is_log || relative.extension().is_some_and(|extension| extension == "swj");
                    let named = error.position().is_some() || matches!(error, OpenError::Unreadable { .. });
                    assert!(!in_a_log || named, "{}, byte {at}: {error:?}", relative.display());
                }
                None => harmless += 1,
            }
        }
    }
    println!("{flipped} bits flipped: {found} found, {harmless} without effect on any event, 0 undetected");
    assert!(found > 0);
}

#[test]
fn every_deleted_file_that_holds_events_is_found() {
    let whole = Whole::new();
    let mut found = Vec::new();
    for file in files(&whole.path()) {
        let relative = file.strip_prefix(whole.path()).unwrap();
        let copy = whole.copy();
        fs::remove_file(copy.path().join("store").join(relative)).unwrap();
        if whole.found(&copy.path().join("store")).is_some() {
            found.push(relative.to_owned());
        }
    }
    for must in ["FORMAT", "MANIFEST", "ANCHOR", "db", "conf"] {
        assert!(found.iter().any(|file| file.ends_with(must)), "{must} among {found:?}");
    }
    assert_eq!(found.iter().filter(|file| file.starts_with("sealed")).count(), 2);
}

#[test]
fn an_older_copy_of_the_hot_segment_is_refused_with_the_missing_range() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    SledJournal::open(options(&store, Arc::new(SystemClock)))
        .unwrap()
        .append(append(&channel(1), 0..50))
        .wait()
        .unwrap();
    let old_head = verify(&store).unwrap().head;
    let hot = hot_dir(&store);
    copy_dir(&hot, &dir.path().join("older"));
    SledJournal::open(options(&store, Arc::new(SystemClock)))
        .unwrap()
        .append(append(&channel(1), 50..60))
        .wait()
        .unwrap();
    let new_head = verify(&store).unwrap().head;
    fs::remove_dir_all(&hot).unwrap();
    copy_dir(&dir.path().join("older"), &hot);
    for refused in [verify(&store).err(), SledJournal::open(options(&store, Arc::new(SystemClock))).err()] {
        match refused {
            Some(OpenError::BehindAnchor { from, to }) => assert_eq!((from, to), (old_head.next(), new_head)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_older_anchor_proves_less_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    drop(SledJournal::open(options(&store, Arc::new(SystemClock))).unwrap());
    let older = fs::read(store.join("ANCHOR")).unwrap();
    SledJournal::open(options(&store, Arc::new(SystemClock)))
        .unwrap()
        .append(append(&channel(1), 0..50))
        .wait()
        .unwrap();
    fs::write(store.join("ANCHOR"), older).unwrap();
    let journal = SledJournal::open(options(&store, Arc::new(SystemClock))).unwrap();
    assert!(journal.find(id(49)).unwrap().is_some());
}

#[test]
fn another_stores_hot_segment_is_refused() {
    let (one, other) = (Whole::new(), Whole::new());
    let (hot, others) = (hot_dir(&one.path()), hot_dir(&other.path()));
    fs::remove_dir_all(&hot).unwrap();
    copy_dir(&others, &hot);
    assert!(verify(&one.path()).is_err());
}

#[test]
fn an_accepted_loss_is_declared_and_no_position_is_used_twice() {
    let whole = Whole::new();
    let last = whole.events.last().unwrap().envelope.position;
    // (what is damaged, the positions that must survive it)
    let sealed = files(&whole.path().join("sealed"));
    let cases: Vec<(&str, PathBuf)> = vec![
        ("the hot segment is gone", hot_dir(&whole.path()).join("db")),
        ("the first sealed segment is gone", sealed[0].clone()),
        ("the second sealed segment is gone", sealed[1].clone()),
    ];
    for (case, file) in cases {
        let copy = whole.copy();
        let store = copy.path().join("store");
        fs::remove_file(store.join(file.strip_prefix(whole.path()).unwrap())).unwrap();
        check_repair(case, &whole, &store, last);
    }
    // a block in the middle of a sealed segment
    let copy = whole.copy();
    let store = copy.path().join("store");
    let target = store.join(sealed[1].strip_prefix(whole.path()).unwrap());
    let mut bytes = fs::read(&target).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 0x40;
    fs::write(&target, bytes).unwrap();
    check_repair("a sealed block is damaged", &whole, &store, last);
    assert_eq!(repair(&whole.path()).unwrap(), None, "a whole store is left alone");
}

#[test]
fn a_damaged_sled_configuration_costs_no_event_of_the_hot_segment() {
    let whole = Whole::new();
    let copy = whole.copy();
    let store = copy.path().join("store");
    let conf = hot_dir(&store).join("conf");
    let half = fs::metadata(&conf).unwrap().len() / 2;
    fs::OpenOptions::new().write(true).open(&conf).unwrap().set_len(half).unwrap();
    assert!(verify(&store).is_err());
    let repaired = repair(&store).unwrap().expect("there was damage");
    assert_eq!(repaired.losses, [], "the log is whole");
    let journal = SledJournal::open(rolling(&store)).unwrap();
    assert!(read_all(&journal).starts_with(&whole.events));
}

#[test]
fn a_loss_that_a_full_disk_kept_from_being_declared_is_declared_when_there_is_room() {
    let whole = Whole::new();
    let copy = whole.copy();
    let store = copy.path().join("store");
    fs::remove_file(hot_dir(&store).join("db")).unwrap();
    let repaired = repair(&store).unwrap().expect("there was damage");
    let declared = |journal: &SledJournal| {
        let events = read_all(journal);
        events.iter().filter(|event| matches!(event.event(), Ok(Event::DataLossAccepted(_)))).count()
    };
    let full = SledJournal::open(Options { reserve_bytes: u64::MAX, ..rolling(&store) }).unwrap();
    assert_eq!(declared(&full), 0);
    drop(full);
    let roomy = SledJournal::open(rolling(&store)).unwrap();
    assert_eq!(declared(&roomy), repaired.losses.len());
}

fn check_repair(case: &str, whole: &Whole, store: &Path, last: Position) {
    assert!(verify(store).is_err(), "{case}");
    let repaired = repair(store).unwrap_or_else(|error| panic!("{case}: {error:?}")).expect("there was damage");
    assert_eq!(repaired.next, last.next(), "{case}");
    assert!(!repaired.losses.is_empty(), "{case}");
    let lost = |position: Position| repaired.losses.iter().any(|loss| loss.from <= position && position <= loss.to);
    let journal = SledJournal::open(rolling(store)).unwrap();
    let events = read_all(&journal);
    for event in &whole.events {
        let position = event.envelope.position;
        let there = events.iter().find(|now| now.envelope.position == position);
        assert_eq!(there, Some(event).filter(|_| !lost(position)), "{case}: position {position}");
    }
    assert!(events.iter().filter(|event| !whole.events.contains(event)).all(|new| new.envelope.position > last));
    for moment in whole.events.iter().map(|event| event.envelope.recorded_at) {
        let first = events.iter().find(|event| event.envelope.recorded_at >= moment).unwrap().envelope.position;
        assert_eq!(position_at(&journal, moment).unwrap(), first, "{case}: {moment}, across what was lost");
    }
    for scope in events.iter().filter_map(|event| event.envelope.scope.channel()) {
        assert!(journal.channels(None, READ_LIMIT_MAX).contains(scope), "{case}: {scope}");
    }
    let declared: Vec<DataLossAccepted> = events
        .iter()
        .filter_map(|event| match event.event() {
            Ok(Event::DataLossAccepted(loss)) => Some(loss),
            _ => None,
        })
        .collect();
    let ranges: Vec<_> = declared.iter().map(|loss| (loss.from, loss.to)).collect();
    assert_eq!(ranges, repaired.losses.iter().map(|loss| (loss.from, loss.to)).collect::<Vec<_>>(), "{case}");
    journal.append(append(&channel(1), 5000..5010)).wait().unwrap();
    drop(journal);
    let verified = verify(store).unwrap_or_else(|error| panic!("{case}: {error:?}"));
    assert_eq!(verified.losses.len(), repaired.losses.len(), "{case}");
    drop(SledJournal::open(rolling(store)).unwrap());
}
