//! Hive's speech moderation: the sound of a segment as an MP4, and what is said in it as labels with their moments and as a
//! transcript without what is personal. Whatever goes wrong is an error, and what was said is in none of them.

use std::time::Duration;

use serde_json::{Value, json};
use streamwarden::egress::Secret;
use streamwarden::model::{Label, Medium, Moment, Stretch};
use streamwarden::policy::taxonomy::Taxonomy;
pub use streamwarden::providers::hive::speech::Settings;
use streamwarden::providers::hive::speech::{HiveSpeech, SpokenClasses, TAXONOMY};
use streamwarden::providers::{Answer, Provider, ProviderError};

use super::text;
use crate::hive_standin::{Fault, HiveStandin};
use crate::segments::segment;

const DOCUMENTED: &str = include_str!("../data/hive-v2-speech-response.json");

/// Classes as the program reads them.
fn classes() -> SpokenClasses {
    let taxonomy = Taxonomy::named(TAXONOMY).expect("the taxonomy is built in");
    SpokenClasses::new(taxonomy.labels().iter().map(|label| &label.path))
}

/// Settings that ask the stand-in, with time for a slow machine.
pub fn settings(standin: &HiveStandin) -> Settings {
    Settings { endpoint: Some(standin.endpoint("v2")), ..Settings::default() }
}

/// Hive's speech moderation with the key of the stand-in's project for it.
pub fn speech(standin: &HiveStandin, settings: Settings) -> HiveSpeech {
    let key = Secret::new(&standin.world().speech_key).expect("the stand-in's key is one");
    HiveSpeech::new(settings, &key, classes()).expect("the settings are sound")
}

async fn heard(provider: &HiveSpeech, name: &str) -> Result<Answer, ProviderError> {
    provider.assess_segment(Medium::Sound, segment(name).into()).await
}

fn sentences(answer: &Answer) -> Vec<(&str, Stretch, Vec<String>)> {
    let transcript = answer.transcript.as_deref().expect("something was said");
    let said = transcript.sentences.iter();
    said.map(|sentence| (&*sentence.text, sentence.during, text(&sentence.labels))).collect()
}

fn stretch(from_ms: u32, to_ms: u32) -> Stretch {
    Stretch { from_ms, to_ms }
}

#[tokio::test]
async fn what_is_said_is_labels_by_their_worst_severity_with_the_sentences_they_are_first_and_worst_in() {
    let standin = HiveStandin::start();
    let provider = speech(&standin, settings(&standin));
    assert_eq!((provider.media(), &*provider.reference().name), (&[Medium::Sound][..], "hive-speech"));
    let answer = heard(&provider, "threat").await.expect("an answer");
    assert_eq!(text(&answer.labels), ["violence 100.0", "bullying 66.7"]);
    let (ugly, hurt) = (stretch(1_020, 2_620), stretch(3_010, 4_310));
    let moments = [Moment { label: 0, first: hurt, worst: hurt }, Moment { label: 1, first: ugly, worst: ugly }];
    assert_eq!(answer.moments, moments);
    let said = [
        ("You are so ugly and lame.", ugly, vec!["bullying 66.7".to_owned()]),
        ("I will hurt you tomorrow.", hurt, vec!["violence 100.0".to_owned(), "bullying 33.3".to_owned()]),
    ];
    assert_eq!(sentences(&answer), said);
    assert_eq!(answer.transcript.as_deref().and_then(|said| said.language.as_deref()), Some("EN"));
    assert_eq!((&*answer.provider.model, &*answer.provider.taxonomy), ("multilingual_v1/2", "hive-speech/1"));
    let world = standin.world();
    assert_eq!(world.calls[0].file, Some(("sound.m4a".to_owned(), "audio/mp4".to_owned())));
    assert_eq!((world.calls.len(), world.charged_micros > 18_000), (1, true));
}

#[tokio::test]
async fn the_documented_answer_is_read() {
    let standin = HiveStandin::start();
    standin.script([body(DOCUMENTED)]);
    let answer = heard(&speech(&standin, settings(&standin)), "calm").await.expect("an answer");
    assert_eq!(text(&answer.labels), ["bullying 66.7"]);
    let said = ("You are so ugly and lame.", stretch(1_520, 3_420), vec!["bullying 66.7".to_owned()]);
    assert_eq!(sentences(&answer), [said]);
}

#[tokio::test]
async fn what_is_harmless_and_what_is_no_speech_have_no_labels_and_only_the_first_a_transcript() {
    let standin = HiveStandin::start();
    let provider = speech(&standin, settings(&standin));
    let calm = heard(&provider, "calm").await.expect("an answer");
    assert_eq!((calm.labels.as_slice(), calm.moments.as_slice(), sentences(&calm).len()), (&[][..], &[][..], 2));
    let tone = heard(&provider, "tone").await.expect("an answer");
    assert_eq!((tone.labels.as_slice(), &tone.transcript), (&[][..], &None));
    assert_eq!(standin.world().calls.len(), 2);
}

#[tokio::test]
async fn about_a_segment_without_sound_hive_is_not_asked_and_neither_about_a_damaged_one() {
    let standin = HiveStandin::start();
    let provider = speech(&standin, settings(&standin));
    // Who asks has looked before; one that comes here all the same is refused, and never an answer.
    let mute = heard(&provider, "mute").await.expect_err("there is nothing to be heard");
    assert_eq!(mute.to_string(), "the provider refuses: the segment is not sent: it has no sound");
    assert!(standin.world().calls.is_empty());
    let whole = segment("threat");
    let without_one = [&whole[..188 * 60], &whole[188 * 61..]].concat();
    let lost = provider.assess_segment(Medium::Sound, without_one.into()).await;
    let cut = provider.assess_segment(Medium::Sound, whole[..whole.len() - 1].into()).await;
    assert_eq!(cut.expect_err("cut").name(), "refused");
    assert!(lost.is_err() || lost == heard(&provider, "threat").await, "a packet of the pictures, or none at all");
    for medium in [Medium::Clip, Medium::Picture] {
        let error = provider.assess_segment(medium, whole.into()).await.expect_err("another medium");
        assert_eq!(error.name(), "refused");
    }
    assert_eq!(provider.assess(whole.into()).await.expect_err("no sound").name(), "refused");
}

#[tokio::test]
async fn what_is_personal_is_taken_out_unless_it_is_asked_for() {
    let standin = HiveStandin::start();
    let texts = |answer: &Answer| sentences(answer).iter().map(|(text, ..)| (*text).to_owned()).collect::<Vec<_>>();
    let redacted = heard(&speech(&standin, settings(&standin)), "phone").await.expect("an answer");
    assert_eq!(texts(&redacted), ["Call me on […].", "Good night."]);
    let whole = Settings { redact: false, ..settings(&standin) };
    let whole = heard(&speech(&standin, whole), "phone").await.expect("an answer");
    assert_eq!(texts(&whole), ["Call me on 555-0100.", "Good night."]);
}

fn body(text: &str) -> Fault {
    Fault::Body { status: 200, media_type: "application/json".to_owned(), body: text.to_owned() }
}

/// The documented answer with something else in one place.
fn with(pointer: &str, value: Value) -> Fault {
    let mut answer: Value = serde_json::from_str(DOCUMENTED).expect("documented JSON");
    *answer["status"][0]["response"].pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    body(&answer.to_string())
}

const SENTENCE: &str = "/output/0/classifications/0";

fn in_sentence(name: &str, value: Value) -> Fault {
    with(&format!("{SENTENCE}/{name}"), value)
}

fn severity(class: &str, score: Value) -> Fault {
    Fault::Score { class: class.to_owned(), score }
}

#[tokio::test]
async fn each_failure_is_an_error_of_its_kind_and_says_nothing_of_what_was_said() {
    let error = |status| Fault::Error { status, message: "as scripted".to_owned(), retry_after_s: None };
    let class = |class: &str, score: i64| json!({ "class": class, "score": score });
    let three = json!([class("sexual", 0), class("hate", 0), class("violence", 0)]);
    let twice =
        json!([class("sexual", 0), class("hate", 0), class("hate", 0), class("violence", 0), class("bullying", 1)]);
    let many = json!((0..65).map(|n| class(&format!("c{n}"), 0)).collect::<Vec<_>>());
    let sentence = &serde_json::from_str::<Value>(DOCUMENTED).expect("JSON")["status"][0]["response"]["output"][0]["classifications"]
        [0];
    let crowd = json!((0..257).map(|_| sentence.clone()).collect::<Vec<_>>());
    let faults = [
        (error(400), "refused"),
        (error(401), "denied"),
        (error(405), "denied"),
        (error(413), "refused"),
        (error(429), "throttled"),
        (error(500), "unavailable"),
        (error(503), "unavailable"),
        (Fault::Cut, "unavailable"),
        (Fault::Huge { bytes: 1 << 20 }, "nonsense"),
        (Fault::Redirect { to: "http://127.0.0.1:1/elsewhere".to_owned() }, "nonsense"),
        (Fault::NotDone { code: "3".to_owned(), message: "FAILED".to_owned() }, "refused"),
        (body("{\"return_code\": 429, \"message\": \"slow down\"}"), "throttled"),
        (body(""), "nonsense"),
        (body("{}"), "nonsense"),
        (body(&"[".repeat(100_000)), "nonsense"),
        (body(include_str!("../data/hive-v2-visual-response.json")), "nonsense"),
        (Fault::Unsupported { language: "UNSUPPORTED".to_owned() }, "refused"),
        (with("/moderated_classes", json!([])), "refused"),
        (with("/moderated_classes", json!(["sexual", "hate", "violence"])), "refused"),
        (with("/moderated_classes", json!(null)), "nonsense"),
        (severity("violence", json!(-1)), "refused"),
        (severity("violence", json!(4)), "nonsense"),
        (severity("violence", json!(1.5)), "nonsense"),
        (severity("violence", json!(-2)), "nonsense"),
        (severity("violence", json!("2")), "nonsense"),
        (severity("violence", json!(null)), "nonsense"),
        (severity("a/b", json!(0)), "nonsense"),
        (severity("", json!(0)), "nonsense"),
        (in_sentence("classes", json!([])), "nonsense"),
        (in_sentence("classes", three), "nonsense"),
        (in_sentence("classes", twice), "nonsense"),
        (in_sentence("classes", many), "nonsense"),
        (in_sentence("start_timestamp", json!(-0.5)), "nonsense"),
        (in_sentence("start_timestamp", json!(3.5)), "nonsense"), // after its end
        (in_sentence("end_timestamp", json!(90)), "nonsense"),
        (in_sentence("end_timestamp", json!(null)), "nonsense"),
        (in_sentence("text", json!({ "ugly": "lame" })), "nonsense"),
        (in_sentence("end_timestamp", json!("You are so ugly and lame.")), "nonsense"),
        (with("/output/0/classifications", json!([])), "nonsense"), // said, and not judged
        (with("/output/0/classifications", crowd), "nonsense"),
        (with("/output", json!(null)), "nonsense"),
    ];
    let standin = HiveStandin::start();
    let provider = speech(&standin, settings(&standin));
    for (fault, kind) in &faults {
        standin.script([fault.clone()]);
        let error = heard(&provider, "threat").await.expect_err(&format!("{fault:?}"));
        assert_eq!(error.name(), *kind, "{fault:?}: {error}");
        let said = error.to_string().to_lowercase();
        assert!(!["ugly", "lame", "hurt"].iter().any(|word| said.contains(word)), "{said}");
    }
    assert_eq!(standin.world().calls.len(), faults.len(), "each is asked once: who repeats is not the client");
}

#[tokio::test]
async fn one_that_hangs_is_unavailable_in_its_time() {
    let standin = HiveStandin::start();
    standin.script([Fault::Hang]);
    let within = Settings { deadline: Duration::from_millis(300), ..settings(&standin) };
    let error = heard(&speech(&standin, within), "threat").await.expect_err("it hangs");
    assert_eq!(error, ProviderError::Unavailable("no answer within 300 ms".to_owned()));
}

#[tokio::test]
async fn a_language_in_which_nothing_is_moderated_is_never_clear_and_is_named() {
    let standin = HiveStandin::start();
    standin.script([Fault::Unsupported { language: "KLINGON".to_owned() }]);
    let error = heard(&speech(&standin, settings(&standin)), "calm").await.expect_err("unsupported");
    assert_eq!(error, ProviderError::Refused("it moderates nothing in KLINGON".to_owned()));
    // A class that nobody expects may lack; what the others say still counts.
    let expected = Settings { classes: vec!["bullying".to_owned()], ..settings(&standin) };
    standin.script([severity("violence", json!(-1)), severity("bullying", json!(-1))]);
    let provider = speech(&standin, expected);
    let answer = heard(&provider, "threat").await.expect("bullying is moderated");
    assert_eq!(text(&answer.labels), ["violence 100.0", "bullying 66.7"], "violence by the other sentence");
    assert_eq!(heard(&provider, "threat").await.expect_err("bullying is not").name(), "refused");
}

#[tokio::test]
async fn a_class_that_the_taxonomy_does_not_hold_is_a_label_and_counted() {
    let standin = HiveStandin::start();
    standin.script([severity("self_harm", json!(2))]);
    let answer = heard(&speech(&standin, settings(&standin)), "threat").await.expect("an answer");
    assert_eq!(text(&answer.labels), ["violence 100.0", "bullying 66.7", "unmapped/self_harm 66.7"]);
    assert_eq!((answer.unmapped, answer.moments.len()), (1, 3));
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_said_no_more_than_that_of_another_project() {
    let standin = HiveStandin::start();
    let of_pictures = standin.world().key.clone();
    // A project is a model: that of pictures takes the key, and not the sound.
    for (wrong, kind) in [("wr0ng-key", "denied"), (of_pictures.as_str(), "refused")] {
        let key = Secret::new(wrong).expect("a secret");
        let provider = HiveSpeech::new(settings(&standin), &key, classes()).expect("sound settings");
        let error = heard(&provider, "threat").await.expect_err("the key is wrong");
        assert_eq!(error.name(), kind, "{error}");
        assert!(!format!("{provider:?} {error}").contains(wrong));
    }
    let unknown = Settings { classes: vec!["rudeness".to_owned()], ..settings(&standin) };
    let key = Secret::new("k").expect("a secret");
    let refused = HiveSpeech::new(unknown, &key, classes()).expect_err("there is no such class");
    assert!(refused.to_string().contains("\"rudeness\""), "{refused}");
}

#[test]
fn severities_are_kept_in_thirds() {
    use streamwarden::model::{LabelPath, Severity};
    let kept = |severity| {
        let confidence = Severity::new(severity).expect("1 to 3").confidence();
        Label(LabelPath::new("hate").expect("a path"), confidence)
    };
    assert_eq!(text(&[kept(1), kept(2), kept(3)]), ["hate 33.3", "hate 66.7", "hate 100.0"]);
}
