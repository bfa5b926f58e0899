//! Opening the store: what was left behind is examined before anything is changed, and what does not hold is named,
//! never repaired by forgetting.

use std::fs::{self, File};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread;

use fail::fail_point;
use tokio::sync::watch;

use super::anchor::{Anchor, Anchored};
use super::batch::Standing;
use super::chunk::{Damage, Head};
use super::committer::{Committer, QUEUE_MAX, store_event};
use super::hot::{Carried, Hot};
use super::layout::{Format, Layout, doing, hot_name, replace, sync_dir, sync_tree, take_lock};
use super::manifest::{ActiveEntry, Manifest};
use super::segments::{Older, Segments};
use super::{OpenError, Options, Shared, SledJournal, sealing, whole_story};
use crate::events::{DataLossAccepted, EventType, StoreOpened};
use crate::journal::sealed::Segment;
use crate::journal::{Append, ChainValue, Journal};
use crate::model::{Epoch, Position, Timestamp};

/// At least so many of the newest events are read and hashed at every open.
const TAIL_EVENTS_MIN: u64 = 10_000;

/// How much of the hot segment is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Everything since the anchor, and at least the last [`TAIL_EVENTS_MIN`] events.
    Tail,
    /// Everything.
    Whole,
}

/// A store that holds together.
pub(super) struct Found {
    pub layout: Layout,
    pub store: [u8; 16],
    pub manifest: Manifest,
    pub anchor: Anchor,
    pub segments: Segments,
    pub head: Head,
    /// Whether the last writer closed it in order.
    pub clean: bool,
    /// Bytes of records in the hot segment, extrapolated from those verified.
    pub hot_bytes: u64,
    pub lock: File,
}

pub(super) fn open(options: Options) -> Result<SledJournal, OpenError> {
    let layout = Layout::new(&options.data_dir);
    make_dir(&layout.root)?;
    let lock = take_lock(&layout)?;
    fail_point!("open.locked");
    if !layout.format().exists() {
        create(&layout, &options)?;
    }
    let found = examine(layout, lock, options.cache_bytes, Depth::Tail)?;
    fail_point!("open.examined");
    remove_leftovers(&found)?;
    fail_point!("open.cleaned");
    start(found, options)
}

/// Looks at everything and changes nothing of the store's own.
pub(super) fn examine(layout: Layout, lock: File, cache_bytes: u64, depth: Depth) -> Result<Found, OpenError> {
    let store = Format::read(&layout)?.store(&layout.format())?;
    let manifest = Manifest::read(&layout)?;
    examine_as(layout, lock, store, manifest, cache_bytes, depth)
}

/// The same for a store that is said to have this uuid and to consist of these segments.
pub(super) fn examine_as(
    layout: Layout,
    lock: File,
    store: [u8; 16],
    manifest: Manifest,
    cache_bytes: u64,
    depth: Depth,
) -> Result<Found, OpenError> {
    let path = layout.anchor();
    let (anchor, anchored) = Anchor::open(&path).map_err(doing("opening", &path))?;
    let finding = "neither of its two slots is whole".to_owned();
    let anchored = anchored.ok_or(OpenError::Unreadable { path, finding })?;

    let older = open_older(&layout, &store, &manifest, cache_bytes)?;
    let dir = layout.hot(&manifest.active.dir);
    let (hot, head) = Hot::open(&dir, cache_bytes)?;
    if head.store != store || head.first != manifest.active.first || head.chain_before != manifest.active.chain_before {
        return Err(OpenError::Unreadable {
            path: dir,
            finding: "it is not the segment the manifest names".to_owned(),
        });
    }
    if anchored.position > head.position {
        return Err(OpenError::BehindAnchor { from: head.position.next(), to: anchored.position });
    }
    let tail = Position(head.position.0.saturating_sub(TAIL_EVENTS_MIN - 1).min(anchored.position.0));
    let from = match depth {
        Depth::Tail => tail.max(head.first),
        Depth::Whole => head.first,
    };
    let mut seen = Seen::default();
    hot.verify(from, &head, |position, bytes, chain| seen.note(position, bytes, chain, &anchored))
        .map_err(|fault| fault.of(&dir))?;
    let segments = Segments { older, hot: Arc::new(hot) };
    let at_anchor = match anchored.position.next() == head.first {
        true => Some(head.chain_before),
        false if anchored.position < head.first => chain_before_hot(&manifest, anchored.position),
        false => seen.at_anchor,
    };
    // An anchor older than the last roll-over is impossible: rolling syncs it first.
    if at_anchor != Some(anchored.chain) {
        return Err(OpenError::NotTheAnchored { position: anchored.position });
    }
    let clean = last_event_type(&segments, head.position)?.is_none_or(|name| name == EventType::StoreClosed.name());
    let hot_bytes = seen.bytes * u64::from(segments.hot.index().events()) / seen.events.max(1);
    Ok(Found { layout, store, manifest, anchor, segments, head, clean, hot_bytes, lock })
}

/// What verifying the hot segment shows besides that it holds.
#[derive(Default)]
struct Seen {
    events: u64,
    bytes: u64,
    at_anchor: Option<ChainValue>,
}

impl Seen {
    fn note(&mut self, position: Position, bytes: &[u8], chain: ChainValue, anchored: &Anchored) {
        self.events += 1;
        self.bytes += bytes.len() as u64;
        if position == anchored.position {
            self.at_anchor = Some(chain);
        }
    }
}

fn chain_before_hot(manifest: &Manifest, position: Position) -> Option<ChainValue> {
    let retired = manifest.retired.iter().find(|retired| retired.last == position).map(|retired| retired.chain);
    retired.or_else(|| manifest.sealed.iter().find(|sealed| sealed.last == position).map(|sealed| sealed.chain))
}

fn open_older(
    layout: &Layout,
    store: &[u8; 16],
    manifest: &Manifest,
    cache_bytes: u64,
) -> Result<Vec<Older>, OpenError> {
    let open = |retired: &super::RetiredEntry| {
        let (hot, head) = Hot::open(&layout.hot(&retired.dir), cache_bytes)?;
        if head.position != retired.last || head.chain != retired.chain {
            let position = head.position.next().min(retired.last);
            let finding = "the full segment's head is not the one the manifest names".to_owned();
            return Err(OpenError::Damaged(Damage { position, finding }));
        }
        Ok(Older::Retired { hot: Arc::new(hot), last: retired.last })
    };
    let sealed = |sealed: &super::SealedEntry| {
        let path = sealed.path(&layout.sealed_root());
        if !path.is_file() {
            return Err(OpenError::Missing { path });
        }
        // head and footer only; its records are checked as they are read, and all of them by a verification
        let segment = Segment::open(&path, store)
            .map_err(|error| OpenError::Unreadable { path: path.clone(), finding: whole_story(&error) })?;
        if (segment.first(), segment.last(), segment.chain_after()) != (sealed.first, sealed.last, sealed.chain) {
            let finding = "it is not the segment that the manifest names".to_owned();
            return Err(OpenError::Unreadable { path, finding });
        }
        Ok(Older::Sealed(Arc::new(segment)))
    };
    manifest.sealed.iter().map(sealed).chain(manifest.retired.iter().map(open)).collect()
}

fn last_event_type(segments: &Segments, head: Position) -> Result<Option<String>, OpenError> {
    let Some(before) = head.0.checked_sub(1) else { return Ok(None) };
    let last = segments.read(Position(before), 1, head);
    let last = last.map_err(|error| super::StoreFault::from(error).of(&segments.hot.dir))?;
    Ok(last.into_iter().next().map(|event| event.envelope.event_type))
}

/// Makes the directory and its name durable.
fn make_dir(path: &Path) -> Result<(), OpenError> {
    fs::create_dir_all(path).map_err(doing("creating", path))?;
    let absolute = path.canonicalize().map_err(doing("resolving", path))?;
    absolute.parent().map_or(Ok(()), sync_dir).map_err(doing("syncing the parent of", path))
}

/// The very first start. Everything is built aside and made durable, then moved into place; `FORMAT`, without which
/// the directory is no store, moves last. A crash at any write leaves nothing that was promised, or a store.
fn create(layout: &Layout, options: &Options) -> Result<(), OpenError> {
    let aside = Layout::new(&layout.creating());
    refuse_strangers(layout)?;
    if !aside.format().exists() {
        if aside.root.exists() {
            fs::remove_dir_all(&aside.root).map_err(doing("removing", &aside.root))?;
        }
        build(&aside, options)?;
    }
    fail_point!("create.built");
    // From here on the store is complete, wherever its parts lie.
    for part in [aside.hot_root(), aside.manifest(), aside.anchor()] {
        move_into(&part, &layout.root)?;
    }
    sync_dir(&layout.root).map_err(doing("syncing", &layout.root))?;
    fail_point!("create.moved");
    move_into(&aside.format(), &layout.root)?;
    sync_dir(&layout.root).map_err(doing("syncing", &layout.root))?;
    fail_point!("create.done");
    Ok(())
}

fn build(aside: &Layout, options: &Options) -> Result<(), OpenError> {
    let mut store = [0; 16];
    getrandom::fill(&mut store).map_err(|error| OpenError::Io {
        verb: "drawing the uuid of",
        path: aside.root.clone(),
        source: std::io::Error::other(error.to_string()),
    })?;
    make_dir(&aside.root)?;
    fail_point!("create.begun");
    let now = options.clock.now();
    let (first, before) = (Position(1), Position(0));
    let chain = ChainValue::genesis(&store);
    let head = Head {
        store,
        first,
        chain_before: chain,
        position: before,
        chain,
        epoch: Epoch(0),
        recorded_at: Timestamp::from_micros(i64::MIN),
    };
    let dir = hot_name(first);
    Hot::create(&aside.hot(&dir), head, Carried::default(), options.cache_bytes)?;
    fail_point!("create.hot");
    let active = ActiveEntry { dir, first, chain_before: chain };
    Manifest { sealed: Vec::new(), retired: Vec::new(), active, losses: Vec::new() }.write(aside)?;
    let anchored = Anchored { position: before, chain, epoch: Epoch(0), segment: first };
    let path = aside.anchor();
    Anchor::create(&path, anchored).map_err(doing("creating", &path))?;
    sync_tree(&aside.root).map_err(doing("syncing", &aside.root))?;
    fail_point!("create.synced");
    let path = aside.format();
    let format = serde_json::to_vec_pretty(&Format::new(now, store)).expect("three texts are JSON");
    replace(&path, &format).map_err(doing("creating", &path))
}

/// Moves a part of a store under construction, unless an interrupted start has moved it already.
fn move_into(part: &Path, root: &Path) -> Result<(), OpenError> {
    let name = part.file_name().expect("a part of the store has a name");
    match part.exists() {
        true => fs::rename(part, root.join(name)).map_err(doing("moving", part)),
        false => Ok(()),
    }
}

/// A directory without `FORMAT` may hold our lock and an interrupted first start; anything else might be a store that
/// lost its `FORMAT`, and a new one must not be made over it.
fn refuse_strangers(layout: &Layout) -> Result<(), OpenError> {
    let interrupted = Layout::new(&layout.creating()).format().exists();
    for entry in fs::read_dir(&layout.root).map_err(doing("listing", &layout.root))? {
        let name = entry.map_err(doing("listing", &layout.root))?.file_name().to_string_lossy().into_owned();
        let ours = matches!(name.as_str(), "LOCK" | ".creating" | "content" | "keys" | "derived" | "lost+found");
        let moved = matches!(name.as_str(), "hot" | "MANIFEST" | "ANCHOR");
        if !(ours || interrupted && moved) {
            return Err(OpenError::NotAStore { path: layout.root.clone(), found: name });
        }
    }
    Ok(())
}

/// Removes what a crash left unfinished: parts that no manifest ever named. Only after the store was found whole.
fn remove_leftovers(found: &Found) -> Result<(), OpenError> {
    let (layout, manifest) = (&found.layout, &found.manifest);
    let creating = layout.creating();
    if creating.exists() {
        fs::remove_dir_all(&creating).map_err(doing("removing", &creating))?;
    }
    let root = layout.hot_root();
    for entry in fs::read_dir(&root).map_err(doing("listing", &root))? {
        let entry = entry.map_err(doing("listing", &root))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let named = manifest.active.dir == name || manifest.retired.iter().any(|retired| retired.dir == name);
        if !named {
            fs::remove_dir_all(entry.path()).map_err(doing("removing", &entry.path()))?;
        }
    }
    sync_dir(&root).map_err(doing("syncing", &root))?;
    let root = layout.sealed_root();
    make_dir(&root)?;
    for entry in fs::read_dir(&root).map_err(doing("listing", &root))? {
        let entry = entry.map_err(doing("listing", &root))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !manifest.sealed.iter().any(|sealed| sealed.archived.is_none() && sealed.file == name) {
            fs::remove_file(entry.path()).map_err(doing("removing", &entry.path()))?;
        }
    }
    sync_dir(&root).map_err(doing("syncing", &root))
}

/// Starts the threads and says in the journal that it was opened.
fn start(found: Found, options: Options) -> Result<SledJournal, OpenError> {
    let Found { layout, store, manifest, anchor, segments, head, clean, hot_bytes, lock } = found;
    let losses = manifest.losses.clone();
    let shared = Arc::new(Shared {
        layout,
        store,
        options,
        segments: RwLock::new(Arc::new(segments)),
        manifest: Mutex::new(manifest),
        watermark: watch::Sender::new(head.position),
        failed: OnceLock::new(),
        sealer: Mutex::new(None),
        _lock: lock,
    });
    let (queue, requests) = sync_channel(QUEUE_MAX);
    let epoch = head.epoch.next();
    let standing = Standing { position: head.position, chain: head.chain, epoch, recorded_at: head.recorded_at };
    let committer =
        Committer { shared: shared.clone(), queue: requests, anchor, standing, hot_bytes, answers: Vec::new() };
    let starting = || doing("starting the threads of", &shared.layout.root);
    let thread = thread::Builder::new().name("journal".to_owned()).spawn(move || committer.run());
    let journal = SledJournal {
        shared: shared.clone(),
        queue: queue.clone(),
        threads: Mutex::new(vec![thread.map_err(starting())?]),
    };

    let opened = StoreOpened { clean, head: head.position, program: env!("CARGO_PKG_VERSION").to_owned() };
    journal.say(store_event(&store, "store-opened", &epoch.0.to_be_bytes(), opened))?;
    for loss in losses.into_iter().filter(|loss| !loss.recorded) {
        let about = [loss.from.0.to_be_bytes(), loss.to.0.to_be_bytes()].concat();
        let accepted = DataLossAccepted { from: loss.from, to: loss.to, finding: loss.finding };
        if !journal.say(store_event(&store, "data-loss-accepted", &about, accepted))? {
            continue; // not declared yet: a start with room on the disk does it
        }
        shared.change_manifest(|manifest| {
            for declared in manifest.losses.iter_mut().filter(|declared| declared.from == loss.from) {
                declared.recorded = true;
            }
        })?;
    }
    let sealer = sealing::start(shared.clone(), queue).map_err(starting())?;
    journal.threads.lock().unwrap_or_else(PoisonError::into_inner).push(sealer);
    shared.wake_sealer();
    Ok(journal)
}

impl SledJournal {
    /// Appends an event of the store's own and waits for it. With a full disk the journal still opens, for reading;
    /// whether it was said is the answer.
    fn say(&self, append: Append) -> Result<bool, OpenError> {
        match self.append(append).wait() {
            Ok(_) => Ok(true),
            Err(crate::journal::AppendError::NoSpace { .. }) => Ok(false),
            Err(error) => Err(OpenError::FirstAppend(error)),
        }
    }
}
