//! The V3 interface: what is sent, and the shape of its answer. Classes are `class_name` and `value` here.

use serde::Deserialize;

use super::Said;
use super::classes::Scored;

/// Where it is, and by which word the key is said.
pub(super) const ENDPOINT: &str = "https://api.thehive.ai/api/v3/hive/visual-moderation";
pub(super) const SCHEME: &str = "Bearer";

#[derive(Deserialize)]
struct Answer {
    model: String,
    version: String,
    output: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    classes: Vec<Class>,
}

#[derive(Deserialize)]
struct Class {
    class_name: String,
    value: f64,
}

/// Reads the body of an answer with status 200.
pub(super) fn read(body: &[u8]) -> Result<Said, String> {
    let Answer { model, version, output } =
        serde_json::from_slice(body).map_err(|error| format!("no answer of V3: {error}"))?;
    let [output] = <[Output; 1]>::try_from(output)
        .map_err(|outputs| format!("{} moments of one picture, expected 1", outputs.len()))?;
    let classes = output.classes.into_iter();
    let classes = classes.map(|Class { class_name, value }| Scored { class: class_name, score: value }).collect();
    Ok(Said::Yes { model: format!("{model}/{version}"), classes })
}
