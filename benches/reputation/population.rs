//! Channels, their pasts and their broadcasts: drawn from a seed, the same for every arm. Nothing that an arm does
//! changes what is shown: no stream is stopped, every arm sees each broadcast to its end.

use streamwarden::model::{ChannelId, RuleId, Timestamp, WarningId};
use streamwarden::model::{EventId, FrameId};
use streamwarden::reputation::{Evidence, Finding, Ledger};

use crate::pictures::{Scene, Shows};
use crate::random::Random;

/// Distance between two thumbnails, in milliseconds.
pub const THUMBNAIL: u64 = 5_000;
/// When the simulation begins.
pub const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// Rules, one for each category; a channel only ever offends against one.
pub const RULES: [(&str, &str); 3] = [("explicit", "Explicit"), ("violence", "Violence"), ("hate", "Hate Symbols")];

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The past: broadcasts in these days are known as the ledger knows them and not looked at again.
const PAST: u64 = 28 * DAY;

/// What a channel is like. Whoever moderates does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Never harmful, with a past.
    Known,
    /// Never harmful, without a past.
    New,
    /// Never harmful, and the model is often wrong about it.
    Noisy,
    /// Harmful from its first broadcast on, of which this is the first that is seen.
    HarmfulNew,
    /// Harmful, with upheld warnings in its past.
    HarmfulKnown,
    /// Turns harmful after weeks of good broadcasts, each time with a near miss before.
    LateForetold,
    /// Turns harmful after weeks of good broadcasts, without a sign.
    LateUnforetold,
}

impl Kind {
    /// Every kind, with its share of the population in hundredths of a percent: 0.5 % harmful from the start, 0.25 %
    /// turning harmful.
    pub const ALL: [(Self, u64); 7] = [
        (Self::Known, 8_625),
        (Self::New, 1_000),
        (Self::Noisy, 300),
        (Self::HarmfulNew, 25),
        (Self::HarmfulKnown, 25),
        (Self::LateForetold, 13),
        (Self::LateUnforetold, 12),
    ];

    /// The kind of the channel of that number in the population of a seed.
    pub fn of(seed: u64, number: u64) -> Self {
        let mut drawn = Random::of(seed, number ^ 0x417d).between(0, 9_999);
        for (kind, share) in Self::ALL {
            match drawn.checked_sub(share) {
                None => return kind,
                Some(rest) => drawn = rest,
            }
        }
        Self::Known // never: the shares add up to all
    }

    /// Whether it ever shows something harmful.
    pub fn is_harmful(self) -> bool {
        match self {
            Self::Known | Self::New | Self::Noisy => false,
            Self::HarmfulNew | Self::HarmfulKnown | Self::LateForetold | Self::LateUnforetold => true,
        }
    }

    /// Shots an hour that the model takes for harmful wrongly, and that it nearly does.
    fn mistaken(self) -> (f64, f64) {
        match self {
            Self::Known | Self::New => (0.02, 0.1),
            Self::Noisy => (0.6, 1.5),
            Self::HarmfulNew | Self::HarmfulKnown => (0.05, 0.5),
            Self::LateForetold | Self::LateUnforetold => (0.02, 0.1),
        }
    }
}

/// A channel of the population.
#[derive(Debug)]
pub struct Channel {
    /// Its name.
    pub id: ChannelId,
    /// What is random of it.
    pub seed: u64,
    /// What it is like.
    pub kind: Kind,
    /// Which of [`RULES`] it offends against, if it offends.
    pub offends: usize,
    /// What is remembered of its past.
    pub ledger: Ledger,
    /// What it shows while it is looked at.
    pub broadcasts: Vec<Broadcast>,
}

/// A broadcast. Times are milliseconds since [`T0`].
#[derive(Debug)]
pub struct Broadcast {
    /// When it begins.
    pub from: u64,
    /// When it ends.
    pub until: u64,
    /// What it shows, in order, without a gap.
    pub scenes: Vec<Scene>,
    /// The harmful ones of it.
    pub episodes: Vec<Episode>,
}

/// From when to when something harmful is shown.
#[derive(Debug, Clone)]
pub struct Episode {
    /// When it begins.
    pub from: u64,
    /// When it ends.
    pub until: u64,
    /// A harmless picture turns into it slowly, without a cut.
    drifts: bool,
    /// A shot before it is borderline.
    foretold: bool,
}

impl Channel {
    /// The channel of that number in the population of a seed.
    pub fn of(seed: u64, number: u64) -> Self {
        let kind = Kind::of(seed, number);
        let mut random = Random::of(seed, number);
        let seed = random.bits();
        let id = ChannelId::new(format!("channel-{number}")).expect("a sound id");
        let offends = random.between(0, 2) as usize;
        let ledger = past(&id, kind, offends, &mut random);
        let count = [1, 1, 1, 1, 1, 1, 1, 2, 2, 3][random.between(0, 9) as usize];
        let broadcasts =
            (0..count).map(|n| Broadcast::of(kind, PAST + n * DAY + random.between(0, 15 * HOUR), &mut random));
        Self { seed, kind, offends, ledger, broadcasts: broadcasts.collect(), id }
    }
}

/// How long a broadcast lasts: 100 minutes in the middle.
fn length(random: &mut Random) -> u64 {
    random.around(100 * MINUTE, 0.6, 15 * MINUTE, 8 * HOUR)
}

/// What is remembered of the weeks before: hours, and what people found in them.
fn past(id: &ChannelId, kind: Kind, offends: usize, random: &mut Random) -> Ledger {
    let mut ledger = Ledger::default();
    let count = match kind {
        Kind::New | Kind::HarmfulNew => return ledger,
        Kind::HarmfulKnown => random.between(2, 8),
        Kind::LateForetold | Kind::LateUnforetold => random.between(8, 28),
        Kind::Known | Kind::Noisy => random.between(2, 28),
    };
    for number in 0..count {
        let (from, lasts) = (PAST / count * number + random.between(0, 8 * HOUR), length(random));
        ledger.take(Evidence::Began { at: T0.plus_ms(from) });
        for hour in 0..lasts.div_ceil(HOUR) {
            let ms = (lasts - hour * HOUR).min(HOUR);
            ledger.take(Evidence::Watched { until: T0.plus_ms(from + hour * HOUR + ms), ms: ms as u32, clean: true });
        }
        let harmful = kind == Kind::HarmfulKnown && random.chance(0.6);
        let wrong = kind.mistaken().0 * lasts as f64 / HOUR as f64;
        let answered = harmful.then_some(true).into_iter().chain(random.chance(wrong.min(1.0)).then_some(false));
        for (nth, upheld) in answered.enumerate() {
            let at = T0.plus_ms(from + random.between(0, lasts));
            let rule = RuleId::new(RULES[offends].0).expect("a sound id");
            let frame = FrameId::of(id, &[&number.to_be_bytes(), &[nth as u8]]);
            let warning = WarningId::of(EventId::outcome_of(frame), &rule);
            ledger.take(Evidence::Found(Finding { warning, rule, severity: 4, upheld, at }));
        }
    }
    ledger
}

impl Broadcast {
    fn of(kind: Kind, from: u64, random: &mut Random) -> Self {
        let until = from + length(random);
        let episodes = if kind.is_harmful() { episodes(kind, from, until, random) } else { Vec::new() };
        // How it is filmed: somebody talks, or much moves and cuts come often.
        let talks = random.chance(0.5);
        let mut scenes = Vec::new();
        let mut at = from;
        if random.chance(0.4) {
            let ends = at + random.between(2 * MINUTE, 8 * MINUTE);
            at = push(&mut scenes, at, ends.min(until), Shows::Harmless, random, true, 0);
        }
        for episode in &episodes {
            let lead = if episode.drifts { random.between(2 * MINUTE, 5 * MINUTE) } else { 0 };
            let begins = episode.from - lead;
            if episode.foretold {
                let ends = begins - random.between(MINUTE, 4 * MINUTE);
                at = ordinary(&mut scenes, kind, talks, at, ends - MINUTE, random);
                at = push(&mut scenes, at, ends, Shows::Borderline, random, false, 60);
            }
            at = ordinary(&mut scenes, kind, talks, at, begins, random);
            if episode.drifts {
                at = push(&mut scenes, at, episode.until, Shows::Harmful, random, false, 120);
                scenes.last_mut().expect("one was pushed").turns = episode.from;
            }
            while at < episode.until {
                let ends = (at + random.around(45 * SECOND, 0.6, 10 * SECOND, 5 * MINUTE)).min(episode.until);
                let moves = random.between(60, 3_000);
                at = push(&mut scenes, at, ends, Shows::Harmful, random, false, moves);
            }
        }
        ordinary(&mut scenes, kind, talks, at, until, random);
        Self { from, until, scenes, episodes }
    }
}

/// The harmful episodes of a broadcast: four in five have one or two, at moments that nobody knows.
fn episodes(kind: Kind, from: u64, until: u64, random: &mut Random) -> Vec<Episode> {
    if random.chance(0.2) {
        return Vec::new();
    }
    let count = if until - from > HOUR { random.between(1, 2) } else { 1 };
    let room = (until - from) / count;
    (0..count)
        .map(|n| {
            let lasts = match random.chance(0.25) {
                true => random.between(20 * SECOND, MINUTE), // a short one
                false => random.around(5 * MINUTE, 0.7, MINUTE, 30 * MINUTE),
            };
            let lasts = lasts.min(room / 3);
            // Twelve minutes for what comes before it, in a broadcast that is long enough.
            let before = (12 * MINUTE).min(room / 2);
            let begins = from + n * room + random.between(before, room - lasts);
            let foretold = match kind {
                Kind::LateForetold => true,
                Kind::LateUnforetold => false,
                _ => random.chance(0.5),
            };
            let fits = before == 12 * MINUTE;
            let drifts = fits && random.chance(0.2);
            Episode { from: begins, until: begins + lasts, drifts, foretold: foretold && fits }
        })
        .collect()
}

/// Shots as they follow one another while nothing harmful is shown. Returns where the last ends.
fn ordinary(scenes: &mut Vec<Scene>, kind: Kind, talks: bool, from: u64, until: u64, random: &mut Random) -> u64 {
    let (wrong, nearly) = kind.mistaken();
    let mut at = from;
    while at < until {
        let (median, moves) = match talks {
            true => (4 * MINUTE, random.between(20, 150)),
            false => (30 * SECOND, random.between(2_000, 15_000)),
        };
        let is_slate = random.chance(0.03);
        let lasts = random.around(median, 0.8, 5 * SECOND, 30 * MINUTE);
        let hours = lasts as f64 / HOUR as f64;
        let shows = match random.unit() {
            drawn if drawn < wrong * hours => Shows::LooksHarmful,
            drawn if drawn < (wrong + nearly) * hours => Shows::Borderline,
            _ => Shows::Harmless,
        };
        at = push(scenes, at, (at + lasts).min(until), shows, random, is_slate, moves);
    }
    at
}

fn push(
    scenes: &mut Vec<Scene>,
    from: u64,
    until: u64,
    shows: Shows,
    random: &mut Random,
    is_slate: bool,
    bits_per_hour: u64,
) -> u64 {
    if until > from {
        scenes.push(Scene { from, seed: random.bits(), is_slate, bits_per_hour, shows, turns: from });
    }
    until.max(from)
}
