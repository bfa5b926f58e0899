//! Which pictures are kept, and that what is kept is what was judged.

use std::time::Duration;

use streamwarden::actors::{Evidence, KeptForATime, Retention, Settings, Step};
use streamwarden::events::{Event, EvidenceExpired, EvidenceStored};
use streamwarden::journal::content::Content;
use streamwarden::model::{EventId, Sha256, subjects};
use streamwarden::warden::Command;

use crate::premises::{Live, Premises, Setup, T0, channel, frame, outcome, picture};
use crate::scripted::{PATIENCE, Says};

fn stored(event: &Event) -> Option<EvidenceStored> {
    match event {
        Event::EvidenceStored(stored) => Some(stored.clone()),
        _ => None,
    }
}

fn kept_in(live: &Live, name: &str) -> usize {
    live.of(&channel(name)).iter().filter_map(stored).count()
}

#[test]
fn the_picture_of_a_frame_that_was_not_clear_is_kept_as_it_was_judged_and_a_clear_ones_is_not() {
    let settings = Settings { evidence: Evidence::default(), ..Settings::default() };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let (clear, met) = (picture(1), picture(2));
    setup.provider.says(&clear, Says::Labels(&[]));
    setup.provider.says(&met, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        live.offer(&frame(&channel, 0, &clear)).await;
        let judged = frame(&channel, 1, &met);
        live.offer(&judged).await;
        let kept = live.until(&channel, "the picture to be kept", stored).await;
        assert_eq!((kept.frame, kept.image), (judged.id, Sha256::of(&met)));
        assert_eq!(live.content.get(&kept.content).expect("it is there"), Content::Plain(met.to_vec()));
        assert!(live.journal_holds(Command::evidence_id(judged.id)));
        let recorded = live.events().into_iter().find(|one| one.envelope.id == Command::evidence_id(judged.id));
        let envelope = recorded.expect("it is in the journal").envelope;
        assert_eq!(envelope.causation, Some(EventId::outcome_of(judged.id)), "after its outcome, and because of it");
        assert_eq!(envelope.captured_at, Some(judged.captured_at));

        live.content.erase(&kept.content.subject).expect("erasing");
        assert_eq!(live.content.get(&kept.content).expect("it says so"), Content::Erased);
        // Offered again it has its outcome already, and its picture is not kept a second time.
        assert!(live.offer(&judged).await.repeated);
        live.close().await;
        assert_eq!(kept_in(live, "ch"), 1, "{}", live.told());
    });
}

/// Its picture is on its way when what is kept of the channel is erased: it does not come to lie under the next key.
#[test]
fn the_picture_of_a_frame_that_was_under_way_at_an_erasure_is_not_kept() {
    let settings = Settings { evidence: Evidence::Assessed, frame_deadline: PATIENCE, ..Settings::default() };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let met = picture(2);
    setup.provider.says(&met, Says::Held(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let ch = channel("ch");
        let offered = live.offered(&frame(&ch, 0, &met));
        setup.provider.asked(&met).await;
        live.content.erase(&subjects::of_channel(&ch)).expect("erasing");
        setup.provider.release();
        outcome(offered).await;
        let unkept = |event: &Event| match event {
            Event::EvidenceUnkept(unkept) => Some(unkept.reason.clone()),
            _ => None,
        };
        let reason = live.until(&ch, "the picture to be given up", unkept).await;
        assert!(reason.contains("erased meanwhile"), "{reason}");
        live.close().await;
        assert_eq!(kept_in(live, "ch"), 0, "{}", live.told());
    });
}

#[test]
fn a_house_that_closes_first_finishes_keeping_what_it_has_judged() {
    let settings = Settings { evidence: Evidence::Assessed, ..Settings::default() };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let pictures: Vec<_> = (1..9).map(picture).collect();
    for shown in &pictures {
        setup.provider.says(shown, Says::Labels(&[]));
    }
    premises.live(&setup, async |live| {
        for (second, shown) in pictures.iter().enumerate() {
            live.offer(&frame(&channel("ch"), second as u64, shown)).await;
        }
        live.close().await;
        assert_eq!(kept_in(live, "ch"), pictures.len(), "{}", live.told());
    });
}

#[test]
fn none_is_kept_where_none_is_asked_for() {
    let settings = Settings { evidence: Evidence::None, ..Settings::default() };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let met = picture(2);
    setup.provider.says(&met, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        live.offer(&frame(&channel("ch"), 0, &met)).await;
        live.close().await;
        assert_eq!(kept_in(live, "ch"), 0, "{}", live.told());
    });
}

/// A house in which every judged picture is kept, and what deletes them after a day.
fn retention(live: &Live) -> Retention {
    Retention::new(
        KeptForATime::Pictures,
        live.journal.clone(),
        live.content.clone(),
        live.clock.clone(),
        Duration::from_secs(24 * 3600),
    )
}

fn expired(event: &Event) -> Option<EvidenceExpired> {
    match event {
        Event::EvidenceExpired(expired) => Some(expired.clone()),
        _ => None,
    }
}

#[test]
fn pictures_whose_time_is_over_are_deleted_once_and_an_event_says_which() {
    let settings = Settings { evidence: Evidence::Assessed, ..Settings::default() };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let pictures: Vec<_> = (1..5).map(picture).collect();
    for shown in &pictures {
        setup.provider.says(shown, Says::Labels(&[]));
    }
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        let mut kept = Vec::new();
        for (second, shown) in pictures.iter().enumerate() {
            if second == 3 {
                live.clock.set(T0.plus_ms(12 * 3600 * 1000)); // the last one is half a day younger
            }
            let judged = frame(&channel, second as u64, shown);
            live.offer(&judged).await;
            let of_this = |event: &Event| stored(event).filter(|stored| stored.frame == judged.id);
            kept.push(live.until(&channel, "the picture to be kept", of_this).await);
        }
        let step = async |live: &Live| {
            let retention = retention(live);
            tokio::task::spawn_blocking(move || retention.step().expect("a step")).await.expect("no panic")
        };
        assert_eq!(step(live).await, Step { deleted: 0, more: false }, "all are young enough");

        live.clock.set(T0.plus_ms(30 * 3600 * 1000));
        assert_eq!(step(live).await, Step { deleted: 3, more: false });
        for stored in &kept[..3] {
            assert_eq!(live.content.get(&stored.content).expect("it says so"), Content::Expired);
        }
        assert_eq!(live.content.get(&kept[3].content).expect("there"), Content::Plain(pictures[3].to_vec()));
        assert_eq!(step(live).await, Step { deleted: 0, more: false }, "nothing is deleted twice");
        let told: Vec<_> = live.events().iter().filter_map(|one| expired(&one.event().expect("known"))).collect();
        let bytes: u64 = pictures[..3].iter().map(|shown| shown.len() as u64).sum();
        assert_eq!(told.iter().map(|one| (one.pictures, one.bytes)).collect::<Vec<_>>(), [(3, bytes)]);
        let at = |id| live.events().iter().find(|one| one.envelope.id == id).expect("there").envelope.position;
        assert!(told[0].through >= at(Command::evidence_id(kept[2].frame)), "{told:?}");
        assert!(told[0].through < at(Command::evidence_id(kept[3].frame)), "{told:?}");
        live.close().await;
    });
}
