//! Evidence that was to be kept when its process ended: it is kept after all where the picture can still be got, and else
//! said to be lost, once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use streamwarden::actors::{Erasures, Evidence, EvidenceKeeper, FetchError, Fetching, LookedAfter, Objects, Settings};
use streamwarden::clock::Clock;
use streamwarden::events::{Actor, Event, EventType, EvidencePlace, EvidenceStored, EvidenceUnkept, Timings};
use streamwarden::journal::Journal;
use streamwarden::journal::content::Content;
use streamwarden::model::{
    Confidence, ConsumerName, Frame, FrameOrigin, Label, LabelPath, Position, ProviderRef, S3Object, Sha256, subjects,
};
use streamwarden::policy::file;
use streamwarden::warden::{Answered, Beside, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::erasure::{code, everything_of, request};
use crate::premises::{Live, POLICY, Premises, Setup, channel, frame, picture, session};
use crate::scripted::Says;

const MINUTE_MS: u64 = 60_000;
/// How far what is not clear was looked after, in a house that keeps no copies.
const PLACE: &str = "evidence-lost-not-clear";

fn setup(evidence: Evidence) -> Setup {
    let setup = Setup { settings: Settings { evidence, ..Setup::default().settings }, ..Setup::default() };
    setup.provider.says(&met(), Says::Labels(&[("Alcohol", 95.0)]));
    setup
}

/// A picture that a rule is met by.
fn met() -> Arc<[u8]> {
    picture(2)
}

/// Whoever looks after lost evidence in this process.
async fn keeper(live: &Live) -> Arc<EvidenceKeeper> {
    keeper_beside(live).await.0
}

/// The same, and the erasures that it asks.
async fn keeper_beside(live: &Live) -> (Arc<EvidenceKeeper>, Arc<Erasures>) {
    let (journal, content) = (live.parts.journal.clone(), live.content.clone());
    let reading = tokio::task::spawn_blocking(move || Erasures::open(journal, content).expect("erasures are read"));
    let erasures = Arc::new(reading.await.expect("no panic"));
    (Arc::new(EvidenceKeeper::new(&live.parts, live.wardens.clone(), erasures.clone())), erasures)
}

/// Lets it run, until what is returned is told to stop.
fn runs(keeper: &Arc<EvidenceKeeper>) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (stop, stopping) = watch::channel(false);
    (stop, tokio::spawn(keeper.clone().run(stopping)))
}

fn passes(live: &Live, ms: u64) {
    live.clock.set(live.clock.now().plus_ms(ms));
}

fn stored(event: &Event) -> Option<EvidenceStored> {
    match event {
        Event::EvidenceStored(stored) => Some(stored.clone()),
        _ => None,
    }
}

fn unkept(event: &Event) -> Option<EvidenceUnkept> {
    match event {
        Event::EvidenceUnkept(unkept) => Some(unkept.clone()),
        _ => None,
    }
}

fn all_of<T>(live: &Live, name: &str, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
    live.of(&channel(name)).iter().filter_map(pick).collect()
}

/// A process in which a frame of the channel is judged and its picture is to be kept, and which ends in between.
fn cut(premises: &Premises, name: &str) -> Frame {
    let judged = frame(&channel(name), 0, &met());
    let point = format!("evidence.store {name}");
    premises.live(&setup(Evidence::NotClear), async |live| {
        keeper(live).await.step().await.expect("the first look begins at the head");
        let journal = Arc::downgrade(&live.journal); // the point outlives the process
        let cut = move || journal.upgrade().expect("the process lives").cut_off();
        fail::cfg_callback(&point, cut).expect("a fail point");
        live.offer(&judged).await;
        live.journal.has_lost_one().await;
        assert!(all_of(live, name, stored).is_empty(), "{}", live.told());
    });
    fail::remove(&point);
    judged
}

#[test]
fn what_is_announced_again_after_the_process_ended_is_kept_as_it_was_judged() {
    let premises = Premises::new();
    let judged = cut(&premises, "again");
    for run in 0..2 {
        let setup = setup(Evidence::NotClear);
        premises.live(&setup, async |live| {
            let keeper = keeper(live).await;
            let (stop, running) = runs(&keeper);
            assert!(live.offer(&judged).await.repeated);
            let kept = live.until(&channel("again"), "the picture to be kept", stored).await;
            assert_eq!((kept.frame, kept.image), (judged.id, Sha256::of(&met())));
            assert_eq!(live.content.get(&kept.content).expect("it is there"), Content::Plain(met().to_vec()));
            // When it has come again, and its minute is over, nothing is left to be said.
            stop.send_replace(true);
            running.await.expect("no panic");
            passes(live, 2 * MINUTE_MS);
            assert_eq!(keeper.step().await.expect("a look"), LookedAfter::default(), "run {run}");
            assert_eq!(all_of(live, "again", stored).len(), 1, "{}", live.told());
            assert!(all_of(live, "again", unkept).is_empty(), "{}", live.told());
            assert_eq!(setup.provider.calls(&met()), 0, "nobody is asked about it again");
            live.close().await;
        });
    }
}

#[test]
fn what_is_not_announced_again_is_said_to_be_lost_after_a_minute_and_once() {
    let premises = Premises::new();
    let judged = cut(&premises, "gone");
    let place: ConsumerName = PLACE.parse().expect("a sound name");
    for first in [true, false] {
        premises.live(&setup(Evidence::NotClear), async |live| {
            let keeper = keeper(live).await;
            assert_eq!(keeper.step().await.expect("a look"), LookedAfter::default(), "it may still come again");
            passes(live, MINUTE_MS);
            if first {
                live.journal.set_full(true);
                keeper.step().await.expect_err("there is no room to say it");
                live.journal.set_full(false);
            }
            let unkept_now = LookedAfter { unkept: u32::from(first), ..LookedAfter::default() };
            assert_eq!(keeper.step().await.expect("a look"), unkept_now);
            let said = all_of(live, "gone", unkept);
            assert_eq!(said.len(), 1, "{}", live.told());
            assert_eq!((said[0].frame, said[0].place), (judged.id, EvidencePlace::Store));
            assert_eq!(said[0].image, Some(Sha256::of(&met())), "which picture it was is known");
            assert!(said[0].reason.contains("did not come again in time"), "{}", said[0].reason);
            // As if the process had ended between the event and the place: it is looked at again, and nothing is added.
            let saved = live.journal.save_cursor(&place, Position(0)).durable();
            saved.await.expect("it is kept");
            assert_eq!(keeper.step().await.expect("a look"), LookedAfter::default());
            assert_eq!(all_of(live, "gone", unkept).len(), 1, "{}", live.told());
            live.close().await;
        });
    }
}

#[test]
fn another_picture_than_the_one_judged_is_not_kept_in_its_place() {
    let premises = Premises::new();
    let judged = cut(&premises, "other");
    premises.live(&setup(Evidence::NotClear), async |live| {
        let (stop, running) = runs(&keeper(live).await);
        live.offer(&Frame { origin: FrameOrigin::Inline(picture(3)), ..judged.clone() }).await;
        let unkept = live.until(&channel("other"), "it to be said", unkept).await;
        assert!(unkept.reason.contains("another picture"), "{}", unkept.reason);
        assert_eq!(unkept.image, Some(Sha256::of(&met())));
        stop.send_replace(true);
        running.await.expect("no panic");
        live.close().await;
        assert!(all_of(live, "other", stored).is_empty(), "{}", live.told());
    });
}

#[test]
fn what_was_erased_since_it_was_judged_is_not_kept_afterwards() {
    let premises = Premises::new();
    let judged = cut(&premises, "erased");
    premises.live(&setup(Evidence::NotClear), async |live| {
        let (journal, content) = (live.parts.journal.clone(), live.content.clone());
        let erasing = tokio::task::spawn_blocking(move || {
            let erasures = Erasures::open(journal, content).expect("the erasures are read");
            let what = everything_of("erased");
            let by = Actor::service("test");
            let erased = erasures.erase(request("lost"), &what, &code("r-1"), &by);
            erased.expect("it is carried out");
        });
        erasing.await.expect("no panic");
        let (stop, running) = runs(&keeper(live).await);
        assert!(live.offer(&judged).await.repeated);
        let unkept = live.until(&channel("erased"), "it to be said", unkept).await;
        assert!(unkept.reason.contains("erased meanwhile"), "{}", unkept.reason);
        stop.send_replace(true);
        running.await.expect("no panic");
        live.close().await;
        let subject = subjects::of_channel(&channel("erased"));
        assert_eq!(live.content.key_of(&subject).expect("keys are read"), None, "nothing lies under a new key");
    });
}

#[test]
fn what_somebody_asked_to_erase_is_not_kept_though_nothing_is_destroyed_yet() {
    let premises = Premises::new();
    let judged = cut(&premises, "asked");
    let point = "erasure.requested asked-meanwhile";
    premises.live(&setup(Evidence::NotClear), async |live| {
        let (keeper, erasures) = keeper_beside(live).await;
        let erasing = tokio::task::spawn_blocking(move || {
            fail::cfg(point, "1*panic(scripted)->off").expect("a fail point");
            let by = Actor::service("test");
            erasures.erase(request("asked"), &everything_of("asked"), &code("asked-meanwhile"), &by).map(|_| ())
        });
        assert!(erasing.await.is_err(), "it ended between the request and the key");
        let (stop, running) = runs(&keeper);
        assert!(live.offer(&judged).await.repeated);
        let unkept = live.until(&channel("asked"), "it to be said", unkept).await;
        assert!(unkept.reason.contains("erased meanwhile"), "{}", unkept.reason);
        stop.send_replace(true);
        running.await.expect("no panic");
        live.close().await;
    });
    fail::remove(point);
}

#[test]
fn what_was_judged_a_day_ago_is_said_to_be_lost_though_it_comes_again() {
    let premises = Premises::new();
    let judged = cut(&premises, "late");
    premises.live(&setup(Evidence::NotClear), async |live| {
        let keeper = keeper(live).await;
        passes(live, 25 * 60 * MINUTE_MS);
        assert!(live.offer(&judged).await.repeated);
        let (stop, running) = runs(&keeper);
        let unkept = live.until(&channel("late"), "it to be said", unkept).await;
        assert!(unkept.reason.contains("more than a day ago"), "{}", unkept.reason);
        stop.send_replace(true);
        running.await.expect("no panic");
        live.close().await;
    });
}

/// Whatever the ending was, and though it comes again: what another setting left is none of this one's.
#[test]
fn what_another_setting_left_is_neither_kept_nor_said_to_be_lost() {
    let premises = Premises::new();
    let before = frame(&channel("before"), 0, &met());
    premises.live(&setup(Evidence::None), async |live| {
        keeper(live).await.step().await.expect("the first look begins at the head");
        live.offer(&before).await;
    });
    let left = cut(&premises, "left");
    for evidence in [Evidence::Assessed, Evidence::NotClear] {
        premises.live(&setup(evidence), async |live| {
            let keeper = keeper(live).await;
            for again in [&before, &left] {
                assert!(live.offer(again).await.repeated);
            }
            keeper.step().await.expect("the first look begins at the head");
            let (stop, running) = runs(&keeper);
            live.offer(&frame(&channel("now"), 0, &met())).await;
            live.until(&channel("now"), "the picture to be kept", stored).await;
            passes(live, MINUTE_MS);
            stop.send_replace(true);
            running.await.expect("no panic");
            assert_eq!(keeper.step().await.expect("a look"), LookedAfter::default());
            for name in ["before", "left"] {
                let said = all_of(live, name, stored).len() + all_of(live, name, unkept).len();
                assert_eq!(said, 0, "{evidence:?}: {}", live.told());
            }
        });
    }
}

/// A house that closed in order has seen to all of its evidence: what the next one is told to keep does not concern it.
#[test]
fn what_a_house_was_told_not_to_keep_is_no_loss_to_the_next() {
    let premises = Premises::new();
    premises.live(&setup(Evidence::None), async |live| {
        let keeper = keeper(live).await;
        keeper.step().await.expect("the first look begins at the head");
        live.offer(&frame(&channel("ch"), 0, &met())).await;
        live.close().await;
        tokio::task::spawn_blocking(move || keeper.rest()).await.expect("no panic").expect("it moves on");
    });
    premises.live(&setup(Evidence::Assessed), async |live| {
        passes(live, 10 * MINUTE_MS);
        let keeper = keeper(live).await;
        keeper.step().await.expect("the first look begins at the head");
        passes(live, MINUTE_MS);
        assert_eq!(keeper.step().await.expect("a look"), LookedAfter::default());
        live.close().await;
    });
}

#[test]
fn many_that_are_lost_are_said_so_many_at_a_time() {
    const FRAMES: u64 = 130;
    let premises = Premises::new();
    premises.live(&setup(Evidence::None), async |live| {
        for second in 0..FRAMES {
            live.offer(&frame(&channel("ch"), second, &met())).await;
        }
        // As if they should have been kept, and nothing became of it.
        let saved = live.journal.save_cursor(&PLACE.parse().expect("a sound name"), Position(0)).durable();
        saved.await.expect("it is kept");
    });
    premises.live(&setup(Evidence::NotClear), async |live| {
        let keeper = keeper(live).await;
        passes(live, MINUTE_MS);
        let mut looks = Vec::new();
        loop {
            let LookedAfter { kept, unkept, more } = keeper.step().await.expect("a look");
            looks.push((kept, unkept));
            if !more {
                break;
            }
        }
        assert_eq!(looks, [(0, 100), (0, 30)]);
        assert_eq!(all_of(live, "ch", unkept).len() as u64, FRAMES);
        live.close().await;
    });
}

/// One object, by its version; and whether nothing can be fetched now.
struct OneObject(Mutex<Vec<S3Object>>, AtomicBool);

impl Objects for OneObject {
    fn fetch<'a>(&'a self, object: &'a S3Object, _: usize) -> Fetching<'a> {
        self.0.lock().expect("nobody panics holding it").push(object.clone());
        let gone = FetchError { reason: format!("fetching {object}: NoSuchKey"), is_passing: false };
        let shut = FetchError { reason: format!("fetching {object}: timed out"), is_passing: true };
        let found = match (self.1.load(Ordering::SeqCst), &*object.key == "thumb.jpg") {
            (true, _) => Err(shut),
            (false, true) => Ok(met()),
            (false, false) => Err(gone),
        };
        Box::pin(async move { found })
    }
}

/// The frame's provider read it in its bucket, so that its outcome names the object: nobody need announce it again.
#[test]
fn what_the_outcome_names_by_its_version_is_fetched_and_kept_without_being_announced_again() {
    let (premises, objects) = (Premises::new(), Arc::new(OneObject(Mutex::default(), AtomicBool::new(true))));
    let setup = Setup { objects: Some(objects.clone()), ..setup(Evidence::NotClear) };
    premises.live(&setup, async |live| {
        let keeper = keeper(live).await;
        keeper.step().await.expect("the first look begins at the head");
        live.start(&channel("ch"), &session("st-1")).await;
        for (second, key) in [(0, "thumb.jpg"), (1, "gone.jpg")] {
            let object = S3Object {
                bucket: "thumbnails".into(),
                key: key.into(),
                version: Some("v1".into()),
                etag: None,
                size: None,
            };
            let judged = Frame { origin: FrameOrigin::S3(object), ..frame(&channel("ch"), second, &met()) };
            let label =
                Label(LabelPath::new("Alcohol").expect("a path"), Confidence::from_percent(95.0).expect("it is"));
            let provider =
                ProviderRef { name: "scripted".into(), model: "test".into(), taxonomy: "rekognition/7.0".into() };
            let answer = Answered {
                provider,
                labels: vec![label],
                kept: None,
                unmapped: 0,
                content_types: Vec::new(),
                floor: None,
                moments: Vec::new(),
                spoken: None,
            };
            let judge = Command::JudgeFrame {
                frame: judged,
                policy: Arc::new(file::load("test.yaml", POLICY).expect("it is sound").remove(0).policy),
                shadow: None,
                measured: None,
                segment: None,
                answer: Box::new(answer),
                beside: Beside::default(),
                took: Timings::default(),
            };
            // As a warden's own step, after which that warden ended: nobody keeps the picture.
            live.wardens.command(&channel("ch"), judge).await.expect("it is judged");
        }
        assert_eq!(keeper.step().await.expect("a look"), LookedAfter::default(), "it may be on its way");
        passes(live, 10 * MINUTE_MS);
        assert_eq!(keeper.step().await.expect("a look"), LookedAfter::default(), "nothing can be fetched now");
        objects.1.store(false, Ordering::SeqCst);
        assert_eq!(keeper.step().await.expect("a look"), LookedAfter { kept: 1, unkept: 1, more: false });
        let kept = all_of(live, "ch", stored);
        assert_eq!(kept[0].image, Sha256::of(&met()));
        assert_eq!(live.content.get(&kept[0].content).expect("it is there"), Content::Plain(met().to_vec()));
        assert!(all_of(live, "ch", unkept)[0].reason.contains("NoSuchKey"));
        let asked = objects.0.lock().expect("nobody panics holding it").clone();
        assert!(asked.iter().all(|object| object.version.as_deref() == Some("v1")), "{asked:?}");
        let outcomes = live.events().into_iter();
        let outcomes = outcomes.filter(|one| one.envelope.event_type == EventType::FrameAssessed.name()).count();
        assert_eq!(outcomes, 2, "{}", live.told());
        live.close().await;
    });
}
