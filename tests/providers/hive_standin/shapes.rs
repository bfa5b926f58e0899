//! The documented shapes of answers, field by field. `hive/conforms.rs` holds them against recorded ones.

use serde_json::{Value, json};

use super::seen::Picture;
use super::world::CHARGE_MICROS;

const NOW: &str = "2026-03-07T09:06:12.408Z";

/// v2: a task's own status is a text, the answer's a number.
pub fn v2(picture: &Picture, url: Option<&str>, filename: &str, moments: usize) -> Value {
    let id = "02122580-c37f-11ed-81d2-000000000000";
    let classes: Vec<Value> =
        picture.classes.iter().map(|(class, score)| json!({ "class": class, "score": score })).collect();
    let output: Vec<Value> = (0..moments).map(|time| json!({ "time": time, "classes": classes })).collect();
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
                    "charge": CHARGE_MICROS as f64 / 1e6,
                    "model": "mod55_dense",
                    "model_version": 1,
                    "model_type": "CATEGORIZATION",
                    "created_on": NOW,
                    "media": {
                        "url": url,
                        "filename": filename,
                        "type": "PHOTO",
                        "mime_type": "jpeg",
                        "mimetype": "image/jpeg",
                        "width": picture.width,
                        "height": picture.height,
                        "num_frames": 1,
                        "duration": 0,
                    },
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

/// V3: `class_name` and `value`.
pub fn v3(picture: &Picture, moments: usize) -> Value {
    let classes: Vec<Value> =
        picture.classes.iter().map(|(class, score)| json!({ "class_name": class, "value": score })).collect();
    let output = (0..moments).map(|frame| {
        let extra = json!([{ "name": "frame_index", "value": frame }, { "name": "timestamp", "value": frame as f64 }]);
        json!({ "extra": extra, "classes": classes })
    });
    json!({
        "task_id": "123456",
        "model": "hive/visual-moderation",
        "version": "1",
        "output": output.collect::<Vec<_>>(),
    })
}

/// How it says that it gives no answer.
pub fn error(status: u16, message: &str) -> Value {
    json!({ "return_code": status, "message": message })
}
