//! A channel's state at a past moment is what its warden held then, whatever it had been asked.

use proptest::prelude::*;
use streamwarden::audit::AuditError;
use streamwarden::audit::state_at::{Basis, Moment, state_at};
use streamwarden::events::Recorded;
use streamwarden::model::{ChannelId, Position, Sequence, Timestamp};
use streamwarden::warden::{ChannelState, replay};

use crate::lines::moment;
use crate::wanted::{Channel, commands};

proptest! {
    // Each case folds hundreds of states from the beginning.
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_state_at_a_sequence_a_position_and_a_time_is_what_the_warden_held(wanted in commands()) {
        let mut channel = Channel::new();
        let mut now = moment(0.0);
        // Every state that the warden held, and from when on.
        let mut held: Vec<(Timestamp, ChannelState)> = Vec::new();
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let command = channel.command(wanted);
            channel.run(now, &command);
            held.push((now, channel.state.clone()));
        }
        let id = channel.state.channel.clone();
        if channel.state.sequence == Sequence(0) {
            let unknown = state_at(&channel.journal, &id, Moment::Now);
            prop_assert!(matches!(unknown, Err(AuditError::UnknownChannel(_))), "{unknown:?}");
            return Ok(());
        }
        let at = |when| state_at(&channel.journal, &id, when).expect("memory is read");
        for (number, (then, state)) in held.iter().enumerate() {
            let by_sequence = at(Moment::Sequence(state.sequence));
            prop_assert_eq!(&by_sequence.state, state);
            prop_assert_eq!(by_sequence.folded, state.sequence.0);
            prop_assert_eq!(by_sequence.folded + by_sequence.left_out, channel.state.sequence.0);
            // Everything is in the one channel, so its positions are its sequences.
            if number % 5 == 0 {
                let position = Position(state.sequence.0);
                prop_assert_eq!(&at(Moment::Position(position)).state, state);
            }
            // At a time the warden had done all that it did at that very time.
            let last = held[number..].iter().take_while(|(later, _)| later == then).last();
            let (_, state) = last.expect("at least this one");
            let by_time = at(Moment::Time(*then, Basis::Recorded));
            prop_assert_eq!(&by_time.state, state, "at {}", then);
            prop_assert_eq!(by_time.basis, Basis::Recorded);
            prop_assert!(by_time.last_recorded_at.is_none_or(|recorded| recorded <= *then));
        }
        prop_assert_eq!(&at(Moment::Now).state, &channel.state);
    }

    #[test]
    fn by_captured_at_exactly_the_events_captured_by_then_are_folded(wanted in commands(), ms in 0u64..400_000) {
        let mut channel = Channel::new();
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let command = channel.command(wanted);
            channel.run(now, &command);
        }
        let id = channel.state.channel.clone();
        let events = channel.events();
        if events.is_empty() {
            return Ok(());
        }
        let then = moment(0.0).plus_ms(ms);
        let captured = |recorded: &&Recorded| {
            recorded.envelope.captured_at.unwrap_or(recorded.envelope.recorded_at) <= then
        };
        let folded: Vec<&Recorded> = events.iter().filter(captured).collect();
        let at = state_at(&channel.journal, &id, Moment::Time(then, Basis::Captured)).expect("memory is read");
        let expected = replay(ChannelState::new(id), folded.iter().copied()).expect("known events");
        prop_assert_eq!(&at.state, &expected);
        prop_assert_eq!(at.basis, Basis::Captured);
        prop_assert_eq!((at.folded, at.left_out), (folded.len() as u64, (events.len() - folded.len()) as u64));
        prop_assert_eq!(at.last_sequence, folded.last().map_or(Sequence(0), |last| last.envelope.sequence));
    }
}

#[test]
fn a_moment_that_is_not_there_yet_is_refused_by_name() {
    let mut channel = Channel::new();
    let command = channel.command(&crate::wanted::Wanted::Start(0, moment(0.0).as_micros()));
    channel.run(moment(0.0), &command);
    let id = channel.state.channel.clone();
    let head = channel.state.sequence.0;
    for (when, name) in
        [(Moment::Sequence(Sequence(head + 1)), "sequence"), (Moment::Position(Position(u64::MAX)), "position")]
    {
        match state_at(&channel.journal, &id, when) {
            Err(AuditError::Beyond { parameter, last, .. }) => assert_eq!((parameter, last), (name, head)),
            other => panic!("{other:?}"),
        }
    }
    let nobody = ChannelId::new("nobody").expect("a sound name");
    assert!(matches!(state_at(&channel.journal, &nobody, Moment::Now), Err(AuditError::UnknownChannel(_))));
}

#[test]
fn before_its_first_event_a_channel_is_as_new() {
    let mut channel = Channel::new();
    let command = channel.command(&crate::wanted::Wanted::Start(0, moment(5.0).as_micros()));
    channel.run(moment(5.0), &command);
    let id = channel.state.channel.clone();
    for when in [Moment::Sequence(Sequence(0)), Moment::Time(moment(4.9), Basis::Recorded)] {
        let at = state_at(&channel.journal, &id, when).expect("memory is read");
        assert_eq!((at.folded, &at.state), (0, &ChannelState::new(id.clone())));
    }
}
