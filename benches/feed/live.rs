//! How soon a page has a row: five thousand live channels, two hundred events a second all over them, one connection to
//! the live picture and, in the same run, one to the feed. What is measured ends with the last byte read by the client;
//! the live picture waits up to a quarter of a second on purpose, so that many changes are one message.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use reqwest::Client;
use streamwarden::http::auth::config::AuthConfig;
use tokio::sync::mpsc;

use crate::{append_to, open};

/// Channels on the air.
const CHANNELS: usize = 5_000;
/// One event every so often.
const PACE: Duration = Duration::from_millis(5);
/// For so long.
const SECONDS: usize = 30;
/// Appends of the beginning that wait for their sync at the same time.
const UNDER_WAY: usize = 64;
/// What has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// When the event at a position was read, and by which of the two.
type Read = (u64, Instant);

/// Prints the rows.
pub async fn measured() {
    let dir = tempfile::tempdir().expect("a directory");
    let (house, server) = open(dir.path(), &AuthConfig::open()).await;
    for numbers in (0..CHANNELS).collect::<Vec<_>>().chunks(UNDER_WAY) {
        let begun = numbers.iter().map(async |number| append_to(&house, &channel(*number), *number).await);
        futures_util::future::join_all(begun).await;
    }
    let base = format!("http://{}", server.address());
    let (fed, mut feed) = mpsc::unbounded_channel();
    let feeding = tokio::spawn(read(format!("{base}/v1/feed"), fed, positions_of_feed));
    assert_eq!(feed.recv().await.map(|(position, _)| position), Some(0), "the feed is open");
    let (shown, mut live) = mpsc::unbounded_channel();
    let asked = Instant::now();
    let showing = tokio::spawn(read(format!("{base}/v1/live"), shown, positions_of_live));
    let ready = loop {
        match live.recv().await.expect("the picture comes") {
            (0, at) => break at,
            _ => continue, // a row of the beginning
        }
    };

    let mut durable: HashMap<u64, Instant> = HashMap::new();
    let mut pace = actix_rt::time::interval(PACE);
    for number in 0..SECONDS * 1000 / PACE.as_millis() as usize {
        pace.tick().await;
        let (position, at) = append_to(&house, &channel(number * 7919 % CHANNELS), CHANNELS + number).await;
        durable.insert(position, at);
    }
    let feed = took(&mut feed, &durable).await;
    let live = took(&mut live, &durable).await;
    let ms = |took: Duration| took.as_secs_f64() * 1000.0;
    let at = |took: &[Duration], share: f64| ms(took[((took.len() - 1) as f64 * share) as usize]);
    println!("{:<44} {:>12.2}", format!("live: {CHANNELS} channels, all sent after, ms"), ms(ready - asked));
    for (what, took) in [("feed", &feed), ("live: rows", &live)] {
        let what = format!("{what}, {} events at {} a second", took.len(), 1000 / PACE.as_millis());
        println!("{what:<44} {:>12.2} {:>12.2} {:>12.2}", at(took, 0.5), at(took, 0.99), at(took, 1.0));
    }
    let ratio = |share| at(&live, share) / at(&feed, share);
    println!("{:<44} {:>12.1} {:>12.1} {:>12.1}", "live over feed", ratio(0.5), ratio(0.99), ratio(1.0));
    feeding.abort();
    showing.abort();
    server.stop().await;
    house.close().await;
}

fn channel(number: usize) -> String {
    format!("bench/{number:04}")
}

/// How long each event took to be read, sorted. Every one has to come.
async fn took(read: &mut mpsc::UnboundedReceiver<Read>, durable: &HashMap<u64, Instant>) -> Vec<Duration> {
    let mut took = HashMap::new();
    while took.len() < durable.len() {
        let came = tokio::time::timeout(PATIENCE, read.recv()).await.expect("it comes").expect("it goes on");
        if let Some(durable) = durable.get(&came.0) {
            took.entry(came.0).or_insert(came.1.saturating_duration_since(*durable));
        }
    }
    let mut took: Vec<Duration> = took.into_values().collect();
    took.sort_unstable();
    took
}

/// Reads events and gives the positions that each tells of; 0 for what begins or completes a connection.
async fn read(url: String, into: mpsc::UnboundedSender<Read>, positions: fn(&str) -> Vec<u64>) {
    let mut response = Client::new().get(url).send().await.expect("it answers");
    let mut buffer = Vec::new();
    let mut looked = 0;
    while let Some(chunk) = response.chunk().await.expect("it is read") {
        let at = Instant::now();
        buffer.extend_from_slice(&chunk);
        while let Some(end) = memchr::memmem::find(&buffer[looked..], b"\n\n").map(|end| looked + end) {
            let told = positions(std::str::from_utf8(&buffer[..end]).expect("text"));
            buffer.drain(..end + 2);
            looked = 0;
            for position in told {
                if into.send((position, at)).is_err() {
                    return;
                }
            }
        }
        looked = buffer.len().saturating_sub(1);
    }
}

fn positions_of_feed(block: &str) -> Vec<u64> {
    let id = block.lines().find_map(|line| line.strip_prefix("id: "));
    match id {
        Some(id) if block.contains("data: ") => vec![id.parse().expect("a position")],
        Some(_) => vec![], // a heartbeat
        None => vec![0],   // connected
    }
}

fn positions_of_live(block: &str) -> Vec<u64> {
    /// How a row ends; reading the rows as JSON would take the time that is measured.
    const BEFORE: &str = "\"last_event\":{\"position\":";
    if block.starts_with("event: ready") {
        return vec![0];
    }
    if !block.starts_with("event: channels") {
        return vec![];
    }
    let behind = block.split(BEFORE).skip(1);
    let positions = behind.map(|rest| rest.split(',').next().and_then(|digits| digits.parse().ok()));
    positions.map(|position| position.expect("a position")).collect()
}
