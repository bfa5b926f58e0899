//! The v2 sync interface: what is sent, and the shape of its answer. A task's own status is a text inside (`"0"`) while
//! the answer's is a number; classes are `class` and `score`.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::classes::Scored;
use super::{Said, Sampled};

/// Where it is, and by which word the key is said.
pub(super) const ENDPOINT: &str = "https://api.thehive.ai/api/v2/task/sync";
pub(super) const SCHEME: &str = "Token";
/// The outer code of an answer that is one.
const FINE: i64 = 200;
/// The inner code of a task that was done.
const DONE: &str = "0";

#[derive(Deserialize)]
struct Answer<T> {
    code: i64,
    #[serde(default = "Vec::new")]
    status: Vec<Task<T>>,
}

#[derive(Deserialize)]
struct Task<T> {
    status: TaskStatus,
    response: Option<Response<T>>,
}

#[derive(Deserialize)]
struct TaskStatus {
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Response<T> {
    input: Input,
    /// What a model of that kind answers.
    #[serde(flatten)]
    found: T,
}

#[derive(Deserialize)]
struct Input {
    model: String,
    model_version: u64,
}

#[derive(Deserialize)]
struct Seen {
    output: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    /// Seconds from the beginning of a clip.
    time: Option<f64>,
    classes: Vec<Class>,
}

#[derive(Deserialize)]
struct Class {
    class: String,
    score: f64,
}

/// Why the body of an answer cannot be read.
pub(super) enum Misread {
    /// It is no JSON of that shape. What the error says may repeat what was said.
    Shape(serde_json::Error),
    /// Something that no answer has.
    Other(String),
}

impl std::fmt::Display for Misread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shape(error) => write!(f, "no answer of v2: {error}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// Reads the body of an answer with status 200 of a model that finds `T`.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<Said<T>, Misread> {
    let answer: Answer<T> = serde_json::from_slice(body).map_err(Misread::Shape)?;
    if answer.code != FINE {
        return Ok(Said::No { code: answer.code, message: String::new() });
    }
    let [task] = <[Task<T>; 1]>::try_from(answer.status)
        .map_err(|tasks| Misread::Other(format!("{} tasks, expected 1", tasks.len())))?;
    if task.status.code != DONE {
        return Ok(Said::NotDone { code: task.status.code, message: task.status.message });
    }
    let Response { input, found } =
        task.response.ok_or_else(|| Misread::Other("a task that was done, without a response".to_owned()))?;
    Ok(Said::Yes { model: format!("{}/{}", input.model, input.model_version), found })
}

/// Reads the body of an answer with status 200 of the visual model.
pub(super) fn read_seen(body: &[u8]) -> Result<Said<Vec<Sampled>>, String> {
    let sampled = |Output { time, classes }| {
        let classes = classes.into_iter().map(|Class { class, score }| Scored { class, score }).collect();
        Sampled { at_s: time, classes }
    };
    let said = read::<Seen>(body).map_err(|wrong| wrong.to_string())?;
    Ok(said.map(|Seen { output }| output.into_iter().map(sampled).collect()))
}
