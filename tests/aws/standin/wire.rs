//! JSON 1.1 in, JSON 1.1 out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use aws_smithy_types::base64;
use serde_json::{Value, json};

use super::push;
use super::world::{Fault, Put, Refusal, World, hashes, refuse, sequence_text};

pub type Shared = web::Data<Arc<Mutex<World>>>;

pub async fn answer(request: HttpRequest, body: Bytes, world: Shared) -> HttpResponse {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("Kinesis_20131202.").unwrap_or_default().to_owned();
    let fault = {
        let mut world = world.lock().unwrap();
        world.calls.push(operation.clone());
        world.faults.get_mut(&operation).and_then(|faults| faults.pop_front()).unwrap_or(Fault::None)
    };
    match fault {
        Fault::Error { status, code } => return error(Refusal { status, code, message: "as scripted".to_owned() }),
        Fault::Malformed => {
            return HttpResponse::Ok().content_type("application/x-amz-json-1.1").body("{\"Records\": [{");
        }
        Fault::Reset => {
            let broken: Vec<Result<Bytes, std::io::Error>> =
                vec![Ok(Bytes::from_static(b"{\"Rec")), Err(std::io::Error::other("reset as scripted"))];
            return HttpResponse::Ok().streaming(futures_util::stream::iter(broken));
        }
        Fault::Slow(pause) => actix_web::rt::time::sleep(pause).await,
        Fault::Empty | Fault::None => {}
    }
    let Ok(said) = serde_json::from_slice::<Value>(&body) else {
        return error(Refusal { status: 400, code: "SerializationException", message: String::new() });
    };
    if operation == "SubscribeToShard" {
        return match push::subscribe(&said, world.clone()) {
            Ok(response) => response,
            Err(refusal) => error(refusal),
        };
    }
    let empty = matches!(fault, Fault::Empty);
    let called = call(&operation, &said, &mut world.lock().unwrap(), empty);
    match called {
        Ok(answer) => HttpResponse::Ok().content_type("application/x-amz-json-1.1").body(answer.to_string()),
        Err(refusal) => error(refusal),
    }
}

fn error(refusal: Refusal) -> HttpResponse {
    let body = json!({"__type": refusal.code, "message": refusal.message});
    let status = StatusCode::from_u16(refusal.status).unwrap();
    HttpResponse::build(status).content_type("application/x-amz-json-1.1").body(body.to_string())
}

fn call(operation: &str, said: &Value, world: &mut World, empty: bool) -> Result<Value, Refusal> {
    let text = |name: &str| said[name].as_str().unwrap_or_default();
    let stream = text("StreamName");
    match operation {
        "CreateStream" => {
            if world.streams.contains_key(stream) {
                return refuse("ResourceInUseException", "the stream exists");
            }
            world.create(stream, said["ShardCount"].as_u64().unwrap_or(1) as usize);
            Ok(json!({}))
        }
        "DeleteStream" => {
            world.stream(stream)?;
            world.streams.remove(stream);
            Ok(json!({}))
        }
        "DescribeStreamSummary" => {
            let found = world.stream(stream)?;
            let open = found.shards.iter().filter(|shard| shard.last_sequence.is_none()).count();
            Ok(json!({"StreamDescriptionSummary": {
                "StreamName": stream,
                "StreamARN": format!("arn:aws:kinesis:us-east-1:123456789012:stream/{stream}"),
                "StreamStatus": "ACTIVE",
                "RetentionPeriodHours": found.retention_hours,
                "StreamCreationTimestamp": found.created_ms as f64 / 1000.0,
                "EnhancedMonitoring": [],
                "EncryptionType": "NONE",
                "OpenShardCount": open,
                "ConsumerCount": 0,
            }}))
        }
        "ListShards" => list(said, world),
        "GetShardIterator" => {
            let time = said["Timestamp"].as_f64();
            let at = world.find(
                stream,
                text("ShardId"),
                text("ShardIteratorType"),
                &said["StartingSequenceNumber"],
                time,
            )?;
            Ok(json!({"ShardIterator": world.iterator_text(stream, text("ShardId"), at)}))
        }
        "GetRecords" => {
            let limit = said["Limit"].as_u64().unwrap_or(10_000);
            if !(1..=10_000).contains(&limit) {
                return refuse("InvalidArgumentException", "Limit must be 1 to 10000.");
            }
            let iterator = world.read_iterator(text("ShardIterator"))?;
            world.meter(&iterator.stream, &iterator.shard)?;
            let given =
                world.read(&iterator.stream, &iterator.shard, iterator.at, if empty { 0 } else { limit as usize })?;
            let mut answer = json!({
                "Records": given.records.iter().map(record).collect::<Vec<_>>(),
                "MillisBehindLatest": given.behind_ms,
            });
            match given.children {
                Some(children) => answer["ChildShards"] = children.into(),
                None => {
                    let next = world.iterator_text(&iterator.stream, &iterator.shard, given.next);
                    answer["NextShardIterator"] = next.into();
                }
            }
            Ok(answer)
        }
        "PutRecord" => {
            let (shard, sequence) = put(stream, said, world)?;
            Ok(json!({"ShardId": shard, "SequenceNumber": sequence_text(sequence)}))
        }
        "PutRecords" => {
            let records = said["Records"].as_array().cloned().unwrap_or_default();
            if records.is_empty() || records.len() > 500 {
                return refuse("InvalidArgumentException", "1 to 500 records.");
            }
            let mut put_all = Vec::new();
            for one in &records {
                let (shard, sequence) = put(stream, one, world)?;
                put_all.push(json!({"ShardId": shard, "SequenceNumber": sequence_text(sequence)}));
            }
            Ok(json!({"FailedRecordCount": 0, "Records": put_all}))
        }
        "SplitShard" => {
            let Ok(at) = text("NewStartingHashKey").parse() else {
                return refuse("InvalidArgumentException", "NewStartingHashKey is no number.");
            };
            world.split(stream, text("ShardToSplit"), at).map(|()| json!({}))
        }
        "MergeShards" => world.merge(stream, text("ShardToMerge"), text("AdjacentShardToMerge")).map(|()| json!({})),
        other => refuse("UnknownOperationException", format!("{other} is not part of the stand-in")),
    }
}

fn list(said: &Value, world: &mut World) -> Result<Value, Refusal> {
    let page = world.page;
    let (stream, after) = match (said["NextToken"].as_str(), said["StreamName"].as_str()) {
        (Some(_), Some(_)) => {
            return refuse("InvalidArgumentException", "NextToken and StreamName cannot be given together.");
        }
        (None, Some(stream)) => (stream.to_owned(), 0),
        (Some(token), None) => match token.split_once('|').map(|(stream, after)| (stream, after.parse())) {
            Some((stream, Ok(after))) => (stream.to_owned(), after),
            _ => return refuse("ExpiredNextTokenException", "no such token"),
        },
        (None, None) => return refuse("InvalidArgumentException", "a stream must be named"),
    };
    let shards = &world.stream(&stream)?.shards;
    let listed: Vec<Value> = shards
        .iter()
        .skip(after)
        .take(page)
        .map(|shard| {
            let mut range = json!({"StartingSequenceNumber": sequence_text(shard.first_sequence)});
            if let Some(last) = shard.last_sequence {
                range["EndingSequenceNumber"] = sequence_text(last).into();
            }
            let mut listed =
                json!({"ShardId": shard.id, "HashKeyRange": hashes(shard.hashes), "SequenceNumberRange": range});
            for (name, parent) in ["ParentShardId", "AdjacentParentShardId"].into_iter().zip(&shard.parents) {
                listed[name] = parent.as_str().into();
            }
            listed
        })
        .collect();
    let mut answer = json!({"Shards": listed});
    if after + page < shards.len() {
        answer["NextToken"] = format!("{stream}|{}", after + page).into();
    }
    Ok(answer)
}

fn put(stream: &str, said: &Value, world: &mut World) -> Result<(String, u128), Refusal> {
    let Some(data) = said["Data"].as_str().and_then(|data| base64::decode(data).ok()) else {
        return refuse("SerializationException", "Data is no base64.");
    };
    let hash = said["ExplicitHashKey"].as_str().and_then(|hash| hash.parse().ok());
    world.put(stream, said["PartitionKey"].as_str().unwrap_or_default(), hash, data)
}

pub fn record(put: &Put) -> Value {
    json!({
        "SequenceNumber": sequence_text(put.sequence),
        "ApproximateArrivalTimestamp": put.arrived_ms as f64 / 1000.0,
        "Data": base64::encode(&put.data),
        "PartitionKey": put.key,
        "EncryptionType": "NONE",
    })
}

pub const EMPTY_EVENT_EVERY: Duration = Duration::from_millis(200);
