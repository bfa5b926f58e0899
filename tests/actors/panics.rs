//! Wardens that break: a fresh one takes over from the journal, a frame it breaks on twice is set aside.

use std::time::Duration;

use streamwarden::actors::Settings;
use streamwarden::events::{Event, FailedStage, UnwatchedBecause};
use streamwarden::model::{ChannelId, EventId, ModeratorId};
use streamwarden::warden::{Command, ModeratorAct};

use crate::premises::{Premises, Setup, T0, channel, frame, outcome, picture, session};
use crate::scripted::Says;

/// The next `times` decisions about this channel break.
fn break_next(channel: &ChannelId, times: u32) {
    fail::cfg(format!("warden.decide {channel}"), &format!("{times}*panic(scripted)->off")).expect("a fail point");
}

#[test]
fn a_warden_that_breaks_is_replaced_by_one_that_knows_what_the_journal_says() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let (shown, clear) = (picture(1), picture(2));
    setup.provider.says(&shown, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let channel = channel("breaks-once");
        let frames: Vec<_> = (0..6).map(|n| frame(&channel, n * 5, if n == 0 { &shown } else { &clear })).collect();
        live.offer(&frames[0]).await;
        let before = live.state(&channel).await;
        for frame in &frames[1..] {
            break_next(&channel, 1);
            assert!(matches!(live.offer(frame).await.event, Event::FrameAssessed(_)), "{}", live.told());
        }
        let after = live.state(&channel).await;
        assert_eq!(after, live.replayed(&channel));
        assert_eq!(after.warnings, before.warnings, "the open warning is still known");
        assert_eq!(after.warnings.len(), 1);
        live.assert_one_outcome_each(&frames);
    });
}

#[test]
fn a_frame_that_breaks_its_warden_twice_is_set_aside_and_the_channel_says_so_until_a_good_frame() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let clear = picture(1);
    premises.live(&setup, async |live| {
        let (bad, good) = (channel("breaks-twice"), channel("sound"));
        live.start(&bad, &session("st-1")).await;
        live.start(&good, &session("st-1")).await;
        // Between the two the fresh warden reconsiders its policy on waking, which goes well.
        let twice = "1*panic(scripted)->1*off->1*panic(scripted)->off";
        fail::cfg(format!("warden.decide {bad}"), twice).expect("a fail point");
        let frames = [frame(&bad, 1, &clear), frame(&good, 1, &clear), frame(&bad, 3, &clear)];
        match live.offer(&frames[0]).await.event {
            Event::FrameFailed(failed) => {
                assert_eq!((failed.stage, failed.reason.as_str()), (FailedStage::Warden, "scripted"));
            }
            other => panic!("the frame was to be set aside, it came to {other:?}"),
        }
        assert!(matches!(live.offer(&frames[1]).await.event, Event::FrameAssessed(_)), "others go on");
        assert!(matches!(live.offer(&frames[2]).await.event, Event::FrameAssessed(_)), "{}", live.told());
        let said: Vec<_> = live
            .of(&bad)
            .into_iter()
            .filter_map(|event| match event {
                Event::ChannelQuarantined(quarantined) if quarantined.frame == frames[0].id => Some("quarantined"),
                Event::ChannelUnwatched(unwatched) if unwatched.because == UnwatchedBecause::Quarantined => {
                    Some("unwatched")
                }
                Event::ChannelWatched(_) => Some("watched"),
                _ => None,
            })
            .collect();
        assert_eq!(said, ["quarantined", "unwatched", "watched"], "{}", live.told());
        live.assert_one_outcome_each(&frames);
        assert_eq!(live.state(&bad).await, live.replayed(&bad));
    });
}

#[test]
fn a_provider_that_breaks_on_a_picture_costs_that_frame_and_no_warden() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let (bad, clear) = (picture(1), picture(2));
    setup.provider.says(&bad, Says::Breaks);
    premises.live(&setup, async |live| {
        let channel = channel("provider-breaks");
        let frames = [frame(&channel, 0, &bad), frame(&channel, 5, &clear)];
        match live.offer(&frames[0]).await.event {
            Event::FrameFailed(failed) => {
                assert_eq!((failed.stage, failed.attempts), (FailedStage::Provider, 1));
                assert!(failed.reason.contains("broke: scripted"), "{}", failed.reason);
            }
            other => panic!("the frame was to fail, it came to {other:?}"),
        }
        assert!(matches!(live.offer(&frames[1]).await.event, Event::FrameAssessed(_)), "{}", live.told());
        assert_eq!(setup.provider.calls(&bad), 1, "a picture that breaks it is not shown to it again");
        let quarantined = live.of(&channel).iter().any(|event| matches!(event, Event::ChannelQuarantined(_)));
        assert!(!quarantined, "nothing is wrong with the warden: {}", live.told());
        live.assert_one_outcome_each(&frames);
    });
}

#[test]
fn a_request_that_breaks_a_warden_is_carried_out_once_by_the_next() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let shown = picture(1);
    setup.provider.says(&shown, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let channel = channel("breaks-on-a-request");
        live.offer(&frame(&channel, 0, &shown)).await;
        let warning = live.state(&channel).await.warnings[0].id;
        let by = ModeratorId::new("mod-1").expect("a sound id");
        let request = EventId::of_command("test", &[b"claim"]);
        break_next(&channel, 1);
        let command = Command::Moderate { request, by, act: ModeratorAct::Claim(warning.into()) };
        let first = live.wardens.command(&channel, command.clone()).await.expect("the claim is taken");
        let again = live.wardens.command(&channel, command).await.expect("a repeated request is answered");
        assert_eq!(first, again);
        let claims = live.of(&channel).iter().filter(|event| matches!(event, Event::WarningClaimed(_))).count();
        assert_eq!(claims, 1, "{}", live.told());
    });
}

#[test]
fn a_request_that_breaks_a_warden_is_not_laid_to_the_frame_under_way() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let held = picture(1);
    setup.provider.says(&held, Says::Held(&[]));
    premises.live(&setup, async |live| {
        let frame = frame(&channel("breaks-beside-a-frame"), 0, &held);
        let under_way = live.offered(&frame);
        setup.provider.asked(&held).await;
        break_next(&frame.channel, 4);
        let command = Command::EndSession { session: session("another") };
        live.wardens.command(&frame.channel, command).await.expect("it is carried out at last");
        setup.provider.release();
        assert!(matches!(outcome(under_way).await.event, Event::FrameAssessed(_)), "{}", live.told());
    });
}

#[test]
fn a_live_channel_whose_warden_breaks_on_a_tick_is_still_reported_as_unwatched() {
    let settings = Settings { idle_after: Duration::from_millis(1), ..Settings::default() };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    premises.live(&setup, async |live| {
        let channel = channel("breaks-on-a-tick");
        live.start(&channel, &session("st-1")).await;
        break_next(&channel, 1);
        live.clock.set(T0.plus_ms(60 * 60 * 1000)); // long after a first frame was to come
        let unwatched = |event: &Event| match event {
            Event::ChannelUnwatched(unwatched) => Some(unwatched.because),
            _ => None,
        };
        let because = live.until(&channel, "the channel is unwatched", unwatched).await;
        assert_eq!(because, UnwatchedBecause::NoInput);
    });
}

#[test]
fn in_a_storm_of_panics_every_frame_comes_to_exactly_one_outcome() {
    const CHANNELS: u64 = 60;
    const FRAMES: u64 = 5;
    let (premises, setup) = (Premises::new(), Setup::default());
    let clear = picture(1);
    premises.live(&setup, async |live| {
        let channels: Vec<_> = (0..CHANNELS).map(|n| channel(&format!("storm-{n}"))).collect();
        // Each breaks 0 to 9 times, at decisions of whichever frames come first; all frames are offered at once.
        for (n, channel) in (0..).zip(&channels) {
            break_next(channel, n % 10);
        }
        let frames: Vec<_> =
            channels.iter().flat_map(|channel| (0..FRAMES).map(|n| frame(channel, n * 2, &clear))).collect();
        let offered: Vec<_> = frames.iter().map(|frame| live.offered(frame)).collect();
        for offered in offered {
            outcome(offered).await;
        }
        live.assert_one_outcome_each(&frames);
        for channel in &channels {
            assert_eq!(live.state(channel).await, live.replayed(channel), "{channel}");
        }
    });
}
