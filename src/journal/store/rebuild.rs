//! Making `FORMAT` and `MANIFEST` anew from the segments that are there, when an operator asks for it.
//!
//! Both only repeat what the segments say of themselves: which store they belong to, where they begin and end, and
//! which chain value they continue; losses and sealings are events. Nothing is guessed: segments that do not follow each
//! other, that belong to two stores, or that are not what was anchored leave everything as it is. What was there moves to
//! `damaged/`.
//!
//! Two things are in no segment. When the store was made: the time of its oldest event stands in. And where archived
//! segments were moved: the operator names the directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::chunk::Head;
use super::hot::Hot;
use super::layout::{Format, Layout, doing, replace, sync_dir, take_lock};
use super::manifest::{ActiveEntry, Loss, Manifest, RetiredEntry, SealedEntry};
use super::open::{Depth, examine_as};
use super::sealing::digest;
use super::{OpenError, whole_story};
use crate::events::{Event, Recorded};
use crate::journal::sealed::Segment;
use crate::journal::{ChainValue, READ_LIMIT_MAX};
use crate::model::{Position, Scope, Sequence, Sha256, SystemScope, Timestamp};

/// sled's cache while rebuilding, in bytes: everything is read once.
const CACHE_BYTES: u64 = 16 << 20;

/// What to do about positions that no segment holds and no event declares lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// Refuse: a segment may merely lie elsewhere.
    Refused,
    /// Declare them lost at the next opening.
    Lost,
}

/// What was made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// `FORMAT`.
    pub format: bool,
    /// `MANIFEST`.
    pub manifest: bool,
    /// What will be declared lost at the next opening; nothing unless that was accepted.
    pub losses: Vec<Loss>,
}

/// Makes `FORMAT` and `MANIFEST` anew where they are gone or damaged, in a directory that no process is writing. Looks
/// for sealed segments in `archive` too. None if both can be read: then nothing was done. Whether every event is what
/// was written a verification tells; here the head is compared with the anchor.
pub fn rebuild(data_dir: &Path, archive: Option<&Path>, gaps: Gaps) -> Result<Option<Rebuilt>, OpenError> {
    let layout = Layout::new(data_dir);
    if let Err(error @ OpenError::NoStore { .. }) = layout.expect_store() {
        return Err(error);
    }
    let lock = take_lock(&layout)?;
    let format = match Format::read(&layout).and_then(|format| format.store(&layout.format())) {
        Err(error @ OpenError::UnknownFormat { .. }) => return Err(error),
        read => read.ok(),
    };
    let manifest = Manifest::read(&layout).ok();
    if format.is_some() && manifest.is_some() && !layout.hot_root().exists() {
        return Ok(None); // nothing to compare FORMAT with; a verification names what is missing
    }
    let hot = match Heads::read(&layout) {
        Ok(hot) => hot,
        // where both can be read it is the segment that is hurt, and that is not ours to judge
        Err(_) if format.is_some() && manifest.is_some() => return Ok(None),
        Err(error) => return Err(error),
    };
    let (keep_format, keep_manifest) = (format == Some(hot.store), manifest.is_some());
    if keep_format && keep_manifest {
        return Ok(None);
    }
    let parts = Parts::gather(&layout, archive, hot)?;
    let (store, created) = (parts.store, parts.created);
    let manifest = match manifest {
        Some(manifest) => manifest,
        None => parts.manifest(&layout, gaps)?,
    };
    let losses: Vec<Loss> = manifest.losses.iter().filter(|loss| !loss.recorded).cloned().collect();
    // Another history is never taken up. Other damage waits for the repair that accepts it, and for nobody else.
    let _lock = match examine_as(layout.clone(), lock, store, manifest.clone(), CACHE_BYTES, Depth::Tail) {
        Ok(found) => Some(found.lock),
        Err(error @ OpenError::NotTheAnchored { .. }) => return Err(error),
        Err(error) if gaps == Gaps::Refused => return Err(error),
        Err(_) => Some(take_lock(&layout)?),
    };
    if !keep_manifest {
        set_aside(&layout, &layout.manifest())?;
        manifest.write(&layout)?;
    }
    // Last, because without it the directory is no store: a crash before this is repaired again.
    if !keep_format {
        let path = layout.format();
        set_aside(&layout, &path)?;
        let format = serde_json::to_vec_pretty(&Format::new(created, store)).expect("three texts are JSON");
        replace(&path, &format).map_err(doing("replacing", &path))?;
    }
    Ok(Some(Rebuilt { format: !keep_format, manifest: !keep_manifest, losses }))
}

/// What the hot segments say of themselves.
struct Heads {
    store: [u8; 16],
    segments: Vec<(String, Hot, Head)>,
}

impl Heads {
    fn read(layout: &Layout) -> Result<Self, OpenError> {
        let root = layout.hot_root();
        let mut segments = Vec::new();
        for path in list(&root)? {
            let (hot, head) = Hot::open(&path, CACHE_BYTES)?;
            segments.push((name_of(&path), hot, head));
        }
        let Some(store) = segments.first().map(|(.., head)| head.store) else {
            let finding = "no hot segment is in it, and nothing else says where the store ends".to_owned();
            return Err(OpenError::Unreadable { path: root, finding });
        };
        if segments.iter().any(|(.., head)| head.store != store) {
            let finding = "its segments belong to two stores".to_owned();
            return Err(OpenError::Unreadable { path: root, finding });
        }
        Ok(Self { store, segments })
    }
}

/// Every segment that is there, by first position.
struct Parts {
    store: [u8; 16],
    created: Timestamp,
    segments: BTreeMap<Position, Part>,
    declared: Vec<Loss>,
    announced: Vec<(Position, Position)>,
}

/// A segment, and its end: the last position and the chain value after it.
enum Part {
    Sealed(SealedEntry),
    Hot { dir: String, head: Head },
}

impl Part {
    /// First position, chain value before it, last position, chain value after it. An empty one ends before its first.
    fn span(&self) -> (Position, ChainValue, Position, ChainValue) {
        match self {
            Self::Sealed(entry) => (entry.first, entry.chain_before, entry.last, entry.chain),
            Self::Hot { head, .. } => (head.first, head.chain_before, head.position, head.chain),
        }
    }
}

impl Parts {
    fn gather(layout: &Layout, archive: Option<&Path>, hot: Heads) -> Result<Self, OpenError> {
        let mut parts = Self {
            store: hot.store,
            created: Timestamp::default(),
            segments: BTreeMap::new(),
            declared: Vec::new(),
            announced: Vec::new(),
        };
        let mut oldest: Option<Recorded> = None;
        let mut older = |event: Option<Recorded>| {
            if let Some(event) = event
                && oldest.as_ref().is_none_or(|known| event.envelope.position < known.envelope.position)
            {
                oldest = Some(event);
            }
        };
        for (dir, hot, head) in hot.segments {
            let unread = |error: crate::journal::ReadError| super::StoreFault::from(error).of(&hot.dir);
            parts.note(&hot_events(&hot, head.position).map_err(unread)?);
            let mut first = Vec::new();
            hot.read(Position(head.first.0.saturating_sub(1)), 1, head.position, &mut first).map_err(unread)?;
            older(first.pop());
            parts.segments.insert(head.first, Part::Hot { dir, head });
        }
        let sealed_root = layout.sealed_root();
        for dir in [Some(sealed_root.as_path()), archive].into_iter().flatten() {
            let moved_to = (dir != sealed_root).then(|| dir.to_owned());
            for path in list(dir)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "swj")) {
                let unreadable = |error: &dyn std::error::Error| OpenError::Unreadable {
                    path: path.clone(),
                    finding: whole_story(error),
                };
                let segment = Segment::open(&path, &parts.store).map_err(|error| unreadable(&error))?;
                parts.note(&sealed_events(&segment).map_err(|error| unreadable(&error))?);
                let first = segment.record(segment.first()).map_err(|error| unreadable(&error))?;
                older(Recorded::from_bytes(&first.bytes).ok());
                parts.add_sealed(&path, &segment, moved_to.clone())?;
            }
        }
        parts.created = oldest.map_or(parts.created, |event| event.envelope.recorded_at);
        Ok(parts)
    }

    /// A crash can leave a segment both sealed and hot, or both here and in the archive. The hot one gives way to a
    /// sealed one that verifies and ends as it does.
    fn add_sealed(&mut self, path: &Path, segment: &Segment, archived: Option<PathBuf>) -> Result<(), OpenError> {
        let ends_alike = match self.segments.get(&segment.first()) {
            None => true,
            Some(Part::Sealed(_)) => return Ok(()),
            Some(Part::Hot { head, .. }) => (head.position, head.chain) == (segment.last(), segment.chain_after()),
        };
        let stands_in = self.segments.contains_key(&segment.first());
        if stands_in && !(ends_alike && segment.verify().is_ok()) {
            return Ok(()); // an unfinished sealing: the hot segment is the store's
        }
        let entry = SealedEntry {
            first: segment.first(),
            last: segment.last(),
            chain_before: segment.chain_before(),
            chain: segment.chain_after(),
            file: name_of(path),
            sha256: digest(path).map_err(doing("reading", path))?,
            bytes: segment.file_bytes(),
            archived,
            announced: false,
        };
        self.segments.insert(entry.first, Part::Sealed(entry));
        Ok(())
    }

    /// What the store said about itself.
    fn note(&mut self, events: &[Recorded]) {
        for event in events.iter().filter_map(|recorded| recorded.event().ok()) {
            match event {
                Event::DataLossAccepted(loss) => {
                    self.declared.push(Loss { from: loss.from, to: loss.to, finding: loss.finding, recorded: true });
                }
                Event::SegmentSealed(sealed) => self.announced.push((sealed.first, sealed.last)),
                _ => {} // the store's other events say nothing of its parts
            }
        }
    }

    /// The segments as a list, if they follow each other.
    fn manifest(self, layout: &Layout, gaps: Gaps) -> Result<Manifest, OpenError> {
        let path = layout.manifest();
        let unlisted = |finding: String| OpenError::Unreadable { path: path.clone(), finding };
        let Self { store, segments, declared: mut losses, announced, .. } = self;
        losses.sort_by_key(|loss| loss.from);
        let mut next = Position(1);
        let mut link = Some(ChainValue::genesis(&store));
        let (mut sealed, mut retired, mut active) = (Vec::new(), Vec::new(), None);
        for (first, part) in segments {
            let (_, chain_before, last, chain) = part.span();
            while next < first {
                link = None;
                if let Some(known) = losses.iter().find(|loss| loss.from <= next && next <= loss.to) {
                    next = known.to.next();
                    continue;
                }
                let known = losses.iter().map(|loss| loss.from).filter(|from| *from > next).min();
                let to = Position(known.map_or(first, |from| from.min(first)).0 - 1);
                let finding = format!("no segment that is there holds positions {next} to {to}");
                if gaps == Gaps::Refused {
                    return Err(unlisted(format!("{finding}; were they archived, --archive names the directory")));
                }
                losses.push(Loss { from: next, to, finding, recorded: false });
                next = to.next();
            }
            if next > first || link.is_some_and(|link| link != chain_before) {
                return Err(unlisted(format!("the segment at position {first} does not continue the one before it")));
            }
            // the one before was not the newest
            retired.extend(active.take());
            match part {
                Part::Sealed(entry) => {
                    let announced = announced.contains(&(entry.first, entry.last));
                    sealed.push(SealedEntry { announced, ..entry });
                }
                Part::Hot { dir, .. } => active = Some(RetiredEntry { dir, first, last, chain_before, chain }),
            }
            next = last.next();
            link = Some(chain);
        }
        let Some(RetiredEntry { dir, first, chain_before, .. }) = active else {
            return Err(unlisted("the newest segment is sealed already, the one that follows it is gone".to_owned()));
        };
        losses.sort_by_key(|loss| loss.from);
        let manifest = Manifest { sealed, retired, active: ActiveEntry { dir, first, chain_before }, losses };
        manifest.check_order().map_err(unlisted)?;
        Ok(manifest)
    }
}

/// The store's own events in a hot segment.
fn hot_events(hot: &Hot, last: Position) -> Result<Vec<Recorded>, crate::journal::ReadError> {
    let scope = Scope::from(SystemScope::Store);
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(Sequence(0), |event| event.envelope.sequence);
        let positions = hot.index().scope_positions(&scope, after, READ_LIMIT_MAX, last);
        if positions.is_empty() {
            return Ok(events);
        }
        events.extend(hot.read_at(&positions)?);
    }
}

/// The store's own events in a sealed segment.
fn sealed_events(segment: &Segment) -> Result<Vec<Recorded>, crate::journal::sealed::SealedError> {
    let scope = Scope::from(SystemScope::Store);
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(Sequence(0), |event| event.envelope.sequence);
        let records = segment.read_scope(&scope, after, READ_LIMIT_MAX)?;
        let page: Vec<Recorded> = records.iter().filter_map(|(_, bytes)| Recorded::from_bytes(bytes).ok()).collect();
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>()),
    };
    let mut paths = entries.map_err(doing("listing", dir))?;
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Keeps what a damaged file held for whoever looks into it.
fn set_aside(layout: &Layout, path: &Path) -> Result<(), OpenError> {
    let Ok(bytes) = fs::read(path) else { return Ok(()) }; // gone, or nobody can read it: nothing to keep
    let damaged = layout.damaged_root();
    fs::create_dir_all(&damaged).map_err(doing("creating", &damaged))?;
    let target = damaged.join(format!("{}-{}", name_of(path), Sha256::of(&bytes)));
    replace(&target, &bytes).map_err(doing("setting aside", path))?;
    sync_dir(&layout.root).map_err(doing("syncing", &layout.root))
}
