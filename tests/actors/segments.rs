//! A segment from its offer to its outcome, beside the pictures of its channel: when its provider takes long, hangs, or the
//! process goes away.

use std::sync::Arc;
use std::time::Duration;

use streamwarden::actors::{Evidence, KeptForATime, OfferError, Retention, Settings, Transcripts};
use streamwarden::events::{Event, FailedStage, FrameAssessed, FrameSkipped, Skip, UnjudgedBecause};
use streamwarden::journal::content::Content;
use streamwarden::model::{ContentRef, Fingerprint, Frame, FrameId, Medium, Sha256, Transcript, Verdict};
use streamwarden::telemetry::metrics::metrics;

use crate::premises::{Live, Premises, Setup, T0, channel, frame, outcome, picture, session};
use crate::scripted::{PATIENCE, Says, ScriptedProvider};

/// Pictures by the configured provider; sound every ten seconds.
const POLICY: &str = "policy: heard\nchannels: { matching: .* }\ntaxonomy: rekognition/7.0\n\
                      sampling: { every: 1s, max_age: 24h }\nsimilarity: off\n\
                      sound: { every: 10s, judged_by: hive-speech }\n\
                      rules:\n- { id: alcohol, categories: [Alcohol], confidence: 80 }\n\
                      - { id: hate, taxonomy: hive-speech/1, categories: [hate], from_severity: 2 }\n";

const DAY_MS: u64 = 24 * 3600 * 1000;

/// A segment as it is recorded, without a track of sound.
const MUTE: &[u8] = include_bytes!("../providers/segments/mute.ts");

fn heard() -> (Setup, Arc<ScriptedProvider>) {
    let speech = ScriptedProvider::answering_in("hive-speech/1", "hive-speech");
    (Setup { others: vec![speech.clone()], policy: POLICY, ..Setup::default() }, speech)
}

fn segment(second: u64, bytes: &[u8]) -> Frame {
    let channel = channel("ch");
    let shown = frame(&channel, second, &Arc::from(bytes));
    let print = Fingerprint::of(&[&second.to_be_bytes(), b"sound"]);
    let id = FrameId::of(&channel, &[&second.to_be_bytes(), b"sound"]);
    Frame { medium: Medium::Sound, id, fingerprint: print, ..shown }
}

fn assessed(event: Event) -> FrameAssessed {
    match event {
        Event::FrameAssessed(assessed) => assessed,
        other => panic!("the frame was to be assessed, it came to {other:?}"),
    }
}

async fn read(live: &Live, kept: &ContentRef) -> Transcript {
    let (content, kept) = (live.content.clone(), kept.clone());
    match tokio::task::spawn_blocking(move || content.get(&kept)).await.expect("no panic").expect("the store is read") {
        Content::Plain(bytes) => serde_json::from_slice(&bytes).expect("a transcript"),
        other => panic!("the transcript was to be kept: {other:?}"),
    }
}

#[test]
fn a_slow_word_holds_up_no_picture_and_is_judged_when_it_comes() {
    let (premises, (setup, speech)) = (Premises::new(), heard());
    let (shown, said) = (picture(1), b"something hateful");
    speech.says(said, Says::Held(&[("hate", 66.667)]));
    premises.live(&setup, async |live| {
        let (ch, sound) = (channel("ch"), segment(10, said));
        let pictures: Vec<_> = [11, 13, 15].map(|second| frame(&ch, second, &shown)).into();
        let slow = live.offered(&sound);
        speech.asked(said).await;
        for shown in &pictures {
            assert_eq!(assessed(live.offer(shown).await.event).verdict, Verdict::Clear);
        }
        assert!(!slow.is_finished(), "all three had their outcome while it was with its provider");
        speech.release();
        let judged = assessed(outcome(slow).await.event);
        assert_eq!((judged.medium, judged.verdict, judged.late), (Medium::Sound, Verdict::Warn, false));
        assert_eq!(judged.segment.as_ref().map(|facts| facts.sha256), Some(Sha256::of(said)));
        assert_eq!(judged.moments.iter().map(|moment| moment.label).collect::<Vec<_>>(), [0]);
        let spoken = judged.spoken.expect("something was said");
        let kept = spoken.transcript.expect("a rule was hit: it is kept");
        assert_eq!((&*kept.subject, spoken.language.as_deref()), ("transcripts/ch", Some("en")));
        assert_eq!(&*read(live, &kept).await.sentences[0].text, "something hateful");
        assert!(!live.told().contains("something hateful"), "no event holds a word of it");
        live.assert_one_outcome_each(pictures.iter().chain([&sound]));
        assert_eq!(live.state(&ch).await, live.replayed(&ch));
    });
}

#[test]
fn of_what_is_said_one_is_under_way_and_the_newest_waits_whatever_is_shown() {
    let (premises, (setup, speech)) = (Premises::new(), heard());
    speech.says(b"first", Says::Held(&[]));
    premises.live(&setup, async |live| {
        let all = [segment(10, b"first"), segment(20, b"second"), segment(30, b"third")];
        let first = live.offered(&all[0]);
        speech.asked(b"first").await;
        let again = live.offered(&all[0]);
        let [second, third] = [1, 2].map(|at| live.offered(&all[at]));
        match outcome(second).await.event {
            Event::FrameSkipped(skipped) => {
                assert_eq!((skipped.because, skipped.medium), (Skip::Superseded { by: all[2].id }, Medium::Sound));
            }
            other => panic!("the segment was to be superseded, it came to {other:?}"),
        }
        speech.release();
        let (first, again) = (outcome(first).await, outcome(again).await);
        assert_eq!((first.id, speech.calls(b"first")), (again.id, 1), "the same segment offered twice is one");
        assert_eq!(assessed(outcome(third).await.event).frame, all[2].id);
        live.assert_one_outcome_each(&all);
    });
}

#[test]
fn a_provider_that_hangs_over_a_segment_fails_it_by_its_own_deadline_and_the_channel_stays_watched() {
    let (premises, (mut setup, speech)) = (Premises::new(), heard());
    setup.settings = Settings { segment_deadline: Duration::from_millis(200), ..setup.settings };
    speech.says(b"hangs", Says::Hangs);
    premises.live(&setup, async |live| {
        let (shown, sound) = (frame(&channel("ch"), 0, &picture(1)), segment(10, b"hangs"));
        live.offer(&shown).await;
        match live.offer(&sound).await.event {
            Event::FrameFailed(failed) => {
                assert_eq!((failed.stage, failed.medium), (FailedStage::Deadline, Medium::Sound), "{failed:?}");
            }
            other => panic!("the segment was to fail, it came to {other:?}"),
        }
        let unwatched = |event: &Event| matches!(event, Event::ChannelUnwatched(_));
        assert!(!live.of(&channel("ch")).iter().any(unwatched), "{}", live.told());
        assert_eq!(assessed(live.offer(&segment(20, b"next")).await.event).verdict, Verdict::Clear);
    });
}

#[test]
fn a_segment_that_was_under_way_when_the_process_died_has_one_outcome_when_it_is_announced_again() {
    let (premises, (setup, speech)) = (Premises::new(), heard());
    let sound = segment(10, b"said");
    speech.says(b"said", Says::Held(&[("hate", 100.0)]));
    premises.live(&setup, async |live| {
        let lost = live.offered(&sound);
        speech.asked(b"said").await;
        assert!(!lost.is_finished());
    });
    speech.release();
    premises.live(&setup, async |live| {
        assert_eq!(assessed(live.offer(&sound).await.event).verdict, Verdict::Warn);
        assert!(live.offer(&sound).await.repeated);
        live.assert_one_outcome_each([&sound]);
        assert_eq!(live.state(&sound.channel).await, live.replayed(&sound.channel));
    });
    assert_eq!(speech.calls(b"said"), 2);
}

#[test]
fn an_orderly_end_does_not_wait_for_a_segment_which_is_announced_again() {
    let (premises, (setup, speech)) = (Premises::new(), heard());
    let sound = segment(10, b"said");
    speech.says(b"said", Says::Held(&[]));
    premises.live(&setup, async |live| {
        let left = live.offered(&sound);
        speech.asked(b"said").await;
        tokio::time::timeout(PATIENCE, live.close()).await.expect("the end waits for nobody who takes a minute");
        let left = tokio::time::timeout(PATIENCE, left).await.expect("it is told").expect("the offer does not break");
        assert_eq!(left.map(drop), Err(OfferError::ShuttingDown { frame: sound.id }));
    });
    speech.release();
    premises.live(&setup, async |live| {
        live.offer(&sound).await;
        live.assert_one_outcome_each([&sound]);
    });
}

#[test]
fn the_words_are_kept_as_the_settings_say() {
    for (transcripts, labels, expected) in [
        (Transcripts::None, &[("hate", 100.0)][..], false),
        (Transcripts::NotClear, &[("hate", 33.333)], false),
        (Transcripts::NotClear, &[("hate", 100.0)], true),
        (Transcripts::All, &[("hate", 33.333)], true),
    ] {
        let (premises, (mut setup, speech)) = (Premises::new(), heard());
        setup.settings = Settings { transcripts, ..setup.settings };
        speech.says(b"words", Says::Labels(labels));
        premises.live(&setup, async |live| {
            let judged = assessed(live.offer(&segment(10, b"words")).await.event);
            let spoken = judged.spoken.expect("something was said");
            assert_eq!(spoken.transcript.is_some(), expected, "{transcripts:?} {labels:?}");
        });
    }
}

/// `sound.keep_days`: words go by their own time, and take no picture along.
#[test]
fn words_whose_time_is_over_are_deleted_once_pictures_are_not_and_an_event_says_how_many() {
    let (premises, (mut setup, speech)) = (Premises::new(), heard());
    setup.settings = Settings { evidence: Evidence::Assessed, transcripts: Transcripts::All, ..setup.settings };
    for said in [&b"old"[..], b"older", b"young"] {
        speech.says(said, Says::Labels(&[("hate", 33.333)]));
    }
    premises.live(&setup, async |live| {
        let ch = channel("ch");
        live.offer(&frame(&ch, 0, &picture(1))).await;
        let stored = |event: &Event| match event {
            Event::EvidenceStored(stored) => Some(stored.content.clone()),
            _ => None,
        };
        let shown = live.until(&ch, "the picture to be kept", stored).await;
        let mut kept = Vec::new();
        for (second, said) in [(10, &b"old"[..]), (20, b"older"), (30, b"young")] {
            if second == 30 {
                live.clock.set(T0.plus_ms(DAY_MS / 2));
            }
            let judged = assessed(live.offer(&segment(second, said)).await.event);
            kept.push(judged.spoken.and_then(|spoken| spoken.transcript).expect("all are kept"));
        }
        let step = async |live: &Live| {
            let (journal, content, clock) = (live.journal.clone(), live.content.clone(), live.clock.clone());
            let kept_for = Duration::from_millis(DAY_MS);
            let retention = Retention::new(KeptForATime::Transcripts, journal, content, clock, kept_for);
            tokio::task::spawn_blocking(move || retention.step().expect("a step")).await.expect("no panic")
        };
        assert_eq!(step(live).await.deleted, 0, "all are young enough");
        live.clock.set(T0.plus_ms(DAY_MS + 1));
        assert_eq!(step(live).await.deleted, 2);
        let became: Vec<_> = kept.iter().map(|one| live.content.get(one).expect("the store says")).collect();
        assert_eq!(became[..2], [const { Content::Expired }; 2]);
        assert!(matches!(became[2], Content::Plain(_)), "it has half a day left");
        assert!(matches!(live.content.get(&shown), Ok(Content::Plain(_))), "pictures have a time of their own");
        assert_eq!(step(live).await.deleted, 0, "nothing is deleted twice");
        let told = live.events().into_iter().filter_map(|one| match one.event() {
            Ok(Event::EvidenceExpired(expired)) => Some((expired.transcripts, expired.pictures, expired.bytes)),
            _ => None,
        });
        let bytes = kept[..2].iter().map(|one| u64::from(one.bytes)).sum();
        assert_eq!(told.collect::<Vec<_>>(), [(2, 0, bytes)]);
        live.close().await;
    });
}

#[test]
fn a_segment_beyond_the_bound_is_never_shown_and_one_that_nobody_is_there_to_hear_fails_aloud() {
    let (premises, (mut setup, speech)) = (Premises::new(), heard());
    let huge = vec![0; (32 << 20) + 1];
    premises.live(&setup, async |live| match live.offer(&segment(10, &huge)).await.event {
        Event::FrameFailed(failed) => assert_eq!(failed.stage, FailedStage::Fetch, "{failed:?}"),
        other => panic!("the segment was to fail, it came to {other:?}"),
    });
    assert_eq!(speech.calls(&huge), 0);
    setup.others.clear();
    premises.live(&setup, async |live| match live.offer(&segment(20, b"said")).await.event {
        Event::FrameFailed(failed) => assert_eq!(failed.stage, FailedStage::NoProvider, "{failed:?}"),
        other => panic!("the segment was to fail, it came to {other:?}"),
    });
}

#[test]
fn a_mute_segment_is_shown_to_nobody_and_its_outcome_says_that_there_was_no_sound() {
    let (premises, (setup, speech)) = (Premises::new(), heard());
    premises.live(&setup, async |live| {
        let mute = segment(10, MUTE);
        match live.offer(&mute).await.event {
            Event::FrameSkipped(FrameSkipped { because: Skip::NoTrack { sha256 }, medium: Medium::Sound, .. }) => {
                assert_eq!(sha256, Sha256::of(MUTE));
            }
            other => panic!("the segment was to have no track, it came to {other:?}"),
        }
        match live.offer(&segment(15, b"said")).await.event {
            Event::FrameSkipped(skipped) => {
                assert!(matches!(skipped.because, Skip::TooSoon { .. }), "as after one that was judged: {skipped:?}");
            }
            other => panic!("the next was not due, it came to {other:?}"),
        }
        assert_eq!(speech.calls(MUTE) + speech.calls(b"said"), 0);
        assert_eq!(live.state(&channel("ch")).await, live.replayed(&channel("ch")));
    });
}

/// The purse holds two calls. A picture takes the first; what a segment does with the second shows in whether the next
/// picture of the same channel has one.
#[test]
fn a_call_about_a_segment_is_counted_and_never_withheld_and_none_counts_that_was_not_made() {
    const TUNED: &str = "policy: tuned\nchannels: { matching: .* }\ntaxonomy: rekognition/7.0\n\
                         sampling: { every: 1s to 60s, max_age: 24h }\nsimilarity: off\n\
                         sound: { every: 10s, judged_by: hive-speech }\n\
                         rules:\n- { id: alcohol, categories: [Alcohol], confidence: 80 }\n\
                         - { id: hate, taxonomy: hive-speech/1, categories: [hate], from_severity: 2 }\n";
    for (bytes, calls, has_one) in [(&b"said"[..], 1, false), (MUTE, 0, true)] {
        let (premises, (mut setup, speech)) = (Premises::new(), heard());
        setup.policy = TUNED;
        setup.settings = Settings { calls_per_hour: Some(1), ..setup.settings };
        premises.live(&setup, async |live| {
            let ch = channel("ch");
            assert_eq!(assessed(live.offer(&frame(&ch, 0, &picture(1))).await.event).verdict, Verdict::Clear);
            live.offer(&segment(10, bytes)).await;
            assert_eq!(speech.calls(bytes), calls);
            match live.offer(&frame(&ch, 15, &picture(2))).await.event {
                Event::FrameAssessed(_) => assert!(has_one, "the segment took the last call"),
                Event::FrameSkipped(FrameSkipped { because: Skip::GaveWay { bar: 1000, .. }, .. }) => assert!(!has_one),
                other => panic!("the picture came to {other:?}"),
            }
            let judged = assessed(live.offer(&segment(25, b"whatever the purse holds")).await.event);
            assert_eq!((judged.medium, judged.verdict), (Medium::Sound, Verdict::Clear));
        });
    }
}

#[test]
fn of_a_live_channel_whose_sound_never_comes_that_is_said_in_time_without_anything_arriving() {
    let (premises, (setup, _)) = (Premises::new(), heard());
    premises.live(&setup, async |live| {
        let ch = channel("ch");
        live.start(&ch, &session("st-1")).await;
        premises.clock.set(T0.plus_ms(150_000));
        let unjudged = live.until(&ch, "that sound is judged by nobody", |event| match event {
            Event::SegmentsUnjudged(unjudged) => Some(unjudged.clone()),
            _ => None,
        });
        let unjudged = unjudged.await;
        assert_eq!((unjudged.medium, unjudged.because, unjudged.since), (Medium::Sound, UnjudgedBecause::NoInput, T0));
        assert_eq!(live.state(&ch).await, live.replayed(&ch));
        let figures = metrics().text(); // of every test in this program, of which this one stands
        assert!(figures.contains("streamwarden_channels_unjudged{medium=\"sound\"} "), "{figures}");
        assert!(!figures.contains("streamwarden_channels_unjudged{medium=\"sound\"} 0\n"), "{figures}");
    });
}
