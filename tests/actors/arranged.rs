//! Several providers: whom a policy's arrangement asks, what is recorded of each, and who decides when others fail.

use std::sync::Arc;
use std::time::Duration;

use streamwarden::actors::Settings;
use streamwarden::clock::ManualClock;
use streamwarden::events::{Arranged, AsksBecause, Event, FailedStage, FrameAssessed, OpinionGiven, OpinionRole};
use streamwarden::events::{OpinionSaid, WarningRaised};
use streamwarden::journal::EVENTS_PER_APPEND_MAX;
use streamwarden::model::{EventId, Verdict};
use streamwarden::providers::Provider;
use streamwarden::providers::guard::{self, Guard};
use streamwarden::warden::invariants;

use crate::premises::{Live, Premises, Setup, T0, channel, frame, picture};
use crate::scripted::{PATIENCE, Says, ScriptedProvider};

const RULES: &str = "
rules:
  - { id: weapons, categories: [Violence/Weapons], confidence: 80, action: stop, approval: none, severity: 5 }
  - { id: alcohol, categories: [Alcohol], confidence: 80, action: warn }
";

/// The policy of every channel, each second and whatever the frames look like, with this arrangement.
fn policy(arrangement: &str) -> &'static str {
    let head = "policy: test\nchannels: { matching: .* }\ntaxonomy: rekognition/7.0\n\
                sampling: { every: 1s, max_age: 24h }\nsimilarity: off\n";
    Box::leak(format!("{head}{arrangement}{RULES}").into_boxed_str()) // a test's own text
}

/// A house with these beside the configured one, under that arrangement.
fn setup(arrangement: &str, others: &[&Arc<ScriptedProvider>]) -> Setup {
    let others = others.iter().map(|other| (*other).clone() as Arc<dyn Provider>).collect();
    Setup { others, policy: policy(arrangement), ..Setup::default() }
}

fn assessed(event: &Event) -> FrameAssessed {
    match event {
        Event::FrameAssessed(assessed) => assessed.clone(),
        other => panic!("the frame was to be assessed, it came to {other:?}"),
    }
}

/// Who was asked beside the one that decided, and what for, in the order of the journal.
fn opinions(live: &Live, name: &str) -> Vec<(String, OpinionRole)> {
    let said = live.of(&channel(name));
    said.iter().filter_map(opinion).map(|given| (given.provider.name.to_string(), given.role)).collect()
}

fn opinion(event: &Event) -> Option<OpinionGiven> {
    match event {
        Event::OpinionGiven(given) => Some(given.clone()),
        _ => None,
    }
}

fn raised(event: &Event) -> Option<WarningRaised> {
    match event {
        Event::WarningRaised(raised) => Some(raised.clone()),
        _ => None,
    }
}

fn lawful(live: &Live) {
    invariants::check(&live.events()).unwrap_or_else(|broken| panic!("{broken} in\n{}", live.told()));
}

#[test]
fn one_that_screens_saves_the_call_where_it_sees_nothing_and_never_decides_where_it_sees_something() {
    let (local, rek) = (ScriptedProvider::called("local"), ScriptedProvider::called("rekognition"));
    let setup = setup("judged_by: { first: local, then: rekognition, from: 20 }\n", &[&local, &rek]);
    let (calm, seen, lost) = (picture(1), picture(2), picture(3));
    local.says(&calm, Says::Labels(&[("Alcohol", 19.9)]));
    local.says(&seen, Says::Labels(&[("Alcohol", 99.0)]));
    local.says(&lost, Says::Unavailable);
    rek.says(&seen, Says::Labels(&[("Violence/Weapons", 30.0)]));
    rek.says(&lost, Says::Labels(&[("Alcohol", 90.0)]));
    Premises::new().live(&setup, async |live| {
        let channel = channel("ch");
        let first = assessed(&live.offer(&frame(&channel, 0, &calm)).await.event);
        assert_eq!((&*first.provider.name, first.arranged), ("local", Some(Arranged::NothingToAsk)));
        let second = assessed(&live.offer(&frame(&channel, 10, &seen)).await.event);
        assert_eq!((&*second.provider.name, second.arranged), ("rekognition", Some(Arranged::PastTheScreen)));
        assert_eq!(second.verdict, Verdict::Clear, "what only the screen saw hits nothing");
        let third = assessed(&live.offer(&frame(&channel, 20, &lost)).await.event);
        assert_eq!((third.arranged, third.verdict), (Some(Arranged::InPlaceOf(1)), Verdict::Warn));
        let said = [("local".to_owned(), OpinionRole::Screened), ("local".to_owned(), OpinionRole::FellOver)];
        assert_eq!(opinions(live, "ch"), said);
        assert_eq!((rek.calls(&calm), rek.calls(&seen)), (0, 1));
        lawful(live);
    });
}

#[test]
fn a_frame_past_the_screen_that_the_other_does_not_answer_fails_with_every_attempt_on_record() {
    let (local, rek) = (ScriptedProvider::called("local"), ScriptedProvider::called("rekognition"));
    let setup = setup("judged_by: { first: local, then: rekognition, from: 20 }\n", &[&local, &rek]);
    let seen = picture(2);
    local.says(&seen, Says::Labels(&[("Gambling", 50.0)]));
    rek.says(&seen, Says::Unavailable);
    Premises::new().live(&setup, async |live| {
        let frame = frame(&channel("ch"), 0, &seen);
        match live.offer(&frame).await.event {
            Event::FrameFailed(failed) => {
                assert_eq!((failed.stage, failed.attempts), (FailedStage::Provider, 3));
                assert!(failed.reason.starts_with("rekognition: "), "{}", failed.reason);
            }
            other => panic!("the frame was to fail, it came to {other:?}"),
        }
        let said = [("local".to_owned(), OpinionRole::Screened), ("rekognition".to_owned(), OpinionRole::FellOver)];
        assert_eq!(opinions(live, "ch"), said);
        lawful(live);
    });
}

#[test]
fn one_that_hangs_leaves_time_for_the_next_and_one_that_is_not_there_is_fallen_over_from() {
    let (rek, hive) = (ScriptedProvider::called("rekognition"), ScriptedProvider::called("hive"));
    let settings = Settings { frame_deadline: Duration::from_secs(3), ..Setup::default().settings };
    let setup = Setup { settings, ..setup("judged_by: [rekognition, nobody, hive]\n", &[&rek, &hive]) };
    let shown = picture(1);
    rek.says(&shown, Says::Hangs);
    hive.says(&shown, Says::Labels(&[("Alcohol", 90.0)]));
    Premises::new().live(&setup, async |live| {
        let judged = assessed(&live.offer(&frame(&channel("ch"), 0, &shown)).await.event);
        assert_eq!((&*judged.provider.name, judged.arranged), ("hive", Some(Arranged::InPlaceOf(2))));
        assert_eq!(judged.verdict, Verdict::Warn);
        let stages: Vec<FailedStage> = live
            .of(&channel("ch"))
            .iter()
            .filter_map(opinion)
            .map(|given| match given.said {
                OpinionSaid::Nothing { stage, .. } => stage,
                OpinionSaid::Answer(_) => panic!("nobody else answered"),
            })
            .collect();
        assert_eq!(stages, [FailedStage::Deadline, FailedStage::NoProvider]);
        lawful(live);
    });
}

#[test]
fn a_suspended_provider_is_fallen_over_from_at_once_and_asked_first_again_when_its_trial_is_answered() {
    let (rek, hive) = (ScriptedProvider::called("rekognition"), ScriptedProvider::called("hive"));
    let premises = Premises::new();
    let clock: Arc<ManualClock> = premises.clock.clone();
    let limits = guard::Settings { failures_max: 1, ..guard::Settings::default() };
    let guarded: Arc<dyn Provider> = Arc::new(Guard::new(rek.clone(), clock.clone(), limits));
    let others = vec![guarded, hive.clone() as Arc<dyn Provider>];
    let setup = Setup { others, policy: policy("judged_by: [rekognition, hive]\n"), ..Setup::default() };
    let (breaks, fine) = (picture(1), picture(2));
    rek.says(&breaks, Says::Breaks);
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        let by = async |second: u64, shown: &Arc<[u8]>| {
            let judged = assessed(&live.offer(&frame(&channel, second, shown)).await.event);
            judged.provider.name.to_string()
        };
        assert_eq!(by(0, &breaks).await, "hive");
        assert_eq!(by(10, &fine).await, "hive");
        assert_eq!(rek.calls(&fine), 0, "it is suspended, and nobody waits for it");
        clock.set(T0.plus_ms(60_000));
        assert_eq!(by(20, &fine).await, "rekognition", "its own trial is a frame's");
        assert_eq!(by(30, &fine).await, "rekognition");
        lawful(live);
    });
}

#[test]
fn a_stop_goes_ahead_where_the_second_agrees_and_asks_a_person_where_it_does_not() {
    let hive = ScriptedProvider::called("hive");
    let setup = setup("second_opinion: hive\n", &[&hive]);
    let pictures: Vec<_> = (1..5).map(picture).collect();
    let [agrees, differs, silent, calm] = &pictures[..] else { unreachable!("there are four") };
    for shown in [agrees, differs, silent] {
        setup.provider.says(shown, Says::Labels(&[("Violence/Weapons", 95.0)]));
    }
    setup.provider.says(calm, Says::Labels(&[("Alcohol", 95.0)]));
    hive.says(agrees, Says::Labels(&[("Violence/Weapons", 81.0)]));
    hive.says(differs, Says::Labels(&[("Violence/Weapons", 61.0)]));
    hive.says(silent, Says::Unavailable);
    Premises::new().live(&setup, async |live| {
        for (name, shown, verdict, asks) in [
            ("a", agrees, Verdict::Stop, None),
            ("b", differs, Verdict::Warn, Some(AsksBecause::SecondDisagrees)),
            ("c", silent, Verdict::Warn, Some(AsksBecause::NoSecond)),
        ] {
            let judged = assessed(&live.offer(&frame(&channel(name), 0, shown)).await.event);
            assert_eq!((judged.verdict, judged.arranged), (verdict, None), "{name}");
            let warning = live.of(&channel(name)).iter().find_map(raised).expect("a warning is raised");
            assert_eq!(warning.asks, asks, "{name}");
            assert_eq!(opinions(live, name), [("hive".to_owned(), OpinionRole::Seconded)], "{name}");
        }
        live.offer(&frame(&channel("d"), 0, calm)).await;
        assert_eq!(hive.calls(calm), 0, "nobody need agree with a warning");
        let asked = |event: &Event| matches!(event, Event::EnforcementRequested(_));
        let stopped = ["a", "b", "c"].map(|name| live.of(&channel(name)).iter().any(asked));
        assert_eq!(stopped, [true, false, false]);
        lawful(live);
    });
}

#[test]
fn one_that_decided_itself_cannot_agree_with_itself_and_the_warning_says_so() {
    let (local, hive) = (ScriptedProvider::called("local"), ScriptedProvider::called("hive"));
    let arrangement = "judged_by: { first: local, then: hive, from: 20 }\nsecond_opinion: hive\n";
    let setup = setup(arrangement, &[&local, &hive]);
    let shown = picture(1);
    local.says(&shown, Says::Labels(&[("Alcohol", 30.0)]));
    hive.says(&shown, Says::Labels(&[("Violence/Weapons", 95.0)]));
    Premises::new().live(&setup, async |live| {
        let judged = assessed(&live.offer(&frame(&channel("ch"), 0, &shown)).await.event);
        assert_eq!((&*judged.provider.name, judged.verdict), ("hive", Verdict::Warn));
        let warning = live.of(&channel("ch")).iter().find_map(raised).expect("a warning is raised");
        assert_eq!(warning.asks, Some(AsksBecause::SecondDecided));
        assert_eq!(hive.calls(&shown), 1, "nobody is asked twice about a frame");
        lawful(live);
    });
}

#[test]
fn nobody_is_asked_to_agree_with_a_stop_that_is_only_ever_proposed() {
    let hive = ScriptedProvider::called("hive");
    let setup = setup("second_opinion: hive\nautomatic_stops: propose\n", &[&hive]);
    let shown = picture(1);
    setup.provider.says(&shown, Says::Labels(&[("Violence/Weapons", 95.0)]));
    Premises::new().live(&setup, async |live| {
        live.offer(&frame(&channel("ch"), 0, &shown)).await;
        let warning = live.of(&channel("ch")).iter().find_map(raised).expect("a warning is raised");
        assert_eq!(warning.asks, Some(AsksBecause::ProposeOnly));
        assert_eq!(hive.calls(&shown), 0, "its call would be paid for nothing");
        lawful(live);
    });
}

#[test]
fn an_answer_in_words_that_the_policy_cannot_read_is_fallen_over_from() {
    let odd = ScriptedProvider::answering_in("nobody/1", "rekognition");
    let hive = ScriptedProvider::called("hive");
    let setup = setup("judged_by: [rekognition, hive]\n", &[&odd, &hive]);
    let shown = picture(1);
    odd.says(&shown, Says::Labels(&[("Violence/Weapons", 99.0)]));
    hive.says(&shown, Says::Labels(&[("Alcohol", 90.0)]));
    Premises::new().live(&setup, async |live| {
        let judged = assessed(&live.offer(&frame(&channel("ch"), 0, &shown)).await.event);
        assert_eq!((&*judged.provider.name, judged.arranged), ("hive", Some(Arranged::InPlaceOf(1))));
        let said = live.of(&channel("ch")).iter().find_map(opinion).expect("what was asked in vain is on record");
        assert_eq!(said.role, OpinionRole::FellOver);
        let OpinionSaid::Nothing { reason, attempts, .. } = said.said else { panic!("{said:?}") };
        assert!(reason.contains("nobody/1") && attempts == 1, "{reason} after {attempts}");
        lawful(live);
    });
}

#[test]
fn what_others_said_and_the_outcome_are_one_append_so_that_no_crash_comes_between() {
    let (rek, hive) = (ScriptedProvider::called("rekognition"), ScriptedProvider::called("hive"));
    let arrangement = "judged_by: [rekognition, hive]\nsecond_opinion: local\n";
    let setup = setup(arrangement, &[&rek, &hive]);
    let shown = picture(1);
    rek.says(&shown, Says::Breaks);
    hive.says(&shown, Says::Labels(&[("Violence/Weapons", 95.0)]));
    let premises = Premises::new();
    let lost = frame(&channel("ch"), 0, &shown);
    premises.live(&setup, async |live| {
        // The process dies as the decision goes to the disk.
        live.journal.cut_off();
        let _offered = live.offered(&lost);
        live.journal.has_lost_one().await;
    });
    premises.live(&setup, async |live| {
        assert_eq!(opinions(live, "ch"), [], "nothing of it is there:\n{}", live.told());
        live.offer(&lost).await;
        let outcome = EventId::outcome_of(lost.id);
        let events = live.events();
        let together: Vec<&str> = events
            .iter()
            .filter(|recorded| recorded.envelope.correlation == Some(outcome))
            .map(|recorded| &*recorded.envelope.event_type)
            .collect();
        assert_eq!(together[..3], ["OpinionGiven", "OpinionGiven", "FrameAssessed"], "{}", live.told());
        assert!(together.len() <= EVENTS_PER_APPEND_MAX);
        let said = [("rekognition".to_owned(), OpinionRole::FellOver), ("local".to_owned(), OpinionRole::Seconded)];
        assert_eq!(opinions(live, "ch"), said);
        lawful(live);
    });
}

#[test]
fn one_that_is_compared_is_asked_after_the_outcome_once_and_nobody_waits_for_it() {
    let hive = ScriptedProvider::called("hive");
    let setup = setup("compare_with: { provider: hive, share: 1 in 1 }\n", &[&hive]);
    let shown = picture(1);
    hive.says(&shown, Says::Held(&[("Violence/Weapons", 99.0)]));
    Premises::new().live(&setup, async |live| {
        let channel = channel("ch");
        let judged = frame(&channel, 0, &shown);
        let outcome = live.offer(&judged).await;
        assert_eq!(assessed(&outcome.event).verdict, Verdict::Clear);
        assert_eq!(opinions(live, "ch"), [], "it has not answered yet");
        hive.release();
        let given = live.until(&channel, "the comparison", opinion).await;
        assert_eq!((&*given.provider.name, given.role, given.frame), ("hive", OpinionRole::Compared, judged.id));
        assert!(live.offer(&judged).await.repeated);
        live.close().await;
        assert_eq!(hive.calls(&shown), 1);
        assert_eq!(live.of(&channel).iter().filter_map(raised).count(), 0, "nothing follows from it");
        lawful(live);
    });
}

#[test]
fn a_house_that_closes_first_hears_those_it_is_comparing() {
    let hive = ScriptedProvider::called("hive");
    let setup = setup("compare_with: { provider: hive, share: 1 in 1 }\n", &[&hive]);
    let shown = picture(1);
    hive.says(&shown, Says::Held(&[]));
    Premises::new().live(&setup, async |live| {
        live.offer(&frame(&channel("ch"), 0, &shown)).await;
        hive.asked(&shown).await;
        let closing = live.close();
        hive.release();
        tokio::time::timeout(PATIENCE, closing).await.expect("it closes");
        assert_eq!(opinions(live, "ch"), [("hive".to_owned(), OpinionRole::Compared)]);
    });
}
