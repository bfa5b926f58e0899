//! What is erased is gone, once, and said; whatever comes between the parts of it.

use std::path::Path;
use std::sync::Arc;

use streamwarden::actors::{CopyEraser, Erasure, ErasureError, Erasures};
use streamwarden::clock::ManualClock;
use streamwarden::events::{
    Actor, ContentErased, ErasedContent, Erasing, ErasureRequested, Event, EventType, EvidencePlace, EvidenceUnkept,
    HeldContent, InputGap, NewEvent,
};
use streamwarden::journal::content::{Content, Store};
use streamwarden::journal::{Append, AppendError, Expected, Journal, Options, SledJournal, verify};
use streamwarden::model::{ContentRef, ErasureReason, EventId, ModeratorId, Scope, SystemScope, subjects};
use tempfile::TempDir;

use crate::premises::{Held, Premises, Setup, T0, channel, events, frame, picture};
use crate::scripted::{PATIENCE, Says};

const PICTURE: &[u8] = b"a picture of somebody";
const SAID: &[u8] = b"what somebody said";

/// A journal and a content store, opened one after the other by processes that may break.
struct Place {
    dir: TempDir,
    clock: Arc<ManualClock>,
}

struct Open {
    journal: Arc<SledJournal>,
    content: Arc<Store>,
    erasures: Erasures,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), clock: Arc::new(ManualClock::at(T0)) }
    }

    fn data(&self) -> &Path {
        self.dir.path()
    }

    fn open(&self) -> Open {
        let options = Options { cache_bytes: 8 << 20, ..Options::new(self.data(), self.clock.clone()) };
        let journal = Arc::new(SledJournal::open(options).expect("the journal opens"));
        let content = Store::open(&self.data().join("content"), &self.data().join("keys")).expect("the store opens");
        let content = Arc::new(content);
        let erasures = Erasures::open(journal.clone(), content.clone()).expect("the erasures are read");
        Open { journal, content, erasures }
    }
}

impl Open {
    /// The channel is known to the journal.
    fn hears_of(&self, name: &str) {
        let gap = InputGap { source: "test".to_owned(), from: T0, to: T0 };
        let event = NewEvent {
            id: EventId::of_command("test", &[name.as_bytes()]),
            event: gap.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let append = Append { scope: channel(name).into(), expected: Expected::Any, events: vec![event] };
        self.journal.append(append).wait().expect("it is appended");
    }

    /// A picture and a transcript of the channel.
    fn keeps(&self, name: &str) -> [ContentRef; 2] {
        let put = |subject: String, plain| self.content.put(&subject, plain).expect("it is kept");
        [put(subjects::of_channel(&channel(name)), PICTURE), put(subjects::of_transcripts(&channel(name)), SAID)]
    }

    fn erase(&self, request: EventId, what: &Erasing, reason: &str) -> Result<(Erasure, bool), ErasureError> {
        self.erasures.erase(request, what, &code(reason), &Actor::service("test"))
    }

    fn reads(&self, content: &ContentRef) -> Content {
        self.content.get(content).expect("the store says what became of it")
    }

    /// What the store's own list tells of erasures, in order.
    fn told(&self) -> Vec<Event> {
        let store = Scope::from(SystemScope::Store);
        let ours =
            [EventType::ErasureRequested, EventType::ContentErased, EventType::CopiesErased].map(EventType::name);
        let events = events(&*self.journal).into_iter().filter(|one| one.envelope.scope == store);
        let events = events.filter(|one| ours.contains(&one.envelope.event_type.as_str()));
        events.map(|one| one.event().expect("it is known")).collect()
    }

    fn close(self) {
        self.journal.close();
    }
}

pub fn code(reason: &str) -> ErasureReason {
    ErasureReason::new(reason).expect("a sound code")
}

pub fn request(name: &str) -> EventId {
    EventId::of_command("test request", &[name.as_bytes()])
}

pub fn everything_of(name: &str) -> Erasing {
    Erasing::Channel { channel: channel(name), content: ErasedContent::Everything }
}

fn erased(subject: &str, reason: &str, asked: &str, held: Option<HeldContent>) -> Event {
    let (subject, reason) = (subject.to_owned(), reason.to_owned());
    ContentErased { subject, reason, request: Some(request(asked)), held }.into()
}

#[test]
fn erasing_a_channel_destroys_its_keys_and_says_how_much_lay_under_them() {
    let (place, what) = (Place::new(), everything_of("ch"));
    let open = place.open();
    open.hears_of("ch");
    let gone = open.keeps("ch");
    let others = open.keeps("other");
    let (erasure, repeated) = open.erase(request("one"), &what, "r-1").expect("it is carried out");
    assert!(!repeated && erasure.subjects_left().is_empty() && erasure.leaves_copies());
    assert_eq!(open.erasures.newest_first(0).len(), 1, "one that is not finished is always listed");
    for content in &gone {
        assert_eq!(open.reads(content), Content::Erased);
    }
    assert_eq!(open.reads(&others[0]), Content::Plain(PICTURE.to_vec()), "another channel's are another's");
    let held = |plain: &[u8]| Some(HeldContent { contents: 1, bytes: plain.len() as u64 });
    let asked = ErasureRequested { what, reason: code("r-1") };
    let expected = [
        Event::from(asked),
        erased("channel/ch", "r-1", "one", held(PICTURE)),
        erased("transcripts/ch", "r-1", "one", held(SAID)),
    ];
    assert_eq!(open.told(), expected);
    open.close();
    let verified = verify(place.data()).expect("the chain is as it was");
    assert!(verified.losses.is_empty());
}

#[test]
fn what_is_asked_for_is_what_goes() {
    for (content, left) in [(ErasedContent::Pictures, [false, true]), (ErasedContent::Transcripts, [true, false])] {
        let (place, what) = (Place::new(), Erasing::Channel { channel: channel("ch"), content });
        let open = place.open();
        open.hears_of("ch");
        let kept = open.keeps("ch");
        let (erasure, _) = open.erase(request("one"), &what, "r-1").expect("it is carried out");
        let readable = kept.map(|content| open.reads(&content) != Content::Erased);
        assert_eq!(readable, left, "{content:?}");
        assert_eq!(erasure.leaves_copies(), content == ErasedContent::Pictures);
        open.close();
    }
}

#[test]
fn a_persons_words_go_and_nobody_elses() {
    let place = Place::new();
    let open = place.open();
    let person = |name: &str| ModeratorId::new(name).expect("a sound name");
    let [gone, stays] = ["ann", "ben"]
        .map(|name| open.content.put(&subjects::of_person(&person(name)), b"I know her").expect("it is kept"));
    let (erasure, _) = open.erase(request("one"), &Erasing::Person(person("ann")), "r-1").expect("it is carried out");
    assert!(erasure.is_finished(), "a person has no copies in buckets");
    assert_eq!(open.reads(&gone), Content::Erased);
    assert_eq!(open.reads(&stays), Content::Plain(b"I know her".to_vec()));
    open.close();
}

#[test]
fn the_same_request_again_changes_nothing_and_another_under_its_identity_is_refused() {
    let (place, what) = (Place::new(), everything_of("ch"));
    let open = place.open();
    open.hears_of("ch");
    open.keeps("ch");
    let (first, _) = open.erase(request("one"), &what, "r-1").expect("it is carried out");
    let [since, _] = open.keeps("ch");
    let (again, repeated) = open.erase(request("one"), &what, "r-1").expect("it is known");
    assert_eq!((&again, repeated), (&first, true));
    assert_eq!(open.reads(&since), Content::Plain(PICTURE.to_vec()), "what was kept since was not asked for");
    for (what, reason) in [(&what, "r-2"), (&everything_of("other"), "r-1")] {
        let refused = open.erase(request("one"), what, reason);
        assert!(matches!(refused, Err(ErasureError::Another(_))), "{refused:?}");
    }
    assert_eq!(open.told().len(), 3);
    open.close();
}

#[test]
fn what_is_kept_after_an_erasure_lies_under_a_new_key_until_the_next_one() {
    let (place, what) = (Place::new(), everything_of("ch"));
    let open = place.open();
    open.hears_of("ch");
    let [old, _] = open.keeps("ch");
    let before = open.journal.watermark().borrow().to_owned();
    open.erase(request("one"), &what, "r-1").expect("it is carried out");
    place.clock.set(T0.plus_ms(60_000));
    let [new, _] = open.keeps("ch");
    assert_eq!((open.reads(&old), open.reads(&new)), (Content::Erased, Content::Plain(PICTURE.to_vec())));
    let between = open.journal.watermark().borrow().to_owned();
    open.erase(request("two"), &what, "r-2").expect("it is carried out");
    assert_eq!([open.reads(&old), open.reads(&new)], [const { Content::Erased }; 2]);
    assert_eq!(open.erasures.erased_at(&old, before), Some(T0), "each by the erasure that came after it");
    assert_eq!(open.erasures.erased_at(&new, between), Some(T0.plus_ms(60_000)));
    open.close();
}

#[test]
fn a_slip_of_the_pen_is_told_from_something_that_was_erased() {
    let place = Place::new();
    let open = place.open();
    open.hears_of("ch");
    let refused = open.erase(request("one"), &everything_of("hc"), "r-1");
    assert!(matches!(&refused, Err(ErasureError::Unknown(said)) if said.contains("hc")), "{refused:?}");
    let nobody = Erasing::Person(ModeratorId::new("nobody").expect("a sound name"));
    assert!(matches!(open.erase(request("one"), &nobody, "r-1"), Err(ErasureError::Unknown(_))));
    assert_eq!(open.told(), [], "and nothing is recorded of it");
    // Known, and nothing kept: there is nothing under a key that is not there.
    let (erasure, _) = open.erase(request("one"), &everything_of("ch"), "r-1").expect("it is carried out");
    let held: Vec<_> = erasure.subjects.iter().map(|erased| erased.held).collect();
    assert_eq!(held, [Some(HeldContent::default()); 2]);
    open.close();
}

/// The disk is full when the first key is gone: its end is recorded when there is room, and what was kept meanwhile, under
/// another key, is not what was asked for.
#[test]
fn an_end_that_finds_no_room_is_recorded_later_and_takes_nothing_that_was_kept_since() {
    let (place, what) = (Place::new(), everything_of("ch"));
    let open = place.open();
    open.hears_of("ch");
    let [gone, said] = open.keeps("ch");
    let (held, _) = Held::new(open.journal.clone());
    let erasures = Erasures::open(held.clone(), open.content.clone()).expect("the erasures are read");
    let (point, full) = ("erasure.destroyed finds-no-room", held.clone());
    fail::cfg_callback(point, move || full.set_full(true)).expect("a fail point");
    let refused = erasures.erase(request("one"), &what, &code("finds-no-room"), &Actor::service("test"));
    fail::remove(point);
    assert!(matches!(refused, Err(ErasureError::Append(AppendError::NoSpace { .. }))), "{refused:?}");
    assert_eq!(open.reads(&gone), Content::Erased, "the key is gone all the same");
    let [since, _] = open.keeps("ch");
    assert!(erasures.finish().is_err(), "there is no room yet");
    assert_eq!(open.told().len(), 1);
    held.set_full(false);
    erasures.finish().expect("now there is");
    assert_eq!(open.reads(&since), Content::Plain(PICTURE.to_vec()));
    assert_eq!(open.reads(&said), Content::Erased, "and what was left to do is done");
    let counted = HeldContent { contents: 1, bytes: PICTURE.len() as u64 };
    assert_eq!(open.told()[1], erased("channel/ch", "finds-no-room", "one", Some(counted)));
    assert_eq!(open.told().len(), 3);
    drop((erasures, held));
    open.close();
}

/// So it goes without anybody asking again: a request that is durable is taken up by whoever runs in the process, soon.
#[test]
fn an_end_that_finds_no_room_is_taken_up_without_anybody_asking_again() {
    let (place, what) = (Place::new(), everything_of("ch"));
    let open = place.open();
    open.hears_of("ch");
    open.keeps("ch");
    let (held, _) = Held::new(open.journal.clone());
    let erasures = Erasures::open(held.clone(), open.content.clone()).expect("the erasures are read");
    let erasures = Arc::new(erasures);
    open.hears_of("earlier");
    let earlier = erasures.erase(request("earlier"), &everything_of("earlier"), &code("r-1"), &Actor::service("test"));
    earlier.expect("it is carried out but for its copies: when that is done, somebody has looked");
    let (point, full) = ("erasure.destroyed no-room-in-between", held.clone());
    fail::cfg_callback(point, move || full.set_full(true)).expect("a fail point");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let eraser = CopyEraser::new(erasures.clone(), held.clone(), None, place.clock.clone());
        let (stop, stopping) = tokio::sync::watch::channel(false);
        let running = tokio::spawn(eraser.run(stopping));
        let before = std::time::Instant::now();
        while !erasures.unfinished().is_empty() {
            assert!(before.elapsed() < PATIENCE, "it does not look: {:?}", open.told());
            tokio::task::yield_now().await;
        }
        let asking = erasures.clone();
        let asked = move || asking.erase(request("one"), &what, &code("no-room-in-between"), &Actor::service("test"));
        // The runtime's only thread waits, so nobody looks before there is room.
        let refused = std::thread::spawn(asked).join().expect("no panic");
        assert!(matches!(refused, Err(ErasureError::Append(AppendError::NoSpace { .. }))), "{refused:?}");
        fail::remove(point);
        held.set_full(false);
        let again = std::time::Instant::now();
        while !erasures.unfinished().is_empty() {
            assert!(again.elapsed() < PATIENCE, "nobody takes it up: {:?}", open.told());
            tokio::task::yield_now().await;
        }
        stop.send_replace(true);
        running.await.expect("no panic");
    });
    assert_eq!(open.told().len(), 8, "twice asked for, two keys, and that no copies are there: {:?}", open.told());
    drop((erasures, held));
    open.close();
}

/// One key that the disk does not let go keeps no other from going, of the same request or of one that came later.
#[test]
fn a_key_that_cannot_be_destroyed_keeps_no_other_from_going() {
    let place = Place::new();
    let open = place.open();
    let names = ["stuck", "later"];
    names.iter().for_each(|name| open.hears_of(name));
    let [[picture, said], others] = names.map(|name| open.keeps(name));
    let point = "content.erase.buried channel/stuck";
    fail::cfg(point, "return").expect("a fail point");
    let refused = open.erase(request("one"), &everything_of("stuck"), "r-1");
    assert!(matches!(refused, Err(ErasureError::Content(_))), "{refused:?}");
    assert_eq!([open.reads(&picture), open.reads(&said)], [const { Content::Erased }; 2]);
    let held = |plain: &[u8]| Some(HeldContent { contents: 1, bytes: plain.len() as u64 });
    assert_eq!(open.told()[1..], [erased("transcripts/stuck", "r-1", "one", held(SAID))]);

    fail::cfg("erasure.requested r-2", "1*panic(scripted)->off").expect("a fail point");
    let broke = std::thread::scope(|scope| {
        scope.spawn(|| open.erase(request("two"), &everything_of("later"), "r-2")).join().is_err()
    });
    assert!(broke, "nothing was interrupted");
    assert!(open.erasures.finish().is_err(), "the first is still refused");
    for content in &others {
        assert_eq!(open.reads(content), Content::Erased);
    }
    // Once the disk lets it, the key that was meant goes, counted as it was; what was kept since is not touched.
    let [since, _] = open.keeps("stuck");
    fail::remove(point);
    open.erasures.finish().expect("now it does");
    assert_eq!(open.told().last(), Some(&erased("channel/stuck", "r-1", "one", held(PICTURE))));
    assert_eq!(open.reads(&since), Content::Plain(PICTURE.to_vec()));
    open.close();
}

/// Where copies may lie in a bucket although no event names them, an erasure is not ended by a process without a bucket.
#[test]
fn without_a_bucket_an_erasure_is_ended_only_where_no_event_ever_spoke_of_one() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let met = picture(2);
    setup.provider.says(&met, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let warned = |event: &Event| matches!(event, Event::FrameAssessed(one) if one.bears_a_warning()).then_some(());
        for name in ["spoken", "never"] {
            live.offer(&frame(&channel(name), 0, &met)).await;
            live.until(&channel(name), "a warning", warned).await;
        }
        let unkept = EvidenceUnkept {
            frame: frame(&channel("spoken"), 9, &met).id,
            image: None,
            place: EvidencePlace::Bucket,
            reason: "no such bucket".to_owned(),
        };
        let event = NewEvent {
            id: request("unkept"),
            event: unkept.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let append = Append { scope: channel("spoken").into(), expected: Expected::Any, events: vec![event] };
        let (journal, content) = (live.journal.clone(), live.content.clone());
        let asking = tokio::task::spawn_blocking(move || {
            journal.append(append).wait().expect("it is appended");
            let erasures = Arc::new(Erasures::open(journal, content).expect("the erasures are read"));
            for name in ["spoken", "never"] {
                let by = Actor::service("test");
                erasures.erase(request(name), &everything_of(name), &code("r-1"), &by).expect("it is carried out");
            }
            erasures
        });
        let erasures = asking.await.expect("no panic");
        let eraser = CopyEraser::new(erasures.clone(), live.journal.clone(), None, live.clock.clone());
        let (stop, stopping) = tokio::sync::watch::channel(false);
        let running = tokio::spawn(eraser.run(stopping));
        let finished = |name| erasures.of(request(name)).expect("it was asked for").is_finished();
        let begun = std::time::Instant::now();
        while !finished("never") {
            assert!(begun.elapsed() < PATIENCE, "it is not ended");
            tokio::task::yield_now().await;
        }
        assert!(!finished("spoken"), "what was asked for first was looked for first, and cannot be sought");
        stop.send_replace(true);
        running.await.expect("no panic");
        drop(erasures);
        live.close().await;
    });
}

/// The process breaks at each step. What was asked for durably is carried out at the next opening, before anything else
/// is kept; it is recorded once; and what is kept then stays.
#[test]
fn an_erasure_that_a_crash_interrupted_is_ended_at_the_next_opening_once() {
    for (step, counted) in [("erasure.requested", true), ("erasure.destroyed", false)] {
        let (place, reason) = (Place::new(), format!("{step}-breaks"));
        let open = place.open();
        open.hears_of("ch");
        let gone = open.keeps("ch");
        fail::cfg(format!("{step} {reason}"), "1*panic(scripted)->off").expect("a fail point");
        let broke = std::thread::scope(|scope| {
            scope.spawn(|| open.erase(request("one"), &everything_of("ch"), &reason)).join().is_err()
        });
        assert!(broke, "{step}: nothing was interrupted");
        let readable = gone.each_ref().map(|content| open.reads(content) != Content::Erased);
        assert!(readable.contains(&true), "{step}: nothing was left to do");
        assert!(!open.told().iter().any(|event| matches!(event, Event::ContentErased(_))), "{step}: it came too late");
        open.close();

        for _ in 0..2 {
            let open = place.open();
            for content in &gone {
                assert_eq!(open.reads(content), Content::Erased, "{step}");
            }
            let told = open.told();
            assert_eq!(told.len(), 3, "{step}: {told:?}");
            let held = Some(HeldContent { contents: 1, bytes: PICTURE.len() as u64 });
            assert_eq!(told[1], erased("channel/ch", &reason, "one", held.filter(|_| counted)), "{step}");
            let [since, _] = open.keeps("ch");
            assert_eq!(open.reads(&since), Content::Plain(PICTURE.to_vec()), "{step}: what is kept then stays");
            open.close();
        }
        verify(place.data()).expect("the chain is as it was");
    }
}
