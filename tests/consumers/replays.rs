//! Replays: beside what is live, at their speed, to their end.

use streamwarden::consumers::*;
use streamwarden::events::*;
use streamwarden::model::*;

use crate::{Room, by, consumer, named, of_channels, positions};

fn replay(target: ReplayTarget, speed: ReplaySpeed) -> NewReplay {
    NewReplay {
        name: named("appeal"),
        from: Place::After(Position(0)),
        to: Place::Now,
        filter: of_channels("a"),
        target,
        speed,
    }
}

fn to_consumer() -> NewReplay {
    replay(ReplayTarget::Consumer(consumer()), ReplaySpeed::Max)
}

/// Lets the reader be done with everything that lies before the next append.
fn acknowledge_all(room: &Room, token: Token) {
    let seen = room.live(token, 500);
    if let Some(last) = seen.last() {
        let done = Acknowledged { live: Some(*last), ..Acknowledged::default() };
        room.consumers.acknowledge(&consumer(), token, &done).expect("delivered");
    }
}

fn acknowledge_replay(room: &Room, token: Token, id: ReplayId, to: Position) {
    let done = Acknowledged { replays: [(id, to)].into(), ..Acknowledged::default() };
    room.consumers.acknowledge(&consumer(), token, &done).expect("delivered");
}

#[test]
fn a_replay_comes_beside_the_live_entries_keeps_ids_and_times_and_ends_when_acknowledged() {
    let mut room = Room::new();
    room.create(&of_channels("*"));
    let past = [room.append("a"), room.append("b"), room.append("a")];
    let token = room.lease();
    acknowledge_all(&room, token);
    let started = room.consumers.start_replay(&to_consumer(), &by()).expect("a sound replay");
    assert_eq!((started.state, started.remaining), (ReplayState::Running, started.last.0));
    let token_before = token;
    let live = room.append("a");
    let reading = room.read(token, LaneName::All, 10);
    assert!(reading.complete);
    let (now, again): (Vec<_>, Vec<_>) = reading.entries.into_iter().partition(|entry| entry.replay().is_none());
    assert_eq!(positions(&now).last(), Some(&live));
    assert_eq!(positions(&again), [past[0], past[2]]);
    let shown = serde_json::to_value(&again[0]).expect("JSON");
    assert_eq!(shown["replay"]["name"], "appeal");
    assert_eq!(shown["event"]["position"], past[0].0);
    assert_eq!(shown["event"]["id"], again[0].event_id().to_string());
    // Acknowledging the one moves the other by nothing.
    let before = room.consumers.consumer(&consumer()).expect("there").cursor;
    acknowledge_replay(&room, token_before, started.id, past[0]);
    assert_eq!(room.consumers.consumer(&consumer()).expect("there").cursor, before);
    assert_eq!(positions(&room.read(token, LaneName::Replay(started.id), 10).entries), [past[2]]);
    acknowledge_replay(&room, token, started.id, past[2]);
    assert_eq!(room.read(token, LaneName::Replay(started.id), 10).entries.len(), 0);
    let ended = room.consumers.replay(started.id).expect("it is shown");
    assert_eq!((ended.state, ended.done_milli, ended.remaining), (ReplayState::Completed, 1000, 0));
    assert_eq!(ended.position, ended.last);
    acknowledge_replay(&room, token, started.id, past[2]); // a repetition after its end changes nothing
    room.crash();
    assert_eq!(room.consumers.replay(started.id).expect("it is shown").state, ReplayState::Completed);
}

#[test]
fn a_restart_in_the_middle_goes_on_after_what_was_acknowledged() {
    let mut room = Room::new();
    room.create(&of_channels("none"));
    let past: Vec<Position> = (0..10).map(|_| room.append("a")).collect();
    // A filter of the consumer that wants none of them holds for replays too: this one is told to want them.
    room.consumers.delete(&consumer(), &by()).expect("there");
    room.create(&of_channels("a"));
    let id = room.consumers.start_replay(&to_consumer(), &by()).expect("sound").id;
    let token = room.lease();
    assert_eq!(positions(&room.read(token, LaneName::Replay(id), 6).entries), past[..6]);
    acknowledge_replay(&room, token, id, past[3]);
    room.crash();
    let token = room.lease();
    assert_eq!(positions(&room.read(token, LaneName::Replay(id), 100).entries), past[4..]);
    assert_eq!(room.consumers.replay(id).expect("under way").position, past[3]);
}

#[test]
fn what_the_consumer_does_not_want_no_replay_brings() {
    let mut room = Room::new();
    room.create(&of_channels("b"));
    room.append("a");
    let id = room.consumers.start_replay(&to_consumer(), &by()).expect("sound").id;
    let token = room.lease();
    assert_eq!(room.read(token, LaneName::Replay(id), 10).entries.len(), 0);
    assert_eq!(room.consumers.replay(id).expect("shown").state, ReplayState::Completed);
}

#[test]
fn a_paced_replay_gives_what_is_due_and_says_that_this_is_all_for_now() {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    let past: Vec<Position> = (0..10).map(|_| room.append("a")).collect();
    let speed = ReplaySpeed::EventsPerSecond(2);
    let new = NewReplay { speed, ..to_consumer() };
    let id = room.consumers.start_replay(&new, &by()).expect("sound").id;
    let token = room.lease();
    let due = |room: &Room| positions(&room.read(token, LaneName::Replay(id), 100).entries);
    assert_eq!(due(&room), past[..1]);
    room.wait_ms(500);
    assert_eq!(due(&room), past[..2]);
    assert!(room.read(token, LaneName::Replay(id), 100).complete);
    room.wait_ms(1000);
    assert_eq!(due(&room), past[..4]);
    assert_eq!(due(&room), past[..4], "what was given once is given again for nothing");
}

#[test]
fn a_replay_in_real_time_keeps_the_distances_in_which_events_were_recorded() {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    let mut past = Vec::new();
    for gap_ms in [0, 10_000, 100, 100_000] {
        room.wait_ms(gap_ms);
        past.push(room.append("a"));
    }
    let new = NewReplay { speed: ReplaySpeed::RealTimeMilli(10_000), ..to_consumer() };
    let id = room.consumers.start_replay(&new, &by()).expect("sound").id;
    let token = room.consumers.lease(&consumer(), &crate::reader(), 300, None).expect("free").token;
    for (wait_ms, expected) in [(0, 1), (999, 1), (1, 2), (10, 3), (9_999, 3), (1, 4)] {
        room.wait_ms(wait_ms);
        let due = room.read(token, LaneName::Replay(id), 100).entries.len();
        assert_eq!(due, expected, "after another {wait_ms} ms");
    }
}

#[test]
fn a_replay_is_called_off_and_fails_with_its_consumer() {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    room.append("a");
    let first = room.consumers.start_replay(&to_consumer(), &by()).expect("sound").id;
    let twice = room.consumers.start_replay(&to_consumer(), &by());
    assert!(matches!(twice, Err(ConsumerError::ReplayExists { replay, .. }) if replay == first));
    let cancelled = room.consumers.cancel_replay(first, &by()).expect("under way");
    assert_eq!((cancelled.state, cancelled.position), (ReplayState::Cancelled, Position(0)));
    assert!(matches!(room.consumers.cancel_replay(first, &by()), Err(ConsumerError::ReplayOver(_))));
    let second = room.consumers.start_replay(&to_consumer(), &by()).expect("the name is free again").id;
    assert_ne!(second, first);
    room.consumers.delete(&consumer(), &by()).expect("there");
    assert_eq!(room.consumers.replay(second).expect("shown").state, ReplayState::Failed);
    room.crash();
    assert_eq!(room.consumers.replay(second).expect("shown").state, ReplayState::Failed);
}

#[test]
fn ranges_speeds_and_numbers_have_bounds() {
    let mut room = Room::new();
    room.create(&Filter::default());
    let head = room.append("a");
    let refused = |new: NewReplay| room.consumers.start_replay(&new, &by()).expect_err("it is refused");
    assert!(matches!(refused(NewReplay { from: Place::Now, ..to_consumer() }), ConsumerError::EmptyRange { .. }));
    let beyond = NewReplay { to: Place::After(head.next()), ..to_consumer() };
    assert!(matches!(refused(beyond), ConsumerError::BeyondHead { .. }));
    let still = NewReplay { speed: ReplaySpeed::EventsPerSecond(0), ..to_consumer() };
    assert!(matches!(refused(still), ConsumerError::OutOfBounds { .. }));
    let nobody = NewReplay { target: ReplayTarget::Consumer(named("nobody")), ..to_consumer() };
    assert!(matches!(refused(nobody), ConsumerError::UnknownConsumer(_)));
    for number in 0..REPLAYS_MAX {
        let new = NewReplay { name: named(&format!("replay-{number}")), ..to_consumer() };
        room.consumers.start_replay(&new, &by()).expect("there is room");
    }
    assert!(matches!(refused(to_consumer()), ConsumerError::TooMany { max: REPLAYS_MAX, .. }));
}

#[test]
fn a_replay_to_the_feed_waits_for_listeners_and_ends_with_the_slowest() {
    let mut room = Room::new();
    let past: Vec<Position> = (0..10).map(|_| room.append("a")).collect();
    let id = room.consumers.start_replay(&replay(ReplayTarget::Feed, ReplaySpeed::Max), &by()).expect("sound").id;
    assert_eq!(room.consumers.feed_replays(), [id]);
    let heard = |listener: &mut Listener, limit| {
        let heard = listener.hear(limit).expect("readable");
        heard.entries.iter().map(Replayed::position).collect::<Vec<_>>()
    };
    let mut quick = room.consumers.listen(id).expect("under way");
    let mut slow = room.consumers.listen(id).expect("under way");
    assert_eq!(heard(&mut quick, 100), past);
    assert_eq!(heard(&mut slow, 4), past[..4]);
    assert_eq!(room.consumers.replay(id).expect("shown").position, past[3]);
    drop(slow); // it went away in the middle: nobody is behind the quick one any more, who has heard all
    assert!(quick.hear(100).expect("readable").over);
    assert_eq!(room.consumers.replay(id).expect("shown").state, ReplayState::Completed);
    assert_eq!(room.consumers.feed_replays(), []);
    assert!(room.consumers.listen(id).is_err());
}
