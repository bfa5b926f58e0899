//! What the Dashboard's v2 interface answers, as far as its documentation and public clients show it: the answers of the
//! models that a post was sent to, each as Hive's own v2 interface gives it. Which rules fired there is said in fields that
//! are documented nowhere, and is not read: what they decide comes back as an action.

use serde::Deserialize;

use crate::providers::hive::classes::Scored;

/// The inner code of a task that was done.
const DONE: &str = "0";

/// What an answer's body says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// The visual model's classes, and what it calls itself, if it does.
    Yes { model: Option<String>, classes: Vec<(String, f64)> },
    /// The task was taken and not done.
    NotDone { code: String, message: String },
    /// A status inside of another.
    No { code: i64, message: String },
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    return_code: Option<i64>,
    #[serde(default)]
    message: String,
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
    #[serde(default)]
    input: Option<Input>,
    output: Vec<Output>,
}

#[derive(Deserialize)]
struct Input {
    model: String,
    model_version: u64,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    classes: Option<Vec<Class>>,
}

#[derive(Deserialize)]
struct Class {
    class: String,
    score: f64,
}

/// Reads the body of an answer with status 200. One that speaks of no classes is none: a picture that nobody looked at is
/// not clear.
pub(super) fn read(body: &[u8]) -> Result<Said, String> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| format!("no answer of the Dashboard: {error}"))?;
    if let Some(code) = answer.return_code {
        return Ok(Said::No { code, message: answer.message });
    }
    let [task] = <[Task; 1]>::try_from(answer.status)
        .map_err(|tasks| format!("{} answers of models, expected the visual one's", tasks.len()))?;
    if task.status.code != DONE {
        return Ok(Said::NotDone { code: task.status.code, message: task.status.message });
    }
    let Response { input, output } = task.response.ok_or("a task that was done, without a response")?;
    let [output] = <[Output; 1]>::try_from(output)
        .map_err(|outputs| format!("{} moments of one picture, expected 1", outputs.len()))?;
    let classes = output.classes.ok_or("an answer without classes")?;
    let model = input.map(|input| format!("{}/{}", input.model, input.model_version));
    Ok(Said::Yes { model, classes: classes.into_iter().map(|Class { class, score }| (class, score)).collect() })
}

/// As classes are read from every interface.
pub(super) fn scored(classes: Vec<(String, f64)>) -> Vec<Scored> {
    classes.into_iter().map(|(class, score)| Scored { class, score }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_where_the_models_answer_stands() {
        let body = br#"{"task_ids": ["t"], "post_id": "p", "user_id": "u", "status": [{
            "status": {"code": "0", "message": "SUCCESS"},
            "response": {"input": {"model": "m", "model_version": 1}, "output": [
                {"time": 0, "classes": [{"class": "gun_in_hand", "score": 0.5}]}]}}]}"#;
        let classes = vec![("gun_in_hand".to_owned(), 0.5)];
        assert_eq!(read(body), Ok(Said::Yes { model: Some("m/1".to_owned()), classes }));
    }

    #[test]
    fn what_holds_no_classes_is_no_answer() {
        for body in [
            r#"{"task_ids": ["t"], "post_id": "p"}"#,
            r#"{"status": []}"#,
            r#"{"status": [{"status": {"code": "0"}, "response": {"output": []}}]}"#,
            r#"{"status": [{"status": {"code": "0"}, "response": {"output": [{"time": 0}]}}]}"#,
            r#"{"status": [{"status": {"code": "0"}, "response": null}]}"#,
            "[]",
            "ok",
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_refusal_inside_of_an_answer_is_one() {
        let refused = read(br#"{"return_code": 403, "message": "no"}"#);
        assert_eq!(refused, Ok(Said::No { code: 403, message: "no".to_owned() }));
        let undone = read(br#"{"status": [{"status": {"code": "3", "message": "late"}, "response": null}]}"#);
        assert_eq!(undone, Ok(Said::NotDone { code: "3".to_owned(), message: "late".to_owned() }));
    }
}
