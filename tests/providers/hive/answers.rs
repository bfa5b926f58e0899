//! What is sent to Hive, and what its answers become.

use std::sync::Arc;

use streamwarden::model::Confidence;
use streamwarden::providers::Provider;

use super::{APIS, asking, picture, settings, text};
use crate::hive_standin::{Fault, HiveStandin};

const RECORDED: [&str; 2] =
    [include_str!("../data/hive-v2-visual-response.json"), include_str!("../data/hive-v3-visual-response.json")];

#[tokio::test]
async fn a_picture_is_sent_as_a_file_and_its_classes_are_labels_surest_first() {
    for api in APIS {
        let standin = HiveStandin::start();
        let provider = asking(&standin, api);
        let seen = picture("gun_in_hand=0.93; yes_alcohol=0.2; general_suggestive=0.049");
        let answer = provider.assess(seen.clone()).await.expect("an answer");
        let labels = text(&answer.labels);
        assert_eq!(
            labels,
            ["attributes/image_type/natural 98.0", "violence/gun/gun_in_hand 93.0", "drugs/alcohol/yes_alcohol 20.0"],
        );
        assert_eq!((answer.unmapped, &*answer.provider.name, &*answer.provider.taxonomy), (0, "hive", "hive-visual/1"));
        let model = if api.1 == "v2" { "mod55_dense/1" } else { "hive/visual-moderation/1" };
        assert_eq!(&*answer.provider.model, model);
        let world = standin.world();
        let call = &world.calls[0];
        assert_eq!((call.api, call.status, call.bytes), (api.1, 200, Some(seen.len())));
        assert_eq!(call.file, Some(("frame.jpg".to_owned(), "image/jpeg".to_owned())));
        assert_eq!((world.calls.len(), world.charged_micros), (1, 3_000));
    }
}

#[tokio::test]
async fn recorded_answers_are_read() {
    for (api, recorded) in APIS.into_iter().zip(RECORDED) {
        let standin = HiveStandin::start();
        let body = Fault::Body { status: 200, media_type: "application/json".to_owned(), body: recorded.to_owned() };
        standin.script([body]);
        let answer = asking(&standin, api).assess(picture("")).await.expect("an answer");
        let gun = "violence/gun/gun_in_hand 93.0".to_owned();
        let suggestive = "sexual/general_nsfw/general_suggestive 95.0".to_owned();
        let expected = if api.1 == "v2" { vec![suggestive, gun] } else { vec![gun] };
        assert_eq!((text(&answer.labels), answer.unmapped), (expected, 0), "{}", api.1);
    }
}

#[tokio::test]
async fn labels_begin_at_the_floor() {
    for api in APIS {
        let standin = HiveStandin::start();
        let floor = Confidence::from_milli(95_000).expect("a percentage");
        let settings = streamwarden::providers::hive::Settings { floor, ..settings(&standin, api) };
        let provider = super::hive(&standin, settings, streamwarden::providers::hive::Showing::Bytes);
        let answer = provider.assess(picture("gun_in_hand=0.95; yes_alcohol=0.9499999")).await.expect("an answer");
        assert_eq!(text(&answer.labels), ["attributes/image_type/natural 98.0", "violence/gun/gun_in_hand 95.0"]);
        assert_eq!(provider.floor(), Some(floor));
    }
}

#[tokio::test]
async fn a_class_that_the_taxonomy_does_not_hold_is_a_label_and_counted() {
    for api in APIS {
        let standin = HiveStandin::start();
        let answer = asking(&standin, api).assess(picture("furry-yes_furry=0.7")).await.expect("an answer");
        assert_eq!(answer.unmapped, 1);
        assert_eq!(text(&answer.labels), ["attributes/image_type/natural 98.0", "unmapped/furry-yes_furry 70.0"]);
    }
}

#[tokio::test]
async fn pictures_of_each_kind_are_called_what_they_are() {
    let standin = HiveStandin::start();
    let provider = asking(&standin, APIS[0]);
    for (file, name, media_type) in [
        (&include_bytes!("../../imaging/data/411-96x72.jpg")[..], "frame.jpg", "image/jpeg"),
        (&include_bytes!("../../imaging/data/rgb.png")[..], "frame.png", "image/png"),
        (&include_bytes!("../../imaging/data/lossy.webp")[..], "frame.webp", "image/webp"),
    ] {
        provider.assess(Arc::from(file)).await.expect("an answer");
        let sent = standin.world().calls.last().and_then(|call| call.file.clone());
        assert_eq!(sent, Some((name.to_owned(), media_type.to_owned())));
    }
}
