//! The stack's rules against notifications as AWS sends them: each comes over exactly the rule that is meant for it, under
//! a partition key that is in it, and what comes is understood.

use serde_json::Value;
use streamwarden::notifications::{self, Notification};

use crate::templates::{STACK, read};
use crate::{path, text};

/// The rules that put into the notification stream.
const RULES: [&str; 4] = ["FramesRule", "SegmentsRule", "SessionsRule", "LimitsRule"];

/// Every notification by EventBridge among the samples: the file's name, and the event.
fn samples() -> Vec<(String, Value)> {
    let mut samples = Vec::new();
    for file in std::fs::read_dir(path("tests/notifications/data")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if file.extension().is_some_and(|extension| extension == "json") {
            let event: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            if event["detail-type"].is_string() {
                samples.push((name, event));
            }
        }
    }
    samples.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert!(samples.len() >= 20, "only {} samples found: the walk is broken", samples.len());
    samples
}

/// A rule's pattern, where thumbnails are stored so, in this bucket.
fn pattern(stack: &Value, rule: &str, storage: &str, bucket: &str) -> Value {
    let mut pattern = stack["Resources"][rule]["Properties"]["EventPattern"].clone();
    if let Some(name) = pattern.pointer_mut("/detail/bucket/name/0") {
        assert_eq!(*name, "ThumbnailsBucket");
        *name = bucket.into();
    }
    if let Some(key) = pattern.pointer_mut("/detail/object/key/0/wildcard").filter(|key| !key.is_string()) {
        assert_eq!(key[0], "Storage", "the keys come from the mapping");
        *key = stack["Mappings"]["Storage"][storage]["Keys"].clone();
        assert!(key.is_string());
    }
    pattern
}

/// Whether an event matches a pattern, as far as our patterns go: names and keys must be there, of values one must be
/// equal or match a wildcard.
fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(name, inner)| matches(inner, &event[name])),
        Value::Array(values) => values.iter().any(|value| match value["wildcard"].as_str() {
            Some(wildcard) => event.as_str().is_some_and(|text| wild(wildcard, text)),
            None => value == event,
        }),
        other => panic!("{other} is no pattern"),
    }
}

/// Whether a text is the parts between the stars, in their order.
fn wild(wildcard: &str, text: &str) -> bool {
    let (first, rest) = wildcard.split_once('*').expect("a wildcard has a star");
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(text) = text.strip_prefix(first).and_then(|text| text.strip_suffix(last)) else { return false };
    let mut text = text;
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    true
}

/// What a path such as `$.resources[0]` leads to.
fn at<'a>(event: &'a Value, path: &str) -> &'a Value {
    let pointer = path.trim_start_matches('$').replace(['.', '['], "/").replace(']', "");
    event.pointer(&pointer).unwrap_or(&Value::Null)
}

/// The rule that takes a sample, if any does.
fn rule_for(stack: &Value, event: &Value, storage: &str) -> Option<&'static str> {
    let bucket = event["detail"]["bucket"]["name"].as_str().unwrap_or("none");
    let taken = RULES.into_iter().filter(|rule| matches(&pattern(stack, rule, storage, bucket), event));
    let taken: Vec<&str> = taken.collect();
    assert!(taken.len() <= 1, "{taken:?} all take {event}");
    taken.first().copied()
}

#[test]
fn each_notification_comes_over_the_rule_that_is_meant_for_it() {
    let stack = read(&text(STACK));
    for (name, event) in samples() {
        let expected = |storage: &str| match name.as_str() {
            "s3-object-created-not-a-thumbnail" | "s3-object-created-playlist" => None,
            "s3-object-created-segment" => Some("SegmentsRule"), // where the stack has it
            "s3-object-created-latest-thumbnail" => (storage == "LATEST").then_some("FramesRule"),
            _ if name.starts_with("s3-") => (storage == "SEQUENTIAL").then_some("FramesRule"),
            _ if name.starts_with("ivs-limit-breach") => Some("LimitsRule"),
            _ if name.starts_with("ivs-") => Some("SessionsRule"),
            "replayed-event" => rule_for(&stack, &event, storage), // one of the above, once more
            other => panic!("{other} is a sample of a kind that no rule is known for"),
        };
        for storage in ["SEQUENTIAL", "LATEST"] {
            assert_eq!(rule_for(&stack, &event, storage), expected(storage), "{name} with {storage}");
        }
    }
}

#[test]
fn thumbnails_of_another_bucket_do_not_come() {
    let stack = read(&text(STACK));
    let (_, event) = samples().into_iter().find(|(name, _)| name == "s3-object-created-thumb0").unwrap();
    assert!(matches(&pattern(&stack, "FramesRule", "SEQUENTIAL", "example-ivs-recordings"), &event));
    assert!(!matches(&pattern(&stack, "FramesRule", "SEQUENTIAL", "another-bucket"), &event));
}

#[test]
fn a_partition_key_is_in_every_notification_of_its_rule() {
    let stack = read(&text(STACK));
    for (name, event) in samples() {
        for storage in ["SEQUENTIAL", "LATEST"] {
            let Some(rule) = rule_for(&stack, &event, storage) else { continue };
            let target = &stack["Resources"][rule]["Properties"]["Targets"][0];
            if let Some(path) = target["KinesisParameters"]["PartitionKeyPath"].as_str() {
                let key = at(&event, path);
                assert!(key.as_str().is_some_and(|key| !key.is_empty()), "{name}: {path} leads to {key}");
            } else {
                assert_eq!(rule, "LimitsRule", "others are put in the order of their key");
            }
        }
    }
}

#[test]
fn what_comes_over_the_rules_is_understood() {
    let stack = read(&text(STACK));
    for (name, event) in samples() {
        for storage in ["SEQUENTIAL", "LATEST"] {
            let Some(rule) = rule_for(&stack, &event, storage) else { continue };
            for said in notifications::read(event.to_string().as_bytes()) {
                let said = said.unwrap_or_else(|rejected| panic!("{name}, over {rule}: {rejected:?}"));
                let meant_for = match said {
                    Notification::Frame(_) => "FramesRule",
                    Notification::Segment(_) => "SegmentsRule",
                    Notification::Broadcast(_) | Notification::Ignored(_) => "another",
                };
                let is_of_objects = rule == "FramesRule" || rule == "SegmentsRule";
                assert_eq!(meant_for, if is_of_objects { rule } else { "another" }, "{name}, over {rule}");
            }
        }
    }
}

#[test]
fn wildcards_match_as_eventbridge_has_them() {
    let keys = "ivs/v1/*/media/thumbnails/*.jpg";
    for (key, expected) in [
        ("ivs/v1/1/c/2026/3/7/9/5/r/media/thumbnails/thumb0.jpg", true),
        ("ivs/v1/1/c/2026/3/7/9/5/r/media/thumbnails/480p/thumb0.jpg", true),
        ("ivs/v1/1/c/2026/3/7/9/5/r/media/latest_thumbnail/thumb.jpg", false),
        ("ivs/v1/1/c/2026/3/7/9/5/r/media/thumbnails/thumb0.jpg.tmp", false),
        ("other/ivs/v1/1/c/media/thumbnails/thumb0.jpg", false),
        ("ivs/v1/media/thumbnails/thumb0.jpg", false),
    ] {
        assert_eq!(wild(keys, key), expected, "{key}");
    }
}
