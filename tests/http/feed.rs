//! The live feed over real connections: no gap, no repetition, and nobody waits for a slow reader.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use socket2::{Domain, Socket, Type};
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::events::*;
use streamwarden::http::{App, Feed as HttpFeed, Gate, Patience, Server};
use streamwarden::journal::{Append, Expected, Journal};
use streamwarden::model::*;
use tokio::time::timeout;

use crate::listening::{Listening, Sent, stuck};
use crate::premises::{Live, Premises, json as answer};
use crate::scripted::PATIENCE;

/// A connection to the live feed.
struct Feed(Listening);

impl Feed {
    async fn open(live: &Live, query: &str, last_event_id: Option<u64>) -> Self {
        let mut request = live.get(&format!("/v1/feed?{query}"));
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id.to_string());
        }
        Self(Listening::to(request).await)
    }

    async fn next(&mut self) -> Option<Sent> {
        self.0.next().await
    }

    async fn positions(&mut self, count: usize) -> Vec<u64> {
        let mut positions = Vec::new();
        while positions.len() < count {
            let sent = self.next().await.expect("more events come");
            assert_eq!(sent.id, sent.data["position"].as_u64(), "{sent:?}");
            positions.extend(sent.id);
        }
        positions
    }
}

/// Appends events to a channel, waiting for each to be durable; their positions. The channel's warden may wake at a
/// restart and say something itself, so readers ask for this type alone.
async fn append(live: &Live, channel: &str, numbers: std::ops::Range<u64>) -> Vec<u64> {
    let mut positions = Vec::new();
    for number in numbers {
        let id = EventId::of_command("feed-test", &[channel.as_bytes(), &number.to_be_bytes()]);
        let session = SessionId::new(format!("st-{number}-{}", "x".repeat(60))).expect("a sound id");
        let new = NewEvent {
            id,
            event: SessionStarted { session, because: SessionStartBecause::Announced }.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let scope = ChannelId::new(channel).expect("a sound id").into();
        let ticket = live.house.journal.append(Append { scope, expected: Expected::Any, events: vec![new] });
        match ticket.durable().await.expect("it is stored") {
            streamwarden::journal::Appended::New { first, .. } => positions.push(first.0),
            repeated => panic!("{repeated:?}"),
        }
    }
    positions
}

#[actix_rt::test]
async fn a_client_that_resumes_misses_nothing_and_gets_nothing_twice_while_the_journal_grows() {
    let premises = Premises::new();
    let live = premises.open().await;
    let past = append(&live, "a", 0..20).await;
    let reading = async {
        let mut seen = Vec::new();
        let mut last = None;
        // Connections of all lengths, each taking up where the one before was dropped.
        for count in [1, 2, 3, 5, 8, 13, 21, 27] {
            let query = format!("channel=a&type=SessionStarted&after={}", past[0] - 1);
            let mut feed = Feed::open(&live, &query, last).await;
            let positions = feed.positions(count).await;
            last = positions.last().copied();
            seen.extend(positions);
        }
        seen
    };
    let (seen, more) = tokio::join!(reading, append(&live, "a", 20..80));
    assert_eq!(seen, [past, more].concat());
    live.close().await;
}

#[actix_rt::test]
async fn only_what_is_asked_for_comes_and_by_default_what_is_new() {
    let premises = Premises::new();
    let live = premises.open().await;
    append(&live, "a", 0..3).await;
    let mut now = Feed::open(&live, "channel=a,b&type=SessionStarted", None).await;
    let mut other = Feed::open(&live, "channel=b&type=SessionStarted", None).await;
    let first = append(&live, "a", 3..4).await;
    let second = append(&live, "b", 0..1).await;
    assert_eq!(now.positions(2).await, [&first[..], &second[..]].concat());
    let sent = other.next().await.expect("it comes");
    assert_eq!((sent.id, &sent.data["scope"]), (Some(second[0]), &json!("b")));
    live.close().await;
}

#[actix_rt::test]
async fn a_server_that_stops_tells_its_readers_to_resume_and_the_next_one_goes_on_there() {
    let premises = Premises::new();
    let live = premises.open().await;
    let past = append(&live, "a", 0..5).await;
    let mut feed = Feed::open(&live, &format!("channel=a&type=SessionStarted&after={}", past[0] - 1), None).await;
    assert_eq!(feed.positions(5).await, past);
    let ending = async {
        let told = feed.next().await.expect("it is told");
        assert_eq!(feed.next().await, None, "and that was the last");
        told
    };
    let (told, ()) = tokio::join!(ending, live.close());
    assert_eq!((told.kind.as_str(), &told.data["because"]), ("resume", &json!("closing")));
    let live = premises.open().await;
    let more = append(&live, "a", 5..8).await;
    let mut feed = Feed::open(&live, "channel=a&type=SessionStarted", told.id).await;
    assert_eq!(feed.positions(3).await, more);
    live.close().await;
}

/// A second server on the house, with a feed that loses its patience as said, and the first one's readers beside it.
pub fn impatient(live: &Live, patience: Patience) -> Server {
    impatient_on(TcpListener::bind("127.0.0.1:0").expect("a free port"), live, patience)
}

fn impatient_on(listener: TcpListener, live: &Live, patience: Patience) -> Server {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut app = App::of(&live.house, clock.clone());
    app.feed = HttpFeed::new(live.house.journal.clone(), live.house.consumers.clone(), patience);
    Server::start(listener, Arc::new(app), Arc::new(Gate::open(clock).expect("it opens"))).expect("it starts")
}

/// More than all buffers on the way to a reader hold: some twenty megabytes.
async fn flood_all(live: &Live) -> usize {
    flood(live, 100, 64).await
}

/// So many appends of so many events of three kilobytes; how many those are.
async fn flood(live: &Live, appends: u64, events: u64) -> usize {
    for number in 0..appends {
        let events = (0..events).map(|ordinal| NewEvent {
            id: EventId::of_command("flood", &[&number.to_be_bytes(), &ordinal.to_be_bytes()]),
            event: ChannelQuarantined { frame: FrameId::from_bytes([0; 16]), reason: "x".repeat(2800) }.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        });
        let scope = ChannelId::new("flood").expect("a sound id").into();
        let append = Append { scope, expected: Expected::Any, events: events.collect() };
        live.house.journal.append(append).durable().await.expect("it is stored");
    }
    (appends * events) as usize
}

/// What the process counted of connections that were dropped because they took nothing.
fn dropped() -> u64 {
    let text = streamwarden::telemetry::metrics().text();
    let line = text.lines().find(|line| line.starts_with("streamwarden_feed_dropped")).expect("it is counted");
    line.rsplit(' ').next().and_then(|count| count.parse().ok()).expect("a number")
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

#[actix_rt::test]
async fn a_reader_that_takes_nothing_is_told_to_resume_and_dropped_while_others_go_on() {
    let premises = Premises::new();
    let live = premises.open().await;
    let never = Duration::from_secs(3600);
    let server = impatient(&live, Patience { until_dropped: Duration::from_millis(300), until_hung_up: never });
    let mut quick = Feed::open(&live, "channel=flood,a&type=SessionStarted,ChannelQuarantined", None).await;
    let before = dropped();
    let mut stuck = stuck(server.address(), "/v1/feed?after=0");
    let (positions, count) = tokio::join!(quick.positions(6400), flood_all(&live));
    assert_eq!(positions.len(), count);
    let after = append(&live, "a", 0..1).await;
    assert_eq!(quick.positions(1).await, after, "nobody waits for one that takes nothing");
    until("it is dropped", || dropped() > before).await;
    let text = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        stuck.read_to_string(&mut text).map(|_| text)
    });
    let server = tokio::task::spawn_local(server.stop());
    let text = text.await.expect("it is read").expect("it ends in order");
    let ids: Vec<u64> = text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect();
    let resumed = *ids.last().expect("it got something");
    assert!(text.contains("event: resume") && text.contains(r#""because":"slow""#), "{}", &text[text.len() - 300..]);
    assert!(ids.len() < count, "it did not get everything");
    assert_eq!(ids[ids.len() - 2], resumed, "it resumes after the last that it was sent");
    server.await.expect("the server stops");
    live.close().await;
}

#[actix_rt::test]
async fn a_reader_that_goes_on_taking_nothing_is_hung_up_on() {
    let premises = Premises::new();
    let live = premises.open().await;
    let soon = Duration::from_millis(300);
    let server = impatient(&live, Patience { until_dropped: soon, until_hung_up: soon });
    let mut stuck = stuck(server.address(), "/v1/feed?after=0");
    flood_all(&live).await;
    // It still reads nothing; that it is gone shows in a server that stops without the half minute it gives connections.
    timeout(Duration::from_secs(20), server.stop()).await.expect("nobody is waited for");
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let _ = stuck.read_to_end(&mut bytes); // what was on its way may be lost with the connection
        bytes.len()
    });
    assert!(read.await.expect("it is read") < 6400 * 2800);
    live.close().await;
}

/// Buffers of that size on the way to a reader; the kernel doubles it, and no longer changes it.
const NARROW: usize = 4096;

fn narrow() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_send_buffer_size(NARROW).expect("a small buffer");
    socket.set_recv_buffer_size(NARROW).expect("a small buffer");
    socket
}

/// Reads no further than where that has come.
async fn read_until(mut reader: TcpStream, wanted: &'static str) -> TcpStream {
    let reading = tokio::task::spawn_blocking(move || {
        let (mut read, mut byte) = (Vec::new(), [0]);
        while !read.ends_with(wanted.as_bytes()) {
            reader.read_exact(&mut byte).expect("more comes");
            read.push(byte[0]);
        }
        reader
    });
    reading.await.expect("it is read")
}

#[actix_rt::test]
async fn a_reader_that_does_not_take_the_last_it_is_told_does_not_hold_a_server_up() {
    let premises = Premises::new();
    let live = premises.open().await;
    let listening = narrow();
    listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    listening.listen(16).expect("it listens");
    let (soon, never) = (Duration::from_millis(300), Duration::from_secs(3600));
    let server = impatient_on(listening.into(), &live, Patience { until_dropped: never, until_hung_up: soon });
    let reader = narrow();
    reader.connect(&server.address().into()).expect("it connects");
    let mut reader = TcpStream::from(reader);
    // More than the sockets hold, and less than that and what the server makes ready ahead of them (32 KiB): it has
    // asked for more when it is told to stop, and nothing is under way but the last.
    write!(reader, "GET /v1/feed?after=0&channel=flood HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is sent");
    reader.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let reader = read_until(reader, ": connected").await;
    flood(&live, 1, 10).await;
    let mut reader = read_until(reader, "ChannelQuarantined").await;
    timeout(Duration::from_secs(20), server.stop()).await.expect("it is not waited for");
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let _ = reader.read_to_end(&mut bytes);
        bytes
    });
    let read = String::from_utf8(read.await.expect("it is read")).expect("text");
    assert!(!read.contains("event: resume"), "it did not get the last: {read}");
    live.close().await;
}

#[actix_rt::test]
async fn who_takes_nothing_is_hung_up_on_though_who_came_first_is_gone_and_their_thread_with_them() {
    let premises = Premises::new();
    let live = premises.open().await;
    let late = Duration::from_secs(3);
    let server = impatient(&live, Patience { until_dropped: late, until_hung_up: late });
    // Connections go to the server's threads in turn: the first one's has none left when it is told to stop.
    drop(Listening::to(reqwest::Client::new().get(format!("http://{}/v1/feed", server.address()))).await);
    let _stuck = stuck(server.address(), "/v1/feed?after=0");
    flood(&live, 40, 64).await;
    timeout(Duration::from_secs(20), server.stop()).await.expect("nobody is waited for");
    live.close().await;
}

#[actix_rt::test]
async fn a_replay_comes_to_who_asked_beside_live_events_and_without_ids() {
    let premises = Premises::new();
    let live = premises.open().await;
    let past = append(&live, "a", 0..10).await;
    let mut without = Feed::open(&live, "channel=a&type=SessionStarted", None).await;
    let mut with = Feed::open(&live, "channel=a&type=SessionStarted&replays=all", None).await;
    let new = json!({ "name": "appeal", "target": "feed", "filter": { "channels": ["a"] } });
    let (status, replay) = answer(live.post("/v1/replays").json(&new)).await;
    assert_eq!(status, 201, "{replay}");
    let mut again = Vec::new();
    while again.len() < 10 {
        let sent = with.next().await.expect("it comes");
        assert_eq!((sent.kind.as_str(), sent.id), ("replayed", None));
        assert_eq!(sent.data["replay"], json!({ "id": replay["id"], "name": "appeal" }));
        again.extend(sent.data["position"].as_u64());
    }
    assert_eq!(again, past);
    let new = append(&live, "a", 10..11).await;
    assert_eq!(without.positions(1).await, new, "who did not ask hears nothing of it");
    assert_eq!(with.positions(1).await, new);
    let (_, ended) = answer(live.get(&format!("/v1/replays/{}", replay["id"].as_str().expect("an id")))).await;
    assert_eq!(ended["state"], "completed");
    live.close().await;
}

#[actix_rt::test]
async fn what_is_refused_says_why() {
    let premises = Premises::new();
    let live = premises.open().await;
    for (query, status, says) in [
        ("after=1000000", 422, "beyond"),
        ("after=-1", 400, "query"),
        ("type=Rumour", 400, "no event has that type"),
        ("recorded_from=yesterday", 400, "recorded_from"),
        ("replays=some", 400, "replay id"),
        ("colour=red", 400, "unknown field"),
    ] {
        let (found, problem) = answer(live.get(&format!("/v1/feed?{query}"))).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(found == status && detail.contains(says), "{query}: {found} {detail}");
    }
    let (status, _) = answer(live.get("/v1/feed").header("Last-Event-ID", "latest")).await;
    assert_eq!(status, 400);
    let mut open = Vec::new();
    for _ in 0..32 {
        open.push(Feed::open(&live, "", None).await);
    }
    let (status, problem) = answer(live.get("/v1/feed")).await;
    assert_eq!((status, &problem["code"]), (429, &json!("too_many")));
    drop(open);
    live.close().await;
}
