//! The real binary at the whole loop in, killed again and again while one frame hangs: nothing that was put is without
//! its outcome in the end, nothing has two, and no cursor is ever ahead of the journal. Kinesis is our own stand-in, the
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
use crate::standin::world::{Put, sequence_of};
use crate::standin::{Standin, World};
use crate::standins::{REGION, Stage, emulator, picture, s3};

const NAME: &str = "killed";
const CHANNELS: u32 = 20;
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

/// A number from the environment, for those who have time.
fn stated(variable: &str, default: u32) -> u32 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn configuration(data: &Path, kinesis: &Standin, stage: &Stage) -> String {
    let (kinesis, s3, rekognition) = (&kinesis.address, emulator(), &stage.endpoint);
    format!(
        "[data]\ndirectory = {data:?}\n[listen]\naddress = \"127.0.0.1:0\"\n[auth]\nways = [\"open\"]\n\
         [provider]\njudge = \"rekognition\"\n[wardens]\nframe_deadline_s = 8\n\
         [aws]\nregion = {REGION:?}\n[aws.endpoints]\nkinesis = {kinesis:?}\ns3 = {s3:?}\n\
         rekognition = {rekognition:?}\n[kinesis]\nstream = {NAME:?}\nstart = \"trim_horizon\"\n"
    )
}

/// A frame as the journal and the stream both name it.
type Name = (String, Timestamp);

/// Puts the notifications of `frames` frames, one of which shows what hangs. Says which frame each record announces.
fn put(world: &mut World, frames: u32, begin: Timestamp) -> BTreeMap<u128, Name> {
    let frame = |n: u32| {
        let (channel, number) = (format!("ch-{}", n % CHANNELS), n / CHANNELS);
        let captured_at = begin.plus_ms(u64::from(number) * EVERY_MS);
        let hangs = number == 5 && n % CHANNELS == 7; // one of the frames that are looked at, early on
        let key = if hangs { "hangs.jpg" } else { "shows.jpg" };
        let said = json!({ "frame": {
            "channel": channel, "session": "evening", "number": number, "captured_at": captured_at,
            "bucket": NAME, "key": key,
        }});
        let put = world.put(NAME, &n.to_string(), None, said.to_string().into_bytes());
        (put.ok().unwrap().1, (channel, captured_at))
    };
    (0..frames).map(frame).collect()
}

/// How often each frame has an outcome, and up to which record each shard is settled.
type Left = (BTreeMap<Name, u32>, BTreeMap<String, u128>);

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
    (outcomes, cursors.collect())
}

/// What may never be, however the program ended: a second outcome, or a cursor past a frame without one.
fn assert_sound((outcomes, cursors): &Left, world: &World, announced: &BTreeMap<u128, Name>, round: &str) {
    let twice: Vec<_> = outcomes.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{round}: more than one outcome: {twice:?}");
    for shard in &world.streams[NAME].shards {
        let Some(cursor) = cursors.get(&shard.id) else { continue };
        let open = |put: &&Put| put.sequence <= *cursor && !outcomes.contains_key(&announced[&put.sequence]);
        let ahead: Vec<&Name> = shard.puts.iter().filter(open).map(|put| &announced[&put.sequence]).collect();
        assert!(ahead.is_empty(), "{round}: the cursor of {} is ahead of {ahead:?}", shard.id);
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

/// Waits for so many outcomes in the journal.
async fn outcomes(serving: &Serving, wanted: usize) {
    let (mut found, mut after) = (0, 0);
    while found < wanted {
        let path = format!("/v1/events?type=FrameAssessed,FrameSkipped,FrameFailed&limit=200&after={after}");
        let page = serving.get(&path).await;
        found += page["items"].as_array().unwrap().len();
        let next = page["next"].as_str().map(|next| next.parse().unwrap());
        after = next.or(page["head"].as_u64()).unwrap();
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
    s3().create_bucket().bucket(NAME).send().await.unwrap();
    for (key, labels) in [("shows.jpg", "Alcohol=97.5"), ("hangs.jpg", HANGS.0)] {
        let body = ByteStream::from(picture(labels).to_vec());
        s3().put_object().bucket(NAME).key(key).body(body).send().await.unwrap();
    }
    let (data, config) = (dir.path().join("data"), dir.path().join("streamwarden.toml"));
    std::fs::write(&config, configuration(&data, &kinesis, &stage)).unwrap();
    kinesis.world().create(NAME, 3);

    let serving = Serving::start(&config);
    serving.publish(POLICY).await;
    let announced = put(&mut kinesis.world(), frames, SystemClock.now());
    let mut serving = Some(serving);
    let mut head = 0;
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
        let round = format!("seed {seed}, kill {round} at head {target}, {} outcomes", left.0.len());
        println!("{round}");
        assert_sound(&left, &kinesis.world(), &announced, &round);
        head += step;
    }

    let last = Serving::start(&config);
    let all = timeout(PATIENCE * (1 + frames / 1_000), outcomes(&last, frames as usize)).await;
    assert!(all.is_ok(), "seed {seed}: not every frame comes to its outcome");
    last.end();
    let left = left(&data).await;
    assert_sound(&left, &kinesis.world(), &announced, "at the end");
    let named: BTreeSet<&Name> = announced.values().collect();
    assert_eq!(left.0.keys().collect::<BTreeSet<_>>(), named, "as many outcomes as frames, and of no others");
    for shard in &kinesis.world().streams[NAME].shards {
        let newest = shard.puts.last().map(|put| put.sequence);
        assert_eq!(left.1.get(&shard.id).copied(), newest, "the cursor of {} is at its end", shard.id);
    }
}
