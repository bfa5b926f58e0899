//! What the house is connected to: the stream that frames are announced on, what leaves on its own account, and what is
//! on the air. Each connection is there if it is configured, runs beside the wardens, and is ended in order.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::House;
use crate::actors::Wardens;
use crate::aws::kinesis::Kinesis;
use crate::clock::Clock;
use crate::control::{Directory, Rise};
use crate::events::ViewersRose;
use crate::model::{ChannelId, SessionId, Timestamp};
use crate::outbox::{Bus, BusReplays, Chat, Lane, Notices, Outbox};
use crate::shards::{self, Intake, IntakeParts, IntakeSettings, Shards, WhoIsOnAir};
use crate::warden::Command;

/// What to connect the house to. What is not named is not connected.
#[derive(Default)]
pub struct Connections {
    /// The stream that frames and broadcasts are announced on.
    pub stream: Option<StreamConnection>,
    /// What is on the air, as the platform tells.
    pub directory: Option<Arc<Directory>>,
    /// The bus that events are put on.
    pub bus: Option<Arc<Bus>>,
    /// The chat rooms that are told.
    pub chat: Option<Arc<Chat>>,
    /// The topic that people are told by.
    pub notices: Option<Arc<Notices>>,
}

/// The stream that frames and broadcasts are announced on.
pub struct StreamConnection {
    /// Who reads it.
    pub kinesis: Kinesis,
    /// How it is read.
    pub reading: shards::Settings,
    /// How what is read comes to its outcome.
    pub intake: IntakeSettings,
}

/// Rises of viewers that wait for their wardens.
const RISES_MAX: usize = 1024;

/// The connections, running.
#[derive(Default)]
pub(super) struct Connected {
    shards: Option<Shards>,
    outbox: Outbox,
    directory: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl House {
    /// Connects the house. Call once, within an actix system.
    ///
    /// # Errors
    /// If a setting of the stream is out of its bounds; nothing is connected then.
    pub fn connect(&mut self, with: Connections, clock: &Arc<dyn Clock>) -> Result<(), shards::SettingsError> {
        let Connections { stream, directory, bus, chat, notices } = with;
        let journal: Arc<dyn crate::journal::Journal> = self.journal.clone();
        if let Some(StreamConnection { kinesis, reading, intake }) = stream {
            let parts = IntakeParts {
                wardens: self.wardens.clone(),
                journal: journal.clone(),
                content: self.content.clone(),
                clock: clock.clone(),
                who: directory
                    .clone()
                    .map(|directory| Arc::new(OnAir(directory, clock.clone())) as Arc<dyn WhoIsOnAir>),
            };
            let intake = Arc::new(Intake::new(parts, intake));
            self.connected.shards = Some(Shards::start(reading, kinesis, journal.clone(), intake, clock.clone())?);
        }
        let outbox = &mut self.connected.outbox;
        if let Some(bus) = bus {
            outbox.run(Lane::new(journal.clone(), bus.clone()));
            outbox.replay(BusReplays::new(journal.clone(), self.consumers.clone(), bus));
        }
        if let Some(chat) = chat {
            outbox.run(Lane::new(journal.clone(), chat));
        }
        if let Some(notices) = notices {
            outbox.run(Lane::new(journal, notices));
        }
        self.connected.directory = directory.map(|directory| {
            let (stop, stopping) = watch::channel(false);
            let (rises, risen) = mpsc::channel(RISES_MAX);
            let wardens = self.wardens.clone();
            let running = async move {
                // The one that is told ends when the one that tells does.
                tokio::join!(directory.run(stopping, rises), tell_of_rises(risen, wardens));
            };
            (stop, tokio::spawn(running))
        });
        Ok(())
    }
}

impl Connected {
    /// Takes nothing more in. What was taken comes to its outcome, and how far it was read is kept.
    pub(super) async fn stop_reading(&mut self) {
        if let Some(shards) = self.shards.take() {
            shards.stop().await;
        }
    }

    /// Ends the rest: calls under way are waited for, and places kept.
    pub(super) async fn close(self) {
        self.outbox.close().await;
        if let Some((stop, running)) = self.directory {
            let _ = stop.send(true); // one that has ended does not listen any more
            let _ = running.await; // a panic in it was reported
        }
    }
}

/// Has wardens watch more closely whom many more people came to watch.
async fn tell_of_rises(mut risen: mpsc::Receiver<Rise>, wardens: Wardens) {
    while let Some(Rise { channel, session, before, now }) = risen.recv().await {
        let command = Command::ViewersRose { session, rose: ViewersRose { before, now } };
        if let Err(error) = wardens.command(&channel, command).await {
            tracing::warn!(%channel, "viewers rose from {before} to {now}, and its warden was not told: {error}");
        }
    }
}

/// What a directory says of now.
struct OnAir(Arc<Directory>, Arc<dyn Clock>);

impl WhoIsOnAir for OnAir {
    fn on_air<'a>(&'a self, channel: &'a ChannelId) -> BoxFuture<'a, Option<(SessionId, Timestamp)>> {
        async move {
            match self.0.session_at(channel, self.1.now()).await {
                Ok(live) => live.and_then(|live| Some((live.session, live.started_at?))),
                Err(failure) => {
                    tracing::warn!(%channel, "which broadcast is on the air cannot be said: {failure}");
                    None
                }
            }
        }
        .boxed()
    }
}
