//! Finds the items in JSON as people have it: plain, or as the AWS command line prints a table.

use serde_json::{Map, Number, Value};

/// The items of a file: one, a list, or under `Items` or `Item`; each in plain JSON.
pub(super) fn items(value: Value) -> Result<Vec<Map<String, Value>>, String> {
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut outer) => match (outer.remove("Items"), outer.remove("Item")) {
            (Some(Value::Array(list)), _) => list,
            (Some(other), _) => return Err(format!("Items is {}", kind(&other))),
            (None, Some(item)) => vec![item],
            (None, None) => vec![Value::Object(outer)],
        },
        other => return Err(format!("the file holds {}", kind(&other))),
    };
    list.into_iter()
        .map(|item| match item {
            Value::Object(item) => Ok(plain_fields(item)),
            other => Err(format!("an item is {}", kind(&other))),
        })
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn plain_fields(item: Map<String, Value>) -> Map<String, Value> {
    item.into_iter().map(|(key, value)| (key, plain(value))).collect()
}

/// Takes DynamoDB's types off: `{"N": "60"}` is 60. What is not typed stays as it is. Nesting is bounded by the parser.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(object) => match typed(&object) {
            Some(value) => value,
            None => Value::Object(plain_fields(object)),
        },
        Value::Array(list) => Value::Array(list.into_iter().map(plain).collect()),
        other => other,
    }
}

fn typed(object: &Map<String, Value>) -> Option<Value> {
    let (tag, value) = object.iter().next().filter(|_| object.len() == 1)?;
    match (tag.as_str(), value) {
        ("S", Value::String(_)) | ("BOOL", Value::Bool(_)) => Some(value.clone()),
        ("N", Value::String(digits)) => digits.parse().ok().and_then(Number::from_f64).map(Value::Number),
        ("NULL", Value::Bool(true)) => Some(Value::Null),
        ("L" | "SS", Value::Array(list)) => Some(Value::Array(list.iter().cloned().map(plain).collect())),
        ("NS", Value::Array(list)) => {
            let number = |value: &Value| value.as_str()?.parse().ok().and_then(Number::from_f64).map(Value::Number);
            list.iter().map(number).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        ("M", Value::Object(map)) => Some(Value::Object(plain_fields(map.clone()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn typed_and_plain_items_are_the_same() {
        let plain = json!({"channel_id": "c", "global_flag": true, "none": null,
            "image": {"rules": [{"n": 59.5}], "s": ["a"]}});
        let typed = json!({"channel_id": {"S": "c"}, "global_flag": {"BOOL": true}, "none": {"NULL": true},
            "image": {"M": {"rules": {"L": [{"M": {"n": {"N": "59.5"}}}]}, "s": {"SS": ["a"]}}}});
        let expected = items(plain.clone()).unwrap();
        for form in [
            typed.clone(),
            json!([typed]),
            json!({"Items": [typed], "Count": 1}),
            json!({"Item": typed}),
            json!([plain]),
        ] {
            assert_eq!(items(form).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_item_is_refused() {
        for nonsense in [json!(1), json!([1]), json!({"Items": 3}), json!("x"), json!(null)] {
            assert!(items(nonsense).is_err());
        }
    }
}
