//! One connection to the live feed: what it is sent next, and what it is told when it has to go.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::ring::{Found, Item};
use super::{Feed, Full, Seat};
use crate::consumers::{Listener, Replayed};
use crate::events::Filter;
use crate::http::socket::Socket;
use crate::model::{ModeratorId, Position, ReplayId};

/// A connection hears something so often, if only that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events taken from the ring or the journal at once.
const PAGE: usize = 256;
/// A paced replay becomes due by the time alone: looked at so often.
const REPLAY_ROUND: Duration = Duration::from_millis(100);
/// Events of a replay taken at once.
const REPLAY_PAGE: usize = 64;

/// What a connection asks for.
pub(in crate::http) struct Asked {
    /// Who asks.
    pub caller: ModeratorId,
    /// What they want, and may see.
    pub filter: Filter,
    /// What comes after this position.
    pub after: Position,
    /// Which replays.
    pub replays: Replays,
}

/// Which replays a connection asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::http) enum Replays {
    /// None.
    #[default]
    None,
    /// Every one to the feed.
    All,
    /// This one.
    One(ReplayId),
}

struct Connection {
    feed: Arc<Feed>,
    asked: Asked,
    seat: Seat,
    /// Everything up to here was sent or is not wanted.
    position: Position,
    ready: VecDeque<Bytes>,
    filled: watch::Receiver<Position>,
    closing: watch::Receiver<bool>,
    beat_at: Instant,
    listeners: Vec<Listener>,
    /// Replays that this connection heard to their end.
    heard: HashSet<ReplayId>,
    replays_at: Instant,
    ended: bool,
}

/// What happens next.
enum Next {
    Look,
    Beat,
    Close,
}

/// Takes a connection, and gives what it is sent.
pub(in crate::http) fn stream(
    feed: &Arc<Feed>,
    asked: Asked,
    socket: Option<&Arc<Socket>>,
) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + use<>, Full> {
    let seat = Seat::take(feed, &asked.caller, socket)?;
    let now = Instant::now();
    let connection = Connection {
        feed: feed.clone(),
        seat,
        position: asked.after,
        asked,
        // Sent at once, so that a proxy passes the answer on and the client knows that it is connected.
        ready: VecDeque::from([Bytes::from_static(b": connected\n\n")]),
        filled: feed.filled.subscribe(),
        closing: feed.closing.subscribe(),
        beat_at: now + HEARTBEAT,
        listeners: Vec::new(),
        heard: HashSet::new(),
        replays_at: now,
        ended: false,
    };
    Ok(unfold(connection, |mut connection| async move {
        let chunk = connection.next().await?;
        connection.seat.hands_over();
        Some((Ok(chunk), connection))
    }))
}

impl Connection {
    /// The next bytes for the socket; none when the connection is over.
    async fn next(&mut self) -> Option<Bytes> {
        self.seat.is_asked();
        loop {
            if self.ended {
                return None;
            }
            if self.seat.is_slow() {
                return Some(self.told_to_resume("slow"));
            }
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            if *self.closing.borrow() {
                return Some(self.told_to_resume("closing"));
            }
            if !self.take_live().await && !self.take_replayed().await && self.ready.is_empty() {
                match self.wait().await {
                    Next::Look => {}
                    Next::Close => return Some(self.told_to_resume("closing")),
                    Next::Beat => return Some(self.beat()),
                }
            } else {
                tokio::task::yield_now().await; // a long way through what is not wanted must not hold others up
            }
        }
    }

    /// Takes what lies after the connection's position. Whether it came any further.
    async fn take_live(&mut self) -> bool {
        let found = self.feed.ring().next(self.position, PAGE);
        let before = self.position;
        match found {
            Found::Next(items, reached) => {
                self.send(items.iter().map(|item| &**item));
                self.position = reached;
            }
            Found::Behind => match self.read_behind().await {
                Some(items) => {
                    self.send(items.iter());
                    // Nothing between here and the ring is a declared hole: go on at the ring.
                    self.position = items.last().map_or(*self.filled.borrow(), Item::position);
                }
                None => self.ended = true, // said in the log; the client comes back and hears why
            },
        }
        self.position > before || self.ended
    }

    fn send<'a>(&mut self, items: impl Iterator<Item = &'a Item>) {
        let wanted = items.filter(|item| item.is_wanted(&self.asked.filter)).map(|item| item.frame.clone());
        let sent = self.ready.len();
        self.ready.extend(wanted);
        if self.ready.len() > sent {
            self.beat_at = Instant::now() + HEARTBEAT;
        }
    }

    async fn read_behind(&self) -> Option<Vec<Item>> {
        let _turn = self.feed.backlog.acquire().await.ok()?;
        let (journal, after) = (self.feed.journal.clone(), self.position);
        let read = tokio::task::spawn_blocking(move || {
            let events = journal.read(after, PAGE)?;
            Ok::<_, crate::journal::ReadError>(events.into_iter().map(Item::of).collect::<Vec<_>>())
        });
        match read.await {
            Ok(Ok(items)) => Some(items),
            Ok(Err(error)) => {
                tracing::error!("reading the journal for a connection to the live feed: {error}");
                None
            }
            Err(broke) => {
                tracing::error!("reading the journal for a connection to the live feed broke: {broke}");
                None
            }
        }
    }

    /// Takes what is due of replays. Whether there was anything.
    async fn take_replayed(&mut self) -> bool {
        if self.asked.replays == Replays::None || Instant::now() < self.replays_at {
            return false;
        }
        self.begin_listening();
        let listeners = std::mem::take(&mut self.listeners);
        if listeners.is_empty() {
            self.replays_at = Instant::now() + REPLAY_ROUND;
            return false;
        }
        let filter = self.asked.filter.clone();
        let heard = tokio::task::spawn_blocking(move || hear(listeners, &filter)).await;
        let Ok(Heard { listeners, chunks, over, more }) = heard else {
            tracing::error!("hearing a replay broke");
            self.ended = true;
            return true;
        };
        self.listeners = listeners;
        self.heard.extend(over);
        if !more {
            self.replays_at = Instant::now() + REPLAY_ROUND;
        }
        let any = !chunks.is_empty();
        self.ready.extend(chunks);
        any || more
    }

    /// Listens to replays that were started meanwhile.
    fn begin_listening(&mut self) {
        for id in self.feed.consumers.feed_replays() {
            let asked = matches!(self.asked.replays, Replays::All) || self.asked.replays == Replays::One(id);
            let known = self.heard.contains(&id) || self.listeners.iter().any(|listener| listener.replay().id == id);
            if asked && !known {
                self.listeners.extend(self.feed.consumers.listen(id)); // one that ended just now is none to listen to
            }
        }
    }

    async fn wait(&mut self) -> Next {
        let replays_at = match self.asked.replays {
            Replays::None => self.beat_at,
            _ => self.replays_at.min(self.beat_at),
        };
        // Marked before the look that found nothing, so nothing that came since is slept through.
        if *self.filled.borrow_and_update() > self.position {
            return Next::Look;
        }
        tokio::select! {
            filled = self.filled.changed() => if filled.is_ok() { Next::Look } else { Next::Close },
            _ = self.closing.changed() => Next::Close,
            () = sleep_until(self.beat_at) => Next::Beat,
            () = sleep_until(replays_at), if replays_at < self.beat_at => Next::Look,
        }
    }

    /// A comment that says nothing, and where to resume: what was not wanted need not be looked at again.
    fn beat(&mut self) -> Bytes {
        self.beat_at = Instant::now() + HEARTBEAT;
        Bytes::from(format!(": still here\nid: {}\n\n", self.position))
    }

    /// The last that a connection hears: from where to go on.
    fn told_to_resume(&mut self, because: &str) -> Bytes {
        self.ended = true;
        self.listeners.clear();
        // What was made ready and not sent comes again after that position.
        let after = self.unsent_from().unwrap_or(self.position);
        let data = json!({ "after": after, "because": because });
        Bytes::from(format!("id: {after}\nevent: resume\ndata: {data}\n\n"))
    }

    /// The place before the first live event that is ready and not sent.
    fn unsent_from(&self) -> Option<Position> {
        let first = self.ready.iter().find_map(|chunk| chunk.strip_prefix(b"id: "))?;
        let digits = first.split(|byte| *byte == b'\n').next()?;
        let position: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Some(Position(position.saturating_sub(1)))
    }
}

/// What one round of listening gave.
struct Heard {
    listeners: Vec<Listener>,
    chunks: Vec<Bytes>,
    over: Vec<ReplayId>,
    /// Whether more is due already.
    more: bool,
}

fn hear(listeners: Vec<Listener>, filter: &Filter) -> Heard {
    let mut round = Heard { listeners: Vec::new(), chunks: Vec::new(), over: Vec::new(), more: false };
    for mut listener in listeners {
        match listener.hear(REPLAY_PAGE) {
            Ok(heard) => {
                let wanted = heard.entries.iter().filter(|entry| entry.is_wanted(filter));
                round.chunks.extend(wanted.map(replayed));
                if heard.over {
                    round.over.push(listener.replay().id);
                } else {
                    round.more |= !heard.complete;
                    round.listeners.push(listener);
                }
            }
            Err(error) => {
                tracing::error!("hearing the replay {}: {error}", listener.replay().id);
                round.over.push(listener.replay().id);
            }
        }
    }
    round
}

/// Without an id, so that a client that resumes does so in the live feed.
fn replayed(entry: &Replayed) -> Bytes {
    let json = serde_json::to_string(entry).unwrap_or_default(); // maps with text keys are always JSON
    Bytes::from(format!("event: replayed\ndata: {json}\n\n"))
}
