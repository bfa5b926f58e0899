//! The real binary at the whole loop in, killed again and again while one frame hangs: nothing that was put is without
//! its outcome in the end, nothing has two, and no cursor is ever ahead of the journal. Once at random moments, and once
//! while a call is in at the provider for certain and unanswered. Kinesis is our own stand-in, the
//! pictures lie in the emulator's S3, Rekognition is the stand-in that reads its answer in the picture.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::events::Event;
use streamwarden::journal::{Journal, Options, READ_LIMIT_MAX, SledJournal};
use streamwarden::model::{ChannelId, Position, Timestamp};
use tokio::time::timeout;

use crate::premises::PATIENCE;
use crate::serving::Serving;
use crate::standin::world::{Put, Shard, sequence_of};
use crate::standin::{Standin, World};
use crate::standins::{REGION, Stage, emulator, picture, s3};

const NAME: &str = "killed";
/// The channel one of whose frames hangs.
const HANGING: u32 = 7;
/// From one frame of a channel to the next: the policy looks at one in five, the others are too soon.
const EVERY_MS: u64 = 200;
/// What the picture shows on which Rekognition hangs, and how that looks in a request.
const HANGS: (&str, &str) = ("Pills=33", "UGlsbHM9");

/// So many calls would hang.
const HANGS_MAX: u64 = 1_000;

const POLICY: &str = "
policy: alcohol
version: 1
title: Alcohol is shown to a person
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s, tolerance: 500ms, max_age: 24h }
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80, action: warn }
";

/// The same, looking at the first frame of each channel: of ten thousand most are then skipped, as on a stream.
const SELDOM: &str = "
policy: alcohol
version: 1
title: Alcohol is shown to a person
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 10m, max_age: 24h }
similarity: off
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80, action: warn }
";

/// A number from the environment, for those who have time.
fn stated(variable: &str, default: u32) -> u32 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// A call may take half of the time that its frame has.
fn configuration(data: &Path, kinesis: &Standin, stage: &Stage, deadline_s: u32) -> String {
    let (kinesis, s3, rekognition) = (&kinesis.address, emulator(), &stage.endpoint);
    let (shutdown_s, call_s) = (deadline_s + 10, deadline_s / 2);
    format!(
        "[data]\ndirectory = {data:?}\n[listen]\naddress = \"127.0.0.1:0\"\nshutdown_timeout_s = {shutdown_s}\n\
         [auth]\nways = [\"open\"]\n[provider]\njudge = \"rekognition\"\n[wardens]\nframe_deadline_s = {deadline_s}\n\
         [aws]\nregion = {REGION:?}\ncall_timeout_s = {call_s}\n[aws.endpoints]\nkinesis = {kinesis:?}\ns3 = {s3:?}\n\
         rekognition = {rekognition:?}\n[kinesis]\nstream = {NAME:?}\nstart = \"trim_horizon\"\n"
    )
}

/// A frame as the journal and the stream both name it.
type Name = (String, Timestamp);

/// Frames of so many channels in turn, one of which shows what hangs: the one of that number, with which the channel
/// [`HANGING`] begins, so that it is looked at whatever the cadence. What came in its place before is of another channel.
struct Frames {
    all: u32,
    channels: u32,
    hanging: u32,
}

/// Puts the notifications of frames captured from `begin` on. Says which frame each record announces.
fn put(world: &mut World, frames: &Frames, begin: Timestamp) -> BTreeMap<u128, Name> {
    let Frames { all, channels, hanging } = *frames;
    let frame = |n: u32| {
        let (of, turn) = (n % channels, n / channels);
        let captured_at = begin.plus_ms(u64::from(turn) * EVERY_MS);
        let (channel, number) = match turn.checked_sub(hanging) {
            Some(since) if of == HANGING => (format!("ch-{of}"), since),
            None if of == HANGING => (format!("ch-{of}-before"), turn),
            _ => (format!("ch-{of}"), turn),
        };
        let hangs = turn == hanging && of == HANGING;
        let key = if hangs { "hangs.jpg" } else { "shows.jpg" };
        let said = json!({ "frame": {
            "channel": channel, "session": "evening", "number": number, "captured_at": captured_at,
            "bucket": NAME, "key": key,
        }});
        let put = world.put(NAME, &n.to_string(), None, said.to_string().into_bytes());
        (put.ok().unwrap().1, (channel, captured_at))
    };
    (0..all).map(frame).collect()
}

/// What the journal says.
struct Left {
    /// How often each frame has an outcome.
    outcomes: BTreeMap<Name, u32>,
    /// Up to which record each shard is settled.
    cursors: BTreeMap<String, u128>,
    /// The last event.
    head: Position,
}

/// What the directory says, with nobody in it.
async fn left(data: &Path) -> Left {
    let data = data.to_owned();
    tokio::task::spawn_blocking(move || read(&data)).await.unwrap()
}

fn read(data: &Path) -> Left {
    let journal = SledJournal::open(Options::new(data, Arc::new(SystemClock))).expect("the journal opens, verified");
    let mut outcomes: BTreeMap<Name, u32> = BTreeMap::new();
    let mut after = Position(0);
    loop {
        let page = journal.read(after, READ_LIMIT_MAX).expect("the journal can be read");
        let Some(last) = page.last() else { break };
        after = last.envelope.position;
        for recorded in &page {
            let is_outcome = matches!(
                recorded.event().expect("every event is known"),
                Event::FrameSkipped(_) | Event::FrameAssessed(_) | Event::FrameFailed(_)
            );
            let channel = recorded.envelope.scope.channel().map(ChannelId::to_string);
            if let (true, Some(channel), Some(at)) = (is_outcome, channel, recorded.envelope.captured_at) {
                *outcomes.entry((channel, at)).or_default() += 1;
            }
        }
    }
    let cursors = journal.marks(&format!("kinesis/{NAME}/")).into_iter().filter_map(|(name, mark)| {
        let sequence = mark.as_str().strip_prefix("after=")?.split(',').next()?;
        Some((name.as_str().rsplit('/').next()?.to_owned(), sequence_of(sequence)?))
    });
    Left { outcomes, cursors: cursors.collect(), head: after }
}

/// What may never be, however the program ended: a second outcome, or a cursor past a frame without one.
fn assert_sound(Left { outcomes, cursors, .. }: &Left, world: &World, announced: &BTreeMap<u128, Name>, round: &str) {
    let twice: Vec<_> = outcomes.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{round}: more than one outcome: {twice:?}");
    for shard in &world.streams[NAME].shards {
        let Some(cursor) = cursors.get(&shard.id) else { continue };
        let open = |put: &&Put| put.sequence <= *cursor && !outcomes.contains_key(&announced[&put.sequence]);
        let ahead: Vec<&Name> = shard.puts.iter().filter(open).map(|put| &announced[&put.sequence]).collect();
        assert!(ahead.is_empty(), "{round}: the cursor of {} is ahead of {ahead:?}", shard.id);
    }
}

/// Puts the pictures that frames show into the bucket, which both tests share.
async fn pictures() {
    let _ = s3().create_bucket().bucket(NAME).send().await; // the other test may have made it
    for (key, labels) in [("shows.jpg", "Alcohol=97.5"), ("hangs.jpg", HANGS.0)] {
        let body = ByteStream::from(picture(labels).to_vec());
        s3().put_object().bucket(NAME).key(key).body(body).send().await.unwrap();
    }
}

/// Waits until a call hangs: the script has one less of them.
async fn hangs(stage: &Stage) {
    let http = reqwest::Client::new();
    loop {
        let asked = http.post(format!("{}/_standin/script", stage.endpoint)).json(&json!({})).send().await.unwrap();
        let script: serde_json::Value = asked.json().await.unwrap();
        if script["faults"][0]["times"].as_u64().unwrap() < HANGS_MAX {
            return;
        }
    }
}

/// Waits for so many outcomes behind a position of the journal, as the feed tells of them.
async fn outcomes(serving: &Serving, after: Position, wanted: usize) {
    let (mut found, mut line) = (0, Vec::new());
    let feed = format!("{}/v1/feed?after={after}&type=FrameAssessed,FrameSkipped,FrameFailed", serving.base);
    let mut feed = reqwest::get(feed).await.unwrap();
    while found < wanted {
        for byte in feed.chunk().await.unwrap().expect("the feed goes on") {
            match byte {
                b'\n' => found += usize::from(std::mem::take(&mut line).starts_with(b"data: {\"id\":")),
                byte => line.push(byte),
            }
        }
    }
}

/// A sequence that the seed tells.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[actix_rt::test]
async fn killed_while_one_frame_hangs_the_program_loses_none_and_gives_none_a_second_outcome() {
    let (frames, kills) = (stated("KILLED_FRAMES", 500), stated("KILLED_TIMES", 4));
    let mut seed = u64::from(stated("KILLED_SEED", std::process::id())).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    println!("seed {seed}, {frames} frames, {kills} kills");
    let (kinesis, stage, dir) = (Standin::start(), Stage::new(), tempfile::tempdir().unwrap());
    let hang = json!({ "op": "rekognition.*", "kind": "hang", "s": 30, "times": HANGS_MAX, "where": HANGS.1 });
    stage.script(json!({ "faults": [hang] })).await;
    pictures().await;
    let (data, config) = (dir.path().join("data"), dir.path().join("streamwarden.toml"));
    std::fs::write(&config, configuration(&data, &kinesis, &stage, 8)).unwrap();
    kinesis.world().create(NAME, 3);

    let serving = Serving::start(&config);
    serving.publish(POLICY).await;
    // The fifth after the first is looked at again.
    let shown = Frames { all: frames, channels: 20, hanging: 5 };
    let announced = put(&mut kinesis.world(), &shown, SystemClock.now());
    let mut serving = Some(serving);
    let (mut head, mut behind) = (0, frames as usize);
    for round in 0..kills {
        let running = serving.take().unwrap_or_else(|| Serving::start(&config));
        // So many events later; a frame has one or two. The first time while the one frame hangs, unless the machine is so
        // busy that it fails before Rekognition is asked.
        let step = 1 + next(&mut seed) % u64::from(2 * frames / (kills + 1));
        let target = if round == 0 { frames / 2 } else { (head + step).min(frames.into()) as u32 }.into();
        let grown = |page: &serde_json::Value| page["head"].as_u64().unwrap() >= target;
        tokio::select! {
            _ = running.until("the journal grows", "/v1/events?limit=1", grown) => {}
            () = hangs(&stage), if round == 0 => println!("killed while it hangs"),
        }
        running.kill();
        let left = left(&data).await;
        let round = format!("seed {seed}, kill {round} at head {target}, {} outcomes", left.outcomes.len());
        println!("{round}");
        assert_sound(&left, &kinesis.world(), &announced, &round);
        behind = records_after(&left, &kinesis.world());
        head += step;
    }

    let last = Serving::start(&config);
    come_to(&last, Position(0), frames as usize, &format!("seed {seed}")).await;
    settles(&last, behind).await;
    last.end();
    assert_settled(&left(&data).await, &kinesis.world(), &announced);
}

/// One frame of ten thousand is with the provider, the call is in and unanswered, and all the others have come as far as
/// they can without it: then the program is killed.
#[actix_rt::test]
async fn killed_while_a_call_is_in_and_unanswered_its_shards_cursor_stands_before_its_frame() {
    const CHANNELS: u32 = 50;
    const LOOKED_AT: u32 = 50;
    // It, and the newest of its channel, which waits behind it.
    const OPEN: usize = 2;
    let frames = stated("HANGING_FRAMES", 10_000);
    let (kinesis, stage, dir) = (Standin::start(), Stage::new(), tempfile::tempdir().unwrap());
    // One call hangs for longer than anybody waits; when the same is asked again it is answered.
    let hang = json!({ "op": "rekognition.*", "kind": "hang", "s": 600, "times": 1, "where": HANGS.1 });
    stage.script(json!({ "faults": [hang] })).await;
    pictures().await;
    let (data, config) = (dir.path().join("data"), dir.path().join("streamwarden.toml"));
    std::fs::write(&config, configuration(&data, &kinesis, &stage, 110)).unwrap();
    kinesis.world().create(NAME, 3);
    let serving = Serving::start(&config);
    serving.publish(SELDOM).await;
    let begin = SystemClock.now().minus_ms(u64::from(frames / CHANNELS) * EVERY_MS);
    let shown = Frames { all: frames, channels: CHANNELS, hanging: LOOKED_AT };
    let announced = put(&mut kinesis.world(), &shown, begin);
    let frame: Name = (format!("ch-{HANGING}"), begin.plus_ms(u64::from(LOOKED_AT) * EVERY_MS));
    let (sequence, _) = announced.iter().find(|(_, name)| **name == frame).expect("it was announced");

    let hanging = async {
        while stage.under_way().await.iter().all(|call| call["fault"] != "hang") {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, hanging).await.expect("a call comes that hangs");
    come_to(&serving, Position(0), frames as usize - OPEN, "while one hangs").await;
    let in_and_unanswered = stage.under_way().await;
    serving.kill();
    assert_eq!(in_and_unanswered.len(), 1, "what is in and unanswered at the kill: {in_and_unanswered:?}");
    assert_eq!(in_and_unanswered[0]["fault"], "hang", "{in_and_unanswered:?}");
    let seen = async {
        while !stage.under_way().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, seen).await.expect("the stand-in sees that nobody waits for the answer any more");
    let calls = stage.calls().await;
    let hung: Vec<_> = calls.iter().filter(|call| call["fault"] == "hang").collect();
    assert_eq!(hung.len(), 1, "{hung:?}");
    assert_eq!(hung[0]["error"], "client went away", "it was unanswered until the kill: {hung:?}");

    let before = left(&data).await;
    assert_sound(&before, &kinesis.world(), &announced, "at the kill");
    assert_eq!(before.outcomes.len(), frames as usize - OPEN);
    assert!(!before.outcomes.contains_key(&frame), "the frame that hangs has no outcome");
    let (shard, cursor, place, of) = {
        let world = kinesis.world();
        let holds = |shard: &&Shard| shard.puts.iter().any(|put| put.sequence == *sequence);
        let shard = world.streams[NAME].shards.iter().find(holds).expect("a shard holds it");
        let before_it = |sequence: u128| shard.puts.iter().filter(|put| put.sequence < sequence).count();
        let cursor = *before.cursors.get(&shard.id).expect("what was settled before it is kept");
        (shard.id.clone(), before_it(cursor + 1), before_it(*sequence) + 1, shard.puts.len())
    };
    assert!(cursor < place, "{shard}: the cursor is at record {cursor}, the one that hangs is record {place}");

    let again = Serving::start(&config);
    come_to(&again, before.head, OPEN, "after the restart").await;
    let behind = records_after(&before, &kinesis.world());
    settles(&again, behind).await;
    again.end();
    let after = left(&data).await;
    println!(
        "{frames} frames in; killed with {} outcomes, one call in and unanswered; {shard}: cursor at record {cursor} of {of}, \
         the frame that hangs is record {place}; after the restart {} outcomes, {} frames with a second one",
        before.outcomes.len(),
        after.outcomes.len(),
        after.outcomes.values().filter(|times| **times > 1).count(),
    );
    assert_settled(&after, &kinesis.world(), &announced);
}

/// Waits until so many frames have their outcome, counted behind a position of the journal.
async fn come_to(serving: &Serving, after: Position, wanted: usize, when: &str) {
    let patience = PATIENCE * (1 + wanted as u32 / 1_000);
    let all = timeout(patience, outcomes(serving, after, wanted)).await;
    assert!(all.is_ok(), "{when}: {wanted} outcomes do not come within {patience:?}");
}

/// How many records there are that no cursor has passed.
fn records_after(Left { cursors, .. }: &Left, world: &World) -> usize {
    let after = |shard: &Shard| {
        let cursor = cursors.get(&shard.id).copied().unwrap_or(0);
        shard.puts.iter().filter(|put| put.sequence > cursor).count()
    };
    world.streams[NAME].shards.iter().map(after).sum()
}

/// Waits until this process has settled so many records: also of frames that had their outcome before it began.
async fn settles(serving: &Serving, records: usize) {
    let settling = async {
        loop {
            let text = reqwest::get(format!("{}/metrics", serving.base)).await.unwrap().text().await.unwrap();
            let figure = text.lines().find_map(|line| line.strip_prefix("streamwarden_kinesis_records_settled_total "));
            if figure.is_some_and(|settled| settled.parse::<usize>().unwrap() >= records) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(PATIENCE, settling).await.is_ok(), "{records} records are not settled within {PATIENCE:?}");
}

/// Every frame has its outcome, and every shard is settled to its end.
fn assert_settled(left: &Left, world: &World, announced: &BTreeMap<u128, Name>) {
    assert_sound(left, world, announced, "at the end");
    let named: BTreeSet<&Name> = announced.values().collect();
    assert_eq!(left.outcomes.keys().collect::<BTreeSet<_>>(), named, "as many outcomes as frames, and of no others");
    for shard in &world.streams[NAME].shards {
        let newest = shard.puts.last().map(|put| put.sequence);
        assert_eq!(left.cursors.get(&shard.id).copied(), newest, "the cursor of {} is at its end", shard.id);
    }
}
