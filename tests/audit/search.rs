//! Pages: nothing skipped, nothing twice, in both orders, while the journal grows; bounded whatever is asked for.

use proptest::prelude::*;
use std::sync::Arc;
use streamwarden::audit::AuditError;
use streamwarden::audit::search::{Order, PAGE_EVENTS_MAX, SCAN_EVENTS_MAX, Wanted, Within, page};
use streamwarden::clock::ManualClock;
use streamwarden::events::{Actor, EventType, Filter, InputGap, NewEvent, StoreClosed};
use streamwarden::journal::{Append, Expected, Journal, MemoryJournal};
use streamwarden::model::{ChannelId, ChannelPattern, EventId, Position, Scope, Timestamp};

const CHANNELS: u64 = 3;

struct Shelf {
    journal: MemoryJournal,
    clock: Arc<ManualClock>,
    events: u64,
}

impl Shelf {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        Self { journal: MemoryJournal::new(Arc::<ManualClock>::clone(&clock)), clock, events: 0 }
    }

    /// Event n belongs to channel n mod 3, is recorded in second n, and every fourth is of another type.
    fn grow(&mut self, count: u64) {
        let mut left = count;
        while left > 0 {
            let number = self.events + 1;
            self.clock.set(Timestamp::from_millis(number as i64 * 1000));
            let event = match number % 4 {
                0 => StoreClosed { head: Position(number) }.into(),
                _ => InputGap {
                    source: "shelf".to_owned(),
                    from: Timestamp::from_millis(0),
                    to: Timestamp::from_millis(1),
                }
                .into(),
            };
            let new = NewEvent {
                id: EventId::of_command("shelf", &[&number.to_be_bytes()]),
                event,
                captured_at: None,
                actor: Actor::service("test"),
                causation: None,
                correlation: None,
            };
            let append = Append { scope: channel(number).into(), expected: Expected::Any, events: vec![new] };
            self.journal.append(append).wait().expect("memory takes it");
            self.events = number;
            left -= 1;
        }
    }

    fn page(&self, wanted: &Wanted) -> streamwarden::audit::search::Page {
        page(&self.journal, wanted).expect("memory is read")
    }
}

fn channel(number: u64) -> ChannelId {
    ChannelId::new(format!("shelf/{}", number % CHANNELS)).expect("a sound name")
}

fn wanted(order: Order, limit: usize) -> Wanted {
    Wanted { within: Within::Journal, filter: Filter::default(), order, after: None, limit }
}

fn gaps() -> Filter {
    Filter { types: vec![EventType::StoreClosed], ..Filter::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_neither_skip_nor_repeat_while_the_journal_grows(
        begun in 0u64..700,
        growth in proptest::collection::vec(0u64..40, 1..20),
        limit in 1usize..60,
        filtered in any::<bool>(),
        one_channel in any::<bool>(),
        descending in any::<bool>(),
    ) {
        let mut shelf = Shelf::new();
        shelf.grow(begun);
        let order = if descending { Order::Descending } else { Order::Ascending };
        let mut asked = wanted(order, limit);
        if filtered { asked.filter = gaps(); }
        if one_channel { asked.within = Within::Channel(channel(1)); }
        let mut seen = Vec::new();
        let mut growth = growth.into_iter();
        // Ascending, what came meanwhile is reached too, so the pages end only when the journal has stopped growing.
        for _ in 0..2000 {
            let page = shelf.page(&asked);
            prop_assert!(page.items.len() <= limit);
            seen.extend(page.items.iter().map(|item| item.envelope().position.0));
            shelf.grow(growth.next().unwrap_or(0));
            match page.next {
                Some(next) => asked.after = Some(next),
                None => {
                    prop_assert!(page.complete);
                    break;
                }
            }
        }
        let holds = |number: &u64| (!filtered || number.is_multiple_of(4)) && (!one_channel || number % CHANNELS == 1);
        let last = if descending { begun } else { seen.last().copied().unwrap_or(begun).max(begun) };
        let mut expected: Vec<u64> = (1..=last).filter(holds).collect();
        if descending { expected.reverse(); }
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn times_of_recording_cut_exactly(events in 1u64..60, from in 0i64..70, to in 0i64..70) {
        let mut shelf = Shelf::new();
        shelf.grow(events);
        let second = |at: i64| Timestamp::from_millis(at * 1000);
        let filter = Filter { recorded_from: Some(second(from)), recorded_to: Some(second(to)), ..Filter::default() };
        for order in [Order::Ascending, Order::Descending] {
            let page = shelf.page(&Wanted { filter: filter.clone(), ..wanted(order, 100) });
            let mut seen: Vec<u64> = page.items.iter().map(|item| item.envelope().position.0).collect();
            seen.sort_unstable();
            let expected: Vec<u64> = (1..=events).filter(|n| (from..to).contains(&(*n as i64))).collect();
            prop_assert_eq!(&seen, &expected, "{:?}", order);
            prop_assert!(page.next.is_none());
        }
    }
}

#[test]
fn a_page_that_finds_nothing_ends_at_its_bound_and_goes_on_behind_it() {
    let mut shelf = Shelf::new();
    shelf.grow(SCAN_EVENTS_MAX + 10);
    let nothing = Filter { types: vec![EventType::StoreOpened], ..Filter::default() };
    for (order, next) in [(Order::Ascending, SCAN_EVENTS_MAX), (Order::Descending, 11)] {
        let mut asked = Wanted { filter: nothing.clone(), ..wanted(order, 10) };
        let page = shelf.page(&asked);
        assert_eq!((page.items.len(), page.complete, page.next), (0, false, Some(next)), "{order:?}");
        asked.after = page.next;
        let page = shelf.page(&asked);
        assert_eq!((page.complete, page.next), (true, None), "{order:?}");
    }
}

#[test]
fn a_full_page_says_that_it_is_complete_and_goes_on() {
    let mut shelf = Shelf::new();
    shelf.grow(10);
    let page = shelf.page(&wanted(Order::Descending, 4));
    assert_eq!((page.items.len(), page.complete, page.next, page.head), (4, true, Some(7), 10));
}

#[test]
fn no_page_is_longer_than_the_bound() {
    let mut shelf = Shelf::new();
    shelf.grow(PAGE_EVENTS_MAX as u64 + 50);
    assert_eq!(shelf.page(&wanted(Order::Ascending, usize::MAX)).items.len(), PAGE_EVENTS_MAX);
}

#[test]
fn a_cursor_beyond_the_end_is_refused_by_name() {
    let mut shelf = Shelf::new();
    shelf.grow(10);
    for (order, most) in [(Order::Ascending, 10), (Order::Descending, 11)] {
        let at = |after| page(&shelf.journal, &Wanted { after: Some(after), ..wanted(order, 10) });
        assert!(at(most).is_ok(), "{order:?}");
        let refused = at(most + 1);
        assert!(matches!(refused, Err(AuditError::Beyond { parameter: "after", last: 10, .. })), "{refused:?}");
        assert!(at(u64::MAX).is_err());
    }
}

#[test]
fn who_may_see_one_channel_sees_that_one() {
    let mut shelf = Shelf::new();
    shelf.grow(30);
    let theirs = Filter::default().restricted_to(&[ChannelPattern::new("shelf/2").expect("a sound pattern")]);
    let page = shelf.page(&Wanted { filter: theirs, ..wanted(Order::Ascending, 100) });
    let scopes: Vec<&Scope> = page.items.iter().map(|item| &item.envelope().scope).collect();
    assert_eq!(scopes.len(), 10);
    assert!(scopes.iter().all(|scope| **scope == Scope::Channel(channel(2))), "{scopes:?}");
}
