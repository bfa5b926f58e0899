//! Wardens that have nothing to do go to rest, and nothing is lost by it.

use std::time::{Duration, Instant};

use streamwarden::actors::{OfferError, Settings, Wardens};
use streamwarden::events::{Event, UnwatchedBecause};
use streamwarden::model::Frame;
use streamwarden::warden::Command;
use tokio::task::JoinSet;

use crate::premises::{Premises, Setup, T0, channel, frame, outcome, picture, session};
use crate::scripted::{PATIENCE, Says, ScriptedPlatform};

fn restless() -> Settings {
    Settings { idle_after: Duration::from_millis(1), frame_deadline: PATIENCE, ..Settings::default() }
}

#[test]
fn an_idle_warden_rests_and_wakes_with_what_it_knew() {
    let (premises, setup) = (Premises::new(), Setup { settings: restless(), ..Setup::default() });
    let shown = picture(1);
    setup.provider.says(&shown, Says::Labels(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        live.offer(&frame(&channel, 0, &shown)).await;
        let command = Command::EndSession { session: session("st-1") };
        live.wardens.command(&channel, command).await.expect("the session ends");
        let resting = async {
            while live.wardens.awake().await > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, resting).await.expect("the warden goes to rest");
        let before = live.replayed(&channel); // only now: the frame's picture was kept after its outcome was answered
        assert_eq!(before.open_warnings().count(), 1);
        assert_eq!(live.state(&channel).await, before);
    });
}

#[test]
fn a_warden_of_a_live_channel_does_not_rest() {
    let (premises, setup) = (Premises::new(), Setup { settings: restless(), ..Setup::default() });
    premises.live(&setup, async |live| {
        let (on_air, over) = (channel("on-air"), channel("over"));
        live.start(&on_air, &session("st-1")).await;
        live.start(&over, &session("st-1")).await;
        let command = Command::EndSession { session: session("st-1") };
        live.wardens.command(&over, command).await.expect("the session ends");
        let resting = async {
            while live.wardens.awake().await > 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, resting).await.expect("one of two wardens goes to rest");
        assert!(live.state(&on_air).await.session.is_some());
    });
}

#[test]
fn a_channel_whose_input_dried_up_while_no_process_ran_is_said_to_be_unwatched() {
    let premises = Premises::new();
    let setup = Setup { platform: Some(ScriptedPlatform::new()), ..Setup::default() };
    let channel = channel("ch");
    premises.live(&setup, async |live| live.offer(&frame(&channel, 0, &picture(1))).await);
    premises.clock.set(T0.plus_ms(3_600_000));
    premises.live(&setup, async |live| {
        let unwatched = |event: &Event| match event {
            Event::ChannelUnwatched(unwatched) => Some(unwatched.because),
            _ => None,
        };
        let because = live.until(&channel, "nobody looks, which is said", unwatched).await;
        assert_eq!(because, UnwatchedBecause::NoInput);
    });
}

#[test]
fn a_live_channel_whose_past_could_not_be_read_is_watched_again_by_itself() {
    let premises = Premises::new();
    let setup = Setup { platform: Some(ScriptedPlatform::new()), ..Setup::default() };
    let channel = channel("ch");
    premises.live(&setup, async |live| live.offer(&frame(&channel, 0, &picture(1))).await);
    premises.clock.set(T0.plus_ms(3_600_000));
    premises.live(&setup, async |live| {
        live.journal.set_unreadable(true);
        let refused = live.offered(&frame(&channel, 3_600, &picture(2))).await.expect("the offer does not break");
        assert!(matches!(refused, Err(OfferError::Unreadable { .. })), "{refused:?}");
        live.journal.set_unreadable(false);
        // no frame comes, no command: the warden comes back by itself and says that nobody looks
        let unwatched = |event: &Event| matches!(event, Event::ChannelUnwatched(_)).then_some(());
        live.until(&channel, "the warden has read its past", unwatched).await;
        let outcome = live.offer(&frame(&channel, 3_601, &picture(2))).await;
        assert!(matches!(outcome.event, Event::FrameAssessed(_)), "{outcome:?}");
        assert_eq!(live.state(&channel).await, live.replayed(&channel));
    });
}

#[test]
fn frames_that_come_while_wardens_go_to_rest_are_not_lost() {
    const CHANNELS: u64 = 20;
    const ROUNDS: u64 = 15;
    let (premises, setup) = (Premises::new(), Setup { settings: restless(), ..Setup::default() });
    let clear = picture(1);
    premises.live(&setup, async |live| {
        let channels: Vec<_> = (0..CHANNELS).map(|n| channel(&format!("ch-{n}"))).collect();
        let mut all = Vec::new();
        for round in 0..ROUNDS {
            // Each round is a broadcast of its own: its end lets the warden rest while the next one's frame arrives.
            let frames: Vec<_> = channels
                .iter()
                .map(|channel| {
                    let mut frame = frame(channel, round * 10, &clear);
                    frame.session = session(&format!("st-{round}"));
                    frame
                })
                .collect();
            let offered: Vec<_> = frames.iter().map(|frame| live.offered(frame)).collect();
            for (offered, channel) in offered.into_iter().zip(&channels) {
                let outcome = outcome(offered).await;
                assert!(matches!(outcome.event, Event::FrameAssessed(_)), "{outcome:?}");
                let command = Command::EndSession { session: session(&format!("st-{round}")) };
                live.wardens.command(channel, command).await.expect("the session ends");
            }
            all.extend(frames);
        }
        live.assert_one_outcome_each(&all);
        for channel in &channels {
            assert_eq!(live.state(channel).await, live.replayed(channel), "{channel}");
        }
    });
}

/// Channels come, show one frame and go, then every tenth comes again. `make soak` churns as many as the system is built
/// for, by the variable; what that took is printed.
#[test]
fn thousands_of_channels_come_and_go_and_each_frame_has_one_outcome() {
    const AT_ONCE: usize = 500;
    let channels: u64 = std::env::var("CHURN_CHANNELS").map_or(4_000, |channels| channels.parse().expect("a number"));
    // a bound for a machine that hangs, not a measure: it grows with what is to be done
    let patience = PATIENCE * (1 + channels as u32 / 4_000);
    let (premises, setup) = (Premises::new(), Setup { settings: restless(), ..Setup::default() });
    let clear = picture(1);
    premises.live(&setup, async |live| {
        let begun = Instant::now();
        let first: Vec<_> = (0..channels).map(|n| frame(&channel(&format!("churn-{n}")), 0, &clear)).collect();
        let again: Vec<_> = first
            .iter()
            .step_by(10)
            .map(|known| Frame { session: session("st-2"), ..frame(&known.channel, 60, &clear) })
            .collect();
        for frames in [&first, &again] {
            let mut under_way = JoinSet::new();
            for frame in frames {
                if under_way.len() == AT_ONCE {
                    under_way.join_next().await;
                }
                under_way.spawn_local(comes_and_goes(live.wardens.clone(), frame.clone()));
            }
            while let Some(done) = under_way.join_next().await {
                done.expect("a channel comes and goes");
            }
            let resting = async {
                while live.wardens.awake().await > 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(patience, resting).await.expect("all wardens go to rest");
        }
        println!("{channels} channels churned in {:.0?}, {} MiB resident at the end", begun.elapsed(), resident_mib());
        live.assert_one_outcome_each(first.iter().chain(&again));
        for known in again.iter().step_by(again.len().div_ceil(3)) {
            assert_eq!(live.state(&known.channel).await, live.replayed(&known.channel), "{}", known.channel);
        }
    });
}

async fn comes_and_goes(wardens: Wardens, frame: Frame) {
    let end = Command::EndSession { session: frame.session.clone() };
    let channel = frame.channel.clone();
    let outcome = wardens.offer(frame).await.expect("the frame is accepted");
    assert!(matches!(outcome.event, Event::FrameAssessed(_)), "{outcome:?}");
    wardens.command(&channel, end).await.expect("the session ends");
}

/// What of this process lies in memory.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says what a process uses");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says its size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}
