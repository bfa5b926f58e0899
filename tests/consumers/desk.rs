//! Making, leasing, parking, rewinding: each rule and each refusal.

use streamwarden::consumers::*;
use streamwarden::events::*;
use streamwarden::journal::Journal;
use streamwarden::model::*;

use crate::{Room, by, consumer, named, of_channels};

fn ack(room: &Room, token: Token, to: Position) -> Result<ConsumerStatus, ConsumerError> {
    room.consumers.acknowledge(&consumer(), token, &Acknowledged { live: Some(to), ..Acknowledged::default() })
}

#[test]
fn entries_come_again_until_they_are_acknowledged_and_the_cursor_passes_what_is_not_wanted() {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    let wanted = [room.append("a"), room.append("b"), room.append("a"), room.append("b")];
    let token = room.lease();
    assert_eq!(room.live(token, 10), [wanted[0], wanted[2]]);
    assert_eq!(room.live(token, 10), [wanted[0], wanted[2]], "reading moves nothing");
    assert_eq!(ack(&room, token, wanted[0]).expect("delivered").cursor, wanted[0]);
    assert_eq!(room.live(token, 10), [wanted[2]]);
    ack(&room, token, wanted[2]).expect("delivered");
    ack(&room, token, wanted[0]).expect("a repetition changes nothing");
    assert_eq!(room.live(token, 10), []);
    let status = room.consumers.consumer(&consumer()).expect("it is there");
    assert_eq!(status.cursor, status.head, "the last event is not wanted and does not hold the cursor up");
}

#[test]
fn what_was_not_delivered_cannot_be_acknowledged() {
    let mut room = Room::new();
    room.create(&Filter::default());
    let first = room.append("a");
    let second = room.append("a");
    let token = room.lease();
    assert!(matches!(ack(&room, token, first), Err(ConsumerError::NotDelivered { .. })));
    assert_eq!(room.live(token, 1).len(), 1);
    assert!(matches!(ack(&room, token, second), Err(ConsumerError::NotDelivered { .. })));
}

#[test]
fn one_reads_at_a_time_and_a_stale_lease_is_refused_everywhere() {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    let position = room.append("a");
    let old = room.lease();
    assert_eq!(room.live(old, 10), [position]);
    let other = ModeratorId::new("other").expect("sound");
    let refused = room.consumers.lease(&consumer(), &other, 60, None);
    assert!(matches!(refused, Err(ConsumerError::Leased { .. })));
    room.wait_ms(59_000);
    assert_eq!(room.live(old, 10), [position], "each use extends it");
    room.wait_ms(60_000);
    let new = room.consumers.lease(&consumer(), &other, 60, None).expect("the old one lapsed").token;
    assert!(new > old);
    let stale = |result: Result<(), ConsumerError>| assert!(matches!(result, Err(ConsumerError::StaleLease(_))));
    stale(room.consumers.read(&consumer(), old, LaneName::All, 1).map(drop));
    stale(ack(&room, old, position).map(drop));
    stale(room.consumers.park(&consumer(), old, position, "late", &by()).map(drop));
    stale(room.consumers.release(&consumer(), old));
    // What the one before was given, the new one has not seen.
    assert!(matches!(ack(&room, new, position), Err(ConsumerError::NotDelivered { .. })));
    room.consumers.release(&consumer(), new).expect("it is theirs");
    room.lease();
}

#[test]
fn a_lease_of_the_process_before_is_refused() {
    let mut room = Room::new();
    room.create(&Filter::default());
    let old = room.lease();
    room.append("a");
    room.crash();
    let new = room.lease();
    assert!(new > old, "{new} after {old}");
    assert!(matches!(room.consumers.read(&consumer(), old, LaneName::All, 1), Err(ConsumerError::StaleLease(_))));
}

#[test]
fn an_entry_set_aside_holds_nothing_up_and_comes_again_when_asked_for() {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    let [first, second, third] = [room.append("a"), room.append("a"), room.append("a")];
    let token = room.lease();
    assert_eq!(room.live(token, 2), [first, second]);
    let refused = room.consumers.park(&consumer(), token, third, "not seen yet", &by());
    assert!(matches!(refused, Err(ConsumerError::NotDelivered { .. })));
    room.consumers.park(&consumer(), token, first, "the ticket system refused it", &by()).expect("delivered");
    room.consumers.park(&consumer(), token, first, "again", &by()).expect("a repetition changes nothing");
    assert_eq!(room.live(token, 10), [second, third]);
    ack(&room, token, third).expect("delivered");
    room.crash();
    let parked = room.consumers.parked(&consumer(), Position(0), 10).expect("there is a consumer");
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].position, parked[0].reason.as_str()), (first, "the ticket system refused it"));
    room.consumers.unpark(&consumer(), first, &by()).expect("it is set aside");
    room.crash();
    let token = room.lease();
    let reading = room.read(token, LaneName::All, 10);
    assert!(matches!(&reading.entries[..], [Entry::Unparked(entry)] if entry.envelope.position == first));
    let done = Acknowledged { unparked: vec![first], ..Acknowledged::default() };
    room.consumers.acknowledge(&consumer(), token, &done).expect("delivered");
    room.consumers.acknowledge(&consumer(), token, &done).expect("a repetition changes nothing");
    room.crash();
    let token = room.lease();
    assert_eq!(room.read(token, LaneName::All, 10).entries.len(), 0);
    let refused = room.consumers.unpark(&consumer(), first, &by());
    assert!(matches!(refused, Err(ConsumerError::UnknownEntry { .. })));
}

#[test]
fn a_rewind_is_an_event_takes_the_lease_away_and_survives_a_crash() {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    let entries = [room.append("a"), room.append("a"), room.append("a")];
    let token = room.lease();
    assert_eq!(room.live(token, 10), entries);
    ack(&room, token, entries[2]).expect("delivered");
    let status = room.consumers.rewind(&consumer(), Place::After(entries[0]), &by()).expect("it is behind the head");
    assert_eq!(status.cursor, entries[0]);
    assert!(matches!(ack(&room, token, entries[2]), Err(ConsumerError::StaleLease(_))));
    room.crash();
    let token = room.lease();
    assert_eq!(room.live(token, 10), entries[1..]);
    let newest = room.journal.read(Position(0), 100).expect("readable").pop().expect("there are events");
    let rewound = newest.event().expect("known");
    assert!(matches!(rewound, Event::ConsumerRewound(e) if e.from == entries[2] && e.to == entries[0]));
    assert_eq!(newest.envelope.actor, by());
    let beyond = room.consumers.rewind(&consumer(), Place::After(Position(1000)), &by());
    assert!(matches!(beyond, Err(ConsumerError::BeyondHead { .. })));
}

#[test]
fn a_rewind_to_a_time_reads_what_was_recorded_from_then_on() {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    room.append("a");
    room.wait_ms(1000);
    let later = room.append("a");
    room.consumers
        .rewind(&consumer(), Place::Time(Timestamp::from_millis(1_000_500)), &by())
        .expect("a moment of the past");
    let token = room.lease();
    assert_eq!(room.live(token, 10), [later]);
}

#[test]
fn a_name_is_taken_once_and_free_again_after_its_consumer_is_gone() {
    let mut room = Room::new();
    room.create(&Filter::default());
    let again = room.consumers.create(&consumer(), &Filter::default(), Place::Now, &by());
    assert!(matches!(again, Err(ConsumerError::Exists(_))));
    let position = room.append("a");
    let token = room.lease();
    let seen = room.live(token, 10);
    ack(&room, token, *seen.last().expect("some")).expect("delivered");
    room.consumers.delete(&consumer(), &by()).expect("it is there");
    assert!(matches!(room.consumers.delete(&consumer(), &by()), Err(ConsumerError::UnknownConsumer(_))));
    assert!(matches!(room.consumers.consumer(&consumer()), Err(ConsumerError::UnknownConsumer(_))));
    room.create(&of_channels("a"));
    room.crash();
    let token = room.lease();
    assert_eq!(room.live(token, 10), [position], "the new one begins where it was told, not where the old one was");
}

#[test]
fn there_are_at_most_so_many_consumers_and_a_filter_has_a_size() {
    let room = Room::new();
    for number in 0..CONSUMERS_MAX {
        let name = named(&format!("consumer-{number}"));
        room.consumers.create(&name, &Filter::default(), Place::Now, &by()).expect("there is room");
    }
    let more = room.consumers.create(&consumer(), &Filter::default(), Place::Now, &by());
    assert!(matches!(more, Err(ConsumerError::TooMany { max: CONSUMERS_MAX, .. })));
    // With all of them there, one can still be rewound.
    room.consumers.rewind(&named("consumer-7"), Place::After(Position(0)), &by()).expect("there is a slot more");
    room.consumers.delete(&named("consumer-3"), &by()).expect("it is there");
    let long = "a".repeat(150);
    let rules = (0..50).map(|number| RuleId::new(format!("{}{number}", &long[..50])).expect("sound")).collect();
    let labels = (0..50).map(|number| LabelPath::new(format!("{}{number}", &long[..50])).expect("sound")).collect();
    let filter = Filter { rules, labels, ..Filter::default() };
    let refused = room.consumers.create(&consumer(), &filter, Place::Now, &by());
    assert!(matches!(refused, Err(ConsumerError::FilterTooLarge(_))));
}
