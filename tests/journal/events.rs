//! Events to store: small, distinct, and derived from a number so that a test can say what must be there.

use streamwarden::events::{Actor, Event, InputGap, NewEvent};
use streamwarden::journal::{Append, Expected};
use streamwarden::model::{ChannelId, EventId, Scope, Sequence, Timestamp};

/// The channel numbered `number`.
pub fn channel(number: u64) -> Scope {
    ChannelId::new(format!("channel-{number}")).unwrap().into()
}

/// The id of the event numbered `number`.
pub fn id(number: u64) -> EventId {
    EventId::of_command("test", &[&number.to_be_bytes()])
}

/// The event numbered `number`, with text of `padding` bytes.
pub fn padded(number: u64, padding: usize) -> NewEvent {
    let event = InputGap {
        source: format!("{number}:{}", "x".repeat(padding)),
        from: Timestamp::from_micros(number as i64),
        to: Timestamp::from_micros(number as i64 + 1),
    };
    NewEvent {
        id: id(number),
        event: Event::from(event),
        captured_at: Some(Timestamp::from_micros(number as i64)),
        actor: Actor::service("intake"),
        causation: None,
        correlation: None,
    }
}

/// The event numbered `number`, as large as a usual assessed frame.
pub fn event(number: u64) -> NewEvent {
    padded(number, 150)
}

/// An append of the events with these numbers, expecting nothing.
pub fn append(scope: &Scope, numbers: impl IntoIterator<Item = u64>) -> Append {
    Append { scope: scope.clone(), expected: Expected::Any, events: numbers.into_iter().map(event).collect() }
}

/// The same, expecting the scope at `sequence`.
pub fn append_at(scope: &Scope, sequence: u64, numbers: impl IntoIterator<Item = u64>) -> Append {
    Append { expected: Expected::At(Sequence(sequence)), ..append(scope, numbers) }
}
