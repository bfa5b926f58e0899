//! What Kinesis does, as far as reading rests on it. The stand-in passes all of it; the emulator what it gets right, so
//! that the stand-in is no opinion of our own only.

use std::collections::BTreeMap;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use serde_json::Value;
use streamwarden::aws::Class;
use streamwarden::aws::kinesis::{Kinesis, KinesisSequence, Place, Record, ShardId};
use streamwarden::aws::{Aws, CallTimes, Endpoints};
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::model::Timestamp;

use crate::standin::Standin;
use crate::standins::{REGION, emulator, key, sdk};

/// Kinesis as its adapter sees it and as a producer does.
struct Subject {
    kinesis: Kinesis,
    client: Client,
}

impl Subject {
    fn standin(standin: &Standin) -> Self {
        Self { kinesis: standin.kinesis(), client: standin.client() }
    }

    fn emulator() -> Self {
        let endpoints = Endpoints { kinesis: Some(emulator().to_owned()), ..Endpoints::default() };
        let kinesis = Aws::for_endpoints(REGION, endpoints, key(), CallTimes::default()).kinesis();
        Self { kinesis, client: Client::new(&sdk(emulator())) }
    }

    async fn create(&self, stream: &str, shards: i32) -> Vec<ShardId> {
        self.client.create_stream().stream_name(stream).shard_count(shards).send().await.unwrap();
        while !self.kinesis.describe(stream).await.unwrap().readable {}
        let mut ids: Vec<_> =
            self.kinesis.list_shards(stream).await.unwrap().into_iter().map(|shard| shard.id).collect();
        ids.sort();
        ids
    }

    /// Puts a record; the shard that it went to and its place there.
    async fn put(&self, stream: &str, key: &str, data: &str) -> (ShardId, KinesisSequence) {
        let data = Blob::new(data.as_bytes());
        let put = self.client.put_record().stream_name(stream).partition_key(key).data(data).send().await.unwrap();
        (ShardId::new(&put.shard_id).unwrap(), KinesisSequence::new(&put.sequence_number).unwrap())
    }

    /// Everything from a place on, until a read has caught up or the shard ends; the children, if it did.
    async fn read(&self, stream: &str, shard: &ShardId, place: Place) -> (Vec<Record>, Option<Vec<ShardId>>) {
        let mut iterator = self.kinesis.shard_iterator(stream, shard, &place).await.unwrap();
        let mut records = Vec::new();
        loop {
            let page = self.kinesis.get_records(&iterator, 7).await.unwrap();
            records.extend(page.records);
            match page.next {
                None => return (records, Some(page.children)),
                Some(_) if page.behind_ms == 0 => return (records, None),
                Some(next) => iterator = next,
            }
        }
    }

    async fn said(&self, stream: &str, shard: &ShardId, place: Place) -> Vec<String> {
        let said = |record: Record| String::from_utf8(record.data.to_vec()).unwrap();
        self.read(stream, shard, place).await.0.into_iter().map(said).collect()
    }
}

async fn keys_are_routed_by_their_md5(subject: &Subject) {
    // computed beforehand; see the file's own rule
    let vectors: Value = serde_json::from_str(include_str!("data/partition-key-hash-vectors.json")).unwrap();
    let shards = subject.create("routed", 2).await;
    for (key, hash) in vectors["vectors"].as_object().unwrap().iter().filter(|(key, _)| !key.is_empty()) {
        let hash: u128 = hash.as_str().unwrap().parse().unwrap();
        let (shard, _) = subject.put("routed", key, "x").await;
        assert_eq!(shard, shards[usize::from(hash > u128::MAX / 2)], "{key}");
    }
}

async fn reading_begins_where_it_is_asked_to(subject: &Subject) {
    let shard = &subject.create("places", 1).await[0];
    let begun = SystemClock.now().minus_ms(60_000);
    let mut sequences = Vec::new();
    for n in 0..4 {
        sequences.push(subject.put("places", "key", &n.to_string()).await.1);
    }
    assert!(sequences.is_sorted_by(|a, b| a < b));
    assert_eq!(subject.said("places", shard, Place::TrimHorizon).await, ["0", "1", "2", "3"]);
    assert_eq!(subject.said("places", shard, Place::At(sequences[2].clone())).await, ["2", "3"]);
    assert_eq!(subject.said("places", shard, Place::After(sequences[2].clone())).await, ["3"]);
    assert_eq!(subject.said("places", shard, Place::Time(begun)).await, ["0", "1", "2", "3"]);
    assert_eq!(subject.said("places", shard, Place::Latest).await, [""; 0]);
    let newest = subject.kinesis.shard_iterator("places", shard, &Place::Latest).await.unwrap();
    subject.put("places", "key", "4").await;
    let page = subject.kinesis.get_records(&newest, 10).await.unwrap();
    assert_eq!(page.records.len(), 1);
    assert_eq!(&*page.records[0].data, b"4");
    assert_eq!(page.records[0].partition_key.as_deref(), Some("key"));
    assert!(page.records[0].arrived_at.is_some_and(|at| at > begun && at < SystemClock.now().plus_ms(60_000)));
}

async fn what_is_not_there_is_said_to_be_missing(subject: &Subject) {
    let missing = subject.kinesis.describe("nowhere").await.unwrap_err();
    assert_eq!((missing.class, missing.is("ResourceNotFoundException")), (Class::NotFound, true), "{missing}");
    let missing = subject.kinesis.list_shards("nowhere").await.unwrap_err();
    assert_eq!(missing.class, Class::NotFound, "{missing}");
    subject.create("sparse", 1).await;
    let shard = ShardId::new("shardId-000000000099").unwrap();
    let missing = subject.kinesis.shard_iterator("sparse", &shard, &Place::TrimHorizon).await.unwrap_err();
    assert_eq!(missing.class, Class::NotFound, "{missing}");
    let summary = subject.kinesis.describe("sparse").await.unwrap();
    assert_eq!((summary.retention.as_secs(), summary.shards_open), (24 * 3600, 1));
    assert!(summary.created_at > Timestamp::from_millis(0) && summary.arn.ends_with(":stream/sparse"));
}

async fn a_closed_shard_drains_and_ends_with_its_children(subject: &Subject) {
    let shards = subject.create("split", 2).await;
    for n in 0..30 {
        subject.put("split", &format!("key-{n}"), &n.to_string()).await;
    }
    let middle = (1_u128 << 126).to_string();
    let split = subject.client.split_shard().stream_name("split").shard_to_split(shards[0].as_str());
    split.new_starting_hash_key(middle).send().await.unwrap();
    let listed = subject.kinesis.list_shards("split").await.unwrap();
    let children: Vec<_> = listed.iter().filter(|shard| shard.parents == [shards[0].clone()]).collect();
    assert_eq!(children.len(), 2);
    assert!(listed.iter().all(|shard| shard.closed == (shard.id == shards[0])));
    let (records, ended) = subject.read("split", &shards[0], Place::TrimHorizon).await;
    assert!(!records.is_empty());
    assert_eq!(ended, Some(children.iter().map(|child| child.id.clone()).collect()));
    for child in &children {
        assert_eq!(subject.read("split", &child.id, Place::TrimHorizon).await, (Vec::new(), None));
    }

    let merge = subject.client.merge_shards().stream_name("split").shard_to_merge(children[1].id.as_str());
    merge.adjacent_shard_to_merge(shards[1].as_str()).send().await.unwrap();
    let listed = subject.kinesis.list_shards("split").await.unwrap();
    let merged = listed.iter().find(|shard| shard.parents.len() == 2).unwrap();
    assert_eq!(merged.parents, [children[1].id.clone(), shards[1].clone()]);
    let (more, ended) = subject.read("split", &shards[1], Place::TrimHorizon).await;
    assert_eq!(ended, Some(vec![merged.id.clone()]));
    assert_eq!(records.len() + more.len(), 30, "nothing that was put is lost");
    let mut shard_of = BTreeMap::new();
    for n in 0..30 {
        let (shard, _) = subject.put("split", &format!("key-{n}"), "again").await;
        *shard_of.entry(shard).or_insert(0) += 1;
    }
    let open: Vec<_> = listed.iter().filter(|shard| !shard.closed).map(|shard| shard.id.clone()).collect();
    assert_eq!(open.len(), 2);
    assert!(shard_of.keys().all(|shard| open.contains(shard)), "only open shards take records");
}

async fn a_token_goes_without_the_stream_s_name(subject: &Subject) {
    let listed = subject.client.list_shards().stream_name("paged").max_results(1).send().await.unwrap();
    let token = listed.next_token.unwrap();
    let both = subject.client.list_shards().stream_name("paged").next_token(&token).send().await.unwrap_err();
    assert_eq!(both.code(), Some("InvalidArgumentException"));
    let mut all = subject.kinesis.list_shards("paged").await.unwrap();
    all.dedup_by(|a, b| a.id == b.id);
    assert_eq!(all.len(), 5);
}

#[tokio::test]
async fn the_stand_in_is_kinesis_as_far_as_reading_rests_on_it() {
    let standin = Standin::start();
    standin.world().metered = false; // the suite asks as fast as it can; that readers do not is their own test
    let subject = Subject::standin(&standin);
    keys_are_routed_by_their_md5(&subject).await;
    reading_begins_where_it_is_asked_to(&subject).await;
    what_is_not_there_is_said_to_be_missing(&subject).await;
    a_closed_shard_drains_and_ends_with_its_children(&subject).await;
    subject.create("paged", 5).await;
    standin.world().page = 2;
    a_token_goes_without_the_stream_s_name(&subject).await;
}

#[tokio::test]
async fn the_emulator_agrees_but_for_resharding() {
    let subject = Subject::emulator();
    keys_are_routed_by_their_md5(&subject).await;
    reading_begins_where_it_is_asked_to(&subject).await;
    what_is_not_there_is_said_to_be_missing(&subject).await;
}
