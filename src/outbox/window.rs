//! The events of a lane that are on their way, in the order of their positions: which may go next, what became of each,
//! and up to where everything is settled. Pure; times are handed in as milliseconds that only rise.

use std::collections::{BTreeMap, HashSet};

use crate::model::{Position, Scope};

/// Events on their way at most. At the bound the journal is not read on.
pub const WINDOW_MAX: usize = 1000;
/// The longest pause before an event is tried again.
pub const RETRY_MS_MAX: u64 = 60_000;
/// The pause after the first failure.
const RETRY_MS_FIRST: u64 = 500;

/// What is on its way.
#[derive(Debug)]
pub(super) struct Window<T> {
    open: BTreeMap<Position, Open<T>>,
    /// Everything up to here was looked at.
    read_to: Position,
}

#[derive(Debug)]
struct Open<T> {
    scope: Scope,
    item: T,
    bytes: usize,
    tried: u32,
    /// To be sent by itself: it was in a call that was refused as a whole.
    alone: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be sent at this moment or later.
    From(u64),
    /// Sent; the answer is awaited.
    Sent,
}

impl<T> Window<T> {
    /// Nothing on its way; everything up to `at` is settled.
    pub fn new(at: Position) -> Self {
        Self { open: BTreeMap::new(), read_to: at }
    }

    /// How many more events there is room for.
    pub fn room(&self) -> usize {
        WINDOW_MAX.saturating_sub(self.open.len())
    }

    /// Where to read on.
    pub fn read_to(&self) -> Position {
        self.read_to
    }

    /// Everything up to here was looked at; what was wanted was added.
    pub fn passed(&mut self, to: Position) {
        self.read_to = self.read_to.max(to);
    }

    /// An event is to be sent. Added in the order of positions.
    pub fn add(&mut self, position: Position, scope: Scope, item: T, bytes: usize) {
        self.open.insert(position, Open { scope, item, bytes, tried: 0, alone: false, state: State::From(0) });
        self.passed(position);
    }

    /// Everything up to here is settled.
    pub fn settled(&self) -> Position {
        self.open.first_key_value().map_or(self.read_to, |(first, _)| Position(first.0 - 1))
    }

    /// Takes the events that go next, at most `count` of at most `bytes` together: of each channel its first, and only
    /// if that is not on its way or waiting for its next try.
    pub fn next(&mut self, now_ms: u64, count: usize, bytes: usize) -> Vec<Position> {
        let mut seen = HashSet::new();
        let mut taken = Vec::new();
        let mut room = bytes;
        for (position, open) in &mut self.open {
            let is_first = seen.insert(&open.scope);
            let is_due = matches!(open.state, State::From(from) if from <= now_ms);
            // One that is larger than a whole call goes alone: the destination says what it thinks of it.
            if !is_first || !is_due || ((open.alone || open.bytes > room) && !taken.is_empty()) {
                continue;
            }
            room = room.saturating_sub(open.bytes);
            open.state = State::Sent;
            taken.push(*position);
            if open.alone || taken.len() == count {
                break;
            }
        }
        taken
    }

    /// When the first event that waits for its time may be sent; none if none waits.
    pub fn due(&self) -> Option<u64> {
        let mut seen = HashSet::new();
        let firsts = self.open.values().filter(|open| seen.insert(&open.scope));
        firsts.filter_map(|open| if let State::From(from) = open.state { Some(from) } else { None }).min()
    }

    /// An event on its way.
    pub fn get(&self, position: Position) -> Option<&T> {
        self.open.get(&position).map(|open| &open.item)
    }

    /// An event on its way goes as another letter of that many bytes from now on.
    pub fn replace(&mut self, position: Position, item: T, bytes: usize) {
        if let Some(open) = self.open.get_mut(&position) {
            (open.item, open.bytes) = (item, bytes);
        }
    }

    /// An event is settled: delivered, or set aside durably.
    pub fn settle(&mut self, position: Position) {
        self.open.remove(&position);
    }

    /// An event was not taken and is tried again, after a pause that doubles with every try; `spread` (0 to 255) keeps
    /// those that failed together from coming again together. `alone`: from now on in a call by itself. Says how often
    /// it was tried.
    pub fn again(&mut self, position: Position, now_ms: u64, spread: u8, alone: bool) -> u32 {
        let Some(open) = self.open.get_mut(&position) else { return 0 };
        open.alone |= alone;
        let pause = (RETRY_MS_FIRST << open.tried.min(7)).min(RETRY_MS_MAX);
        open.tried += 1;
        open.state = State::From(now_ms + pause / 2 + pause / 2 * u64::from(spread) / 255);
        open.tried
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChannelId;

    fn window(scopes: &str) -> Window<()> {
        let mut window = Window::new(Position(0));
        for (at, scope) in (1..).zip(scopes.chars()) {
            let scope = ChannelId::new(scope.to_string()).expect("sound").into();
            window.add(Position(at), scope, (), 10);
        }
        window
    }

    fn positions(list: &[u64]) -> Vec<Position> {
        list.iter().copied().map(Position).collect()
    }

    #[test]
    fn a_channel_has_one_event_on_its_way_and_its_failure_holds_back_its_own_later_ones_only() {
        let mut window = window("aabcab");
        assert_eq!(window.next(0, 10, 1000), positions(&[1, 3, 4]));
        assert_eq!(window.next(0, 10, 1000), positions(&[]), "the first of each channel is on its way");
        window.settle(Position(3));
        window.settle(Position(4));
        window.again(Position(1), 0, 255, false);
        assert_eq!(window.next(0, 10, 1000), positions(&[6]), "a waits, b goes on");
        window.settle(Position(6));
        assert_eq!(window.settled(), Position(0), "the place stays before what is not settled");
        assert_eq!((window.next(499, 10, 1000), window.due()), (positions(&[]), Some(500)));
        assert_eq!(window.next(500, 10, 1000), positions(&[1]));
        window.settle(Position(1));
        assert_eq!((window.next(500, 10, 1000), window.settled()), (positions(&[2]), Position(1)));
        window.settle(Position(2));
        assert_eq!(window.next(500, 10, 1000), positions(&[5]));
        window.settle(Position(5));
        assert_eq!(window.settled(), Position(6));
    }

    #[test]
    fn a_call_holds_no_more_than_it_may() {
        let mut window = window("abcdef");
        assert_eq!(window.next(0, 2, 1000), positions(&[1, 2]));
        assert_eq!(window.next(0, 10, 25), positions(&[3, 4]));
        assert_eq!(window.next(0, 10, 5), positions(&[5]), "what is too large for any call goes alone");
    }

    #[test]
    fn what_was_refused_in_company_is_sent_alone() {
        let mut window = window("abc");
        assert_eq!(window.next(0, 10, 1000), positions(&[1, 2, 3]));
        for at in [1, 2, 3] {
            window.again(Position(at), 0, 0, true);
        }
        assert_eq!(window.next(250, 10, 1000), positions(&[1]));
        assert_eq!(window.next(250, 10, 1000), positions(&[2]));
        assert_eq!(window.next(250, 10, 1000), positions(&[3]));
    }

    #[test]
    fn pauses_double_up_to_their_bound() {
        let mut window = window("a");
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert_eq!(window.next(now, 1, 1000), positions(&[1]));
            window.again(Position(1), now, 255, false);
            let due = window.due().expect("it waits");
            pauses.push(due - now);
            now = due;
        }
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    }

    #[test]
    fn what_nobody_wants_is_passed_over() {
        let mut window = window("");
        window.passed(Position(700));
        assert_eq!((window.settled(), window.due(), window.room()), (Position(700), None, WINDOW_MAX));
    }
}
