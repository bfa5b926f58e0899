//! A policy in shadow changes nothing: whatever is asked for, what happens with one is what happens without.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use streamwarden::events::{Event, NewEvent, Recorded, RuleEffect, ShadowEffect, Skip};
use streamwarden::model::{PolicyId, PolicyRef, Sequence};
use streamwarden::policy::Policy;
use streamwarden::warden::{ChannelState, Command, decide};

use crate::lines::moment;
use crate::wanted::{Channel, Wanted, commands, policy};

/// What was decided, without what the shadow said of it.
fn unshadowed(events: Vec<NewEvent>) -> Vec<NewEvent> {
    let silent = events.into_iter().filter(|new| !matches!(new.event, Event::ShadowVerdict(_)));
    silent.map(|new| NewEvent { event: without_look(new.event), ..new }).collect()
}

fn without_look(event: Event) -> Event {
    match event {
        Event::FrameAssessed(assessed) => streamwarden::events::FrameAssessed { shadow: None, ..assessed }.into(),
        other => other,
    }
}

/// What happened, without what the shadow said: each event with its place among those that are left, and places that
/// it names in the same count. Shadows take places in the channel's list, and ids that follow from a place differ.
fn told(recorded: &[Recorded]) -> Vec<(Option<i64>, Event)> {
    let mut places: BTreeMap<Sequence, Sequence> = BTreeMap::from([(Sequence(0), Sequence(0))]);
    let mut told = Vec::new();
    for one in recorded {
        let event = one.event().expect("a known event");
        if matches!(event, Event::ShadowVerdict(_)) {
            continue;
        }
        places.insert(one.envelope.sequence, Sequence(told.len() as u64 + 1));
        let event = match without_look(event) {
            Event::FrameAssessed(mut assessed) => {
                assessed.distance = assessed.distance.map(|(distance, to)| (distance, places[&to]));
                assessed.into()
            }
            Event::FrameSkipped(mut skipped) => {
                if let Skip::Similar { to, .. } = &mut skipped.because {
                    *to = places[to];
                }
                skipped.into()
            }
            other => other,
        };
        told.push((one.envelope.captured_at.map(|at| at.as_micros()), event));
    }
    told
}

/// Enforcements and events of people's requests keep their ids; those that follow from a place do not, and neither do
/// enforcements asked for outside a frame, so their order stands for them.
fn without_places(events: Vec<(Option<i64>, Event)>) -> Vec<String> {
    events.into_iter().map(|(at, event)| format!("{at:?} {event:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// At every state that random commands lead to, and with that, by induction, everywhere: the decision about an answer
    /// is the same with a shadow and without one, ids and all, and nothing but the shadow's own memory differs after it.
    #[test]
    fn a_decision_is_the_same_with_a_shadow_ids_and_all(wanted in commands()) {
        let mut channel = Channel::new();
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let command = channel.command(wanted);
            let alone = ChannelState { shadow: None, ..channel.state.clone() };
            let policy = channel.watching();
            let with = decide(&channel.state, policy.as_deref(), now, &command);
            let without = match &command {
                Command::JudgeFrame { frame, policy, shadow: _, measured, segment, answer, beside, took } => {
                    let (frame, policy, measured) = (frame.clone(), policy.clone(), measured.clone());
                    let (answer, beside, took, segment) = (answer.clone(), beside.clone(), *took, segment.clone());
                    Command::JudgeFrame { frame, policy, shadow: None, measured, segment, answer, beside, took }
                }
                other => other.clone(),
            };
            let without = decide(&alone, policy.as_deref(), now, &without);
            let events = |decided: Result<streamwarden::warden::Decision, _>| decided.map(|decided| unshadowed(decided.events));
            prop_assert_eq!(events(with), events(without), "{:?}", command);
            channel.run(now, &command);
        }
    }

    #[test]
    fn a_whole_story_is_the_same_with_shadows_that_come_and_go(wanted in commands()) {
        let (mut with, mut without) = (Channel::new(), Channel::new());
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let command = with.command(wanted);
            with.run(now, &command);
            let command = without.command(wanted);
            without.shadow = 0;
            let command = match command {
                Command::JudgeFrame { frame, policy, shadow: _, measured, segment, answer, beside, took } => {
                    Command::JudgeFrame { frame, policy, shadow: None, measured, segment, answer, beside, took }
                }
                other => other,
            };
            without.run(now, &command);
        }
        prop_assert_eq!(without_places(told(&with.events())), without_places(told(&without.events())));
    }

    /// The shadow is judged as the live policy is: by the same rules from the beginning, it says the same of every frame.
    #[test]
    fn a_shadow_with_the_rules_of_the_live_policy_says_what_that_says(wanted in commands()) {
        let twin = PolicyRef { id: PolicyId::new("twin").expect("a sound name"), version: 1 };
        let twin = Arc::new(Policy { reference: twin, ..policy(1) });
        let mut channel = Channel::new();
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            if matches!(wanted, Wanted::Reconsider(_) | Wanted::Shadow(_)) {
                continue;
            }
            let mut command = channel.command(wanted);
            if let Command::JudgeFrame { shadow, .. } = &mut command {
                *shadow = Some(twin.clone());
            }
            channel.run(now, &command);
        }
        let mut live = None;
        for recorded in channel.events() {
            match recorded.event().expect("a known event") {
                Event::FrameAssessed(assessed) => {
                    let look = assessed.shadow.clone().expect("a shadow is there");
                    prop_assert_eq!(look.found == streamwarden::events::ShadowFound::Hit, !assessed.rules.is_empty());
                    live = Some(assessed);
                }
                Event::ShadowVerdict(shadow) => {
                    let live = live.take().expect("an outcome stands before it");
                    prop_assert_eq!(live.frame, shadow.frame);
                    prop_assert_eq!(live.verdict, shadow.verdict, "{:?} and {:?}", live, shadow);
                    for (live, shadow) in live.rules.iter().zip(&shadow.rules) {
                        prop_assert_eq!((&live.rule, live.margin, live.hits), (&shadow.rule, shadow.margin, shadow.hits));
                        let same = match (&live.effect, shadow.effect) {
                            (RuleEffect::Partial, ShadowEffect::Partial)
                            | (RuleEffect::Raised(_), ShadowEffect::Raised { .. })
                            | (RuleEffect::Joined(_), ShadowEffect::Joined) => true,
                            (RuleEffect::Cooldown(live), ShadowEffect::Cooldown(shadow)) => *live == shadow,
                            _ => false,
                        };
                        prop_assert!(same, "{:?} and {:?}", live, shadow);
                    }
                }
                _ => {}
            }
        }
    }
}
