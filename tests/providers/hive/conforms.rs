//! The stand-in says what recorded answers say, in the same fields of the same types.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::commented;
use crate::hive_standin::film::Sound;
use crate::hive_standin::seen::{HEADS, Picture};
use crate::hive_standin::shapes;
use crate::segments::segment;

/// Every place in a value with the type of what is there; elements of a list share their place.
fn shape(value: &Value, place: &str, found: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null | Value::String(_) if place.ends_with(".url") => "text or null",
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(elements) => {
            elements.iter().for_each(|element| shape(element, &format!("{place}[]"), found));
            "list"
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| shape(field, &format!("{place}.{name}"), found));
            "object"
        }
    };
    found.insert(format!("{place}: {kind}"));
}

fn places(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    shape(value, "", &mut found);
    found
}

#[test]
fn answers_have_the_fields_and_types_of_recorded_ones() {
    let picture = Picture::of(&commented("hive: gun_in_hand=0.93")).expect("a picture");
    for (made, recorded) in [
        (shapes::v2(&picture, None, "frame.jpg", 1), include_str!("../data/hive-v2-visual-response.json")),
        (shapes::v3(&picture, 1), include_str!("../data/hive-v3-visual-response.json")),
    ] {
        let recorded: Value = serde_json::from_str(recorded).expect("recorded JSON");
        assert_eq!(places(&made), places(&recorded));
    }
}

#[test]
fn answers_about_speech_have_the_fields_and_types_of_the_documented_one() {
    let sound = streamwarden::media::sound(segment("threat")).expect("it has sound");
    let sound = Sound::of(&sound.file).expect("a sound that is known");
    let documented = include_str!("../data/hive-v2-speech-response.json");
    let documented: Value = serde_json::from_str(documented).expect("documented JSON");
    assert_eq!(places(&shapes::speech(&sound, "sound.m4a", None)), places(&documented));
}

#[test]
fn the_scores_of_a_head_make_one_as_they_do_in_recorded_answers() {
    let picture = Picture::of(&commented("hive: gun_in_hand=0.93; yes_alcohol=0.2")).expect("a picture");
    assert_eq!(picture.classes.len(), 88, "as many as a whole answer has");
    for head in HEADS.iter() {
        let of_head = |class: &String| head.positive.contains(class) || head.negative.contains(class);
        let sum: f64 = picture.classes.iter().filter(|(class, _)| of_head(class)).map(|(_, score)| score).sum();
        assert!((sum - 1.0).abs() < 0.03, "{}: {sum}", head.head);
    }
}
