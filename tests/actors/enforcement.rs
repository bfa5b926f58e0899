//! Stops, from a rule's or a person's wish to the one end that each comes to, whatever the platform does.

use std::sync::Arc;

use streamwarden::events::{Budget, EnforcementKind, Event, NotNeededBecause};
use streamwarden::model::{ChannelId, EnforcementId, EventId, ModeratorId};
use streamwarden::warden::enforcement::BudgetLimits;
use streamwarden::warden::{Answering, Command, ModeratorAct};

use crate::premises::{Live, Premises, Setup, T0, channel, frame, picture, session};
use crate::scripted::{OnStop, Says, ScriptedPlatform};

/// A setup whose provider sees weapons in picture 1 and something explicit in picture 2.
fn setup() -> (Setup, Arc<ScriptedPlatform>) {
    let platform = ScriptedPlatform::new();
    let setup = Setup { platform: Some(platform.clone()), ..Setup::default() };
    setup.provider.says(&picture(1), Says::Labels(&[("Violence/Weapons", 99.0)]));
    setup.provider.says(&picture(2), Says::Labels(&[("Explicit", 99.0)]));
    (setup, platform)
}

/// A channel goes live and shows weapons, or something explicit: a rule asks for a stop, or for a suspension.
async fn shows(live: &Live, platform: &ScriptedPlatform, channel: &ChannelId, seed: u8) -> EnforcementId {
    platform.go_live(channel, &session("st-1"));
    live.offer(&frame(channel, 0, &picture(seed))).await;
    live.until(channel, "a stop is asked for", requested).await
}

fn requested(event: &Event) -> Option<EnforcementId> {
    match event {
        Event::EnforcementRequested(requested) => Some(requested.enforcement),
        _ => None,
    }
}

/// The end an enforcement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Verified,
    NotNeeded(NotNeededBecause),
    Superseded,
    Failed,
    Cancelled,
}

fn end_of(id: EnforcementId) -> impl Fn(&Event) -> Option<End> {
    move |event| {
        let (ended, end) = match event {
            Event::EnforcementVerified(end) => (end.enforcement, End::Verified),
            Event::EnforcementNotNeeded(end) => (end.enforcement, End::NotNeeded(end.because)),
            Event::EnforcementSuperseded(end) => (end.enforcement, End::Superseded),
            Event::EnforcementFailed(end) => (end.enforcement, End::Failed),
            Event::EnforcementCancelled(end) => (end.enforcement, End::Cancelled),
            _ => return None,
        };
        (ended == id).then_some(end)
    }
}

/// Waits for the end of an enforcement and checks that it is the only one (invariant I5).
async fn ends(live: &Live, channel: &ChannelId, id: EnforcementId) -> End {
    let end = live.until(channel, "the enforcement ends", end_of(id)).await;
    let ends = live.of(channel).iter().filter_map(end_of(id)).count();
    assert_eq!(ends, 1, "{}", live.told());
    end
}

async fn moderate(live: &Live, channel: &ChannelId, request: &str, act: ModeratorAct) {
    let by = ModeratorId::new("mod-1").expect("a sound id");
    let request = EventId::of_command("test", &[channel.as_str().as_bytes(), request.as_bytes()]);
    live.wardens.command(channel, Command::Moderate { request, by, act }).await.expect("the moderator's act is taken");
}

fn count(live: &Live, channel: &ChannelId, wanted: impl Fn(&Event) -> bool) -> usize {
    live.of(channel).iter().filter(|event| wanted(event)).count()
}

#[test]
fn a_rule_stops_the_session_that_was_judged_and_the_stop_is_verified() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        let stop = shows(live, &platform, &channel, 1).await;
        assert_eq!(ends(live, &channel, stop).await, End::Verified);
        assert_eq!(platform.calls(), ["stop ch"]);
        let order: Vec<_> = live.of(&channel).iter().map(|event| event.event_type().name()).collect();
        let tail: Vec<_> = order.into_iter().skip_while(|name| *name != "EnforcementRequested").collect();
        let steps =
            ["Requested", "Admitted", "Attempted", "Succeeded", "Verified"].map(|step| format!("Enforcement{step}"));
        assert_eq!(tail[..5], steps, "{}", live.told());
        assert_eq!(tail[5..], ["SessionEnded"], "{}", live.told());
    });
}

#[test]
fn a_stop_whose_answer_was_lost_is_verified_after_a_restart_without_a_second_call() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    let channel = channel("ch");
    platform.on_stop(&channel, &[OnStop::ActsAndHangs]);
    let stop = premises.live(&setup, async |live| {
        let stop = shows(live, &platform, &channel, 1).await;
        platform.asked("stop ch").await;
        stop
    });
    premises.live(&setup, async |live| {
        assert_eq!(ends(live, &channel, stop).await, End::Verified);
        assert_eq!(platform.calls(), ["stop ch"]);
    });
}

#[test]
fn a_stop_that_was_admitted_but_not_yet_tried_is_taken_up_after_a_restart() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    let without_reactor = Setup { provider: setup.provider.clone(), ..Setup::default() };
    let channel = channel("ch");
    let stop = premises.live(&without_reactor, async |live| shows(live, &platform, &channel, 1).await);
    assert!(platform.calls().is_empty());
    premises.live(&setup, async |live| {
        assert_eq!(ends(live, &channel, stop).await, End::Verified);
        assert_eq!(platform.calls(), ["stop ch"]);
    });
}

#[test]
fn a_channel_that_is_not_broadcasting_needs_no_stop() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let over = channel("over");
        live.offer(&frame(&over, 0, &picture(1))).await; // never went live on the platform
        let stop = live.until(&over, "a stop is asked for", requested).await;
        assert_eq!(ends(live, &over, stop).await, End::NotNeeded(NotNeededBecause::AlreadyOffline));
        assert!(platform.calls().is_empty());

        let says_404 = channel("404");
        platform.on_stop(&says_404, &[OnStop::NotBroadcasting]);
        let stop = shows(live, &platform, &says_404, 1).await;
        assert_eq!(ends(live, &says_404, stop).await, End::NotNeeded(NotNeededBecause::AlreadyOffline));
    });
}

#[test]
fn a_stop_that_the_platform_denies_fails_and_says_so() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        platform.on_stop(&channel, &[OnStop::Denied]);
        let stop = shows(live, &platform, &channel, 1).await;
        assert_eq!(ends(live, &channel, stop).await, End::Failed);
        assert!(live.state(&channel).await.session.is_some(), "nobody pretends that it is off the air");
    });
}

#[test]
fn a_platform_that_is_unavailable_is_tried_again_after_a_pause() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        platform.on_stop(&channel, &[OnStop::Unavailable, OnStop::Unavailable]);
        let stop = shows(live, &platform, &channel, 1).await;
        platform.asked("stop ch").await;
        live.clock.set(T0.plus_ms(5_000)); // past the first pause
        let second =
            |event: &Event| matches!(event, Event::EnforcementAttempted(tried) if tried.attempt == 2).then_some(());
        live.until(&channel, "a second attempt", second).await;
        live.clock.set(T0.plus_ms(15_000));
        assert_eq!(ends(live, &channel, stop).await, End::Verified);
        assert_eq!(platform.calls(), ["stop ch"; 3]);
    });
}

#[test]
fn a_stop_reaches_no_other_session_than_the_one_judged() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        platform.go_live(&channel, &session("st-2")); // began while st-1 was being judged
        live.offer(&frame(&channel, 0, &picture(1))).await;
        let stop = live.until(&channel, "a stop is asked for", requested).await;
        assert_eq!(ends(live, &channel, stop).await, End::Superseded);
        assert!(platform.calls().is_empty(), "{:?}", platform.calls());
    });
}

#[test]
fn a_suspension_revokes_the_keys_before_it_stops_and_is_lifted_by_an_enforcement_of_its_own() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        let suspension = shows(live, &platform, &channel, 2).await;
        assert_eq!(ends(live, &channel, suspension).await, End::Verified);
        assert_eq!(platform.calls(), ["revoke_keys ch", "stop ch"]);
        assert!(platform.is_suspended(&channel));

        moderate(
            live,
            &channel,
            "lift",
            ModeratorAct::Enforce { kind: EnforcementKind::Lift, session: None, reason: None },
        )
        .await;
        let lift = |event: &Event| requested(event).filter(|id| *id != suspension);
        let lift = live.until(&channel, "a lift is asked for", lift).await;
        assert_eq!(ends(live, &channel, lift).await, End::Verified);
        assert!(!platform.is_suspended(&channel));
        assert_eq!(platform.calls().len(), 3);
    });
}

#[test]
fn a_dismissal_before_the_attempt_calls_the_stop_off() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    let without_reactor = Setup { provider: setup.provider.clone(), ..Setup::default() };
    let channel = channel("ch");
    let stop = premises.live(&without_reactor, async |live| {
        let stop = shows(live, &platform, &channel, 1).await;
        let warning = live.state(&channel).await.warnings[0].id;
        moderate(live, &channel, "dismiss", ModeratorAct::Dismiss(Answering::to([warning]))).await;
        stop
    });
    premises.live(&setup, async |live| {
        assert_eq!(ends(live, &channel, stop).await, End::Cancelled);
        // Another channel's stop goes through the same reactor behind it: by then this one had its chance.
        let other = crate::premises::channel("other");
        let stop = shows(live, &platform, &other, 1).await;
        assert_eq!(ends(live, &other, stop).await, End::Verified);
        assert_eq!(platform.calls(), ["stop other"]);
    });
}

#[test]
fn the_budget_holds_a_rules_fourth_stop_until_a_person_admits_it_and_a_restart_keeps_it() {
    let limits = BudgetLimits { per_minute: 100, per_rule_per_minute: 3, live_share_milli: 1000 };
    let (premises, (setup, platform)) = (Premises::new(), setup());
    let setup = Setup { limits, ..setup };
    let held = |event: &Event| match event {
        Event::EnforcementHeld(held) => Some(held.budget),
        _ => None,
    };
    let channels: Vec<_> = (0..5).map(|n| channel(&format!("ch-{n}"))).collect();
    let fourth = premises.live(&setup, async |live| {
        for channel in &channels {
            live.start(channel, &session("st-1")).await; // so that the share of live channels allows them all
        }
        for channel in &channels[..3] {
            let stop = shows(live, &platform, channel, 1).await;
            assert_eq!(ends(live, channel, stop).await, End::Verified);
        }
        let fourth = shows(live, &platform, &channels[3], 1).await;
        let budget = live.until(&channels[3], "the fourth is held", held).await;
        assert_eq!(budget, Budget::PerRule { used: 3, of: 3 });
        fourth
    });
    premises.live(&setup, async |live| {
        let fifth = shows(live, &platform, &channels[4], 1).await;
        let budget = live.until(&channels[4], "the fifth is held", held).await;
        assert_eq!(budget, Budget::PerRule { used: 3, of: 3 }, "a restart does not refill the budget");
        assert_eq!(platform.calls().len(), 3, "what is held is not done: {:?}", platform.calls());

        moderate(live, &channels[3], "admit", ModeratorAct::AdmitHeld(fourth)).await;
        assert_eq!(ends(live, &channels[3], fourth).await, End::Verified);
        // A person's own stop is never held; the automatic one that is gives way to it.
        let act = ModeratorAct::Enforce { kind: EnforcementKind::Stop, session: Some(session("st-1")), reason: None };
        moderate(live, &channels[4], "stop", act).await;
        let persons = |event: &Event| requested(event).filter(|id| *id != fifth);
        let persons = live.until(&channels[4], "a person's stop", persons).await;
        assert_eq!(ends(live, &channels[4], persons).await, End::Verified);
        assert_eq!(ends(live, &channels[4], fifth).await, End::Cancelled);
        assert_eq!(count(live, &channels[4], |event| held(event).is_some()), 1);
        assert_eq!(platform.calls().len(), 5);
    });
}

#[test]
fn a_stop_call_that_hangs_does_not_hold_up_other_channels() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let hanging = channel("hangs");
        platform.on_stop(&hanging, &[OnStop::Hangs]);
        let stop = shows(live, &platform, &hanging, 1).await;
        platform.asked("stop hangs").await;
        for n in 0..5 {
            let other = channel(&format!("ch-{n}"));
            let stop = shows(live, &platform, &other, 1).await;
            assert_eq!(ends(live, &other, stop).await, End::Verified);
        }
        assert_eq!(live.of(&hanging).iter().find_map(end_of(stop)), None, "all that happened while it hung");
        live.close().await;
    });
}

#[test]
fn while_a_stop_waits_for_its_next_attempt_the_platform_is_not_asked_without_a_pause() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let waits = channel("waits");
        platform.on_stop(&waits, &[OnStop::Unavailable]);
        shows(live, &platform, &waits, 1).await; // the clock stands still, so the second attempt is never due
        platform.asked("stop waits").await;
        for n in 0..10 {
            let other = channel(&format!("ch-{n}"));
            let begun = std::time::Instant::now();
            let before = platform.looks();
            let act =
                ModeratorAct::Enforce { kind: EnforcementKind::Stop, session: Some(session("st-1")), reason: None };
            platform.go_live(&other, &session("st-1"));
            live.start(&other, &session("st-1")).await;
            moderate(live, &other, "stop", act).await;
            let stop = live.until(&other, "a person's stop", requested).await;
            assert_eq!(ends(live, &other, stop).await, End::Verified);
            // Before and after the other's call, and twice a second for the one that waits.
            let paced = 6 + begun.elapsed().as_millis() as u32 / 250;
            assert!(platform.looks() - before <= paced, "{} looks, {paced} are paced", platform.looks() - before);
        }
    });
}

#[test]
fn a_step_that_breaks_around_the_call_is_settled_by_the_next_look() {
    let (premises, (setup, platform)) = (Premises::new(), setup());
    premises.live(&setup, async |live| {
        let [before, after] = ["breaks-before-the-call", "breaks-after-the-call"].map(channel);
        fail::cfg(format!("enforcement.before_call {before}"), "1*panic(scripted)->off").expect("a fail point");
        fail::cfg(format!("enforcement.after_call {after}"), "1*panic(scripted)->off").expect("a fail point");
        let done = shows(live, &platform, &after, 1).await;
        assert_eq!(ends(live, &after, done).await, End::Verified);
        assert_eq!(platform.calls(), [format!("stop {after}")], "what has worked is not done again");

        let undone = shows(live, &platform, &before, 1).await;
        let tried = |event: &Event| matches!(event, Event::EnforcementAttempted(_)).then_some(());
        live.until(&before, "an attempt", tried).await;
        live.clock.set(T0.plus_ms(5_000)); // past the first pause
        assert_eq!(ends(live, &before, undone).await, End::Verified);
        assert_eq!(platform.calls().len(), 2);
    });
}
