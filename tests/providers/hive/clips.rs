//! Clips as Hive judges them: the pictures of a segment as an MP4, moment by moment, each class with the worst that it was.

use std::time::Duration;

use serde_json::{Value, json};
use streamwarden::model::{LabelPath, Medium, Moment, Stretch};
use streamwarden::providers::hive::{Settings, Showing};
use streamwarden::providers::{Answer, Provider, ProviderError};

use super::{APIS, asking, hive, settings, text};
use crate::hive_standin::{Fault, HiveStandin};
use crate::segments::segment;

async fn judged(provider: &dyn Provider, name: &str) -> Result<Answer, ProviderError> {
    provider.assess_segment(Medium::Clip, segment(name).into()).await
}

fn moment(answer: &Answer, path: &str) -> Option<Moment> {
    let path = LabelPath::new(path).expect("a sound path");
    let label = answer.labels.iter().position(|label| *label.path() == path)?;
    answer.moments.iter().copied().find(|moment| usize::from(moment.label) == label)
}

#[tokio::test]
async fn a_clip_is_sent_as_a_film_without_sound_and_each_class_is_the_worst_it_was_with_its_moments() {
    for api in APIS {
        let standin = HiveStandin::start();
        let provider = asking(&standin, api);
        assert_eq!(provider.media(), [Medium::Picture, Medium::Clip]);
        let answer = judged(&provider, "threat").await.expect("an answer");
        assert_eq!(text(&answer.labels), ["attributes/image_type/natural 98.0", "violence/gun/gun_in_hand 93.0"]);
        assert_eq!((answer.moments.len(), &answer.transcript, answer.unmapped), (2, &None, 0));
        // The clip begins 21 ms after the segment, and what is seen in its third second is first seen there.
        let at = |ms| Stretch { from_ms: ms, to_ms: ms };
        let gun = moment(&answer, "violence/gun/gun_in_hand").expect("its moments");
        assert_eq!((gun.first, gun.worst), (at(2_021), at(3_021)), "the first of the two worst");
        let world = standin.world();
        assert_eq!(world.calls[0].file, Some(("clip.mp4".to_owned(), "video/mp4".to_owned())));
        assert_eq!((world.calls.len(), world.charged_micros), (1, 6 * 3_000));
    }
}

#[tokio::test]
async fn a_segment_without_sound_is_a_clip_like_any_other() {
    for api in APIS {
        let standin = HiveStandin::start();
        let answer = judged(&asking(&standin, api), "mute").await.expect("an answer");
        assert_eq!(text(&answer.labels), ["attributes/image_type/natural 98.0"]);
    }
}

#[tokio::test]
async fn what_is_no_segment_is_not_sent_and_what_is_no_clip_not_judged() {
    let standin = HiveStandin::start();
    let provider = asking(&standin, APIS[0]);
    let whole = segment("threat");
    let lost = [&whole[..188 * 10], &whole[188 * 30..]].concat();
    for damaged in [&lost[..], &whole[..whole.len() - 1], &whole[1..], b"not a segment"] {
        let error = provider.assess_segment(Medium::Clip, damaged.into()).await;
        let said = error.expect_err("damaged").to_string();
        assert!(said.starts_with("the provider refuses: the segment is not sent: "), "{said}");
    }
    for medium in [Medium::Sound, Medium::Picture] {
        let error = provider.assess_segment(medium, whole.into()).await.expect_err("another medium");
        assert_eq!(error.name(), "refused", "{medium:?}");
    }
    assert!(standin.world().calls.is_empty());
}

fn body(body: &Value) -> Fault {
    Fault::Body { status: 200, media_type: "application/json".to_owned(), body: body.to_string() }
}

fn times(api: &str, times: &[Value]) -> Fault {
    let recorded = match api {
        "v2" => include_str!("../data/hive-v2-visual-response.json"),
        _ => include_str!("../data/hive-v3-visual-response.json"),
    };
    let mut answer: Value = serde_json::from_str(recorded).expect("recorded JSON");
    let output = if api == "v2" { &mut answer["status"][0]["response"]["output"] } else { &mut answer["output"] };
    let moments: Vec<Value> = times
        .iter()
        .map(|time| {
            let mut moment = output[0].clone();
            match api {
                "v2" => moment["time"] = time.clone(),
                _ => moment["extra"][1]["value"] = time.clone(),
            }
            moment
        })
        .collect();
    *output = json!(moments);
    body(&answer)
}

#[tokio::test]
async fn moments_that_no_clip_has_are_nonsense_and_their_order_is_not() {
    for api in APIS {
        let standin = HiveStandin::start();
        let provider = asking(&standin, api);
        for wrong in [vec![], vec![json!(-1)], vec![json!(7.2)], vec![json!(null)], vec![json!(1), json!(1)]] {
            standin.script([times(api.1, &wrong)]);
            let error = judged(&provider, "threat").await.expect_err("scripted");
            assert_eq!(error.name(), "nonsense", "{} {wrong:?}: {error}", api.1);
        }
        let too_many: Vec<Value> = (0..=300).map(|at| json!(f64::from(at) / 100.0)).collect();
        standin.script([times(api.1, &too_many)]);
        assert_eq!(judged(&provider, "threat").await.expect_err("scripted").name(), "nonsense");
        standin.script([times(api.1, &[json!(4.5), json!(0), json!(2)])]);
        let answer = judged(&provider, "threat").await.expect("in any order");
        assert_eq!(moment(&answer, "violence/gun/gun_in_hand").map(|gun| gun.first.from_ms), Some(21));
    }
}

#[tokio::test]
async fn each_failure_is_an_error_of_its_kind() {
    let error = |status| Fault::Error { status, message: "as scripted".to_owned(), retry_after_s: None };
    for api in APIS {
        let standin = HiveStandin::start();
        let heads = vec!["gun".to_owned()];
        let provider = hive(&standin, Settings { heads, ..settings(&standin, api) }, Showing::Bytes);
        for (fault, kind) in [
            (error(400), "refused"),
            (error(403), "denied"),
            (error(413), "refused"),
            (error(429), "throttled"),
            (error(503), "unavailable"),
            (Fault::Cut, "unavailable"),
            (Fault::Huge { bytes: 2 << 20 }, "nonsense"),
            (Fault::TwoMoments, "nonsense"),
            (Fault::Score { class: "gun_in_hand".to_owned(), score: json!(1.5) }, "nonsense"),
            (Fault::Without { head: "gun".to_owned() }, "nonsense"), // in its last moment only
        ] {
            standin.script([fault.clone()]);
            let error = judged(&provider, "threat").await.expect_err(kind);
            assert_eq!(error.name(), kind, "{} {fault:?}: {error}", api.1);
        }
        standin.script([Fault::Hang]);
        let within = Settings { segment_deadline: Duration::from_millis(300), ..settings(&standin, api) };
        let error = judged(&hive(&standin, within, Showing::Bytes), "threat").await.expect_err("it hangs");
        assert_eq!(error, ProviderError::Unavailable("no answer within 300 ms".to_owned()));
    }
}
