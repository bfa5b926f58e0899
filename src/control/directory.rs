//! Who is on the air, kept up to date by lists instead of a call per question: at 5 calls a second nobody could ask IVS
//! once per frame. Names of channels are fetched with it, fifty at a time.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::audience::{Audience, Rise};
use crate::aws::Failure;
use crate::aws::ivs::{CHANNELS_PER_CALL_MAX, Ivs, LiveStream};
use crate::clock::Clock;
use crate::model::{ChannelId, Timestamp};

/// Names kept at most; an account has at most 5,000 channels unless AWS raised it.
const NAMES_MAX: usize = 20_000;
/// Calls for names in one round, so that they never take the turns of anything else for long.
const NAME_CALLS_PER_ROUND_MAX: usize = 10;

/// How the directory is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectorySettings {
    /// From one list of streams to the next, 1 s to 10 min.
    pub refresh: Duration,
}

impl Default for DirectorySettings {
    fn default() -> Self {
        Self { refresh: Duration::from_secs(15) }
    }
}

/// The channels of an account, as IVS last told.
pub struct Directory {
    ivs: Arc<Ivs>,
    clock: Arc<dyn Clock>,
    settings: DirectorySettings,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// When the list was asked for that this is from; none before the first.
    asked_at: Option<Timestamp>,
    on_air: HashMap<ChannelId, LiveStream>,
    names: HashMap<ChannelId, String>,
}

impl Directory {
    /// An empty directory: [`Directory::run`] fills it.
    pub fn new(ivs: Arc<Ivs>, clock: Arc<dyn Clock>, settings: DirectorySettings) -> Self {
        Self { ivs, clock, settings, known: RwLock::default() }
    }

    /// What the channel broadcasts, as the last list told; none if nothing, or if no list has come yet.
    pub fn on_air(&self, channel: &ChannelId) -> Option<LiveStream> {
        self.read(|known| known.on_air.get(channel).cloned())
    }

    /// When the list was asked for that [`Directory::on_air`] tells; none before the first.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.read(|known| known.asked_at)
    }

    /// The channel's name, if it has one and it was told.
    pub fn name(&self, channel: &ChannelId) -> Option<String> {
        self.read(|known| known.names.get(channel).filter(|name| !name.is_empty()).cloned())
    }

    /// What was on the air when a frame was captured: the broadcast of the channel that had begun by then, from the
    /// list if that is younger than the frame, else from IVS itself. None if nobody can say. For a frame whose
    /// notification names no session; not for each frame, a call may be made.
    pub async fn session_at(&self, channel: &ChannelId, captured_at: Timestamp) -> Result<Option<LiveStream>, Failure> {
        let began_before = |live: &LiveStream| live.started_at.is_some_and(|start| start <= captured_at);
        if let Some(live) = self.on_air(channel).filter(began_before)
            && self.as_of().is_some_and(|asked| asked >= captured_at)
        {
            return Ok(Some(live));
        }
        Ok(self.ivs.get_stream(channel).await?.filter(began_before))
    }

    /// A channel went on or off the air, says an event of IVS: sooner known than by the next list.
    pub fn told(&self, channel: &ChannelId, live: Option<LiveStream>) {
        self.write(|known| match live {
            Some(live) => {
                known.on_air.insert(channel.clone(), live);
            }
            None => {
                known.on_air.remove(channel);
            }
        });
    }

    /// Refreshes until `stop` turns true. A list that fails leaves what the last one told, and says so in the log.
    /// `rises` hears of broadcasts that many more people came to watch; of one that it has no room for it does not.
    pub async fn run(&self, mut stop: watch::Receiver<bool>, rises: mpsc::Sender<Rise>) {
        let mut audience = Audience::default();
        loop {
            match self.refresh().await {
                Ok(()) => {
                    for rise in audience.count(self.clock.now(), &self.all_on_air()) {
                        if rises.try_send(rise).is_err() {
                            tracing::warn!("a rise of viewers was not passed on: too many at once, or nobody listens");
                        }
                    }
                }
                Err(failure) => tracing::warn!("the list of streams on the air is as old as it was: {failure}"),
            }
            tokio::select! {
                () = tokio::time::sleep(self.settings.refresh) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    fn all_on_air(&self) -> Vec<LiveStream> {
        self.read(|known| known.on_air.values().cloned().collect())
    }

    /// Asks for all streams now, and for names that are missing.
    pub async fn refresh(&self) -> Result<(), Failure> {
        let asked_at = self.clock.now();
        let streams = self.ivs.list_streams().await?;
        let live: HashMap<_, _> = streams.into_iter().map(|live| (live.channel.clone(), live)).collect();
        let unnamed: BTreeSet<ChannelId> = self.write(|known| {
            let unnamed = live.keys().filter(|channel| !known.names.contains_key(*channel)).cloned().collect();
            known.on_air = live;
            known.asked_at = Some(asked_at);
            unnamed
        });
        let unnamed: Vec<ChannelId> = unnamed.into_iter().collect();
        for some in unnamed.chunks(CHANNELS_PER_CALL_MAX).take(NAME_CALLS_PER_ROUND_MAX) {
            let facts = self.ivs.channels(some).await?;
            self.write(|known| {
                if known.names.len() + facts.len() > NAMES_MAX {
                    known.names.clear(); // they come again as they are needed
                }
                // One that IVS does not find has no name; asking every round would not give it one.
                known.names.extend(some.iter().map(|channel| (channel.clone(), String::new())));
                known.names.extend(facts.into_iter().map(|fact| (fact.channel, fact.name)));
            });
        }
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}
