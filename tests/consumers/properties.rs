//! Whatever readers do, and whenever the process dies: each wanted entry is acknowledged once, in order, in each lane.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use streamwarden::consumers::*;
use streamwarden::events::*;
use streamwarden::model::*;

use crate::{Room, by, consumer, named, of_channels, positions};

#[derive(Debug, Clone)]
enum Step {
    /// Events of the channel that is wanted, or of another.
    Append {
        wanted: bool,
    },
    Read {
        limit: usize,
    },
    /// Acknowledges so many of what was read last.
    Acknowledge {
        count: usize,
    },
    /// Sets the so-manieth of what was read last aside.
    Park {
        index: usize,
    },
    Unpark,
    TakeUnparked,
    Crash,
    Rewind {
        back: u64,
    },
    StartReplay,
    ReadReplays {
        limit: usize,
    },
    AcknowledgeReplay {
        count: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|wanted| Step::Append { wanted }),
        4 => (1..6_usize).prop_map(|limit| Step::Read { limit }),
        4 => (1..6_usize).prop_map(|count| Step::Acknowledge { count }),
        2 => (0..4_usize).prop_map(|index| Step::Park { index }),
        1 => Just(Step::Unpark),
        1 => Just(Step::TakeUnparked),
        2 => Just(Step::Crash),
        1 => (0..10_u64).prop_map(|back| Step::Rewind { back }),
        1 => Just(Step::StartReplay),
        3 => (1..6_usize).prop_map(|limit| Step::ReadReplays { limit }),
        3 => (1..6_usize).prop_map(|count| Step::AcknowledgeReplay { count }),
    ]
}

/// What a reader may rely on, written down by itself.
#[derive(Default)]
struct Model {
    /// Positions of wanted events, in order.
    wanted: Vec<Position>,
    /// Everything up to here is done.
    cursor: Position,
    parked: BTreeSet<Position>,
    unparked: BTreeSet<Position>,
    /// Done after they had been set aside: not to come again but by a rewind.
    settled: BTreeSet<Position>,
    /// Read last, in the live lane.
    read: Vec<Position>,
    /// Per replay: what it must still bring, and what was read of it last.
    replays: BTreeMap<ReplayId, (Vec<Position>, Vec<Position>)>,
}

impl Model {
    /// What the live lane must bring next.
    fn open(&self) -> impl Iterator<Item = Position> {
        let aside = |position: &&Position| {
            [&self.parked, &self.unparked, &self.settled].iter().any(|set| set.contains(position))
        };
        self.wanted.iter().filter(|position| **position > self.cursor).filter(move |p| !aside(p)).copied()
    }
}

fn run(steps: Vec<Step>) {
    let mut room = Room::new();
    room.create(&of_channels("a"));
    let mut model = Model::default();
    let mut token = room.lease();
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Append { wanted: true } => model.wanted.push(room.append("a")),
            Step::Append { wanted: false } => drop(room.append("b")),
            Step::Read { limit } => {
                let read = positions(&room.read(token, LaneName::Live, limit).entries);
                assert_eq!(read, model.open().take(limit).collect::<Vec<_>>(), "step {number}");
                model.read = read;
            }
            Step::Acknowledge { count } => {
                let Some(to) = model.read.iter().take(count).next_back().copied() else { continue };
                let done = Acknowledged { live: Some(to), ..Acknowledged::default() };
                room.consumers.acknowledge(&consumer(), token, &done).expect("it was delivered");
                model.cursor = model.cursor.max(to);
            }
            Step::Park { index } => {
                let Some(position) = model.read.get(index).copied().filter(|p| *p > model.cursor) else { continue };
                if model.unparked.contains(&position) || model.settled.contains(&position) {
                    continue;
                }
                room.consumers.park(&consumer(), token, position, "no", &by()).expect("it was delivered");
                model.parked.insert(position);
            }
            Step::Unpark => {
                let Some(position) = model.parked.pop_first() else { continue };
                room.consumers.unpark(&consumer(), position, &by()).expect("it is set aside");
                model.unparked.insert(position);
            }
            Step::TakeUnparked => {
                let read = positions(&room.read(token, LaneName::Unparked, 100).entries);
                assert_eq!(read, model.unparked.iter().copied().collect::<Vec<_>>(), "step {number}");
                let Some(position) = model.unparked.pop_first() else { continue };
                let done = Acknowledged { unparked: vec![position], ..Acknowledged::default() };
                room.consumers.acknowledge(&consumer(), token, &done).expect("it was delivered");
                model.settled.insert(position);
            }
            Step::Crash => {
                room.crash();
                token = room.lease();
                model.read.clear();
                model.replays.values_mut().for_each(|(_, read)| read.clear());
            }
            Step::Rewind { back } => {
                let to = Position(room.consumers.head().0.saturating_sub(back));
                room.consumers.rewind(&consumer(), Place::After(to), &by()).expect("it is behind the head");
                model.cursor = to;
                model.settled.clear();
                token = room.lease();
                model.read.clear();
                model.replays.values_mut().for_each(|(_, read)| read.clear());
            }
            Step::StartReplay => {
                if model.replays.len() == REPLAYS_MAX {
                    continue;
                }
                let new = NewReplay {
                    name: named(&format!("replay-{number}")),
                    from: Place::After(Position(room.consumers.head().0 / 3)),
                    to: Place::Now,
                    filter: of_channels("a"),
                    target: ReplayTarget::Consumer(consumer()),
                    speed: ReplaySpeed::Max,
                };
                let started = room.consumers.start_replay(&new, &by()).expect("there is room");
                let range = started.first..=started.last;
                let expected = model.wanted.iter().filter(|position| range.contains(position)).copied().collect();
                model.replays.insert(started.id, (expected, Vec::new()));
            }
            Step::ReadReplays { limit } => {
                for (id, (left, read)) in &mut model.replays {
                    *read = positions(&room.read(token, LaneName::Replay(*id), limit).entries);
                    assert_eq!(*read, left.iter().take(limit).copied().collect::<Vec<_>>(), "step {number}");
                }
            }
            Step::AcknowledgeReplay { count } => {
                for (id, (left, read)) in &mut model.replays {
                    let Some(to) = read.iter().take(count).next_back().copied() else { continue };
                    let done = Acknowledged { replays: [(*id, to)].into(), ..Acknowledged::default() };
                    room.consumers.acknowledge(&consumer(), token, &done).expect("it was delivered");
                    left.retain(|position| *position > to);
                    read.retain(|position| *position > to);
                }
                // One of which nothing is left may have ended by itself.
                model.replays.retain(|_, (left, _)| !left.is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_repeated_in_the_order_acknowledged(steps in prop::collection::vec(step(), 1..80)) {
        run(steps);
    }
}
