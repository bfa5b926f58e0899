//! The v2 sync interface: what is sent, and the shape of its answer. A task's own status is a text inside (`"0"`) while
//! the answer's is a number; classes are `class` and `score`.

use serde::Deserialize;

use super::Said;
use super::classes::Scored;

/// Where it is, and by which word the key is said.
pub(super) const ENDPOINT: &str = "https://api.thehive.ai/api/v2/task/sync";
pub(super) const SCHEME: &str = "Token";
/// The outer code of an answer that is one.
const FINE: i64 = 200;
/// The inner code of a task that was done.
const DONE: &str = "0";

#[derive(Deserialize)]
struct Answer {
    code: i64,
    #[serde(default)]
    status: Vec<Task>,
}

#[derive(Deserialize)]
struct Task {
    status: TaskStatus,
    response: Option<Response>,
}

#[derive(Deserialize)]
struct TaskStatus {
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Response {
    input: Input,
    output: Vec<Output>,
}

#[derive(Deserialize)]
struct Input {
    model: String,
    model_version: u64,
}

#[derive(Deserialize)]
struct Output {
    classes: Vec<Class>,
}

#[derive(Deserialize)]
struct Class {
    class: String,
    score: f64,
}

/// Reads the body of an answer with status 200.
pub(super) fn read(body: &[u8]) -> Result<Said, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| format!("no answer of v2: {error}"))?;
    if answer.code != FINE {
        return Ok(Said::No { code: answer.code, message: String::new() });
    }
    let [task] = <[Task; 1]>::try_from(answer.status).map_err(|tasks| format!("{} tasks, expected 1", tasks.len()))?;
    if task.status.code != DONE {
        return Ok(Said::NotDone { code: task.status.code, message: task.status.message });
    }
    let Response { input, output } = task.response.ok_or("a task that was done, without a response")?;
    let [output] = <[Output; 1]>::try_from(output)
        .map_err(|outputs| format!("{} moments of one picture, expected 1", outputs.len()))?;
    let classes = output.classes.into_iter().map(|Class { class, score }| Scored { class, score }).collect();
    Ok(Said::Yes { model: format!("{}/{}", input.model, input.model_version), classes })
}
