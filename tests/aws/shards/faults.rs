//! Calls that fail, reads that give nothing, takers that refuse.

use std::sync::Arc;
use std::time::Duration;

use streamwarden::aws::CallTimes;
use streamwarden::shards::{Settings, SettingsError, Shards};
use streamwarden::telemetry::metrics;

use super::premises::{PATIENCE, STREAM, Taker, Watched, ahead, read, settings, system};
use crate::standin::world::sequence_text;
use crate::standin::{Fault, Standin};

fn impatient() -> CallTimes {
    CallTimes { connect: Duration::from_secs(2), call: Duration::from_millis(400) }
}

/// Reads `count` numbered records under the script to their end, and checks what must hold whatever happens.
async fn all_are_settled_once(standin: &Standin, settings: Settings, count: u32) -> Arc<Watched> {
    let taker = Taker::new();
    let journal = Watched::new(system(), &taker);
    let shards = read(settings, standin.kinesis_within(impatient()), &journal, &taker, system());
    taker.has_settled(count as usize).await;
    shards.stop().await;
    assert_eq!(taker.numbers(), (0..count).collect::<Vec<_>>(), "each once");
    taker.assert_order();
    assert_eq!(*journal.ahead.lock().unwrap(), [""; 0], "no cursor is ahead");
    let world = standin.world();
    assert_eq!(world.over_rate, 0, "no shard was asked beyond its limits");
    for shard in &world.streams[STREAM].shards {
        let newest = shard.puts.last().map(|newest| format!("after={}", sequence_text(newest.sequence)));
        let end = if shard.last_sequence.is_some() { Some("ended".to_owned()) } else { newest };
        assert_eq!(journal.cursor(&shard.id), end, "the cursor of {} is at its end", shard.id);
    }
    drop(world);
    journal
}

#[tokio::test]
async fn every_fault_of_a_call_is_survived() {
    let slow = Fault::Slow(Duration::from_millis(900));
    let cases = [
        ("GetRecords", vec![Fault::THROTTLED, Fault::THROTTLED]),
        ("GetRecords", vec![Fault::EXPIRED, Fault::EXPIRED, Fault::None, Fault::EXPIRED]),
        ("GetRecords", vec![Fault::INTERNAL, Fault::Malformed]),
        ("GetRecords", vec![slow.clone(), Fault::Reset]),
        ("GetRecords", vec![Fault::Empty, Fault::Empty, Fault::Empty]),
        ("GetRecords", vec![Fault::DENIED]),
        ("GetShardIterator", vec![Fault::THROTTLED, Fault::Malformed, slow.clone()]),
        ("ListShards", vec![Fault::INTERNAL, Fault::Reset]),
        ("DescribeStreamSummary", vec![Fault::THROTTLED, slow]),
    ];
    let played = cases.map(|(operation, faults)| async move {
        println!("{operation}: {faults:?}");
        let standin = Standin::start();
        standin.world().create(STREAM, 2);
        standin.put(STREAM, 0..300);
        standin.script(operation, faults);
        all_are_settled_once(&standin, settings(), 300).await;
        let world = standin.world();
        assert!(world.faults.values().all(|left| left.is_empty()), "{operation}: not played: {:?}", world.faults);
    });
    futures_util::future::join_all(played).await;
}

#[tokio::test]
async fn pushed_records_are_settled_like_polled_ones_over_ends_and_faults_of_subscriptions() {
    let standin = Standin::start();
    standin.world().create(STREAM, 2);
    standin.world().subscription_events = 2;
    standin.put(STREAM, 0..1_500);
    assert!(standin.world().split(STREAM, "shardId-000000000000", 1 << 126).is_ok());
    standin.put(STREAM, 1_500..2_500);
    standin.script("SubscribeToShard", [Fault::THROTTLED, Fault::INTERNAL, Fault::Reset]);
    let consumer = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{STREAM}/consumer/warden:1");
    let settings = Settings { consumer_arn: Some(consumer), ..settings() };
    all_are_settled_once(&standin, settings, 2_500).await;
    let world = standin.world();
    assert!(!world.calls.iter().any(|call| call == "GetRecords"), "nobody polls beside a subscription");
}

#[tokio::test]
async fn a_listing_of_many_pages_is_read_whole() {
    let standin = Standin::start();
    standin.world().create(STREAM, 7);
    standin.world().page = 2;
    standin.put(STREAM, 0..200);
    all_are_settled_once(&standin, settings(), 200).await;
}

#[tokio::test]
async fn a_read_of_all_that_a_call_gives_is_followed_by_the_rest_that_the_shard_needs() {
    // A fifth of what Kinesis gives at once: all of it is parsed for seconds by code that is not optimised.
    const RECORD_BYTES: usize = (2 << 20) / 10;
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.world().read_bytes_max = 2 << 20;
    let padded = |n: u32| format!("{}{n:02}", "0".repeat(RECORD_BYTES - 2)).into_bytes(); // a number of many digits
    for n in 0..12 {
        assert!(standin.world().put(STREAM, "one", None, padded(n)).is_ok());
    }
    let taker = Taker::new();
    let journal = Watched::new(system(), &taker);
    let shards = read(settings(), standin.kinesis(), &journal, &taker, system());
    taker.has_settled(12).await;
    shards.stop().await;
    assert_eq!(taker.numbers(), (0..12).collect::<Vec<_>>());
    let world = standin.world();
    assert_eq!(world.over_rate, 0, "no read came before the shard had rested");
    assert!(world.calls.iter().filter(|call| *call == "GetRecords").count() >= 2, "it took more than one");
}

#[tokio::test]
async fn what_finds_no_durable_outcome_is_kept_and_handed_over_again_in_order() {
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..100);
    let taker = Taker::refusing(130); // all of them once, the first thirty of the second round
    let journal = Watched::new(system(), &taker);
    let shards = read(settings(), standin.kinesis(), &journal, &taker, system());
    taker.has_settled(100).await;
    shards.stop().await;
    assert_eq!(taker.numbers(), (0..100).collect::<Vec<_>>());
    assert_eq!(*journal.ahead.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn at_the_bound_in_flight_reading_pauses_and_the_lag_shows() {
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..25_000);
    let taker = Taker::hanging(0..25_000);
    let clock = ahead(1);
    let journal = Watched::new(clock.clone(), &taker);
    let settings = Settings { in_flight_max: 10, stop_within_s: 0, ..settings() };
    // No call is given up and made again: here they are counted.
    let patient = CallTimes { call: PATIENCE, ..CallTimes::default() };
    let shards = read(settings, standin.kinesis_within(patient), &journal, &taker, clock);
    taker.has_taken(10).await;
    let shown = async {
        while !metrics().text().lines().any(|line| {
            line.strip_prefix("streamwarden_kinesis_lag_milliseconds{shard=\"shardId-000000000000\"} ")
                .is_some_and(|ms| ms.parse::<u64>().is_ok_and(|ms| ms >= 3_000_000))
        }) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, shown).await.expect("the oldest record's age is shown");
    shards.stop().await;
    assert_eq!(taker.taken.lock().unwrap().len(), 10, "none is handed over beyond the bound");
    let reads = standin.world().calls.iter().filter(|call| *call == "GetRecords").count();
    assert!(reads <= 2, "one read is held and one waits behind it, {reads} were made");
    assert_eq!(journal.cursor("shardId-000000000000"), None, "nothing is settled");
}

#[tokio::test]
async fn a_stream_that_is_not_there_yet_is_waited_for_and_said_to_be_missing() {
    let standin = Standin::start();
    let taker = Taker::new();
    let journal = Watched::new(system(), &taker);
    let shards = read(settings(), standin.kinesis(), &journal, &taker, system());
    let mut status = shards.status();
    let failing = tokio::time::timeout(PATIENCE, status.wait_for(|status| status.failure.is_some())).await;
    let failure = failing.unwrap().unwrap().failure.clone().unwrap();
    assert!(failure.contains("ListShards") && failure.contains("not_found"), "{failure}");
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..10);
    taker.has_settled(10).await;
    assert_eq!(shards.status().borrow().failure, None);
    shards.stop().await;
}

#[tokio::test]
async fn settings_out_of_bounds_start_nothing() {
    let standin = Standin::start();
    let taker = Taker::new();
    let journal = Watched::new(system(), &taker);
    let settings = Settings { poll_every_ms: 10, ..settings() };
    let refused: SettingsError =
        Shards::start(settings, standin.kinesis(), journal, taker, system()).expect_err("five reads a second at most");
    assert_eq!(refused.setting, "poll_every_ms");
}
