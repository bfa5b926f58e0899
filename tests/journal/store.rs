//! The directory on disk: who may open it, what lies in it, what it refuses.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use streamwarden::clock::{Clock, SystemClock};
use streamwarden::events::Event;
use streamwarden::journal::{AppendError, Journal, OpenError, Options, SledJournal, verify};
use streamwarden::model::{ConsumerName, Position, Sequence, SystemScope};

use crate::events::{append, channel, id, padded};
use crate::load::{FATAL, Load, acknowledged, check};

/// Options for tests: no reserve, and small caches, since a test opens many stores.
pub fn options(data_dir: &Path, clock: Arc<dyn Clock>) -> Options {
    Options { reserve_bytes: 0, cache_bytes: 8 << 20, ..Options::new(data_dir, clock) }
}

/// Waits until every full segment is sealed and announced.
pub fn settled(journal: &SledJournal) {
    loop {
        let manifest = journal.manifest();
        let busy = !manifest.retired.is_empty() || manifest.sealed.iter().any(|sealed| !sealed.announced);
        if !busy || journal.failure().is_some() {
            return;
        }
        std::thread::yield_now();
    }
}

fn open(dir: &Path) -> SledJournal {
    SledJournal::open(options(dir, Arc::new(SystemClock))).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_second_opener_is_refused_and_told_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    for refused in [SledJournal::open(options(dir.path(), Arc::new(SystemClock))).err(), verify(dir.path()).err()] {
        let Some(error @ OpenError::Locked { .. }) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
    }
    drop(first);
    open(dir.path());
}

#[test]
fn a_directory_that_holds_something_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("holiday.jpg"), b"sand").unwrap();
    let refused = SledJournal::open(options(dir.path(), Arc::new(SystemClock))).err();
    assert!(matches!(refused, Some(OpenError::NotAStore { ref found, .. }) if found == "holiday.jpg"), "{refused:?}");
    assert_eq!(names(dir.path()), ["LOCK", "holiday.jpg"]);
}

#[test]
fn a_store_without_its_format_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).append(append(&channel(1), 0..5)).wait().unwrap();
    fs::remove_file(dir.path().join("FORMAT")).unwrap();
    let refused = SledJournal::open(options(dir.path(), Arc::new(SystemClock))).err();
    assert!(matches!(refused, Some(OpenError::NotAStore { .. })), "{refused:?}");
}

#[test]
fn a_format_of_another_major_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let format = fs::read_to_string(dir.path().join("FORMAT")).unwrap();
    fs::write(dir.path().join("FORMAT"), format.replace("journal/1", "journal/2")).unwrap();
    let refused = SledJournal::open(options(dir.path(), Arc::new(SystemClock))).err();
    assert!(matches!(refused, Some(OpenError::UnknownFormat { .. })), "{refused:?}");
}

#[test]
fn leftovers_that_no_manifest_names_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::create_dir(dir.path().join("hot/00000000000000009999")).unwrap();
    fs::write(dir.path().join("sealed/unfinished.swj"), b"half").unwrap();
    fs::create_dir(dir.path().join(".creating")).unwrap();
    drop(open(dir.path()));
    assert_eq!(names(&dir.path().join("hot")).len(), 1);
    assert_eq!(names(&dir.path().join("sealed")), [""; 0]);
    assert_eq!(names(dir.path()), ["ANCHOR", "FORMAT", "LOCK", "MANIFEST", "hot", "sealed"]);
}

#[test]
fn a_torn_or_unfinished_snapshot_of_sleds_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).append(append(&channel(1), 0..50)).wait().unwrap();
    drop(open(dir.path()));
    let hot = dir.path().join("hot").join(&names(&dir.path().join("hot"))[0]);
    fs::write(hot.join("snap.00000000000000FF.generating"), b"half").unwrap();
    for snapshot in names(&hot).iter().filter(|name| name.starts_with("snap.") && !name.ends_with("generating")) {
        let bytes = fs::read(hot.join(snapshot)).unwrap();
        fs::write(hot.join(snapshot), &bytes[..bytes.len() / 2]).unwrap();
    }
    assert!(open(dir.path()).find(id(49)).unwrap().is_some());
}

#[test]
fn whether_it_was_closed_in_order_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let load = Load { abort_at: Some(("commit.before_ack", 3)), ..Load::on(dir.path()) };
    acknowledged(&mut load.command(&[]).spawn().unwrap(), usize::MAX);
    let journal = open(dir.path());
    let opened: Vec<bool> = journal
        .read_scope(&SystemScope::Store.into(), Sequence(0), 100)
        .unwrap()
        .iter()
        .filter_map(|event| match event.event() {
            Ok(Event::StoreOpened(opened)) => Some(opened.clean),
            _ => None,
        })
        .collect();
    assert_eq!(opened, [true, true, false]);
}

#[test]
fn no_value_leaves_sleds_log_for_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for turn in 0..200 {
        let mut large = append(&channel(turn % 3), turn * 10..turn * 10 + 10);
        large.events = (turn * 10..turn * 10 + 10).map(|number| padded(number, 2900)).collect();
        journal.append(large).wait().unwrap();
    }
    let hot = dir.path().join("hot").join(&names(&dir.path().join("hot"))[0]);
    let blobs = hot.join("blobs");
    assert!(!blobs.exists() || names(&blobs).is_empty(), "{:?}", names(&blobs));
}

#[test]
fn below_the_reserve_appends_are_refused_reads_go_on_and_work_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let stat = rustix::fs::statvfs(dir.path()).unwrap();
    let free = stat.f_bavail * stat.f_frsize;
    // more than is free, until a file of 600 MB goes
    let filler = dir.path().join("filler");
    let size = 600 << 20;
    let file = fs::File::create(&filler).unwrap();
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, size).unwrap();
    let store = dir.path().join("store");
    let options = Options { reserve_bytes: free - size / 2, ..options(&store, Arc::new(SystemClock)) };
    let journal = SledJournal::open(options).unwrap();
    let refused = journal.append(append(&channel(1), [1])).wait();
    assert!(matches!(refused, Err(AppendError::NoSpace { .. })), "{refused:?}");
    assert!(journal.find(id(1)).unwrap().is_none());
    let consumer = ConsumerName::new("reader").unwrap();
    assert!(matches!(journal.save_cursor(&consumer, Position(1)).wait(), Err(AppendError::NoSpace { .. })));
    fs::remove_file(&filler).unwrap();
    drop(file);
    assert!(journal.append(append(&channel(1), [1])).wait().is_ok());
    assert!(journal.failure().is_none());
}

#[test]
fn a_failed_sync_ends_the_journal_for_good() {
    // in a process of its own: a fail point holds for the whole process
    let dir = tempfile::tempdir().unwrap();
    let load = Load { appends: 100, ..Load::on(dir.path()) };
    let mut child = load.command(&[]).env("LOAD_FAIL_SYNC", "1").spawn().unwrap();
    let numbers = acknowledged(&mut child, usize::MAX);
    assert_eq!(child.wait().unwrap().code(), Some(FATAL));
    check(dir.path(), &numbers).unwrap();
}
