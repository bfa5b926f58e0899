//! What one connection was sent, and what it has to be sent: first everything, then what changed.

use std::collections::{BTreeMap, BTreeSet};

use super::message::{LiveChannels, LiveMessage, LiveWarnings};
use crate::http::rows::{Asker, ChannelRow, WarningRow};
use crate::model::{ChannelId, ChannelPattern, ModeratorId, Sequence, Timestamp, WarningId};
use crate::projections::{Entry, LedTo, Standing, Urgency, View};

/// Rows of a message.
const ROWS_MAX: usize = 500;
/// Channels looked at for one message: those that are neither live nor warned of must not hold the views for long.
const SCAN_MAX: usize = 20_000;

/// One caller's picture.
pub(super) struct Picture {
    caller: ModeratorId,
    theirs: Vec<ChannelPattern>,
    stage: Stage,
    /// Channels whose rows, and whose warnings' rows, may be others now.
    changed: BTreeSet<ChannelId>,
    /// Warnings that the caller has, as they were sent. As many as the queue holds at most.
    sent: BTreeMap<ChannelId, BTreeMap<WarningId, Stamp>>,
    /// How many warnings had no room in the queue.
    beyond: u64,
}

/// How much of everything has been sent.
enum Stage {
    /// Channels up to this one.
    Channels(Option<ChannelId>),
    /// All channels, and warnings up to this place.
    Warnings(Option<Urgency>),
    /// Everything.
    Ready,
}

/// What a warning's row shows that can change.
#[derive(PartialEq)]
struct Stamp {
    version: Sequence,
    hits: u32,
    led_to: Option<LedTo>,
    standing: Standing,
    /// Its claim or its answer is another by then, though nothing happens.
    until: Option<Timestamp>,
}

/// Rows picked out of the views, to be written out when nobody waits for them any more.
#[derive(Default)]
pub(super) struct Rows {
    channels: Vec<ChannelRow>,
    warnings: Vec<WarningRow>,
    gone: Vec<WarningId>,
}

impl Picture {
    pub fn new(caller: ModeratorId, theirs: Vec<ChannelPattern>) -> Self {
        let stage = Stage::Channels(None);
        Self { caller, theirs, stage, changed: BTreeSet::new(), sent: BTreeMap::new(), beyond: 0 }
    }

    /// Everything is to be sent again.
    pub fn begin(&mut self) {
        self.stage = Stage::Channels(None);
        self.changed.clear();
        self.sent.clear();
    }

    /// Whether everything has been sent once.
    pub fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready)
    }

    /// Whether anything may be another than it was sent.
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Something happened on these channels.
    pub fn touch(&mut self, channels: Vec<ChannelId>) {
        let theirs = channels.into_iter().filter(|channel| self.theirs.iter().any(|pattern| pattern.holds(channel)));
        self.changed.extend(theirs);
    }

    /// Time went on: claims ran out, and answers became final.
    pub fn passes(&mut self, view: &View, now: Timestamp) {
        // Where the queue ran out of room, a warning of any channel may have left it.
        let room_changed = view.queue.beyond() != std::mem::replace(&mut self.beyond, view.queue.beyond());
        let turned = |stamp: &Stamp| room_changed || stamp.until.is_some_and(|until| until <= now);
        let channels = self.sent.iter().filter(|(_, warnings)| warnings.values().any(turned));
        self.changed.extend(channels.map(|(channel, _)| channel.clone()));
    }

    /// The next part of everything.
    pub fn part(&mut self, view: &View, now: Timestamp) -> Rows {
        match &self.stage {
            Stage::Channels(after) => self.channels_after(view, after.clone()),
            Stage::Warnings(after) => self.warnings_after(view, *after, now),
            Stage::Ready => Rows::default(),
        }
    }

    /// What changed, as much as there is room for: [`Self::is_changed`] says whether there is more.
    pub fn changes(&mut self, view: &View, now: Timestamp) -> Rows {
        let mut rows = Rows::default();
        while rows.channels.len() < ROWS_MAX && rows.warnings.len() < ROWS_MAX {
            let Some(channel) = self.changed.pop_first() else { break };
            if let Some(entry) = view.channels.get(&channel) {
                rows.channels.push(ChannelRow::of(view, &channel, entry));
            }
            if !self.warnings_of(view, &channel, now, &mut rows) {
                self.changed.insert(channel); // it has so many that the next message goes on with it
            }
        }
        rows
    }

    /// All that are live or have open warnings.
    fn channels_after(&mut self, view: &View, after: Option<ChannelId>) -> Rows {
        let mut rows = Rows::default();
        let mut channels = view.channels.after(after.as_ref()).peekable();
        let mut last = None;
        for (id, channel) in channels.by_ref().take(SCAN_MAX) {
            last = Some(id);
            let shown = channel.is_live() || view.queue.open_of(id).next().is_some();
            if shown && self.theirs.iter().any(|pattern| pattern.holds(id)) {
                rows.channels.push(ChannelRow::of(view, id, channel));
            }
            if rows.channels.len() == ROWS_MAX {
                break;
            }
        }
        self.stage = match last.cloned().filter(|_| channels.peek().is_some()) {
            Some(last) => Stage::Channels(Some(last)),
            None => Stage::Warnings(None),
        };
        rows
    }

    /// The queue in order of urgency. It is bounded, and so is a pass over it.
    fn warnings_after(&mut self, view: &View, after: Option<Urgency>, now: Timestamp) -> Rows {
        let mut rows = Rows::default();
        self.beyond = view.queue.beyond();
        let asker = Asker { id: &self.caller, now };
        let mut last = None;
        for entry in view.queue.after(after) {
            if entry.is_leaving(now) || !self.theirs.iter().any(|pattern| pattern.holds(&entry.channel)) {
                continue;
            }
            let sent = self.sent.entry(entry.channel.clone()).or_default();
            sent.insert(entry.warning(), Stamp::of(entry, asker));
            rows.warnings.push(WarningRow::of(entry, asker));
            if rows.warnings.len() == ROWS_MAX {
                last = Some(entry.urgency());
                break;
            }
        }
        self.stage = last.map_or(Stage::Ready, |last| Stage::Warnings(Some(last)));
        rows
    }

    /// Takes the rows of a channel's warnings that are others now, and those that are gone. Whether all had room.
    fn warnings_of(&mut self, view: &View, channel: &ChannelId, now: Timestamp, rows: &mut Rows) -> bool {
        let asker = Asker { id: &self.caller, now };
        let mut before = self.sent.remove(channel).unwrap_or_default();
        let mut sent = BTreeMap::new();
        let mut all = true;
        for entry in view.queue.of(channel).filter(|entry| !entry.is_leaving(now)) {
            let (stamp, was) = (Stamp::of(entry, asker), before.remove(&entry.warning()));
            if was.as_ref() == Some(&stamp) {
                sent.insert(entry.warning(), stamp);
            } else if rows.warnings.len() < ROWS_MAX {
                rows.warnings.push(WarningRow::of(entry, asker));
                sent.insert(entry.warning(), stamp);
            } else {
                all = false;
                sent.extend(was.map(|was| (entry.warning(), was)));
            }
        }
        rows.gone.extend(before.into_keys());
        if !sent.is_empty() {
            self.sent.insert(channel.clone(), sent);
        }
        all
    }
}

impl Stamp {
    fn of(entry: &Entry, asker: Asker<'_>) -> Self {
        let claimed_until = entry.claimed(asker.now).map(|claim| claim.until);
        Self {
            version: entry.version,
            hits: entry.hits,
            led_to: entry.enforcement.clone(),
            standing: entry.standing(asker.id, asker.now),
            until: entry.answer.as_ref().map(|answer| answer.until).or(claimed_until),
        }
    }
}

impl Rows {
    /// As messages; none where there is nothing to say.
    pub fn messages(self) -> impl Iterator<Item = LiveMessage> {
        let Self { channels, warnings, gone } = self;
        let news = !warnings.is_empty() || !gone.is_empty();
        let channels = (!channels.is_empty()).then_some(LiveMessage::Channels(LiveChannels { items: channels }));
        let warnings = news.then_some(LiveMessage::Warnings(LiveWarnings { items: warnings, gone }));
        channels.into_iter().chain(warnings)
    }
}
