//! What a reader hands over, and to whom.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::aws::kinesis::{KinesisSequence, ShardId};
use crate::model::Timestamp;

/// One notification, with where it lay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The shard it was read from.
    pub shard: ShardId,
    /// The record it was in.
    pub sequence: KinesisSequence,
    /// Which of the record's parts it is: 0 unless its producer packed several into one.
    pub part: u32,
    /// The key it was put under, where somebody said.
    pub partition_key: Option<String>,
    /// Its bytes, up to 10 MiB.
    pub data: Arc<[u8]>,
    /// When Kinesis took it, or when we read it should Kinesis not say.
    pub arrived_at: Timestamp,
}

/// The journal takes no events now. The reader keeps the notification and hands it over again; it skips none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a notification has no durable outcome yet: {0}")]
pub struct NotSettled(pub String);

/// Who turns notifications into durable outcomes.
pub trait Deliver: Send + Sync + 'static {
    /// Takes a notification. Called in the order of the shard, and the futures are first polled in that order; what must
    /// keep it is to be done before the first wait. Resolves when every outcome that follows is durable (a rejection is
    /// one), so that the notification need never be read again; it must end, within its own deadline. After an error, and
    /// after a crash, the same notification comes again.
    fn deliver(&self, delivery: Delivery) -> BoxFuture<'_, Result<(), NotSettled>>;
}
