//! Rekognition through its client, against the stand-in.

use serde_json::json;

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
