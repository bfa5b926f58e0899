//! Enhanced fan-out: a subscription's events, framed as `vnd.amazon.eventstream`.

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde_json::{Value, json};

use super::wire::{EMPTY_EVENT_EVERY, Shared, record};
use super::world::{Refusal, refuse, sequence_text};

/// A subscription under way.
struct Subscription {
    world: Shared,
    stream: String,
    shard: String,
    at: usize,
    /// Events sent; none: not even the first answer.
    sent: Option<usize>,
    over: bool,
}

pub fn subscribe(said: &Value, world: Shared) -> Result<HttpResponse, Refusal> {
    let arn = said["ConsumerARN"].as_str().unwrap_or_default();
    let stream = arn.split(":stream/").nth(1).and_then(|rest| rest.split("/consumer/").next());
    let Some(stream) = stream.map(ToOwned::to_owned) else {
        return refuse("InvalidArgumentException", "ConsumerARN names no consumer of a stream.");
    };
    let shard = said["ShardId"].as_str().unwrap_or_default().to_owned();
    let start = &said["StartingPosition"];
    let kind = start["Type"].as_str().unwrap_or_default().to_owned();
    let at = {
        let mut world = world.lock().unwrap();
        world.find(&stream, &shard, &kind, &start["SequenceNumber"], start["Timestamp"].as_f64())?
    };
    let subscription = Subscription { world, stream, shard, at, sent: None, over: false };
    let events = futures_util::stream::unfold(subscription, |mut subscription| async move {
        let event = subscription.next().await?;
        Some((Ok::<_, std::io::Error>(Bytes::from(event)), subscription))
    });
    Ok(HttpResponse::Ok().content_type("application/vnd.amazon.eventstream").streaming(events))
}

impl Subscription {
    async fn next(&mut self) -> Option<Vec<u8>> {
        let Some(sent) = self.sent else {
            self.sent = Some(0);
            return Some(message("initial-response", b"{}"));
        };
        let mut changed = {
            let world = self.world.lock().unwrap();
            if self.over || sent >= world.subscription_events {
                return None;
            }
            world.changed.subscribe()
        };
        self.sent = Some(sent + 1);
        let given = self.world.lock().unwrap().read(&self.stream, &self.shard, self.at, 1_000).ok()?;
        let given = match given.records.is_empty() && given.children.is_none() {
            true => {
                let _ = actix_web::rt::time::timeout(EMPTY_EVENT_EVERY, changed.changed()).await;
                self.world.lock().unwrap().read(&self.stream, &self.shard, self.at, 1_000).ok()?
            }
            false => given,
        };
        self.at = given.next;
        let mut event = json!({
            "Records": given.records.iter().map(record).collect::<Vec<_>>(),
            "MillisBehindLatest": given.behind_ms,
        });
        match given.children {
            Some(children) => {
                event["ChildShards"] = children.into();
                self.over = true;
            }
            None => {
                let mut world = self.world.lock().unwrap();
                let shard = world.shard(&self.stream, &self.shard).ok()?;
                let last = self.at.checked_sub(1).map_or(shard.first_sequence, |last| shard.puts[last].sequence);
                event["ContinuationSequenceNumber"] = sequence_text(last).into();
            }
        }
        Some(message("SubscribeToShardEvent", event.to_string().as_bytes()))
    }
}

/// Lengths, their checksum, headers of type string, the payload, the checksum of all of it.
fn message(event_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    let said =
        [(":message-type", "event"), (":event-type", event_type), (":content-type", "application/x-amz-json-1.1")];
    for (name, value) in said {
        headers.push(name.len() as u8);
        headers.extend(name.as_bytes());
        headers.push(7);
        headers.extend((value.len() as u16).to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let total = 12 + headers.len() + payload.len() + 4;
    let mut bytes = Vec::with_capacity(total);
    bytes.extend((total as u32).to_be_bytes());
    bytes.extend((headers.len() as u32).to_be_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend(&headers);
    bytes.extend(payload);
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}
