//! The whole loop with the real binary: a picture is put into a bucket, S3 tells EventBridge, a rule puts the
//! notification onto the stream, the program judges it by Rekognition, has IVS stop the broadcast, sees that it is off
//! the air, and says so on the bus. S3, EventBridge, Kinesis and SQS are the emulator's, Rekognition and IVS the
//! stand-in's; what they "see" in a picture stands in its comment.

use std::path::Path;

use aws_sdk_eventbridge::types::{KinesisParameters, Target};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{EventBridgeConfiguration, NotificationConfiguration};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::premises::{PATIENCE, channel, session};
use crate::queue::Queue;
use crate::serving::Serving;
use crate::standins::{ACCOUNT, REGION, Stage, emulator, picture, s3, sdk};

const NAME: &str = "whole";

/// That of the tour, which goes the same way.
const POLICY: &str = include_str!("../../scripts/aws-tour/weapons.yaml");

/// Bucket, stream, and the rule that leads what S3 says from one to the other.
async fn build() {
    let kinesis = aws_sdk_kinesis::Client::new(&sdk(emulator()));
    kinesis.create_stream().stream_name(NAME).shard_count(2).send().await.unwrap();
    let bucket = s3();
    bucket.create_bucket().bucket(NAME).send().await.unwrap();
    let told = EventBridgeConfiguration::builder().build();
    let told = NotificationConfiguration::builder().event_bridge_configuration(told).build();
    bucket.put_bucket_notification_configuration().bucket(NAME).notification_configuration(told).send().await.unwrap();
    let events = aws_sdk_eventbridge::Client::new(&sdk(emulator()));
    let pattern = json!({ "source": ["aws.s3"], "detail": { "bucket": { "name": [NAME] } } }).to_string();
    events.put_rule().name("thumbnails").event_pattern(pattern).send().await.unwrap();
    let target = Target::builder()
        .id("stream")
        .arn(format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{NAME}"))
        .role_arn(format!("arn:aws:iam::{ACCOUNT}:role/rules"))
        .kinesis_parameters(KinesisParameters::builder().partition_key_path("$.id").build().unwrap())
        .build()
        .unwrap();
    events.put_targets().rule("thumbnails").targets(target).send().await.unwrap();
}

fn configuration(data: &Path, stage: &Stage) -> String {
    let (here, standin) = (emulator(), &stage.endpoint);
    format!(
        "[data]\ndirectory = {data:?}\n[listen]\naddress = \"127.0.0.1:0\"\n[auth]\nways = [\"open\"]\n\
         [provider]\njudge = \"rekognition\"\n[control]\nplatform = \"ivs\"\n[control.ivs]\nquiet_ms = 0\n\
         [aws]\nregion = {REGION:?}\n[aws.endpoints]\nkinesis = {here:?}\ns3 = {here:?}\neventbridge = {here:?}\n\
         rekognition = {standin:?}\nivs = {standin:?}\n[kinesis]\nstream = {NAME:?}\nstart = \"trim_horizon\"\n\
         [outbox.bus]\nname = {NAME:?}\n"
    )
}

/// Puts a thumbnail as IVS does.
async fn thumbnail(number: u32, labels: &str) {
    let key = format!("ivs/v1/{ACCOUNT}/{NAME}/2026/1/31/9/5/AbCdEfGhIjKl/media/thumbnails/thumb{number}.jpg");
    let body = ByteStream::from(picture(labels).to_vec());
    s3().put_object().bucket(NAME).key(key).body(body).send().await.unwrap();
}

#[actix_rt::test]
async fn a_picture_in_the_bucket_becomes_a_verified_stop_on_the_bus() {
    let (stage, queue, dir) = (Stage::new(), Queue::new(NAME).await, tempfile::tempdir().unwrap());
    build().await;
    queue.follows_bus(NAME).await;
    let judged = session("whole");
    let about = json!({ "live": true, "session": judged.as_str(), "started_s": -600 });
    stage.script(json!({ "channels": { (NAME): about } })).await;
    let config = dir.path().join("streamwarden.toml");
    std::fs::write(&config, configuration(&dir.path().join("data"), &stage)).unwrap();

    let serving = Serving::start(&config);
    serving.publish(POLICY).await;
    thumbnail(0, "Weapons=97.5").await;

    // What the bus says, to whoever follows it.
    let told = async {
        loop {
            let verified = |event: &Value| event["detail-type"] == "EnforcementVerified";
            if let Some(event) = queue.receive().await.into_iter().find(verified) {
                return event;
            }
        }
    };
    let Ok(told) = timeout(PATIENCE, told).await else {
        let (events, calls) = (serving.get("/v1/events").await, stage.calls().await);
        panic!("the bus does not hear of a verified stop; recorded: {events:#}; called: {calls:?}");
    };
    assert_eq!(told["source"], "streamwarden");

    // What the journal says, to whoever asks.
    let assessed = "/v1/events?type=FrameAssessed";
    let frames = serving.get(assessed).await;
    let stopped = frames["items"].as_array().unwrap().iter().find(|event| event["payload"]["verdict"] == "stop");
    let stopped = &stopped.expect("a frame with the verdict")["payload"];
    assert_eq!(stopped["session"], judged.as_str(), "the broadcast that IVS has on the air");
    let decision = serving.get(&format!("/v1/decisions/{}", stopped["frame"].as_str().unwrap())).await;
    assert!(decision.to_string().contains("EnforcementVerified"), "{decision}");
    assert!(decision.to_string().contains(channel(NAME).as_str()), "{decision}");
    let stops = |calls: &[Value]| calls.iter().filter(|call| call["op"] == "ivs.StopStream").count();
    assert_eq!(stops(&stage.calls().await), 1);
    let events = async |serving: &Serving| {
        let outcomes = serving.get("/v1/events?type=FrameAssessed,FrameSkipped,FrameFailed").await;
        outcomes["items"].as_array().unwrap().len()
    };
    assert_eq!(events(&serving).await, 1, "as many outcomes as pictures");
    serving.end();

    // Started again, it goes on where it was: nothing is judged or stopped twice.
    let serving = Serving::start(&config);
    stage.script(json!({ "channels": { (NAME): { "live": true, "session": session("next").as_str() } } })).await;
    thumbnail(1, "Alcohol=30").await;
    serving.until("the next picture's outcome", assessed, |page| page["items"].as_array().unwrap().len() == 2).await;
    assert_eq!(events(&serving).await, 2);
    assert_eq!(stops(&stage.calls().await), 1);
    serving.end();
}
