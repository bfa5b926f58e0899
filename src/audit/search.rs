//! Pages of events, of the whole journal or of one channel, in either order.
//!
//! A cursor is a place: a position of the journal, a sequence of a channel. Places never change and new events only
//! come behind the last one, so a page that goes on after a cursor neither skips an event nor shows one twice, however
//! the journal grows meanwhile. One page reads at most [`SCAN_EVENTS_MAX`] events; where none of them matched it is
//! short, says that it is not complete, and its cursor goes on behind what was read.

use crate::events::{EventView, Filter, Recorded};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{ChannelId, Position, Scope, Sequence, Timestamp};

use super::AuditError;

/// The most events one page shows.
pub const PAGE_EVENTS_MAX: usize = 200;
/// The most events one page reads: some tens of milliseconds, whatever the filter.
pub const SCAN_EVENTS_MAX: u64 = 20_000;
/// Events read at a time where most are expected not to match.
const WINDOW_EVENTS: u64 = 500;

/// Which list of events is meant, with its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Within {
    /// The whole journal; a place is a position.
    Journal,
    /// One channel; a place is a sequence.
    Channel(ChannelId),
}

/// In which order a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// Which page is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Of which list.
    pub within: Within,
    /// Which of its events.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Only what comes after this place in that order: larger places ascending, smaller ones descending.
    pub after: Option<u64>,
    /// How many at most; more than [`PAGE_EVENTS_MAX`] counts as that.
    pub limit: usize,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The events that matched, in the order asked for. One of an unknown type matches whatever is asked of its
    /// payload, because nobody can say that it does not.
    pub items: Vec<EventView>,
    /// Where the next page goes on; none if there was nothing more.
    pub next: Option<u64>,
    /// Whether the page was filled or the list ended. If not, the bound on reading was reached first: go on with `next`.
    pub complete: bool,
    /// The last place of the list when it was read.
    pub head: u64,
}

/// One page.
pub fn page(journal: &dyn Journal, wanted: &Wanted) -> Result<Page, AuditError> {
    let list = List::of(journal, &wanted.within);
    let Span { first, last } = list.span(&wanted.filter)?;
    let limit = wanted.limit.min(PAGE_EVENTS_MAX);
    let beyond = |least: u64| match wanted.after {
        Some(given) if given > least => Err(AuditError::Beyond { parameter: "after", given, last: list.head }),
        after => Ok(after),
    };
    let mut found = Found { filter: &wanted.filter, items: Vec::with_capacity(limit), limit };
    let next = match wanted.order {
        Order::Ascending => {
            let after = beyond(list.head)?.unwrap_or(0).max(first.saturating_sub(1));
            ascending(&list, after, last, &mut found)?
        }
        Order::Descending => {
            let before = beyond(list.head.saturating_add(1))?.unwrap_or(u64::MAX).min(last.saturating_add(1));
            descending(&list, before, first, &mut found)?
        }
    };
    let complete = next.is_none() || found.is_full();
    Ok(Page { items: found.items, next, complete, head: list.head })
}

fn ascending(list: &List<'_>, mut after: u64, last: u64, found: &mut Found<'_>) -> Result<Option<u64>, ReadError> {
    let mut left = SCAN_EVENTS_MAX;
    while after < last && left > 0 && !found.is_full() {
        let window = found.window().min(left);
        let events = list.read(after, window)?;
        if events.is_empty() {
            return Ok(None); // what is left was declared lost
        }
        left = left.saturating_sub(window);
        for recorded in events {
            let place = list.place(&recorded);
            if place > last {
                return Ok(None);
            }
            after = place;
            found.take(recorded);
            if found.is_full() {
                break;
            }
        }
    }
    Ok((after < last).then_some(after))
}

fn descending(list: &List<'_>, mut before: u64, first: u64, found: &mut Found<'_>) -> Result<Option<u64>, ReadError> {
    let mut left = SCAN_EVENTS_MAX;
    while before > first && left > 0 && !found.is_full() {
        let window = found.window().min(left).min(before - first);
        let from = before - window;
        left -= window; // counted in places: a stretch that was declared lost costs a look as well
        let events = list.read(from - 1, window)?;
        let in_window = events.into_iter().filter(|recorded| list.place(recorded) < before);
        let in_window: Vec<_> = in_window.collect();
        before = from;
        for recorded in in_window.into_iter().rev() {
            let place = list.place(&recorded);
            found.take(recorded);
            if found.is_full() {
                before = place;
                break;
            }
        }
    }
    Ok((before > first).then_some(before))
}

/// What matched so far.
struct Found<'a> {
    filter: &'a Filter,
    items: Vec<EventView>,
    limit: usize,
}

impl Found<'_> {
    fn is_full(&self) -> bool {
        self.items.len() >= self.limit
    }

    /// How many events to read next: no more than are wanted, where every event is.
    fn window(&self) -> u64 {
        let missing = (self.limit - self.items.len()).max(1) as u64; // at most PAGE_EVENTS_MAX
        if *self.filter == Filter::default() { missing } else { missing.max(WINDOW_EVENTS) }
    }

    fn take(&mut self, recorded: Recorded) {
        self.items.extend(matching(self.filter, recorded));
    }
}

/// The event as it is shown, if it matches.
pub(super) fn matching(filter: &Filter, recorded: Recorded) -> Option<EventView> {
    if !filter.may_match(&recorded.envelope) {
        return None;
    }
    let view = EventView::from(recorded);
    let matches = view.event().is_none_or(|event| filter.matches_decoded(view.envelope(), event));
    matches.then_some(view)
}

/// First and last place that can match, by the time it was recorded. Empty if the first is behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub first: u64,
    pub last: u64,
}

/// A list of events as it is now.
pub(super) struct List<'a> {
    journal: &'a dyn Journal,
    scope: Option<Scope>,
    /// The last place.
    pub head: u64,
}

impl<'a> List<'a> {
    pub fn of(journal: &'a dyn Journal, within: &Within) -> Self {
        match within {
            Within::Journal => Self { journal, scope: None, head: journal.watermark().borrow().0 },
            Within::Channel(channel) => {
                let scope = Scope::Channel(channel.clone());
                let head = journal.scope_head(&scope).0;
                Self { journal, scope: Some(scope), head }
            }
        }
    }

    /// Events after a place, at most `limit`, and at most as many as the journal gives at once.
    pub fn read(&self, after: u64, limit: u64) -> Result<Vec<Recorded>, ReadError> {
        let limit = usize::try_from(limit).unwrap_or(READ_LIMIT_MAX).min(READ_LIMIT_MAX);
        match &self.scope {
            None => self.journal.read(Position(after), limit),
            Some(scope) => self.journal.read_scope(scope, Sequence(after), limit),
        }
    }

    pub fn place(&self, recorded: &Recorded) -> u64 {
        match self.scope {
            None => recorded.envelope.position.0,
            Some(_) => recorded.envelope.sequence.0,
        }
    }

    /// The places that a filter's times of recording leave.
    pub fn span(&self, filter: &Filter) -> Result<Span, ReadError> {
        let first = match filter.recorded_from {
            Some(from) => self.first_at(from)?,
            None => 1,
        };
        let last = match filter.recorded_to {
            Some(to) => self.first_at(to)?.saturating_sub(1),
            None => self.head,
        };
        Ok(Span { first, last })
    }

    /// The first place recorded at that moment or later; one behind the last if there is none.
    fn first_at(&self, moment: Timestamp) -> Result<u64, ReadError> {
        Ok(self.last_within(|recorded| recorded.envelope.recorded_at < moment)? + 1)
    }

    /// The last place for whose event `holds`; 0 if there is none. It must hold for a beginning of the list and for
    /// nothing behind, as what asks for recorded-at or position does: both only rise, so halving finds it.
    pub fn last_within(&self, holds: impl Fn(&Recorded) -> bool) -> Result<u64, ReadError> {
        let (mut low, mut high) = (0, self.head);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            // For a stretch that was declared lost the first event behind it speaks; at the very end nothing does.
            match self.read(middle - 1, 1)?.first() {
                Some(there) if holds(there) => low = middle,
                Some(_) | None => high = middle - 1,
            }
        }
        Ok(low)
    }
}
