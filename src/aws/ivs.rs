//! Amazon IVS: which streams are on the air, stopping them, their channels and stream keys.
//!
//! Each operation has an account-wide rate of its own that AWS does not raise, so each has its turns here, and no caller
//! gets past them. What is on the air is told apart by code, never by status: 404 is both "no such channel" and "not
//! broadcasting".

use std::collections::BTreeSet;

use aws_sdk_ivs::Client;
use aws_smithy_types::DateTime;

use super::turns::Turns;
use super::{Aws, Class, Failure};
use crate::model::{ChannelId, SessionId, Timestamp};

/// The code for "nothing is on the air there".
const NOT_BROADCASTING: &str = "ChannelNotBroadcasting";
/// The code for "the channel has a key already": a channel has one.
const QUOTA_EXCEEDED: &str = "ServiceQuotaExceededException";
/// Streams in one page of a list, at most; what the service allows.
const STREAMS_PAGE: i32 = 100;
/// Pages of streams read in one listing: far more streams than an account may have at once.
const STREAM_PAGES_MAX: usize = 100;
/// Keys in one page of a list; what the service allows. Its default is one.
const KEYS_PAGE: i32 = 50;
/// Pages of keys read of one channel: a channel has one key, by today's quota.
const KEY_PAGES_MAX: usize = 10;
/// Channels asked for at once, at most; what the service allows.
pub const CHANNELS_PER_CALL_MAX: usize = 50;

/// How fast IVS may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IvsPace {
    /// Calls per second of each operation, 1 to 100. AWS grants 5 and does not raise it.
    pub calls_per_second: u32,
    /// Calls of one operation that may wait for their turn, 1 to 1000.
    pub waiting_max: usize,
}

impl Default for IvsPace {
    fn default() -> Self {
        Self { calls_per_second: 5, waiting_max: 256 }
    }
}

/// A broadcast on the air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveStream {
    /// The channel, by its ARN.
    pub channel: ChannelId,
    /// The broadcast (`st-…`).
    pub session: SessionId,
    /// When it began, if the service says.
    pub started_at: Option<Timestamp>,
    /// How many watch it, as the service last counted; none if it does not say. IVS says -1 where it does not know.
    pub viewers: Option<u64>,
}

/// What is known of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelFacts {
    /// The channel, by its ARN.
    pub channel: ChannelId,
    /// Its name; may be empty.
    pub name: String,
}

/// One broadcast of the past or present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSession {
    /// The broadcast.
    pub session: SessionId,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; none while it goes on.
    pub ended_at: Option<Timestamp>,
}

/// A stream key's ARN. Its value, which is a secret, is never asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamKeyArn(String);

/// Amazon IVS in one region.
#[derive(Debug)]
pub struct Ivs {
    client: Client,
    stop_stream: Turns,
    get_stream: Turns,
    list_streams: Turns,
    get_stream_session: Turns,
    batch_get_channel: Turns,
    list_stream_keys: Turns,
    delete_stream_key: Turns,
    create_stream_key: Turns,
}

impl Aws {
    /// Amazon IVS. One for the process: its turns are the account's.
    pub fn ivs(&self, pace: IvsPace) -> Ivs {
        let mut config = aws_sdk_ivs::config::Builder::from(self.config());
        if let Some(endpoint) = &self.endpoints().ivs {
            config = config.endpoint_url(endpoint);
        }
        let turns = || Turns::new(pace.calls_per_second, pace.waiting_max);
        Ivs {
            client: Client::from_conf(config.build()),
            stop_stream: turns(),
            get_stream: turns(),
            list_streams: turns(),
            get_stream_session: turns(),
            batch_get_channel: turns(),
            list_stream_keys: turns(),
            delete_stream_key: turns(),
            create_stream_key: turns(),
        }
    }
}

impl Ivs {
    /// Waits for a turn to stop a stream. The caller checks what is on the air after it, and stops at once then.
    pub async fn turn_to_stop(&self) -> Result<(), Failure> {
        turn("StopStream", &self.stop_stream).await
    }

    /// Stops whatever the channel broadcasts, in a turn that [`Ivs::turn_to_stop`] gave. False: it broadcasts nothing.
    pub async fn stop_stream(&self, channel: &ChannelId) -> Result<bool, Failure> {
        const OPERATION: &str = "StopStream";
        let stopped = self.client.stop_stream().channel_arn(channel.as_str()).send().await;
        match stopped.map_err(|error| Failure::of(OPERATION, &error)) {
            Ok(_) => Ok(true),
            Err(failure) if failure.is(NOT_BROADCASTING) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// What the channel broadcasts now; none if nothing.
    pub async fn get_stream(&self, channel: &ChannelId) -> Result<Option<LiveStream>, Failure> {
        const OPERATION: &str = "GetStream";
        turn(OPERATION, &self.get_stream).await?;
        let found = self.client.get_stream().channel_arn(channel.as_str()).send().await;
        let found = match found.map_err(|error| Failure::of(OPERATION, &error)) {
            Ok(found) => found,
            Err(failure) if failure.is(NOT_BROADCASTING) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let stream = found.stream.ok_or_else(|| Failure::nonsense(OPERATION, "the answer holds no stream"))?;
        let session = session_of(OPERATION, stream.stream_id)?;
        let (started_at, viewers) = (stream.start_time.and_then(moment), u64::try_from(stream.viewer_count).ok());
        Ok(Some(LiveStream { channel: channel.clone(), session, started_at, viewers }))
    }

    /// Every broadcast of the account in this region, page after page.
    pub async fn list_streams(&self) -> Result<Vec<LiveStream>, Failure> {
        const OPERATION: &str = "ListStreams";
        let mut streams = Vec::new();
        let mut next = None;
        for _ in 0..STREAM_PAGES_MAX {
            turn(OPERATION, &self.list_streams).await?;
            let call = self.client.list_streams().max_results(STREAMS_PAGE).set_next_token(next).send();
            let page = call.await.map_err(|error| Failure::of(OPERATION, &error))?;
            for stream in page.streams {
                let channel = stream.channel_arn.and_then(|arn| ChannelId::new(arn).ok());
                let channel = channel.ok_or_else(|| Failure::nonsense(OPERATION, "a stream without a channel"))?;
                let session = session_of(OPERATION, stream.stream_id)?;
                let started_at = stream.start_time.and_then(moment);
                let viewers = u64::try_from(stream.viewer_count).ok();
                streams.push(LiveStream { channel, session, started_at, viewers });
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(streams);
            }
        }
        Err(Failure::nonsense(OPERATION, format!("the list goes on after {STREAM_PAGES_MAX} pages")))
    }

    /// One broadcast of the channel, or its latest; none if there was none.
    pub async fn stream_session(
        &self,
        channel: &ChannelId,
        session: Option<&SessionId>,
    ) -> Result<Option<StreamSession>, Failure> {
        const OPERATION: &str = "GetStreamSession";
        turn(OPERATION, &self.get_stream_session).await?;
        let call = self.client.get_stream_session().channel_arn(channel.as_str());
        let call = call.set_stream_id(session.map(|session| session.as_str().to_owned())).send();
        let found = match call.await.map_err(|error| Failure::of(OPERATION, &error)) {
            Ok(found) => found.stream_session,
            Err(failure) if failure.class == Class::NotFound => None,
            Err(failure) => return Err(failure),
        };
        let Some(found) = found else { return Ok(None) };
        Ok(Some(StreamSession {
            session: session_of(OPERATION, found.stream_id)?,
            started_at: found.start_time.and_then(moment),
            ended_at: found.end_time.and_then(moment),
        }))
    }

    /// What is known of these channels, at most [`CHANNELS_PER_CALL_MAX`] of them; those that are not found are left
    /// out.
    pub async fn channels(&self, channels: &[ChannelId]) -> Result<Vec<ChannelFacts>, Failure> {
        const OPERATION: &str = "BatchGetChannel";
        turn(OPERATION, &self.batch_get_channel).await?;
        let arns = channels.iter().take(CHANNELS_PER_CALL_MAX).map(|channel| channel.as_str().to_owned());
        let call = self.client.batch_get_channel().set_arns(Some(arns.collect())).send();
        let found = call.await.map_err(|error| Failure::of(OPERATION, &error))?;
        let facts = found.channels.unwrap_or_default().into_iter().filter_map(|channel| {
            let id = ChannelId::new(channel.arn?).ok()?;
            Some(ChannelFacts { channel: id, name: channel.name.unwrap_or_default() })
        });
        Ok(facts.collect())
    }

    /// All of the channel's stream keys.
    pub async fn stream_keys(&self, channel: &ChannelId) -> Result<BTreeSet<StreamKeyArn>, Failure> {
        const OPERATION: &str = "ListStreamKeys";
        let mut keys = BTreeSet::new();
        let mut next = None;
        for _ in 0..KEY_PAGES_MAX {
            turn(OPERATION, &self.list_stream_keys).await?;
            let call = self.client.list_stream_keys().channel_arn(channel.as_str());
            let call = call.max_results(KEYS_PAGE).set_next_token(next).send();
            let page = call.await.map_err(|error| Failure::of(OPERATION, &error))?;
            keys.extend(page.stream_keys.into_iter().filter_map(|key| key.arn.map(StreamKeyArn)));
            next = page.next_token;
            if next.is_none() {
                return Ok(keys);
            }
        }
        Err(Failure::nonsense(OPERATION, format!("the list goes on after {KEY_PAGES_MAX} pages")))
    }

    /// Revokes a key. One that is not there any more is revoked.
    pub async fn delete_stream_key(&self, key: &StreamKeyArn) -> Result<(), Failure> {
        const OPERATION: &str = "DeleteStreamKey";
        turn(OPERATION, &self.delete_stream_key).await?;
        match self.client.delete_stream_key().arn(&key.0).send().await {
            Ok(_) => Ok(()),
            Err(error) => match Failure::of(OPERATION, &error) {
                failure if failure.class == Class::NotFound => Ok(()),
                failure => Err(failure),
            },
        }
    }

    /// Gives the channel a key. One that has a key keeps it. The new key's value is not looked at: its owner asks for it.
    pub async fn create_stream_key(&self, channel: &ChannelId) -> Result<(), Failure> {
        const OPERATION: &str = "CreateStreamKey";
        turn(OPERATION, &self.create_stream_key).await?;
        match self.client.create_stream_key().channel_arn(channel.as_str()).send().await {
            Ok(_) => Ok(()),
            Err(error) => match Failure::of(OPERATION, &error) {
                failure if failure.is(QUOTA_EXCEEDED) => Ok(()),
                failure => Err(failure),
            },
        }
    }
}

/// Waits for a turn; no turn is as good as a throttled call.
async fn turn(operation: &'static str, turns: &Turns) -> Result<(), Failure> {
    turns.take().await.map_err(|crowded| Failure {
        operation,
        class: Class::Throttled,
        code: None,
        said: crowded.to_string(),
    })
}

fn session_of(operation: &'static str, id: Option<String>) -> Result<SessionId, Failure> {
    let id = id.and_then(|id| SessionId::new(id).ok());
    id.ok_or_else(|| Failure::nonsense(operation, "a stream without a sound id"))
}

fn moment(time: DateTime) -> Option<Timestamp> {
    time.to_millis().ok().map(Timestamp::from_millis)
}
