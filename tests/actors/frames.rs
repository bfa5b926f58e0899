//! A frame from its offer to its outcome, when others hang, repeat themselves, or go away.

use std::time::Duration;

use streamwarden::actors::{OfferError, Settings};
use streamwarden::events::{CadenceBecause, Event, FailedStage, FrameSkipped, Skip};
use streamwarden::journal::AppendError;
use streamwarden::model::{EventId, Fingerprint, ModeratorId, Verdict};
use streamwarden::warden::{Answering, Command, ModeratorAct};

use crate::premises::{Premises, Setup, channel, frame, outcome, picture, session};
use crate::scripted::{PATIENCE, Says};

fn assessed(event: &Event) -> Verdict {
    match event {
        Event::FrameAssessed(assessed) => assessed.verdict,
        other => panic!("the frame was to be assessed, it came to {other:?}"),
    }
}

#[test]
fn a_hanging_provider_holds_up_neither_a_dismissal_nor_a_session_end_nor_a_look_at_the_state() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let (shown, hangs) = (picture(1), picture(2));
    setup.provider.says(&shown, Says::Labels(&[("Alcohol", 95.0)]));
    setup.provider.says(&hangs, Says::Hangs);
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        live.offer(&frame(&channel, 0, &shown)).await;
        let raised = |event: &Event| match event {
            Event::WarningRaised(raised) => Some(raised.warning),
            _ => None,
        };
        let warning = live.until(&channel, "a warning", raised).await;
        let hanging = live.offered(&frame(&channel, 1, &hangs));
        setup.provider.asked(&hangs).await;

        let by = ModeratorId::new("mod-1").expect("a sound id");
        let request = EventId::of_command("test", &[b"dismissal"]);
        let command = Command::Moderate { request, by, act: ModeratorAct::Dismiss(Answering::to([warning])) };
        let dismissed = live.wardens.command(&channel, command).await.expect("the dismissal is taken");
        assert!(live.journal_holds(dismissed[0]), "a dismissal is answered when it is durable:\n{}", live.told());
        let state = live.state(&channel).await;
        assert_eq!(state.open_warnings().count(), 0);
        let command = Command::EndSession { session: session("st-1") };
        let ended = live.wardens.command(&channel, command).await.expect("the session ends");
        assert!(live.journal_holds(ended[0]), "an end is answered when it is durable:\n{}", live.told());

        assert!(!hanging.is_finished(), "all that happened while the provider hung");
    });
}

#[test]
fn a_frame_whose_provider_hangs_fails_by_its_deadline() {
    let settings = Settings { frame_deadline: Duration::from_millis(200), ..Settings::default() };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let hangs = picture(2);
    setup.provider.says(&hangs, Says::Hangs);
    premises.live(&setup, async |live| {
        let frame = frame(&channel("ch"), 0, &hangs);
        match live.offer(&frame).await.event {
            Event::FrameFailed(failed) => assert_eq!(failed.stage, FailedStage::Deadline, "{failed:?}"),
            other => panic!("the frame was to fail, it came to {other:?}"),
        }
        live.assert_one_outcome_each([&frame]);
    });
}

#[test]
fn an_unavailable_provider_is_asked_again_and_then_the_frame_fails() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let shown = picture(1);
    setup.provider.says(&shown, Says::Unavailable);
    premises.live(&setup, async |live| {
        match live.offer(&frame(&channel("ch"), 0, &shown)).await.event {
            Event::FrameFailed(failed) => assert_eq!((failed.stage, failed.attempts), (FailedStage::Provider, 3)),
            other => panic!("the frame was to fail, it came to {other:?}"),
        }
        assert_eq!(setup.provider.calls(&shown), 3);
    });
}

#[test]
fn one_frame_is_under_way_and_one_waits_and_of_several_the_newest_does() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let (held, later) = (picture(1), picture(2));
    setup.provider.says(&held, Says::Held(&[]));
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        let frames = [
            frame(&channel, 0, &held),
            frame(&channel, 10, &later),
            frame(&channel, 30, &later),
            frame(&channel, 20, &later), // late: the one in line is newer and stays
        ];
        let first = live.offered(&frames[0]);
        setup.provider.asked(&held).await;
        let [second, third, fourth] = [1, 2, 3].map(|at| live.offered(&frames[at]));
        for superseded in [second, fourth] {
            match outcome(superseded).await.event {
                Event::FrameSkipped(skipped) => assert_eq!(skipped.because, Skip::Superseded { by: frames[2].id }),
                other => panic!("the frame was to be superseded, it came to {other:?}"),
            }
        }
        assert!(!first.is_finished() && !third.is_finished(), "the superseded have their outcome at once");
        setup.provider.release();
        assert_eq!(assessed(&outcome(first).await.event), Verdict::Clear);
        assert_eq!(assessed(&outcome(third).await.event), Verdict::Clear);
        live.assert_one_outcome_each(&frames);
    });
}

#[test]
fn a_frame_offered_again_while_it_is_under_way_joins_it() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let held = picture(1);
    setup.provider.says(&held, Says::Held(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let frame = frame(&channel("ch"), 0, &held);
        let first = live.offered(&frame);
        setup.provider.asked(&held).await;
        // Fewer than its mailbox takes: one more would come round behind the look at the state, and perhaps too late.
        let others: Vec<_> = (0..12).map(|_| live.offered(&frame)).collect();
        tokio::task::yield_now().await; // each has begun, and so is in the mailbox before what comes now
        live.state(&frame.channel).await; // behind the others in the mailbox
        setup.provider.release();
        let first = outcome(first).await;
        assert_eq!(assessed(&first.event), Verdict::Warn);
        for other in others {
            assert_eq!(outcome(other).await, first, "all who wait hear the same outcome");
        }
        assert_eq!(setup.provider.calls(&held), 1);
        live.assert_one_outcome_each([&frame]);
    });
}

#[test]
fn a_frame_offered_again_after_its_outcome_gets_that_outcome_even_after_a_restart() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let shown = picture(1);
    let frame = frame(&channel("ch"), 0, &shown);
    let first = premises.live(&setup, async |live| live.offer(&frame).await);
    assert!(!first.repeated);
    for _ in 0..2 {
        premises.live(&setup, async |live| {
            for _ in 0..2 {
                let again = live.offer(&frame).await;
                assert!(again.repeated);
                assert_eq!((again.id, again.position, &again.event), (first.id, first.position, &first.event));
            }
            live.assert_one_outcome_each([&frame]);
        });
    }
    assert_eq!(setup.provider.calls(&shown), 1);
}

#[test]
fn another_notification_under_a_frames_id_is_recorded_as_a_conflict_once() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let held = picture(1);
    setup.provider.says(&held, Says::Held(&[]));
    premises.live(&setup, async |live| {
        let first = frame(&channel("ch"), 0, &held);
        let mut other = first.clone();
        other.fingerprint = Fingerprint::of(&[b"another notification"]);
        let mut next = frame(&first.channel, 10, &held);
        let in_line = next.clone();
        next.fingerprint = other.fingerprint;
        let conflicts =
            || live.of(&first.channel).iter().filter(|event| matches!(event, Event::FrameConflict(_))).count();

        let under_way = live.offered(&first);
        setup.provider.asked(&held).await;
        let joined = [live.offered(&other), live.offered(&other)];
        live.until(&first.channel, "a conflict", |event| matches!(event, Event::FrameConflict(_)).then_some(())).await;
        let (in_line, in_line_too) = (live.offered(&in_line), live.offered(&next));
        let of_next = |event: &Event| match event {
            Event::FrameConflict(conflict) if conflict.frame == next.id => Some(()),
            _ => None,
        };
        live.until(&first.channel, "a conflict about the frame in line", of_next).await;
        setup.provider.release();
        let settled = outcome(under_way).await;
        assert_eq!(outcome(in_line).await, outcome(in_line_too).await);
        for joined in joined {
            assert_eq!(outcome(joined).await, settled);
        }
        for _ in 0..3 {
            let again = live.offer(&other).await;
            assert!(again.repeated);
            assert_eq!((again.id, again.position), (settled.id, settled.position));
        }
        // Where the notification does not say when, each delivery is captured at another time, and is the same conflict.
        let mut later = other.clone();
        later.captured_at = other.captured_at.plus_ms(1_000);
        for _ in 0..2 {
            assert_eq!(live.offer(&later).await.id, settled.id);
        }
        assert_eq!(conflicts(), 2, "one about each frame:\n{}", live.told());
        assert_eq!(setup.provider.calls(&held), 2, "a conflict is no reason to ask again");
        live.assert_one_outcome_each([&first, &next]);
    });
}

#[test]
fn a_settled_frame_offered_again_disturbs_neither_the_one_under_way_nor_the_one_in_line() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let (shown, held) = (picture(1), picture(2));
    setup.provider.says(&held, Says::Held(&[]));
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        let frames = [frame(&channel, 0, &shown), frame(&channel, 10, &held), frame(&channel, 20, &shown)];
        live.offer(&frames[0]).await;
        let under_way = live.offered(&frames[1]);
        setup.provider.asked(&held).await;
        let in_line = live.offered(&frames[2]);
        let again = live.offer(&frames[0]).await;
        assert!(again.repeated, "it is answered from the journal, without waiting: {again:?}");
        assert!(!under_way.is_finished() && !in_line.is_finished());
        setup.provider.release();
        outcome(under_way).await;
        outcome(in_line).await;
        assert_eq!(setup.provider.calls(&held), 1);
        live.assert_one_outcome_each(&frames);
    });
}

#[test]
fn a_frame_whose_answer_was_lost_with_the_process_is_asked_about_again_and_has_one_outcome() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let held = picture(1);
    setup.provider.says(&held, Says::Held(&[("Alcohol", 95.0)]));
    let frame = frame(&channel("ch"), 0, &held);
    premises.live(&setup, async |live| {
        let lost = live.offered(&frame);
        setup.provider.asked(&held).await;
        live.journal.cut_off();
        setup.provider.release();
        live.journal.has_lost_one().await;
        assert!(!lost.is_finished(), "nothing is acknowledged before it is durable");
    });
    premises.live(&setup, async |live| {
        let outcome = live.offer(&frame).await;
        assert!(!outcome.repeated);
        assert_eq!(assessed(&outcome.event), Verdict::Warn);
        live.assert_one_outcome_each([&frame]);
        assert_eq!(live.state(&frame.channel).await, live.replayed(&frame.channel));
    });
    assert_eq!(setup.provider.calls(&held), 2);
}

#[test]
fn what_there_is_no_room_for_is_recorded_as_dropped() {
    let settings = Settings { frames_max: 2, frame_deadline: PATIENCE, ..Settings::default() };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let held = picture(1);
    setup.provider.says(&held, Says::Held(&[]));
    premises.live(&setup, async |live| {
        let frames: Vec<_> = (0..10).map(|n| frame(&channel(&format!("ch-{n}")), 0, &held)).collect();
        let mut accepted: Vec<_> = frames[..2].iter().map(|frame| live.offered(frame)).collect();
        setup.provider.asked(&held).await;
        for frame in &frames[2..] {
            match live.offer(frame).await.event {
                Event::FrameSkipped(skipped) => assert_eq!(skipped.because, Skip::Overloaded),
                other => panic!("the frame was to be dropped, it came to {other:?}"),
            }
        }
        setup.provider.release();
        for accepted in accepted.drain(..) {
            assert_eq!(assessed(&outcome(accepted).await.event), Verdict::Clear);
        }
        assert_eq!(
            assessed(&live.offer(&crate::premises::frame(&channel("ch-9"), 5, &held)).await.event),
            Verdict::Clear
        );
        let last = crate::premises::frame(&channel("ch-9"), 5, &held);
        live.assert_one_outcome_each(frames.iter().chain([&last]));
    });
}

/// The purse holds two calls, and the first frames of the two channels take them.
#[test]
fn when_calls_run_short_they_go_where_something_was_seen_and_everybody_keeps_what_is_promised() {
    const POLICY: &str = "policy: tuned\nchannels: { matching: .* }\ntaxonomy: rekognition/7.0\n\
                          sampling: { every: 1s to 60s, max_age: 24h }\nsimilarity: off\n\
                          rules: [{ id: alcohol, categories: [Alcohol], confidence: 80 }]";
    let settings = Settings { calls_per_hour: Some(1), ..Setup::default().settings };
    let (premises, setup) = (Premises::new(), Setup { settings, policy: POLICY, ..Setup::default() });
    let pictures: Vec<_> = (1..=5).map(picture).collect();
    setup.provider.says(&pictures[1], Says::Labels(&[("Alcohol", 95.0)]));
    let (calm, hot) = (channel("calm"), channel("hot"));
    premises.live(&setup, async |live| {
        let judged = async |channel: &_, second, picture: &_| live.offer(&frame(channel, second, picture)).await.event;
        assert_eq!(assessed(&judged(&calm, 0, &pictures[0]).await), Verdict::Clear);
        assert_eq!(assessed(&judged(&hot, 0, &pictures[1]).await), Verdict::Warn);
        match judged(&calm, 5, &pictures[2]).await {
            Event::FrameSkipped(FrameSkipped { because: Skip::GaveWay { bar: 1000, .. }, .. }) => {}
            other => panic!("the channel was to give way, it came to {other:?}"),
        }
        assert_eq!(assessed(&judged(&hot, 5, &pictures[3]).await), Verdict::Clear);
        assert_eq!(assessed(&judged(&calm, 60, &pictures[4]).await), Verdict::Clear, "as often as is promised");
        let pace_because = live.state(&calm).await.pace_because;
        assert_eq!(pace_because, Some(CadenceBecause::Budget), "that is no sign of plenty");
    });
    assert_eq!(setup.provider.calls(&pictures[2]), 0, "no call was made for what gave way");
}

#[test]
fn a_full_disk_accepts_no_frame_and_the_same_frame_later() {
    let premises = Premises::new();
    let frame = frame(&channel("ch"), 0, &picture(1));
    premises.live(&Setup::default(), async |_| {}); // the store is there, with its policies
    let full = Setup { reserve_bytes: u64::MAX, ..Setup::default() };
    premises.live(&full, async |live| {
        match live.wardens.offer(frame.clone()).await {
            Err(OfferError::Journal { reason: AppendError::NoSpace { .. }, .. }) => {}
            other => panic!("the frame was to be refused for want of room: {other:?}"),
        }
        live.assert_one_outcome_each([]);
    });
    premises.live(&Setup::default(), async |live| {
        let outcome = live.offer(&frame).await;
        assert!(!outcome.repeated);
        live.assert_one_outcome_each([&frame]);
    });
}

#[test]
fn an_orderly_end_lets_frames_under_way_and_in_line_come_to_their_outcome() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let (held, later) = (picture(1), picture(2));
    setup.provider.says(&held, Says::Held(&[]));
    let channels: Vec<_> = (0..8).map(|n| channel(&format!("ch-{n}"))).collect();
    let frames: Vec<_> = channels.iter().flat_map(|ch| [frame(ch, 0, &held), frame(ch, 10, &later)]).collect();
    premises.live(&setup, async |live| {
        let offered: Vec<_> = frames.iter().map(|frame| live.offered(frame)).collect();
        for channel in &channels {
            live.state(channel).await; // behind its frames in the mailbox
        }
        let wardens = live.wardens.clone();
        let closing = tokio::task::spawn_local(async move { wardens.shutdown().await });
        // What comes after the end has begun is not accepted, and says so.
        let late = frame(&channel("late"), 0, &later);
        let refused = loop {
            match live.wardens.offer(late.clone()).await {
                Err(refused) => break refused,
                Ok(_) => tokio::task::yield_now().await, // the shards have not heard of the end yet
            }
        };
        assert_eq!(refused, OfferError::ShuttingDown { frame: late.id });
        assert!(!closing.is_finished());
        setup.provider.release();
        closing.await.expect("closing does not break");
        for offered in offered {
            assert_eq!(assessed(&outcome(offered).await.event), Verdict::Clear);
        }
    });
    premises.live(&setup, async |live| {
        for frame in &frames {
            assert!(live.offer(frame).await.repeated);
        }
        for channel in &channels {
            assert_eq!(live.state(channel).await, live.replayed(channel));
        }
    });
}
