//! The documented shapes of answers, field by field. `hive/conforms.rs` holds them against recorded ones.

use serde_json::{Value, json};

use super::film::{Film, MODERATED, Moment, Sound};
use super::seen::Picture;
use super::world::{CHARGE_MICROS, SECOND_CHARGE_MICROS};

const NOW: &str = "2026-03-07T09:06:12.408Z";

/// v2, of a picture.
pub fn v2(picture: &Picture, url: Option<&str>, filename: &str, moments: usize) -> Value {
    let moments: Vec<Moment> = (0..moments).map(|time| (time as f64, picture.classes.clone())).collect();
    let media = json!({
        "url": url,
        "filename": filename,
        "type": "PHOTO",
        "mime_type": "jpeg",
        "mimetype": "image/jpeg",
        "width": picture.width,
        "height": picture.height,
        "num_frames": 1,
        "duration": 0,
    });
    v2_of(media, &moments)
}

/// v2, of a clip: one output for each moment.
pub fn v2_clip(film: &Film, filename: &str) -> Value {
    let media = json!({
        "url": null,
        "filename": filename,
        "type": "VIDEO",
        "mime_type": "mp4",
        "mimetype": "video/mp4",
        "width": 320,
        "height": 180,
        "num_frames": film.moments.len(),
        "duration": film.lasts_s,
    });
    v2_of(media, &film.moments)
}

/// v2: a task's own status is a text, the answer's a number.
fn v2_of(media: Value, moments: &[Moment]) -> Value {
    let id = "02122580-c37f-11ed-81d2-000000000000";
    let output = moments.iter().map(|(time, classes)| {
        let classes = classes.iter().map(|(class, score)| json!({ "class": class, "score": score }));
        json!({ "time": time, "classes": classes.collect::<Vec<_>>() })
    });
    let output: Vec<Value> = output.collect();
    json!({
        "id": id,
        "code": 200,
        "project_id": 12345,
        "user_id": 12345,
        "created_on": NOW,
        "status": [{
            "status": { "code": "0", "message": "SUCCESS" },
            "response": {
                "input": {
                    "id": id,
                    "charge": (CHARGE_MICROS * moments.len() as u64) as f64 / 1e6,
                    "model": "mod55_dense",
                    "model_version": 1,
                    "model_type": "CATEGORIZATION",
                    "created_on": NOW,
                    "media": media,
                    "user_id": 12345,
                    "project_id": 12345,
                    "config_version": 1,
                    "config_tag": "default",
                },
                "output": output,
            },
        }],
        "from_cache": false,
    })
}

/// V3, of a picture.
pub fn v3(picture: &Picture, moments: usize) -> Value {
    let moments: Vec<Moment> = (0..moments).map(|time| (time as f64, picture.classes.clone())).collect();
    v3_of(&moments)
}

/// V3: `class_name` and `value`, one output for each moment.
pub fn v3_of(moments: &[Moment]) -> Value {
    let output = moments.iter().enumerate().map(|(frame, (time, classes))| {
        let extra = json!([{ "name": "frame_index", "value": frame }, { "name": "timestamp", "value": time }]);
        let classes = classes.iter().map(|(class, score)| json!({ "class_name": class, "value": score }));
        json!({ "extra": extra, "classes": classes.collect::<Vec<_>>() })
    });
    json!({
        "task_id": "123456",
        "model": "hive/visual-moderation",
        "version": "1",
        "output": output.collect::<Vec<_>>(),
    })
}

/// v2, of a sound: every sentence with a severity for each class. `language`: another in which nothing is moderated.
pub fn speech(sound: &Sound, filename: &str, language: Option<&str>) -> Value {
    let id = "5ce602f0-5b07-11ed-80f8-000000000000";
    let mut whole = String::new();
    let mut classified = Vec::new();
    let mut personal = Vec::new();
    for sentence in &sound.sentences {
        let from = whole.chars().count() + usize::from(!whole.is_empty());
        whole = [whole.as_str(), sentence.text.as_str()].join(if whole.is_empty() { "" } else { " " });
        let classes = MODERATED.iter().filter(|_| language.is_none());
        let classes =
            classes.map(|class| json!({ "class": class, "score": sentence.classes.get(*class).unwrap_or(&0) }));
        let entities = sentence.personal.iter().map(|entity| {
            let value = entity["value"].as_str().unwrap_or_default();
            let at = sentence.text.find(value).unwrap_or(0);
            json!({ "value": value, "start_index": at, "end_index": at + value.len(), "type": entity["type"] })
        });
        let entities: Vec<Value> = entities.collect();
        personal.extend(entities.iter().map(|entity| {
            let moved = |name: &str| entity[name].as_u64().unwrap_or(0) + from as u64;
            json!({
                "value": entity["value"],
                "start_index": moved("start_index"),
                "end_index": moved("end_index"),
                "type": entity["type"],
            })
        }));
        classified.push(json!({
            "classes": classes.collect::<Vec<_>>(),
            "text": sentence.text,
            "custom_classes": [],
            "text_filters": [],
            "pii_entities": entities,
            "start_timestamp": sentence.from,
            "end_timestamp": sentence.to,
            "start_char_index": from,
            "end_char_index": from + sentence.text.chars().count(),
        }));
    }
    let moderated: &[&str] = if language.is_none() { &MODERATED } else { &[] };
    json!({
        "id": id,
        "code": 200,
        "project_id": 12346,
        "user_id": 12345,
        "created_on": NOW,
        "status": [{
            "status": { "code": "0", "message": "SUCCESS" },
            "response": {
                "input": {
                    "id": id,
                    "created_on": NOW,
                    "user_id": 12345,
                    "project_id": 12346,
                    "charge": speech_charge(sound) as f64 / 1e6,
                    "model": "multilingual_v1",
                    "model_version": 2,
                    "model_type": "TRANSCRIPTION",
                    "hash": "00000000000000000000000000000000",
                    "media": {
                        "url": null,
                        "filename": filename,
                        "type": "AUDIO",
                        "mime_type": "m4a",
                        "mimetype": "audio/m4a",
                        "duration": sound.lasts_s,
                    },
                },
                "custom_classes": [],
                "text_filters": [],
                "pii_entities": personal,
                "language": language.unwrap_or("EN"),
                "moderated_classes": moderated,
                "output": [{ "transcript": whole, "classifications": classified }],
            },
        }],
    })
}

/// Millionths of a dollar.
pub fn speech_charge(sound: &Sound) -> u64 {
    (sound.lasts_s * SECOND_CHARGE_MICROS as f64).round() as u64
}

/// How it says that it gives no answer.
pub fn error(status: u16, message: &str) -> Value {
    json!({ "return_code": status, "message": message })
}
