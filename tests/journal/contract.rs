//! What every journal must do, run for each of them.

use std::sync::Arc;

use streamwarden::clock::ManualClock;
use streamwarden::events::Recorded;
use streamwarden::journal::{
    AppendError, Appended, EVENTS_PER_APPEND_MAX, Journal, MemoryJournal, Options, READ_LIMIT_MAX, SledJournal,
    position_at,
};
use streamwarden::model::{ChannelId, ConsumerName, Mark, MarkName, Position, Scope, Sequence, SystemScope, Timestamp};

use tempfile::TempDir;

use crate::events::{append, append_at, channel, event, id, padded};
use crate::store::{options, settled};

/// A journal that can be left and found again, and whose clock can be set.
pub trait Subject {
    fn journal(&self) -> &dyn Journal;
    fn reopen(&mut self);
    fn clock(&self) -> &ManualClock;

    /// Waits until nothing goes on behind the writer any more.
    fn settle(&self) {}

    fn put(&self, scope: &Scope, numbers: impl IntoIterator<Item = u64>) -> Appended {
        self.journal().append(append(scope, numbers)).wait().unwrap()
    }

    fn watermark(&self) -> Position {
        *self.journal().watermark().borrow()
    }

    /// Every event of the journal, page by page.
    fn all(&self) -> Vec<Recorded> {
        self.settle();
        let mut events: Vec<Recorded> = Vec::new();
        loop {
            let after = events.last().map_or(Position(0), |last| last.envelope.position);
            let page = self.journal().read(after, READ_LIMIT_MAX).unwrap();
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }
}

struct Memory(Option<MemoryJournal>, Arc<ManualClock>);

impl Memory {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
        Self(Some(MemoryJournal::new(clock.clone())), clock)
    }
}

impl Subject for Memory {
    fn journal(&self) -> &dyn Journal {
        self.0.as_ref().unwrap()
    }
    fn reopen(&mut self) {
        self.0 = self.0.take().map(MemoryJournal::reopen);
    }
    fn clock(&self) -> &ManualClock {
        &self.1
    }
}

struct Sled {
    journal: Option<SledJournal>,
    options: Options,
    clock: Arc<ManualClock>,
    _dir: TempDir,
}

impl Sled {
    fn new(roll_after_events: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
        let options = Options { roll_after_events, ..options(dir.path(), clock.clone()) };
        Self { journal: Some(SledJournal::open(options.clone()).unwrap()), options, clock, _dir: dir }
    }
}

impl Subject for Sled {
    fn journal(&self) -> &dyn Journal {
        self.journal.as_ref().unwrap()
    }
    fn reopen(&mut self) {
        self.journal = None;
        self.journal = Some(SledJournal::open(self.options.clone()).unwrap());
    }
    fn clock(&self) -> &ManualClock {
        &self.clock
    }
    fn settle(&self) {
        settled(self.journal.as_ref().unwrap());
    }
}

macro_rules! contract {
    ($journal:ident, $new:expr, [$($test:ident),+ $(,)?]) => {
        mod $journal {
            use super::*;
            $(
                #[test]
                fn $test() {
                    super::$test(&mut $new);
                }
            )+
        }
    };
    ($($journal:ident: $new:expr),+ $(,)?) => {
        $(contract!($journal, $new, [
            the_expected_sequence_decides_alone,
            a_repeated_append_changes_nothing_and_says_where_it_is,
            an_id_of_another_event_is_refused,
            a_half_known_append_is_refused_whole,
            identity_is_looked_at_before_the_sequence,
            a_refused_append_leaves_no_trace_and_no_gap,
            appends_beyond_a_limit_are_refused,
            a_page_is_bounded_and_never_passes_the_watermark,
            positions_and_sequences_have_no_gap_in_any_scope,
            recorded_at_never_runs_backwards,
            an_event_is_found_by_id_and_reads_as_it_was_appended,
            every_channel_is_listed_once_by_name_and_no_system_scope,
            the_position_of_a_moment_is_the_first_recorded_at_or_after_it,
            a_cursor_is_kept_across_reopening,
            a_mark_is_kept_in_place_of_the_older_one_until_it_is_removed,
            everything_is_there_after_reopening_and_epochs_rise,
            concurrent_writers_get_every_place_once,
        ]);)+
    };
}

contract! {
    memory: Memory::new(),
    sled: Sled::new(u64::MAX),
    sled_rolling_over: Sled::new(50),
}

fn the_expected_sequence_decides_alone(subject: &mut impl Subject) {
    let scope = channel(1);
    let wrong = |expected, actual| AppendError::WrongSequence {
        scope: channel(1),
        expected: Sequence(expected),
        actual: Sequence(actual),
    };
    // (expected, events, outcome)
    let rows = [
        (Some(1), 1, Err(wrong(1, 0))),
        (Some(0), 2, Ok(2)),
        (Some(0), 1, Err(wrong(0, 2))),
        (Some(1), 1, Err(wrong(1, 2))),
        (Some(2), 1, Ok(3)),
        (None, 1, Ok(4)),
        (Some(5), 1, Err(wrong(5, 4))),
        (Some(4), 3, Ok(7)),
    ];
    for (row, (expected, count, outcome)) in rows.into_iter().enumerate() {
        let numbers = (0..count).map(|n| row as u64 * 10 + n);
        let append = match expected {
            Some(sequence) => append_at(&scope, sequence, numbers),
            None => append(&scope, numbers),
        };
        let got = subject.journal().append(append).wait().map(|appended| match appended {
            Appended::New { last_sequence, .. } => last_sequence.0,
            Appended::Repeated { .. } => panic!("row {row}: nothing was repeated"),
        });
        assert_eq!(got, outcome, "row {row}");
        if let Ok(last) = got {
            assert_eq!(subject.journal().scope_head(&scope), Sequence(last), "row {row}");
        }
    }
}

fn a_repeated_append_changes_nothing_and_says_where_it_is(subject: &mut impl Subject) {
    let Appended::New { first, .. } = subject.put(&channel(1), [1, 2, 3]) else { panic!("it is new") };
    subject.put(&channel(2), [4]);
    let before = subject.watermark();
    assert_eq!(subject.put(&channel(1), [1, 2, 3]), Appended::Repeated { first });
    assert_eq!(subject.put(&channel(1), [2, 3]), Appended::Repeated { first: first.next() });
    assert_eq!(subject.watermark(), before);
    subject.reopen();
    assert_eq!(subject.put(&channel(1), [1, 2, 3]), Appended::Repeated { first });
}

fn an_id_of_another_event_is_refused(subject: &mut impl Subject) {
    let Appended::New { first: position, .. } = subject.put(&channel(1), [1]) else { panic!("it is new") };
    let taken = Err(AppendError::IdTaken { id: id(1), position });

    let mut other_payload = append(&channel(1), [1]);
    other_payload.events[0].event = event(2).event;
    assert_eq!(subject.journal().append(other_payload).wait(), taken);

    assert_eq!(subject.journal().append(append(&channel(2), [1])).wait(), taken, "another scope is another event");

    let mut other_envelope = append(&channel(1), [1]);
    other_envelope.events[0].causation = Some(id(9));
    assert_eq!(subject.journal().append(other_envelope).wait(), taken);

    subject.reopen();
    assert_eq!(subject.journal().append(append(&channel(2), [1])).wait(), taken);
}

fn a_half_known_append_is_refused_whole(subject: &mut impl Subject) {
    let Appended::New { first: position, .. } = subject.put(&channel(1), [1]) else { panic!("it is new") };
    let mixed = subject.journal().append(append(&channel(1), [2, 1, 3])).wait();
    assert_eq!(mixed, Err(AppendError::IdTaken { id: id(1), position }));
    assert_eq!(subject.journal().find(id(2)).unwrap(), None);
    assert_eq!(subject.journal().scope_head(&channel(1)), Sequence(1));
}

fn identity_is_looked_at_before_the_sequence(subject: &mut impl Subject) {
    let first_time = subject.journal().append(append_at(&channel(1), 0, [1])).wait();
    let Ok(Appended::New { first, .. }) = first_time else { panic!("{first_time:?}") };
    subject.put(&channel(1), [2]);
    let again = subject.journal().append(append_at(&channel(1), 0, [1])).wait();
    assert_eq!(again, Ok(Appended::Repeated { first }));
}

fn a_refused_append_leaves_no_trace_and_no_gap(subject: &mut impl Subject) {
    subject.put(&channel(1), [1]);
    let before = subject.all();
    let refused = subject.journal().append(append_at(&channel(1), 7, 100..140)).wait();
    assert!(matches!(refused, Err(AppendError::WrongSequence { .. })), "{refused:?}");
    assert_eq!(subject.all(), before);
    assert_eq!(subject.journal().find(id(100)).unwrap(), None);
    let Appended::New { first, last_sequence, .. } = subject.put(&channel(1), [2]) else { panic!("it is new") };
    assert_eq!(first, Position(before.len() as u64 + 1));
    assert_eq!(last_sequence, Sequence(2));
}

fn appends_beyond_a_limit_are_refused(subject: &mut impl Subject) {
    let unfit = |append| {
        let refused = subject.journal().append(append).wait();
        assert!(matches!(refused, Err(AppendError::Unfit(_))), "{refused:?}");
    };
    let before = subject.watermark();
    unfit(append(&channel(1), []));
    unfit(append(&channel(1), 0..EVENTS_PER_APPEND_MAX as u64 + 1));
    unfit(append(&channel(1), [1, 2, 1]));
    let mut huge = append(&channel(1), [1]);
    huge.events[0] = padded(1, 4000);
    unfit(huge);
    assert_eq!(subject.watermark(), before);

    let mut largest = append(&channel(1), [1]);
    largest.events[0] = padded(1, 2900);
    assert!(subject.journal().append(largest).wait().is_ok());
    subject.put(&channel(1), 100..100 + EVENTS_PER_APPEND_MAX as u64);
}

fn a_page_is_bounded_and_never_passes_the_watermark(subject: &mut impl Subject) {
    for batch in 0..40 {
        subject.put(&channel(1), batch * 60..batch * 60 + 60);
    }
    let all = subject.all();
    assert_eq!(all.last().unwrap().envelope.position, subject.watermark());
    assert_eq!(subject.journal().read(Position(0), usize::MAX).unwrap().len(), READ_LIMIT_MAX);
    assert_eq!(subject.journal().read_scope(&channel(1), Sequence(0), usize::MAX).unwrap().len(), READ_LIMIT_MAX);
    assert_eq!(subject.journal().read(Position(0), 0).unwrap(), []);
    assert_eq!(subject.journal().read(subject.watermark(), 10).unwrap(), []);
    assert_eq!(subject.journal().read(Position(u64::MAX), 10).unwrap(), []);
    assert_eq!(subject.journal().read_scope(&channel(1), Sequence(u64::MAX), 10).unwrap(), []);
    for (after, limit) in [(0, 1), (1, 7), (1003, 100), (2390, 100)] {
        let page = subject.journal().read(Position(after), limit).unwrap();
        let end = all.len().min(after as usize + limit);
        assert_eq!(page, all[after as usize..end], "after {after}, limit {limit}");
    }
}

fn positions_and_sequences_have_no_gap_in_any_scope(subject: &mut impl Subject) {
    let mut scopes: Vec<Scope> = (0..7).map(channel).collect();
    scopes.extend([SystemScope::Policies.into(), SystemScope::Intake.into()]);
    for number in 0..300_u64 {
        let scope = &scopes[(number * number % scopes.len() as u64) as usize];
        subject.put(scope, number * 4..number * 4 + number % 4 + 1);
        if number == 150 {
            subject.reopen();
        }
    }
    let all = subject.all();
    for (index, event) in all.iter().enumerate() {
        assert_eq!(event.envelope.position, Position(index as u64 + 1));
    }
    scopes.push(SystemScope::Store.into());
    for scope in &scopes {
        let of_scope: Vec<_> = all.iter().filter(|event| event.envelope.scope == *scope).cloned().collect();
        for (index, event) in of_scope.iter().enumerate() {
            assert_eq!(event.envelope.sequence, Sequence(index as u64 + 1), "{scope}");
        }
        assert_eq!(subject.journal().scope_head(scope), Sequence(of_scope.len() as u64));
        let mut paged: Vec<Recorded> = Vec::new();
        loop {
            let page = subject.journal().read_scope(scope, Sequence(paged.len() as u64), 17).unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, of_scope, "{scope}");
    }
}

fn recorded_at_never_runs_backwards(subject: &mut impl Subject) {
    for (number, millis) in [5_000, 9_000, 2_000, 9_500].into_iter().enumerate() {
        subject.clock().set(Timestamp::from_millis(millis));
        subject.put(&channel(1), [number as u64]);
    }
    subject.reopen();
    subject.clock().set(Timestamp::from_millis(1));
    subject.put(&channel(1), [10]);
    let recorded: Vec<_> = subject.all().iter().map(|event| event.envelope.recorded_at).collect();
    assert!(recorded.is_sorted(), "{recorded:?}");
    assert_eq!(recorded.last(), Some(&Timestamp::from_millis(9_500)));
}

fn an_event_is_found_by_id_and_reads_as_it_was_appended(subject: &mut impl Subject) {
    subject.put(&channel(1), 0..20);
    subject.put(&channel(2), 20..40);
    for number in [0, 19, 20, 39] {
        let found = subject.journal().find(id(number)).unwrap().unwrap();
        let new = event(number);
        assert_eq!(found.event().unwrap(), new.event);
        assert_eq!(found.envelope.id, new.id);
        assert_eq!(found.envelope.captured_at, new.captured_at);
        assert_eq!(found.envelope.actor, new.actor);
        assert_eq!(found.envelope.scope, channel(1 + number / 20));
        let at = Position(found.envelope.position.0 - 1);
        assert_eq!(subject.journal().read(at, 1).unwrap(), [found]);
    }
    assert_eq!(subject.journal().find(id(40)).unwrap(), None);
}

fn every_channel_is_listed_once_by_name_and_no_system_scope(subject: &mut impl Subject) {
    let journal = subject.journal();
    assert_eq!(journal.channels(None, 10), [], "the store's own events belong to no channel");
    // in no order of name; the first of them lies many segments back where the journal rolls over
    for number in (0..120).rev() {
        subject.put(&channel(number), number * 2..number * 2 + 2);
    }
    subject.put(&SystemScope::Intake.into(), [1000]);
    subject.put(&channel(7), [1001]);
    let mut named: Vec<ChannelId> = (0..120).filter_map(|number| channel(number).channel().cloned()).collect();
    named.sort();
    for reopened in [false, true] {
        if reopened {
            subject.reopen();
        }
        let mut paged: Vec<ChannelId> = Vec::new();
        loop {
            let page = subject.journal().channels(paged.last(), 11);
            assert!(page.len() <= 11);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, named, "reopened: {reopened}");
        let absent = ChannelId::new("channel-5.").unwrap(); // a cursor need not name a channel that there is
        let next = subject.journal().channels(Some(&absent), 1);
        assert_eq!(next, named[named.partition_point(|name| *name <= absent)..][..1]);
        assert_eq!(subject.journal().channels(None, usize::MAX), named);
        assert_eq!(subject.journal().channels(None, 0), []);
    }
}

fn the_position_of_a_moment_is_the_first_recorded_at_or_after_it(subject: &mut impl Subject) {
    let empty = subject.watermark();
    assert_eq!(position_at(subject.journal(), Timestamp::from_millis(2_000)).unwrap(), empty.next());
    // several appends at each of 40 moments, and some moments at which nothing is recorded
    for number in 0..160_u64 {
        subject.clock().set(Timestamp::from_millis(2_000 + number as i64 / 4 * 10));
        subject.put(&channel(number % 9), number * 2..number * 2 + 1 + number % 2);
    }
    let all = subject.all();
    let check = |moment: Timestamp| {
        let place = all.partition_point(|event| event.envelope.recorded_at < moment);
        let expected = all.get(place).map_or(subject.watermark().next(), |event| event.envelope.position);
        assert_eq!(position_at(subject.journal(), moment).unwrap(), expected, "{moment}");
    };
    for millis in 1_990..2_400 {
        check(Timestamp::from_millis(millis));
    }
    check(Timestamp::from_micros(i64::MIN));
    check(Timestamp::from_micros(i64::MAX));
}

fn a_cursor_is_kept_across_reopening(subject: &mut impl Subject) {
    let (a, b) = (ConsumerName::new("a").unwrap(), ConsumerName::new("b").unwrap());
    assert_eq!(subject.journal().cursor(&a).unwrap(), None);
    subject.put(&channel(1), 0..3);
    subject.journal().save_cursor(&a, Position(2)).wait().unwrap();
    subject.journal().save_cursor(&b, Position(1)).wait().unwrap();
    subject.journal().save_cursor(&a, Position(3)).wait().unwrap();
    subject.reopen();
    assert_eq!(subject.journal().cursor(&a).unwrap(), Some(Position(3)));
    assert_eq!(subject.journal().cursor(&b).unwrap(), Some(Position(1)));
}

fn a_mark_is_kept_in_place_of_the_older_one_until_it_is_removed(subject: &mut impl Subject) {
    let name = |text: &str| MarkName::new(text).unwrap();
    let mark = |text: &str| Mark::new(text).unwrap();
    let save = |subject: &dyn Journal, text: &str, said: Option<&str>| {
        subject.save_mark(&name(text), said.map(mark).as_ref()).wait().unwrap()
    };
    assert_eq!(subject.journal().marks(""), []);
    let events = subject.all().len();
    let beyond_64_bits = "after=49590338271490256608559692538361571095921575989136588898";
    save(subject.journal(), "in/b", Some("after=1"));
    save(subject.journal(), "in/a", Some("after=1"));
    save(subject.journal(), "in/a", Some(beyond_64_bits));
    save(subject.journal(), "in/gone", Some("end"));
    save(subject.journal(), "other", Some("after=2"));
    save(subject.journal(), "in/gone", None);
    let longest = (name(&"n".repeat(MarkName::BYTES_MAX)), mark(&"m".repeat(Mark::BYTES_MAX)));
    subject.journal().save_mark(&longest.0, Some(&longest.1)).wait().unwrap();
    for reopened in [false, true] {
        if reopened {
            subject.reopen();
        }
        let kept = [(name("in/a"), mark(beyond_64_bits)), (name("in/b"), mark("after=1"))];
        assert_eq!(subject.journal().marks("in/"), kept, "reopened: {reopened}");
        assert_eq!(subject.journal().marks("n"), std::slice::from_ref(&longest));
        assert_eq!(subject.journal().marks("").len(), 4);
    }
    let said = |event: &Recorded| event.envelope.scope != Scope::from(SystemScope::Store);
    assert_eq!(subject.all()[events..].iter().filter(|event| said(event)).count(), 0, "a mark is no event");
}

fn everything_is_there_after_reopening_and_epochs_rise(subject: &mut impl Subject) {
    let mut epochs = Vec::new();
    for round in 0..3 {
        subject.put(&channel(round), round * 10..round * 10 + 10);
        let before = subject.all();
        epochs.push(subject.journal().find(id(round * 10)).unwrap().unwrap().envelope.epoch);
        subject.reopen();
        assert_eq!(subject.all()[..before.len()], before);
    }
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
}

fn concurrent_writers_get_every_place_once(subject: &mut impl Subject) {
    let journal = subject.journal();
    std::thread::scope(|threads| {
        for writer in 0..8_u64 {
            threads.spawn(move || {
                for turn in 0..25 {
                    let number = writer * 1000 + turn;
                    // two writers to a channel: the numbers tell them apart, the journal must give each its place
                    let tickets: Vec<_> =
                        (0..3).map(|k| journal.append(append(&channel(writer / 2), [number * 3 + k]))).collect();
                    for ticket in tickets {
                        ticket.wait().unwrap();
                    }
                }
            });
        }
    });
    let all = subject.all();
    assert!(all.iter().enumerate().all(|(index, event)| event.envelope.position.0 == index as u64 + 1));
    for pair in 0..4 {
        assert_eq!(subject.journal().scope_head(&channel(pair)), Sequence(150));
    }
}
