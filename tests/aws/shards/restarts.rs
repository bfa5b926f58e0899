//! Ends and beginnings: orderly stops, kills, time that passes meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use streamwarden::journal::Journal;
use streamwarden::shards::{Settings, Shards, Start};

use super::premises::{PATIENCE, STREAM, Taker, Watched, ahead, read, settings, system};
use crate::standin::Standin;
use crate::standin::world::sequence_text;

const SHARD: &str = "shardId-000000000000";

fn cursor_at(standin: &Standin, index: usize) -> Option<String> {
    let world = standin.world();
    Some(format!("after={}", sequence_text(world.streams[STREAM].shards[0].puts[index].sequence)))
}

#[tokio::test]
async fn one_of_ten_thousand_hangs_and_after_a_restart_nothing_is_lost() {
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..10_000);
    let hanging = Taker::hanging([4_000]);
    let journal = Watched::new(system(), &hanging);
    let settings = Settings { stop_within_s: 0, ..settings() };
    let shards = read(settings.clone(), standin.kinesis(), &journal, &hanging, system());
    hanging.has_settled(9_999).await;
    shards.stop().await;
    hanging.assert_order();
    assert_eq!(hanging.taken.lock().unwrap().len(), 10_000, "each was handed over once, by this run");
    assert_eq!(journal.cursor(SHARD), cursor_at(&standin, 3_999), "the cursor is right before the one that hangs");

    let taker = Taker::new();
    let shards = read(settings, standin.kinesis(), &journal, &taker, system());
    taker.has_settled(6_000).await;
    shards.stop().await;
    taker.assert_order();
    assert_eq!(taker.numbers(), (4_000..10_000).collect::<Vec<_>>(), "all from it on, and none before it");
    assert_eq!(journal.cursor(SHARD), cursor_at(&standin, 9_999));
    assert_eq!(*journal.ahead.lock().unwrap(), [""; 0]);
}

#[test]
fn a_kill_between_settling_and_keeping_the_cursor_loses_nothing() {
    let standin = Standin::start();
    standin.world().create(STREAM, 2);
    standin.put(STREAM, 0..700); // fewer than make a cursor be kept at once
    let first = Taker::new();
    let journal = Watched::new(system(), &first);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let killed = runtime();
    let shards = killed.block_on(async {
        let shards = read(settings(), standin.kinesis(), &journal, &first, system());
        first.has_settled(300).await;
        shards
    });
    killed.shutdown_background(); // no task of it runs again, whatever it was about to do
    drop(shards);
    runtime().block_on(the_rest_is_settled(&standin, &journal, &first));
}

async fn the_rest_is_settled(standin: &Standin, journal: &Arc<Watched>, first: &Arc<Taker>) {
    let second = Taker::new();
    let shards = read(settings(), standin.kinesis(), journal, &second, system());
    let settled: std::collections::BTreeSet<u32> = first.numbers().into_iter().collect();
    second.has_settled(700 - settled.len()).await;
    let all = async {
        while !(0..700).all(|n| settled.contains(&n) || second.numbers().binary_search(&n).is_ok()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("every record is settled by one run or the other");
    shards.stop().await;
    second.assert_order();
    assert_eq!(*journal.ahead.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn an_iterator_that_expires_between_reads_costs_nothing() {
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..100);
    let taker = Taker::new();
    let journal = Watched::new(system(), &taker);
    let shards = read(settings(), standin.kinesis(), &journal, &taker, system());
    for round in 1..4_u32 {
        taker.has_settled(100 * round as usize).await;
        standin.world().expire_iterators();
        standin.put(STREAM, 100 * round..100 * round + 100);
    }
    taker.has_settled(400).await;
    shards.stop().await;
    assert_eq!(taker.numbers(), (0..400).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_newest_is_what_arrives_after_the_first_start_whoever_runs_then() {
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..50);
    for put in &mut standin.world().streams.get_mut(STREAM).unwrap().shards[0].puts {
        put.arrived_ms -= 60_000;
    }
    let first = Taker::new();
    let journal = Watched::new(system(), &first);
    let settings = Settings { start: Start::Latest, ..settings() };
    let shards = read(settings.clone(), standin.kinesis(), &journal, &first, system());
    let mut status = shards.status();
    tokio::time::timeout(PATIENCE, status.wait_for(|status| status.reading == 1)).await.unwrap().unwrap();
    shards.stop().await;
    assert_eq!(first.numbers(), [0; 0]);
    standin.put(STREAM, 50..60); // nobody runs
    let second = Taker::new();
    let shards = read(settings, standin.kinesis(), &journal, &second, system());
    second.has_settled(10).await;
    shards.stop().await;
    assert_eq!(second.numbers(), (50..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn records_that_expired_unread_are_a_gap_told_once_and_reading_goes_on() {
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..20);
    let first = Taker::new();
    let journal = Watched::new(system(), &first);
    let shards = read(settings(), standin.kinesis(), &journal, &first, system());
    first.has_settled(20).await;
    shards.stop().await;
    assert_eq!(journal.gaps(), []);

    standin.put(STREAM, 20..50);
    standin.world().shard(STREAM, SHARD).map(|shard| shard.trimmed = 40).ok().unwrap();
    let tomorrow = ahead(25);
    for _ in 0..2 {
        let second = Taker::new();
        let shards = read(settings(), standin.kinesis(), &journal, &second, tomorrow.clone());
        let mut status = shards.status();
        tokio::time::timeout(PATIENCE, status.wait_for(|status| status.reading == 1)).await.unwrap().unwrap();
        if journal.cursor(SHARD) != cursor_at(&standin, 49) {
            second.has_settled(10).await;
            assert_eq!(second.numbers(), (40..50).collect::<Vec<_>>());
        }
        shards.stop().await;
        let gaps = journal.gaps();
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert_eq!(gaps[0].source, format!("kinesis:{STREAM}/{SHARD}"));
        assert!(gaps[0].from < gaps[0].to);
    }
}

#[tokio::test]
async fn a_shard_that_expired_unread_is_a_gap_and_its_children_are_read() {
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..20);
    let first = Taker::new();
    let journal = Watched::new(system(), &first);
    let shards = read(settings(), standin.kinesis(), &journal, &first, system());
    first.has_settled(20).await;
    shards.stop().await;

    standin.put(STREAM, 20..30);
    assert!(standin.world().split(STREAM, SHARD, 1 << 127).is_ok());
    standin.world().streams.get_mut(STREAM).unwrap().shards.remove(0);
    standin.put(STREAM, 30..60);
    let second = Taker::new();
    let shards = read(settings(), standin.kinesis(), &journal, &second, ahead(25));
    second.has_settled(30).await;
    shards.stop().await;
    assert_eq!(second.numbers(), (30..60).collect::<Vec<_>>());
    let gaps = journal.gaps();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].source, format!("kinesis:{STREAM}/{SHARD}"));
    assert_eq!(journal.cursor(SHARD), None, "nothing is kept of what is gone");
}

#[tokio::test]
async fn a_stream_made_again_under_its_name_is_another_one() {
    read_a_stream_and_the_next_of_its_name(false).await;
}

#[tokio::test]
async fn a_cursor_that_is_being_kept_when_its_stream_is_left_does_not_outlive_it() {
    read_a_stream_and_the_next_of_its_name(true).await;
}

async fn read_a_stream_and_the_next_of_its_name(slowly: bool) {
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    standin.put(STREAM, 0..20);
    let first = Taker::new();
    let journal = Watched::new(system(), &first);
    journal.slow.is_asked_for.store(slowly, Ordering::SeqCst);
    let shards: Shards = read(settings(), standin.kinesis(), &journal, &first, system());
    first.has_settled(20).await;
    let mut keeping = journal.slow.begun.subscribe();
    let kept = keeping.wait_for(|begun| *begun || !slowly);
    tokio::time::timeout(PATIENCE, kept).await.expect("a cursor is kept").unwrap();
    {
        let mut world = standin.world();
        world.create(STREAM, 2);
        world.streams.get_mut(STREAM).unwrap().created_ms += 1_000;
    }
    standin.put(STREAM, 100..130);
    first.has_settled(50).await;
    shards.stop().await;
    let mut expected: Vec<u32> = (0..20).collect();
    expected.extend(100..130);
    assert_eq!(first.numbers(), expected);
    assert_eq!(journal.gaps().len(), 1);
    assert_eq!(journal.gaps()[0].source, format!("kinesis:{STREAM}"));
    let journal: Arc<dyn Journal> = journal;
    assert_eq!(journal.marks("kinesis/").len(), 3, "the stream's and the two shards'");
}

#[tokio::test]
async fn a_packed_record_is_passed_when_all_of_its_notifications_are_settled() {
    let sample = include_str!("../../notifications/data/kpl-aggregated-record.json"); // three: {"n":0} to {"n":2}
    let sample: serde_json::Value = serde_json::from_str(sample).unwrap();
    let packed = aws_smithy_types::base64::decode(sample["Data_base64"].as_str().unwrap()).unwrap();
    let standin = Standin::start();
    standin.world().create(STREAM, 1);
    assert!(standin.world().put(STREAM, "one", None, packed).is_ok());
    let hanging = Taker::hanging([1]);
    let journal = Watched::new(system(), &hanging);
    let settings = Settings { stop_within_s: 0, ..settings() };
    let shards = read(settings.clone(), standin.kinesis(), &journal, &hanging, system());
    hanging.has_settled(2).await;
    shards.stop().await;
    assert_eq!((hanging.numbers(), journal.cursor(SHARD)), (vec![0, 2], None), "two of three are not the record");

    let taker = Taker::new();
    let shards = read(settings, standin.kinesis(), &journal, &taker, system());
    taker.has_settled(3).await;
    shards.stop().await;
    assert_eq!((taker.numbers(), journal.cursor(SHARD)), (vec![0, 1, 2], cursor_at(&standin, 0)));
}
