//! Envelopes read in a run share what repeats, and read as they do alone.

use streamwarden::events::{Actor, EventType, NewEvent, Recorded};
use streamwarden::model::{
    ChannelId, Epoch, EventId, ModeratorId, PolicyId, PolicyRef, Position, Scope, Sequence, SystemScope, Timestamp,
};

use crate::samples::sample;

fn record(number: u64, scope: &Scope, actor: &Actor) -> Vec<u8> {
    let new = NewEvent {
        id: EventId::of_command("test", &[&number.to_be_bytes()]),
        event: sample(EventType::ChannelWatched),
        captured_at: None,
        actor: actor.clone(),
        causation: None,
        correlation: None,
    };
    let at = Timestamp::from_micros(1);
    let sealed = Recorded::seal(&new, scope.clone(), Position(number), Sequence(1), at, Epoch(1));
    sealed.expect("it can be sealed").to_bytes().expect("it fits a record")
}

#[test]
fn a_record_reads_the_same_whatever_was_read_before_it() {
    let policy = |id: &str, version| PolicyRef { id: PolicyId::new(id).unwrap(), version };
    let channel = |name: &str| Scope::from(ChannelId::new(name).unwrap());
    // names that begin alike, end alike, or are another kind's name
    let actors = [
        Actor::Warden(None),
        Actor::Warden(Some(policy("a", 1))),
        Actor::Warden(Some(policy("a", 11))),
        Actor::Warden(Some(policy("a@1", 1))),
        Actor::Warden(Some(policy("b", 1))),
        Actor::Moderator(ModeratorId::new("a").unwrap()),
        Actor::Moderator(ModeratorId::new("a@1").unwrap()),
        Actor::service("a"),
        Actor::service("warden"),
    ];
    let scopes = [channel("a"), channel("ab"), channel("store"), SystemScope::Store.into(), SystemScope::Intake.into()];
    let written: Vec<(&Scope, &Actor)> =
        scopes.iter().flat_map(|scope| actors.iter().map(move |actor| (scope, actor))).collect();
    let records: Vec<Vec<u8>> =
        (1..).zip(&written).map(|(number, (scope, actor))| record(number, scope, actor)).collect();
    let alone: Vec<Recorded> = records.iter().map(|bytes| Recorded::from_bytes(bytes).unwrap()).collect();
    for before in &alone {
        for ((bytes, alone), (scope, actor)) in records.iter().zip(&alone).zip(&written) {
            let read = Recorded::from_bytes_after(Some(before), bytes).unwrap();
            assert_eq!(read, *alone, "after {} by {}", before.envelope.scope, before.envelope.actor);
            assert_eq!((&read.envelope.scope, &read.envelope.actor), (*scope, *actor));
            if let (Scope::Channel(same), Scope::Channel(read)) = (&before.envelope.scope, &read.envelope.scope) {
                let shared = std::ptr::eq(same.as_str(), read.as_str());
                assert_eq!(shared, same == read, "{same} and {read}: shared where the same");
            }
        }
    }
}
