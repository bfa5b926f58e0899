//! What is shown of a channel is what its warden holds, whatever was asked of it.

use proptest::prelude::*;
use streamwarden::model::{Sequence, WarningId};
use streamwarden::projections::{self, View};
use streamwarden::warden::Coverage;

use crate::lines::moment;
use crate::wanted::{Channel, commands};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_and_the_channels_show_what_the_warden_holds(wanted in commands()) {
        let mut channel = Channel::new();
        let mut view = View::default();
        let mut now = moment(0.0);
        let mut folded = 0;
        for (number, (pause, wanted)) in wanted.iter().enumerate() {
            now = now.plus_ms(u64::from(*pause));
            let command = channel.command(wanted);
            channel.run(now, &command);
            let events = channel.events();
            for recorded in &events[folded..] {
                view.apply(recorded, &recorded.event().expect("a known event"));
            }
            folded = events.len();
            if number % 11 == 0 {
                let mut saved = Vec::new();
                ciborium::into_writer(&view, &mut saved).expect("a view can be written");
                view = ciborium::from_reader(saved.as_slice()).expect("a view can be read");
            }
            let state = &channel.state;
            let mut held: Vec<WarningId> = state.open_warnings().map(|warning| warning.id).collect();
            let mut shown: Vec<WarningId> =
                view.queue.open_of(&state.channel).map(|entry| entry.warning()).collect();
            held.sort_unstable();
            shown.sort_unstable();
            prop_assert_eq!(shown, held, "after command {}", number);
            for warning in &state.warnings {
                let Some(entry) = view.queue.get(warning.id) else { continue }; // answered long ago by the wall's time
                let claims = (
                    entry.claim.as_ref().map(|claim| (&claim.by, claim.until)),
                    warning.claim.as_ref().map(|claim| (&claim.by, claim.until)),
                );
                prop_assert_eq!(claims.0, claims.1, "after command {}", number);
                let answers = (
                    entry.answer.as_ref().map(|answer| (&answer.by, answer.upheld)),
                    warning.answer.as_ref().map(|answer| (&answer.by, answer.upheld)),
                );
                prop_assert_eq!(answers.0, answers.1, "after command {}", number);
                prop_assert_eq!(entry.version, warning.version, "after command {}", number);
            }
            let Some(shown) = view.channels.get(&state.channel) else {
                prop_assert_eq!(state.sequence, Sequence(0), "a channel with events is shown");
                continue;
            };
            prop_assert_eq!(shown.last_event.sequence, state.sequence);
            prop_assert_eq!(
                shown.session.as_ref().map(|on_air| (&on_air.session, on_air.since)),
                state.session.as_ref().map(|session| (&session.id, session.since))
            );
            prop_assert_eq!(shown.cadence.as_ref().map(|it| (it.pace, it.policy.clone())), state.pace.clone());
            match (shown.coverage, state.coverage) {
                (projections::Coverage::Idle, Coverage::Idle)
                | (projections::Coverage::Watched { .. }, Coverage::Watched { .. }) => {}
                (
                    projections::Coverage::Unwatched { since, because },
                    Coverage::Unwatched { since: held, because: why },
                ) => prop_assert_eq!((since, because), (held, why)),
                (shown, held) => prop_assert!(false, "{shown:?} is shown, {held:?} is held"),
            }
        }
    }
}
