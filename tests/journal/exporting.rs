//! What is exported is imported as it was, and nothing else is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use streamwarden::clock::ManualClock;
use streamwarden::events::{Actor, Event, NewEvent, PolicyPublished, Recorded, SessionStartBecause, SessionStarted};
use streamwarden::journal::content::{self, Content};
use streamwarden::journal::export::{ExportManifest, MANIFEST_FILE, Source, export};
use streamwarden::journal::import::{ImportError, import};
use streamwarden::journal::{Append, ChainValue, Expected, Inspection, Journal, Options, SledJournal};
use streamwarden::model::{
    ChannelId, ConsumerName, ContentRef, EventId, Mark, MarkName, PolicyId, PolicyRef, Position, Scope, Sequence,
    SessionId, Sha256, SystemScope, Timestamp,
};
use tempfile::TempDir;

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: TempDir::new().expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }
}

fn options(data_dir: &Path) -> Options {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_772_399_047_000)));
    Options { roll_after_events: 40, cache_bytes: 4 << 20, reserve_bytes: 0, ..Options::new(data_dir, clock) }
}

fn content_of(data_dir: &Path) -> content::Store {
    content::Store::open(&data_dir.join("content"), &data_dir.join("keys")).expect("opening the content")
}

fn channel(n: u32) -> Scope {
    ChannelId::new(format!("channel-{}", n % 7)).expect("a sound id").into()
}

fn append(journal: &SledJournal, n: u32, scope: Scope, event: Event) {
    let event = NewEvent {
        id: EventId::of_command("export test", &[&n.to_be_bytes()]),
        event,
        captured_at: None,
        actor: Actor::service("test"),
        causation: None,
        correlation: None,
    };
    let append = Append { scope, expected: Expected::Any, events: vec![event] };
    journal.append(append).wait().expect("appending");
}

/// Appends the events numbered `range`, every tenth a policy with content, over several roll-overs.
fn fill(data_dir: &Path, range: std::ops::Range<u32>) -> Vec<ContentRef> {
    let journal = SledJournal::open(options(data_dir)).expect("opening");
    let content = content_of(data_dir);
    let mut contents = Vec::new();
    for n in range {
        if n % 10 == 3 {
            let text = content.put(&format!("policy/p{}", n % 20), format!("rules {n}").as_bytes()).expect("putting");
            contents.push(text.clone());
            let policy = PolicyRef { id: PolicyId::new("p").expect("sound"), version: n };
            append(&journal, n, SystemScope::Policies.into(), PolicyPublished { policy, text, why: None }.into());
        } else {
            let session = SessionId::new(format!("st-{n}")).expect("sound");
            append(&journal, n, channel(n), SessionStarted { session, because: SessionStartBecause::Announced }.into());
        }
    }
    let consumer = ConsumerName::new("outbox").expect("sound");
    journal.save_cursor(&consumer, Position(17)).wait().expect("saving a cursor");
    let (input, mark) = (MarkName::new("kinesis/frames/1").expect("sound"), Mark::new("after=9").expect("sound"));
    journal.save_mark(&input, Some(&mark)).wait().expect("saving a mark");
    contents
}

fn export_range(data_dir: &Path, to: &Path, from: u64, last: u64, previous: Option<Sha256>) -> ExportManifest {
    let inspection = Inspection::open(&options(data_dir)).expect("looking");
    let content = content_of(data_dir);
    export(&Source::of(&inspection, &content), Position(from), Position(last), previous, to).expect("exporting")
}

fn everything(journal: &dyn Journal) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = Vec::new();
    loop {
        let after = all.last().map_or(Position(0), |last| last.envelope.position);
        let page = journal.read(after, 100).expect("reading");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_772_400_000_000)
}

#[test]
fn an_export_that_leaves_newer_events_out_does_not_say_that_their_input_was_taken_in() {
    let place = Place::new();
    fill(&place.data(), 0..150);
    let manifest = export_range(&place.data(), &place.path("export"), 1, 100, None);
    assert_eq!((manifest.last, manifest.marks.len(), manifest.cursors.len()), (Position(100), 0, 1));
}

#[test]
fn an_import_has_the_events_positions_chain_content_cursors_and_marks_of_the_export() {
    let place = Place::new();
    let contents = fill(&place.data(), 0..150);
    content_of(&place.data()).erase("policy/p3").expect("erasing");
    let (events, chain, cursors, marks) = {
        let inspection = Inspection::open(&options(&place.data())).expect("looking");
        (everything(&inspection), inspection.chain(), inspection.cursors(), inspection.marks(""))
    };
    assert_eq!(marks.len(), 1);
    let manifest = export_range(&place.data(), &place.path("export"), 1, u64::MAX, None);
    assert_eq!((manifest.count as usize, manifest.chain), (events.len(), chain));
    assert!(manifest.segments.len() >= 3, "{} segments", manifest.segments.len());

    let copy = place.path("copy");
    let imported = import(&[place.path("export")], &copy, now()).expect("importing");
    assert_eq!((imported.count as usize, imported.chain), (events.len(), chain));
    let inspection = Inspection::open(&options(&copy)).expect("looking at the copy");
    assert_eq!(everything(&inspection), events);
    assert_eq!((inspection.chain(), inspection.cursors(), inspection.marks("")), (chain, cursors, marks));
    drop(inspection);

    let store = content_of(&copy);
    for content in &contents {
        let expected = match content.subject.as_str() {
            "policy/p3" => Content::Erased,
            _ => content_of(&place.data()).get(content).expect("sound"),
        };
        assert_eq!(store.get(content).expect("sound"), expected);
    }

    // The copy goes on where the original ended, and still knows its first event.
    let journal = SledJournal::open(options(&copy)).expect("opening the copy");
    let found = journal.find(EventId::of_command("export test", &[&0u32.to_be_bytes()])).expect("reading");
    assert_eq!(
        found.as_ref(),
        events.iter().find(|event| Some(&event.envelope.id) == found.as_ref().map(|f| &f.envelope.id))
    );
    assert!(found.is_some());
    let head = journal.scope_head(&channel(1));
    append(
        &journal,
        5_000,
        channel(1),
        SessionStarted { session: SessionId::new("st-new").expect("sound"), because: SessionStartBecause::Announced }
            .into(),
    );
    assert_eq!(journal.scope_head(&channel(1)), head.next());
    assert!(head > Sequence(10));
    let after = everything(&journal);
    assert_eq!(after[..events.len()], events);
    assert!(after.windows(2).all(|pair| pair[1].envelope.position == pair[0].envelope.position.next()));
}

#[test]
fn exports_that_continue_each_other_make_one_store() {
    let place = Place::new();
    let contents = fill(&place.data(), 0..90);
    let first = export_range(&place.data(), &place.path("one"), 1, u64::MAX, None);
    let digest = Sha256::of(&fs::read(place.path("one").join(MANIFEST_FILE)).expect("the manifest"));
    content_of(&place.data()).erase("policy/p13").expect("erased between the two");
    fill(&place.data(), 90..170);
    let second = export_range(&place.data(), &place.path("two"), first.last.0 + 1, u64::MAX, Some(digest));
    assert_eq!((second.first, second.chain_before), (first.last.next(), first.chain));

    let copy = place.path("copy");
    import(&[place.path("one"), place.path("two")], &copy, now()).expect("importing");
    let original = Inspection::open(&options(&place.data())).expect("looking");
    let imported = Inspection::open(&options(&copy)).expect("looking");
    assert_eq!(everything(&imported), everything(&original));
    // The older export still held the key; the newer one's tombstone makes the copy forget it.
    let erased = contents.iter().find(|content| content.subject == "policy/p13").expect("one of them");
    assert_eq!(content_of(&copy).get(erased).expect("erased"), Content::Erased);

    for wrong in [vec![place.path("two")], vec![place.path("one"), place.path("one")]] {
        let refused = import(&wrong, &place.path("wrong"), now());
        assert!(matches!(refused, Err(ImportError::DoesNotContinue { .. })), "{refused:?}");
        assert!(!place.path("wrong").exists());
    }
}

#[test]
fn an_export_may_begin_within_a_segment() {
    let place = Place::new();
    fill(&place.data(), 0..100);
    let whole = export_range(&place.data(), &place.path("whole"), 1, 60, None);
    assert_eq!(whole.last, Position(60));
    let part = export_range(&place.data(), &place.path("part"), 61, 70, None);
    assert_eq!((part.first, part.count, part.chain_before), (Position(61), 10, whole.chain));
    import(&[place.path("whole"), place.path("part")], &place.path("copy"), now()).expect("they continue each other");
}

#[test]
fn every_file_of_an_export_is_checked() {
    let place = Place::new();
    fill(&place.data(), 0..60);
    let export = place.path("export");
    let manifest = export_range(&place.data(), &export, 1, u64::MAX, None);
    let segments = manifest.segments.iter().map(|segment| segment.file.clone());
    let files: Vec<String> = segments.chain(manifest.content.keys().cloned()).collect();
    assert!(files.len() > 5, "{files:?}");
    for file in &files {
        let path = export.join(file);
        let sound = fs::read(&path).expect("reading");
        let mut bytes = sound.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).expect("writing");
        assert!(import(std::slice::from_ref(&export), &place.path("copy"), now()).is_err(), "{file} changed");
        fs::remove_file(&path).expect("removing");
        assert!(import(std::slice::from_ref(&export), &place.path("copy"), now()).is_err(), "{file} missing");
        fs::write(&path, &sound).expect("writing");
        assert!(!place.path("copy").exists(), "nothing is left of a refused import");
    }
    import(&[export], &place.path("copy"), now()).expect("sound again");
}

#[test]
fn a_manifest_that_says_otherwise_is_refused() {
    type Change = fn(&mut ExportManifest);
    let changes: [(&str, Change); 9] = [
        ("format", |manifest| manifest.format = "streamwarden-export/2".to_owned()),
        ("store", |manifest| manifest.store = "00".repeat(16)),
        ("no store", |manifest| manifest.store = "x".to_owned()),
        ("last", |manifest| manifest.last = manifest.last.next()),
        ("chain", |manifest| manifest.chain = ChainValue::genesis(&[0; 16])),
        ("a segment less", |manifest| {
            manifest.segments.remove(1);
        }),
        ("count", |manifest| manifest.segments[0].count += 1),
        ("content less", |manifest| {
            manifest.content.pop_last();
        }),
        ("a path that leads out", |manifest| {
            let (_, file) = manifest.content.pop_last().expect("content");
            manifest.content.insert("../outside".to_owned(), file);
        }),
    ];
    let place = Place::new();
    fill(&place.data(), 0..60);
    let export = place.path("export");
    let sound = export_range(&place.data(), &export, 1, u64::MAX, None);
    for (what, change) in changes {
        let mut manifest = sound.clone();
        change(&mut manifest);
        fs::write(export.join(MANIFEST_FILE), serde_json::to_vec(&manifest).expect("JSON")).expect("writing");
        assert!(import(std::slice::from_ref(&export), &place.path("copy"), now()).is_err(), "{what}");
        assert!(!place.path("copy").exists(), "{what}");
    }
    fs::remove_file(export.join(MANIFEST_FILE)).expect("removing");
    let refused = import(&[export], &place.path("copy"), now());
    assert!(matches!(refused, Err(ImportError::NotAnExport { .. })), "{refused:?}");
}

#[test]
fn neither_an_export_nor_an_import_writes_into_a_directory_in_use() {
    let place = Place::new();
    fill(&place.data(), 0..20);
    export_range(&place.data(), &place.path("export"), 1, u64::MAX, None);
    let refused = import(&[place.path("export")], &place.data(), now());
    assert!(matches!(refused, Err(ImportError::NotEmpty(_))), "{refused:?}");
    let inspection = Inspection::open(&options(&place.data())).expect("looking");
    let content = content_of(&place.data());
    let again = export(&Source::of(&inspection, &content), Position(1), Position(9), None, &place.path("export"));
    assert!(again.is_err());
    let nothing =
        export(&Source::of(&inspection, &content), Position(900), Position(999), None, &place.path("nothing"));
    assert!(nothing.is_err());
}

#[test]
fn a_look_leaves_the_journal_as_it_was() {
    let place = Place::new();
    fill(&place.data(), 0..20);
    let look = || {
        let inspection = Inspection::open(&options(&place.data())).expect("looking");
        assert!(inspection.is_clean());
        (inspection.head(), inspection.chain(), everything(&inspection))
    };
    assert_eq!(look(), look());
    assert!(Inspection::open(&options(&place.path("nowhere"))).is_err());
    assert!(!place.path("nowhere").exists(), "a look makes nothing");
}
