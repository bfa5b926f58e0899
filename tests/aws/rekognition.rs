//! Rekognition through its client, against the stand-in.

use std::time::Duration;

use serde_json::json;
use streamwarden::aws::{CallTimes, Class};

use crate::standins::{Stage, picture};

#[actix_rt::test]
async fn labels_come_with_their_parents_and_the_model_that_saw_them() {
    let stage = Stage::new();
    let detected = stage.aws().rekognition().detect(&picture("Exposed Female Nipple=97.5; Weapons=12"), 10.0).await;
    let detected = detected.unwrap();
    assert_eq!(detected.model, "7.0");
    let paths: Vec<_> = detected.labels.iter().map(|label| (label.path.join("/"), label.confidence)).collect();
    for expected in [
        ("Explicit", 97.5),
        ("Explicit/Explicit Nudity", 97.5),
        ("Explicit/Explicit Nudity/Exposed Female Nipple", 97.5),
        ("Violence", 12.0),
        ("Violence/Weapons", 12.0),
    ] {
        assert!(paths.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} in {paths:?}");
    }
    assert_eq!(paths.len(), 5);
}

#[actix_rt::test]
async fn the_streams_of_a_stage_are_listed() {
    let stage = Stage::new();
    stage.script(json!({ "channels": { "live": { "live": true }, "idle": {} } })).await;
    let ivs = aws_sdk_ivs::Client::new(&crate::standins::sdk(&stage.endpoint));
    let streams = ivs.list_streams().send().await.unwrap().streams;
    assert_eq!(streams.len(), 1);
    assert!(streams[0].channel_arn().unwrap().ends_with(":channel/live"));
}

#[actix_rt::test]
async fn what_is_put_into_the_emulator_is_there() {
    let s3 = crate::standins::s3();
    s3.create_bucket().bucket("what-is-put").send().await.unwrap();
    s3.put_object().bucket("what-is-put").key("a b+c").body(b"bytes".to_vec().into()).send().await.unwrap();
    let got = s3.get_object().bucket("what-is-put").key("a b+c").send().await.unwrap();
    assert_eq!(&*got.body.collect().await.unwrap().into_bytes(), b"bytes");
}

#[actix_rt::test]
async fn an_answer_that_is_none_is_nonsense_and_never_no_labels() {
    let violence = |confidence: serde_json::Value, parent: &str| {
        json!({ "ModerationLabels": [{ "Name": "Violence", "ParentName": parent, "Confidence": confidence }],
                "ModerationModelVersion": "7.0" })
    };
    for answer in [
        json!({ "empty": true }),
        json!({ "ModerationLabels": [] }),
        json!({ "ModerationModelVersion": "7.0" }),
        json!({ "ModerationLabels": [{ "Confidence": 90.0 }], "ModerationModelVersion": "7.0" }),
        json!({ "ModerationLabels": [{ "Name": "Violence" }], "ModerationModelVersion": "7.0" }),
        violence(json!(100.5), ""),
        violence(json!(-1.0), ""),
        violence(json!("NaN"), ""),
        violence(json!("Infinity"), ""),
        violence(json!(90.0), "A parent that is not there"),
    ] {
        let stage = Stage::new();
        stage.script(json!({ "answer": answer })).await;
        let detected = stage.aws().rekognition().detect(&picture("Weapons=97"), 10.0).await;
        let failure = detected.expect_err(&answer.to_string());
        assert_eq!(failure.class, Class::Nonsense, "{answer}: {failure}");
    }
}

#[actix_rt::test]
async fn each_failure_has_its_class() {
    let fault = |kind: &str, more: serde_json::Value| {
        let mut fault = json!({ "op": "rekognition.*", "kind": kind });
        fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fault
    };
    let error = |code: &str| fault("error", json!({ "code": code }));
    for (fault, class) in [
        (fault("throttle", json!({})), Class::Throttled),
        (fault("throttle", json!({ "provisioned": true })), Class::Throttled),
        (error("InternalServerError"), Class::Unavailable),
        (error("AccessDeniedException"), Class::Denied),
        (error("ImageTooLargeException"), Class::Refused),
        (fault("reset", json!({})), Class::Unavailable),
        (fault("html", json!({})), Class::Unavailable),
        (fault("malformed", json!({})), Class::Nonsense),
        (fault("hang", json!({ "s": 10 })), Class::TimedOut),
    ] {
        let stage = Stage::new();
        stage.script(json!({ "faults": [fault] })).await;
        let times = CallTimes { connect: Duration::from_secs(2), call: Duration::from_secs(2) };
        let detected = stage.aws_within(times).rekognition().detect(&picture("Weapons=97"), 10.0).await;
        let failure = detected.expect_err(&fault.to_string());
        assert_eq!(failure.class, class, "{fault}: {failure}");
    }
}
