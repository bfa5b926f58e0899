//! Amazon IVS obeys. StopStream takes a channel and stops whatever it broadcasts, so what is on the air is looked at
//! between a stop's turn and its call, which follows at once.
//!
//! The rates are small (5 calls a second) and looks are many when many streams must stop: those that come while one is
//! under way are answered together by the next, with one list of all streams where that costs fewer calls than one
//! each. Every look is answered by a call that began after it was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{ControlError, Controlling, StreamControl};
use crate::aws::ivs::{Ivs, LiveStream};
use crate::aws::{Class, Failure};
use crate::events::EnforcementKind;
use crate::model::{ChannelId, SessionId};
use crate::warden::enforcement::Seen;

/// So many looks at once are cheaper as a list of all streams, of which a page holds a hundred.
const LIST_FROM: usize = 4;
/// Looks that may wait; the reactor works on as many enforcements at the most.
const LOOKS_MAX: usize = 256;

/// How IVS is obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IvsSettings {
    /// How much earlier or later than IVS says a stream may have begun, in milliseconds: the clocks of IVS and S3 differ, and
    /// both tell whole seconds. A stream that began later than the judged frame less this is not the one judged.
    pub start_skew_ms: u64,
    /// How long after a stop no thumbnail may have come before it counts as seen to have worked, in milliseconds. More
    /// than the 10 s for which the last ones may still be written, or it shows nothing; 0 believes IVS alone.
    pub quiet_ms: u64,
    /// How long a call may take, its wait for a turn included: at 5 calls a second a hundred streams take 20 s.
    pub call_time_max: Duration,
}

impl Default for IvsSettings {
    fn default() -> Self {
        Self { start_skew_ms: 2_000, quiet_ms: 15_000, call_time_max: Duration::from_secs(30) }
    }
}

/// Streams carried by Amazon IVS.
pub struct IvsControl {
    looks: Arc<Looks>,
    settings: IvsSettings,
}

/// A look that waits for its answer.
struct Waiting {
    channel: ChannelId,
    answer: oneshot::Sender<Result<Option<LiveStream>, Failure>>,
}

/// The looks: one is under way, the others wait for the next.
struct Looks {
    ivs: Arc<Ivs>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    under_way: bool,
}

impl IvsControl {
    /// IVS as `ivs` reaches it. Call within a tokio runtime.
    pub fn new(ivs: Arc<Ivs>, settings: IvsSettings) -> Self {
        Self { looks: Arc::new(Looks { ivs, queue: Mutex::default() }), settings }
    }

    fn ivs(&self) -> &Ivs {
        &self.looks.ivs
    }

    /// What is on the air, and since when at the earliest.
    async fn seen(&self, channel: &ChannelId, act: EnforcementKind) -> Result<Seen, ControlError> {
        let suspended = match act {
            EnforcementKind::Stop => false,
            EnforcementKind::Suspend | EnforcementKind::Lift => self.ivs().stream_keys(channel).await?.is_empty(),
        };
        let on_air = match act {
            EnforcementKind::Lift => None, // a lift is about keys alone
            EnforcementKind::Stop | EnforcementKind::Suspend => self.looks.look(channel).await?,
        };
        let started_at = on_air.as_ref().and_then(|live| live.started_at);
        Ok(Seen {
            started_at: started_at.map(|start| start.minus_ms(self.settings.start_skew_ms)),
            started_by: started_at.map(|start| start.plus_ms(self.settings.start_skew_ms)),
            on_air: on_air.map(|live| live.session),
            suspended,
            quiet_ms: self.settings.quiet_ms,
        })
    }

    async fn stop_session(&self, channel: &ChannelId, session: &SessionId) -> Result<(), ControlError> {
        // The turn first, then the look: between the look and the stop nothing is waited for.
        self.ivs().turn_to_stop().await?;
        match self.ivs().get_stream(channel).await? {
            None => return Err(ControlError::NotBroadcasting),
            Some(live) if live.session != *session => return Err(ControlError::OtherSession(live.session)),
            Some(_) => {}
        }
        match self.ivs().stop_stream(channel).await? {
            true => Ok(()),
            false => Err(ControlError::NotBroadcasting),
        }
    }

    async fn revoke(&self, channel: &ChannelId) -> Result<(), ControlError> {
        for key in self.ivs().stream_keys(channel).await? {
            self.ivs().delete_stream_key(&key).await?;
        }
        Ok(())
    }
}

impl StreamControl for IvsControl {
    fn name(&self) -> &str {
        "Amazon IVS"
    }

    fn call_time_max(&self) -> Duration {
        self.settings.call_time_max
    }

    fn look(&self, channel: &ChannelId, act: EnforcementKind) -> Controlling<'_, Seen> {
        let channel = channel.clone();
        Box::pin(async move { self.seen(&channel, act).await })
    }

    fn stop(&self, channel: &ChannelId, session: &SessionId) -> Controlling<'_, ()> {
        let (channel, session) = (channel.clone(), session.clone());
        Box::pin(async move { self.stop_session(&channel, &session).await })
    }

    fn revoke_keys(&self, channel: &ChannelId) -> Controlling<'_, ()> {
        let channel = channel.clone();
        Box::pin(async move { self.revoke(&channel).await })
    }

    fn restore_keys(&self, channel: &ChannelId) -> Controlling<'_, ()> {
        let channel = channel.clone();
        Box::pin(async move { Ok(self.ivs().create_stream_key(&channel).await?) })
    }
}

impl From<Failure> for ControlError {
    fn from(failure: Failure) -> Self {
        match failure.class {
            Class::Throttled => Self::Throttled(failure.to_string()),
            Class::NotFound => Self::Unknown(failure.to_string()),
            Class::Denied | Class::Refused => Self::Denied(failure.to_string()),
            Class::Unavailable | Class::TimedOut | Class::Nonsense => Self::Unavailable(failure.to_string()),
        }
    }
}

impl Looks {
    /// What the channel broadcasts, as a call says that begins from now on.
    async fn look(self: &Arc<Self>, channel: &ChannelId) -> Result<Option<LiveStream>, Failure> {
        const OPERATION: &str = "GetStream";
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = self.queue();
            queue.waiting.retain(|waiting| !waiting.answer.is_closed()); // those who stopped waiting make room
            if queue.waiting.len() >= LOOKS_MAX {
                let said = "too many looks wait".to_owned();
                return Err(Failure { operation: OPERATION, class: Class::Throttled, code: None, said });
            }
            queue.waiting.push(Waiting { channel: channel.clone(), answer });
            if !std::mem::replace(&mut queue.under_way, true) {
                tokio::spawn(self.clone().answer_all());
            }
        }
        let broke = Failure {
            operation: OPERATION,
            class: Class::Unavailable,
            code: None,
            said: "the look was given up".to_owned(),
        };
        answered.await.unwrap_or(Err(broke))
    }

    /// Answers those who wait, and those who came meanwhile, until nobody waits.
    async fn answer_all(self: Arc<Self>) {
        loop {
            let mut waiting = {
                let mut queue = self.queue();
                if queue.waiting.is_empty() {
                    queue.under_way = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            waiting.retain(|waiting| !waiting.answer.is_closed());
            if waiting.len() >= LIST_FROM {
                self.answer_by_list(waiting).await;
            } else {
                for look in waiting {
                    let found = self.ivs.get_stream(&look.channel).await;
                    let _ = look.answer.send(found); // whoever stopped waiting needs no answer
                }
            }
        }
    }

    async fn answer_by_list(&self, waiting: Vec<Waiting>) {
        let listed = self.ivs.list_streams().await;
        let live = listed
            .map(|streams| streams.into_iter().map(|live| (live.channel.clone(), live)).collect::<HashMap<_, _>>());
        for look in waiting {
            let found = match &live {
                Ok(live) => Ok(live.get(&look.channel).cloned()),
                Err(failure) => Err(failure.clone()),
            };
            let _ = look.answer.send(found); // whoever stopped waiting needs no answer
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner) // assignments only: nothing is left half done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_failure_has_its_own_end() {
        for (class, name) in [
            (Class::Throttled, "throttled"),
            (Class::NotFound, "unknown"),
            (Class::Denied, "denied"),
            (Class::Refused, "denied"),
            (Class::Unavailable, "unavailable"),
            (Class::TimedOut, "unavailable"),
            (Class::Nonsense, "unavailable"),
        ] {
            let failure = Failure { operation: "StopStream", class, code: None, said: String::new() };
            assert_eq!(ControlError::from(failure).name(), name, "{class:?}");
        }
    }
}
