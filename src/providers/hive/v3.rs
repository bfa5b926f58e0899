//! The V3 interface: what is sent, and the shape of its answer. Classes are `class_name` and `value` here, and when a
//! moment is stands among `extra`.

use serde::Deserialize;
use serde_json::Value;

use super::classes::Scored;
use super::{Said, Sampled};

/// Where it is, and by which word the key is said.
pub(super) const ENDPOINT: &str = "https://api.thehive.ai/api/v3/hive/visual-moderation";
pub(super) const SCHEME: &str = "Bearer";
/// What a moment's time is called, in seconds from the beginning of a clip.
const TIME: &str = "timestamp";

#[derive(Deserialize)]
struct Answer {
    model: String,
    version: String,
    output: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    extra: Vec<Extra>,
    classes: Vec<Class>,
}

#[derive(Deserialize)]
struct Extra {
    name: String,
    value: Value,
}

#[derive(Deserialize)]
struct Class {
    class_name: String,
    value: f64,
}

/// Reads the body of an answer with status 200.
pub(super) fn read_seen(body: &[u8]) -> Result<Said<Vec<Sampled>>, String> {
    let Answer { model, version, output } =
        serde_json::from_slice(body).map_err(|error| format!("no answer of V3: {error}"))?;
    let sampled = |Output { extra, classes }: Output| {
        let classes = classes.into_iter();
        let classes = classes.map(|Class { class_name, value }| Scored { class: class_name, score: value }).collect();
        Sampled { at_s: extra.iter().find(|extra| extra.name == TIME).and_then(|extra| extra.value.as_f64()), classes }
    };
    Ok(Said::Yes { model: format!("{model}/{version}"), found: output.into_iter().map(sampled).collect() })
}
