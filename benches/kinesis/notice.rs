//! From an object put into the bucket to the notice of what it shows: S3 tells EventBridge, a rule puts it onto the
//! stream, the house judges it by a provider that takes 500 ms, and SNS tells a queue. All of AWS is the emulator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_eventbridge::types::{KinesisParameters, Target};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{EventBridgeConfiguration, NotificationConfiguration};
use serde_json::json;
use streamwarden::actors::{ProviderChoice, Settings as HouseSettings};
use streamwarden::aws::{Aws, CallTimes, Endpoints};
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::control::NoControl;
use streamwarden::events::{Actor, EventType};
use streamwarden::house::{Connections, Ground, StreamConnection};
use streamwarden::outbox::{NoticeSettings, Notices};
use streamwarden::shards::{IntakeSettings, Settings, Start};
use streamwarden::warden::enforcement::BudgetLimits;

use crate::queue::Queue;
use crate::standins::{ACCOUNT, REGION, emulator, key, picture, s3, sdk};
use crate::{Slow, quantile, row};

const NAME: &str = "bench-notice";
/// How often it is measured.
const ROUNDS: u32 = 100;
/// A notice that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(30);
const POLICY: &str = "
policy: weapons
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s }
rules:
  - { id: weapons, categories: [Violence/Weapons], confidence: 80, action: warn }
";

pub fn notice() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut ground = Ground::open(dir.path()).expect("a directory");
    ground.policies.publish("bench.yaml", POLICY, &Actor::service("bench"), None).expect("the policy is sound");
    actix_rt::System::new().block_on(async {
        let queue = Queue::new(NAME).await;
        let topic = build(&queue).await;
        let here = || Some(emulator().to_owned());
        let endpoints = Endpoints { kinesis: here(), s3: here(), sns: here(), ..Endpoints::default() };
        let aws = Aws::for_endpoints(REGION, endpoints, key(), CallTimes::default());
        ground.objects = Some(Arc::new(aws.s3()));
        let slow = Slow { takes: Duration::from_millis(500), sees: Some(("Violence/Weapons", 97.5)) };
        let providers = ProviderChoice { default: Some(Arc::new(slow)), ..ProviderChoice::default() };
        let limits = BudgetLimits { per_minute: 1, per_rule_per_minute: 1, live_share_milli: 1 };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut house = ground.start(clock.clone(), providers, Arc::new(NoControl), limits, HouseSettings::default());
        let reading = Settings { start: Start::TrimHorizon, ..Settings::new(NAME) };
        let stream = StreamConnection { kinesis: aws.kinesis(), reading, intake: IntakeSettings::default() };
        let told = NoticeSettings { types: vec![EventType::WarningRaised], ..NoticeSettings::to(topic) };
        let notices = Notices::new(aws.sns(), &told).expect("sound settings");
        let with = Connections { stream: Some(stream), notices: Some(Arc::new(notices)), ..Connections::default() };
        house.connect(with, &clock).expect("sound settings");

        let mut took = Vec::new();
        for round in 0..ROUNDS + 5 {
            let channel = format!("bench{round}");
            let key = format!("ivs/v1/{ACCOUNT}/{channel}/2026/1/31/9/5/AbCdEfGhIjKl/media/thumbnails/thumb0.jpg");
            let body = ByteStream::from(picture("Weapons=97.5").to_vec());
            let begun = Instant::now();
            s3().put_object().bucket(NAME).key(key).body(body).send().await.expect("it is put");
            while !queue.receive().await.iter().any(|notice| notice.to_string().contains(&channel)) {
                assert!(begun.elapsed() < PATIENCE, "no notice of {channel}");
            }
            if round >= 5 {
                took.push(begun.elapsed()); // the first open connections
            }
        }
        took.sort_unstable();
        row("object put to notice received, provider 500 ms: median", quantile(&took, 0.5));
        row("object put to notice received, provider 500 ms: p95", quantile(&took, 0.95));
        house.close().await;
    });
}

/// Bucket, rule, stream, topic and queue, one leading to the other. Says which topic.
async fn build(queue: &Queue) -> String {
    let kinesis = aws_sdk_kinesis::Client::new(&sdk(emulator()));
    kinesis.create_stream().stream_name(NAME).shard_count(1).send().await.expect("a stream");
    let bucket = s3();
    bucket.create_bucket().bucket(NAME).send().await.expect("a bucket");
    let told = EventBridgeConfiguration::builder().build();
    let told = NotificationConfiguration::builder().event_bridge_configuration(told).build();
    let tells = bucket.put_bucket_notification_configuration().bucket(NAME).notification_configuration(told);
    tells.send().await.expect("it tells EventBridge");
    let events = aws_sdk_eventbridge::Client::new(&sdk(emulator()));
    let pattern = json!({ "source": ["aws.s3"], "detail": { "bucket": { "name": [NAME] } } }).to_string();
    events.put_rule().name(NAME).event_pattern(pattern).send().await.expect("a rule");
    let target = Target::builder()
        .id("stream")
        .arn(format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{NAME}"))
        .role_arn(format!("arn:aws:iam::{ACCOUNT}:role/rules"))
        .kinesis_parameters(KinesisParameters::builder().partition_key_path("$.id").build().expect("a path"))
        .build()
        .expect("a target");
    events.put_targets().rule(NAME).targets(target).send().await.expect("it leads to the stream");
    let sns = aws_sdk_sns::Client::new(&sdk(emulator()));
    let topic = sns.create_topic().name(NAME).send().await.expect("a topic").topic_arn.expect("its ARN");
    sns.subscribe()
        .topic_arn(&topic)
        .protocol("sqs")
        .endpoint(queue.arn())
        .send()
        .await
        .expect("it leads to the queue");
    topic
}
