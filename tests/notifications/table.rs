//! Every sample, and in a line what is read in it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use streamwarden::notifications::{Notification, OnAir, Storage, read};

use crate::data;

const CHANNEL: &str = "arn:aws:ivs:us-west-2:123456789012:channel/AbCdef1G2hij";
const STREAM: &str = "st-1A2b3c4D5e6F78ghij9Klmn";

/// One line for each thing that is said.
fn said(name: &str) -> Vec<String> {
    let line = |notification| match notification {
        Ok(Notification::Frame(frame) | Notification::Segment(frame)) => {
            assert_eq!(frame.channel.as_str(), CHANNEL);
            let recording = frame.recording.as_ref().map_or("none", |recording| recording.name());
            let storage = match frame.source.storage {
                Storage::Sequential => "sequential",
                Storage::Latest => "latest",
                Storage::Segments => "segment",
            };
            let number = frame.number.map_or("-".to_owned(), |number| number.to_string());
            format!("frame {recording} {storage} {number} at {}", frame.captured_at)
        }
        Ok(Notification::Broadcast(said)) => {
            assert_eq!((said.channel.as_str(), said.session.as_str()), (CHANNEL, STREAM));
            let what = match said.what {
                OnAir::Began => "began",
                OnAir::Ended => "ended",
                OnAir::RecordingEnded => "recording ended",
            };
            let holds = said
                .recording
                .map_or(String::new(), |(recording, joined)| format!(" {} holds {}", recording.name(), joined.len()));
            format!("{what} at {}{holds}", said.at)
        }
        Ok(Notification::Ignored(why)) => format!("ignored {}", why.name()),
        Err(rejected) => format!("rejected {rejected}"),
    };
    read(&data(name)).into_iter().map(line).collect()
}

const TABLE: &[(&str, &[&str])] = &[
    ("s3-object-created-thumb0.json", &["frame j8Z9O91ndcVs sequential 0 at 2026-03-07T09:06:10Z"]),
    ("s3-object-created-thumb1.json", &["frame j8Z9O91ndcVs sequential 1 at 2026-03-07T09:06:15Z"]),
    ("s3-object-created-thumb2.json", &["frame j8Z9O91ndcVs sequential 2 at 2026-03-07T09:06:20Z"]),
    ("s3-object-created-latest-thumbnail.json", &["frame j8Z9O91ndcVs latest - at 2026-03-07T09:06:20Z"]),
    ("s3-object-created-versioned-bucket.json", &["frame j8Z9O91ndcVs sequential 0 at 2026-03-07T09:06:10Z"]),
    ("replayed-event.json", &["frame j8Z9O91ndcVs sequential 0 at 2026-03-07T09:06:10Z"]),
    ("s3-object-created-not-a-thumbnail.json", &["ignored no_thumbnail"]),
    ("s3-object-created-segment.json", &["frame j8Z9O91ndcVs segment 12 at 2026-03-07T09:07:31Z"]),
    ("s3-object-created-playlist.json", &["ignored no_thumbnail"]),
    (
        "s3-notification-records.json",
        &["frame j8Z9O91ndcVs sequential 0 at 2026-03-07T09:06:10.123Z", "ignored no_thumbnail"],
    ),
    ("s3-test-event.json", &["ignored test_event"]),
    ("ivs-stream-state-session-created.json", &["ignored no_change"]),
    ("ivs-stream-state-stream-start.json", &["began at 2026-03-07T09:05:30Z"]),
    ("ivs-stream-state-stream-end.json", &["ended at 2026-03-07T10:05:30Z"]),
    ("ivs-stream-state-session-ended.json", &["ended at 2026-03-07T10:05:20Z"]),
    ("ivs-stream-state-session-ended-multitrack.json", &["ended at 2026-03-07T10:05:20Z"]),
    ("ivs-stream-state-stream-failure.json", &["ignored no_change"]),
    ("ivs-stream-state-takeover.json", &["ignored no_change"]),
    ("ivs-stream-state-takeover-failure.json", &["ignored no_change"]),
    ("ivs-stream-health-starvation-start.json", &["ignored no_change"]),
    ("ivs-stream-health-starvation-end.json", &["ignored no_change"]),
    ("ivs-limit-breach-concurrent-broadcasts.json", &["ignored no_change"]),
    ("ivs-limit-breach-concurrent-viewers.json", &["ignored no_change"]),
    ("ivs-limit-breach-ingest-bitrate.json", &["ignored no_change"]),
    ("ivs-limit-breach-ingest-resolution.json", &["ignored no_change"]),
    ("ivs-recording-state-start.json", &["began at 2026-03-07T09:05:36Z j8Z9O91ndcVs holds 1"]),
    ("ivs-recording-state-end.json", &["recording ended at 2026-03-07T10:05:50Z j8Z9O91ndcVs holds 2"]),
    ("ivs-recording-state-start-failure.json", &["ignored no_change"]),
    ("ivs-recording-state-end-failure.json", &["recording ended at 2026-03-07T10:05:50Z j8Z9O91ndcVs holds 1"]),
];

#[test]
fn every_sample_is_read_as_the_table_says() {
    for (name, expected) in TABLE {
        assert_eq!(said(name), *expected, "{name}");
    }
}

#[test]
fn no_sample_is_without_a_row() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/notifications/data");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let samples: BTreeSet<String> = names.filter(|name| name.ends_with(".json")).collect();
    let mut rows: BTreeSet<String> = TABLE.iter().map(|(name, _)| (*name).to_owned()).collect();
    rows.insert("kpl-aggregated-record.json".to_owned()); // no notification: see `packed`
    assert_eq!(samples, rows);
}
