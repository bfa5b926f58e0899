//! Content whose event never came does not outlive what is kept, and nothing else is touched.

use std::sync::Arc;

use streamwarden::actors::{Settings, Sweep, SweepError, Swept};
use streamwarden::clock::{Clock, ManualClock, SystemClock};
use streamwarden::events::{Actor, DataLossAccepted, Event, EvidenceStored, NewEvent};
use streamwarden::journal::content::{Content, ContentError};
use streamwarden::journal::{Append, Expected, Journal};
use streamwarden::model::{ContentRef, EventId, Position, Scope, SystemScope, Timestamp, subjects};
use tokio::sync::watch;

use crate::premises::{Live, Premises, Setup, channel, frame, picture};
use crate::scripted::Says;

const HOUR_MS: u64 = 3600 * 1000;

/// Files are dated by the machine, so time is counted from its own now.
async fn sweep(live: &Live, now: Timestamp) -> Swept {
    let clock = Arc::new(ManualClock::at(now));
    let sweep = Sweep::new(live.journal.clone(), live.content.clone(), clock);
    let (_stop, stopping) = watch::channel(false);
    let stepping = tokio::task::spawn_blocking(move || sweep.step(&stopping).expect("a look"));
    stepping.await.expect("no panic")
}

fn stored(event: &Event) -> Option<EvidenceStored> {
    match event {
        Event::EvidenceStored(stored) => Some(stored.clone()),
        _ => None,
    }
}

fn is_there(live: &Live, content: &ContentRef) -> bool {
    match live.content.get(content) {
        Ok(Content::Plain(_)) => true,
        Err(ContentError::Missing { .. }) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_written_and_never_recorded_is_gone_within_a_day_and_all_else_stays() {
    let settings = Settings::default();
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let met = picture(2);
    setup.provider.says(&met, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let now = SystemClock.now();
        let ch = channel("ch");
        live.offer(&frame(&ch, 0, &met)).await;
        let kept = live.until(&ch, "the picture to be kept", stored).await.content;
        // As if the process had ended, or the frame's time had, before the event came.
        let put = |subject: String| live.content.put(&subject, b"something somebody said").expect("it is put");
        let lost = [put(subjects::of_transcripts(&ch)), put(subjects::of_channel(&ch))];

        assert_eq!(sweep(live, now.plus_ms(HOUR_MS)).await.deleted, 0, "its event may still come");
        assert!(lost.iter().all(|content| is_there(live, content)));
        let swept = sweep(live, now.plus_ms(20 * HOUR_MS)).await;
        assert_eq!(swept.deleted, 2, "{swept:?}");
        assert!(swept.looked_for > 2, "policy and picture were looked for too: {swept:?}");
        assert!(!lost.iter().any(|content| is_there(live, content)));
        assert!(is_there(live, &kept));
        assert_eq!(sweep(live, now.plus_ms(40 * HOUR_MS)).await.deleted, 0);
        live.close().await;
    });
    // The policies are read from the store again: nothing of theirs was touched.
    premises.live(&setup, async |live| {
        let outcome = live.offer(&frame(&channel("ch"), 9, &met)).await;
        assert!(matches!(outcome.event, Event::FrameAssessed(_)), "{}", live.told());
    });
}

/// A data directory that was copied has files that are all of the same day. What an old event refers to is not taken for
/// an orphan, however late its file says it was written.
#[test]
fn content_of_an_event_long_passed_is_no_orphan_whatever_its_file_says() {
    let (premises, setup) = (Premises::new(), Setup { settings: Settings::default(), ..Setup::default() });
    let met = picture(2);
    setup.provider.says(&met, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let now = SystemClock.now();
        let ch = channel("ch");
        live.offer(&frame(&ch, 0, &met)).await;
        let kept = live.until(&ch, "the picture to be kept", stored).await.content;
        assert_eq!(sweep(live, now.plus_ms(20 * HOUR_MS)).await.deleted, 0);
        let place = "content-orphans".parse().expect("a sound name");
        let journal = live.journal.clone();
        let reached = tokio::task::spawn_blocking(move || journal.cursor(&place)).await.expect("no panic");
        assert_eq!(
            reached.expect("it is read"),
            Some(*live.journal.watermark().borrow()),
            "all events are old by then"
        );
        // Events here are recorded long before any file is written: everything is a suspect once more, and only the
        // journal before the place says that it is not.
        let swept = sweep(live, now.plus_ms(21 * HOUR_MS)).await;
        assert!(swept.looked_for >= 2 && swept.deleted == 0, "{swept:?}");
        assert!(is_there(live, &kept));
        live.close().await;
    });
}

#[test]
fn a_journal_that_cannot_be_read_acquits_everybody() {
    let (premises, setup) = (Premises::new(), Setup::default());
    premises.live(&setup, async |live| {
        let lost = live.content.put("transcripts/ch", b"something somebody said").expect("it is put");
        live.journal.set_unreadable(true);
        let clock = Arc::new(ManualClock::at(SystemClock.now().plus_ms(20 * HOUR_MS)));
        let sweep = Sweep::new(live.journal.clone(), live.content.clone(), clock);
        let (_stop, stopping) = watch::channel(false);
        let failed = tokio::task::spawn_blocking(move || sweep.step(&stopping)).await.expect("no panic");
        assert!(matches!(failed, Err(SweepError::Read(_))), "{failed:?}");
        assert!(is_there(live, &lost));
    });
}

/// Says durably that the event at that position is lost, at the time of the journal's clock.
async fn accept_loss(live: &Live, at: Position) {
    let event = NewEvent {
        id: EventId::of_command("test loss", &[]),
        event: DataLossAccepted { from: at, to: at, finding: "scripted".to_owned() }.into(),
        captured_at: None,
        actor: Actor::service("test"),
        causation: None,
        correlation: None,
    };
    let scope = Scope::from(SystemScope::Store);
    let ticket = live.journal.append(Append { scope, expected: Expected::Any, events: vec![event] });
    tokio::task::spawn_blocking(move || ticket.wait()).await.expect("no panic").expect("it is appended");
}

/// Where the first event of that kind stands.
fn position_of(live: &Live, is: impl Fn(&Event) -> bool) -> Position {
    let found = live.events().into_iter().find(|one| one.event().is_ok_and(|event| is(&event)));
    found.expect("it is in the journal").envelope.position
}

/// What only a lost event named looks as if nobody had named it. It stays, as whatever was written before the loss was
/// accepted.
#[test]
fn what_a_lost_event_may_have_named_stays() {
    let (premises, setup) = (Premises::new(), Setup { settings: Settings::default(), ..Setup::default() });
    let met = picture(2);
    setup.provider.says(&met, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let (now, ch) = (SystemClock.now(), channel("ch"));
        live.offer(&frame(&ch, 0, &met)).await;
        let kept = live.until(&ch, "the picture to be kept", stored).await.content;
        let at = position_of(live, |event| matches!(event, Event::EvidenceStored(_)));
        live.journal.hide(at);
        let later = now.plus_ms(20 * HOUR_MS);
        let swept = sweep(live, later).await;
        assert_eq!((swept.deleted, swept.spared), (0, 1), "nobody has accepted that it is lost: {swept:?}");

        live.clock.set(now.plus_ms(HOUR_MS));
        accept_loss(live, at).await;
        let swept = sweep(live, later).await;
        assert_eq!((swept.deleted, swept.spared), (0, 1), "it was written before: {swept:?}");
        assert!(is_there(live, &kept));
        live.close().await;
    });
}

/// A loss spares what may have been named before it, and not every orphan for ever.
#[test]
fn what_was_written_since_a_loss_was_accepted_is_looked_for_as_ever() {
    let (premises, setup) = (Premises::new(), Setup { settings: Settings::default(), ..Setup::default() });
    premises.live(&setup, async |live| {
        live.offer(&frame(&channel("ch"), 0, &picture(2))).await;
        let at = position_of(live, |event| matches!(event, Event::SessionStarted(_)));
        live.journal.hide(at);
        accept_loss(live, at).await; // long ago, by the clock of these events
        let lost = live.content.put("transcripts/ch", b"something somebody said").expect("it is put");
        let swept = sweep(live, SystemClock.now().plus_ms(20 * HOUR_MS)).await;
        assert_eq!((swept.deleted, swept.spared), (1, 0), "{swept:?}");
        assert!(!is_there(live, &lost));
        live.close().await;
    });
}

/// Nothing is looked for to the end once the process ends.
#[test]
fn a_look_ends_when_the_process_does() {
    let (premises, setup) = (Premises::new(), Setup::default());
    premises.live(&setup, async |live| {
        let lost = live.content.put("transcripts/ch", b"something somebody said").expect("it is put");
        let clock = Arc::new(ManualClock::at(SystemClock.now().plus_ms(20 * HOUR_MS)));
        let sweep = Sweep::new(live.journal.clone(), live.content.clone(), clock);
        let (_stop, stopping) = watch::channel(true);
        let stopped = tokio::task::spawn_blocking(move || sweep.step(&stopping)).await.expect("no panic");
        assert!(matches!(stopped, Err(SweepError::Stopped)), "{stopped:?}");
        assert!(is_there(live, &lost));
    });
}
