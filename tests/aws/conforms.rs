//! Whether JSON is what a schema says: as much of JSON Schema as ours use, and an error for what they begin to use.

use serde_json::Value;

/// Words that say nothing about what is allowed.
const REMARKS: [&str; 10] = [
    "$schema",
    "$defs",
    "title",
    "description",
    "format",
    "default",
    "examples",
    "deprecated",
    "writeOnly",
    "readOnly",
];

/// What is wrong with `value`; empty if nothing is.
pub fn findings(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else { return }; // true: anything
    for (word, says) in schema {
        match word.as_str() {
            "$ref" => {
                let path = says.as_str().unwrap().trim_start_matches('#');
                check(root, root.pointer(path).unwrap_or_else(|| panic!("{says} is nowhere")), value, at, found);
            }
            "type" => {
                let named = |name: &Value| is_of_type(name.as_str().unwrap(), value);
                if !says.as_array().map_or_else(|| named(says), |any| any.iter().any(named)) {
                    found.push(format!("{at}: {value} is no {says}"));
                }
            }
            "enum" if !says.as_array().unwrap().contains(value) => found.push(format!("{at}: {value} not in {says}")),
            "const" if says != value => found.push(format!("{at}: {value} is not {says}")),
            "required" => {
                for name in says.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        found.push(format!("{at}: {name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, part) in says.as_object().unwrap() {
                    if let Some(part_value) = value.get(name) {
                        check(root, part, part_value, &format!("{at}.{name}"), found);
                    }
                }
            }
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, says, item, &format!("{at}[{n}]"), found);
                }
            }
            "prefixItems" => {
                for (n, (part, item)) in
                    says.as_array().unwrap().iter().zip(value.as_array().into_iter().flatten()).enumerate()
                {
                    check(root, part, item, &format!("{at}[{n}]"), found);
                }
            }
            "anyOf" | "oneOf" => {
                let fits = |one: &Value| {
                    let mut wrong = Vec::new();
                    check(root, one, value, at, &mut wrong);
                    wrong.is_empty()
                };
                if !says.as_array().unwrap().iter().any(fits) {
                    found.push(format!("{at}: {value} is none of {says}"));
                }
            }
            "allOf" => says.as_array().unwrap().iter().for_each(|one| check(root, one, value, at, found)),
            "additionalProperties" if *says == Value::Bool(false) => {
                let known = schema.get("properties").and_then(Value::as_object);
                for name in value.as_object().into_iter().flat_map(|object| object.keys()) {
                    if !known.is_some_and(|known| known.contains_key(name)) {
                        found.push(format!("{at}: {name} is not in the schema"));
                    }
                }
            }
            "enum"
            | "const"
            | "additionalProperties"
            | "pattern"
            | "minimum"
            | "maximum"
            | "minLength"
            | "maxLength"
            | "minItems"
            | "maxItems" => {}
            remark if REMARKS.contains(&remark) => {}
            other => panic!("the schemas use {other:?}, which is not checked here yet"),
        }
    }
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("no type is called {other}"),
    }
}

#[test]
fn what_does_not_conform_is_found() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "properties": { "a": { "$ref": "#/$defs/A" } },
        "$defs": { "A": { "type": ["integer", "null"] } },
    });
    assert_eq!(findings(&schema, &serde_json::json!({ "a": 1 })), Vec::<String>::new());
    assert_eq!(findings(&schema, &serde_json::json!({ "a": "1" })).len(), 1);
    assert_eq!(findings(&schema, &serde_json::json!({})).len(), 1);
}
