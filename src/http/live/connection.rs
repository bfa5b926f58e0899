//! One connection to the live picture: when it is sent something, and what it is told when it has to go.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, Data};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::message::{LiveEnd, LiveEndBecause, LiveMessage, LiveMoment};
use super::picture::{Picture, Rows};
use crate::actors::Behind;
use crate::http::App;
use crate::http::auth::{Permission, Principal};
use crate::http::feed::{Full, Seat};
use crate::http::socket::Socket;
use crate::model::Position;

/// Changes are sent so often at most: faster than anybody sees, seldom enough that a busy channel is one row of many
/// events.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The page's clock, and its proof that it is not looking at a picture of the past.
const BEAT_EVERY: Duration = Duration::from_secs(2);
/// For how long a connection waits for the views before it begins. Longer than they take to fold a busy second.
const BEGIN_PATIENCE: Duration = Duration::from_secs(5);

struct Connection {
    app: Data<App>,
    seat: Seat,
    picture: Picture,
    /// What happened up to here is in the picture, or is known to change it.
    reached: Position,
    ready: VecDeque<Bytes>,
    filled: watch::Receiver<Position>,
    closing: watch::Receiver<bool>,
    /// Whether everything, as of a position that the ring has, was begun to be sent.
    begun: bool,
    look_at: Instant,
    beat_at: Instant,
    ended: bool,
}

/// Takes a connection, and gives what it is sent.
pub(in crate::http) fn stream(
    app: Data<App>,
    caller: &Principal,
    socket: Option<&Arc<Socket>>,
) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + use<>, Full> {
    let now = Instant::now();
    let connection = Connection {
        seat: Seat::take(&app.feed, &caller.id, socket)?,
        picture: Picture::new(caller.id.clone(), caller.channels(Permission::Read)),
        reached: Position(0),
        // Sent at once, so that a proxy passes the answer on and the page knows that it is connected.
        ready: VecDeque::from([Bytes::from_static(b": connected\n\n")]),
        filled: app.feed.filled(),
        closing: app.feed.closing(),
        begun: false,
        look_at: now,
        beat_at: now + BEAT_EVERY,
        ended: false,
        app,
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
                return Some(self.told_to_resume(LiveEndBecause::Slow));
            }
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            if *self.closing.borrow() {
                return Some(self.told_to_resume(LiveEndBecause::Closing));
            }
            let Err(because) = self.make_ready().await else { continue };
            return Some(self.told_to_resume(because));
        }
    }

    /// One step on: something is ready then, or not yet.
    async fn make_ready(&mut self) -> Result<(), LiveEndBecause> {
        if !self.begun {
            return self.begin().await;
        }
        self.take_note();
        if !self.begun {
            return Ok(()); // so much happened meanwhile that everything is sent anew
        }
        if !self.picture.is_ready() {
            self.send(Picture::part);
            if self.picture.is_ready() {
                let ready = LiveMessage::Ready(self.moment());
                self.say(&ready);
            }
            tokio::task::yield_now().await; // a long way through what is not shown must not hold others up
            return Ok(());
        }
        let now = Instant::now();
        if now >= self.beat_at {
            self.beat();
            return Ok(());
        }
        if !self.picture.is_changed() || now < self.look_at {
            self.wait().await;
            return Ok(());
        }
        match self.app.views.reached(self.reached, LOOK_EVERY).await {
            Ok(()) => {
                self.send(Picture::changes);
                self.look_at = Instant::now() + LOOK_EVERY;
                Ok(())
            }
            Err(Behind::NotYet { .. }) => Ok(()), // beats go on meanwhile
            Err(Behind::Stopped { .. }) => Err(LiveEndBecause::Behind),
        }
    }

    /// Sends everything, as of a position from which the ring says what changes.
    async fn begin(&mut self) -> Result<(), LiveEndBecause> {
        let filled = *self.filled.borrow_and_update();
        self.app.views.reached(filled, BEGIN_PATIENCE).await.map_err(|_| LiveEndBecause::Behind)?;
        self.reached = *self.app.views.position().borrow();
        self.picture.begin();
        self.begun = true;
        let begin = LiveMessage::Begin(self.moment());
        self.say(&begin);
        Ok(())
    }

    /// Takes note of the channels that changed. Where the ring does not say, everything has to be sent anew.
    fn take_note(&mut self) {
        loop {
            let Some(touched) = self.app.feed.touched(self.reached) else {
                self.begun = false;
                return;
            };
            self.picture.touch(touched.channels);
            if touched.reached <= self.reached {
                return;
            }
            self.reached = touched.reached;
        }
    }

    /// Picks rows out of the views, and writes them out when the views are free again.
    fn send(&mut self, pick: fn(&mut Picture, &crate::projections::View, crate::model::Timestamp) -> Rows) {
        let now = self.app.clock.now();
        let picture = &mut self.picture;
        let rows = self.app.views.read(|view| pick(picture, view, now));
        for message in rows.messages() {
            self.say(&message);
        }
    }

    fn say(&mut self, message: &LiveMessage) {
        self.ready.push_back(message.framed(self.reached));
    }

    /// Says where the picture stands, and looks for what became another by the time alone.
    fn beat(&mut self) {
        self.beat_at = Instant::now() + BEAT_EVERY;
        let now = self.app.clock.now();
        let picture = &mut self.picture;
        self.app.views.read(|view| picture.passes(view, now));
        let at = LiveMessage::At(self.moment());
        self.say(&at);
    }

    fn moment(&self) -> LiveMoment {
        LiveMoment { head: self.reached, now: self.app.clock.now() }
    }

    async fn wait(&mut self) {
        if self.picture.is_changed() {
            sleep_until(self.look_at.min(self.beat_at)).await;
            return;
        }
        // Marked before the look that found nothing, so nothing that came since is slept through.
        if *self.filled.borrow_and_update() > self.reached {
            return;
        }
        tokio::select! {
            _ = self.filled.changed() => {} // its sender lives as long as the feed
            _ = self.closing.changed() => {}
            () = sleep_until(self.beat_at) => {}
        }
    }

    /// The last that a connection hears.
    fn told_to_resume(&mut self, because: LiveEndBecause) -> Bytes {
        self.ended = true;
        LiveMessage::Resume(LiveEnd { after: self.reached, because }).framed(self.reached)
    }
}
