//! What is wrong with the shape of a YAML document: the parser's errors in the words of a policy's author.

use serde_saphyr::Error;

use super::diagnostic::{Flaw, Place};
use super::taxonomy::closest_name;

/// What is wrong with the shape of a document, and where.
pub(super) fn flaw(error: &Error) -> (Place, Flaw) {
    let error = error.without_snippet();
    let at = error
        .location()
        .map_or(Place::START, |at| Place { line: at.line().max(1) as u32, column: at.column().max(1) as u32 });
    let flaw = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let hint = match closest_name(field, expected.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it, or write it as a comment".to_owned(),
            };
            Flaw::new(format!("`{field}` is not a key here"), expected.join(", "), hint)
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("a key");
            Flaw::new(format!("`{key}` stands here a second time"), "each key once", "remove one of the two")
        }
        Error::SerdeMissingField { field, .. } => {
            Flaw::new(format!("`{field}` is missing"), format!("`{field}:` with a value"), "add it")
        }
        Error::NullIntoString { .. } => Flaw::new("nothing stands here", "a value", "write a value, or remove the key"),
        Error::Unexpected { expected, .. } => {
            let expected = match *expected {
                "mapping start" => "keys and values",
                "sequence start" => "a list, such as [a, b]",
                "string scalar" => "one word, number or quoted text",
                other => other,
            };
            Flaw::new("the value has another shape", expected, "compare with policies/default.yaml")
        }
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            let what = format!("{unexpected} does not belong here");
            Flaw::new(what, expected.clone(), "compare with policies/default.yaml")
        }
        other => {
            let text = other.to_string();
            let what = text.split(" at line ").next().unwrap_or(&text).to_owned();
            let hint = if what.contains("alias") {
                "quote the asterisk: \"*\""
            } else {
                "check the indentation and quote texts that hold : # * & ! % @ or \\"
            };
            Flaw::new(what, "well-formed YAML", hint)
        }
    };
    (at, flaw)
}
