//! The API description as a page: plain HTML, no script, nothing loaded from elsewhere.

use std::fmt::Write;

use serde_json::Value;

use crate::laboratory::html::escaped;

/// The page's style sheet.
pub(in crate::http) const STYLE: &str = include_str!("page.css");

/// The description as a page.
pub(in crate::http) fn render(document: &Value) -> String {
    let mut page = String::with_capacity(64 * 1024);
    let title = text(&document["info"]["title"]);
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>{title} API</title><link rel=stylesheet href=/docs/style.css><header><h1>{title} <small>{}</small></h1>{}\
         <p><a href=/openapi.json>openapi.json</a></p></header>",
        text(&document["info"]["version"]),
        paragraphs(&document["info"]["description"]),
    );
    let operations = operations(document);
    let mut nouns: Vec<&str> = Vec::new();
    for operation in &operations {
        if !nouns.contains(&operation.noun) {
            nouns.push(operation.noun);
        }
    }
    page.push_str("<nav><ul>");
    for noun in &nouns {
        let _ = write!(page, "<li><a href='#{0}'>{0}</a>", escaped(noun));
    }
    page.push_str("<li><a href='#problems'>problems</a><li><a href='#schemas'>schemas</a></ul></nav><main>");
    for noun in &nouns {
        let _ = write!(page, "<section id='{0}'><h2>{0}</h2>", escaped(noun));
        for operation in operations.iter().filter(|operation| operation.noun == *noun) {
            write_operation(&mut page, operation);
        }
        page.push_str("</section>");
    }
    write_problems(&mut page, document);
    page.push_str("<section id=schemas><h2>schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let pretty = serde_json::to_string_pretty(schema).unwrap_or_default();
        let _ = write!(
            page,
            "<details id='schema-{0}'><summary>{0}</summary>{1}<pre>{2}</pre></details>",
            escaped(name),
            paragraphs(&schema["description"]),
            escaped(&pretty)
        );
    }
    page.push_str("</section></main></html>");
    page
}

struct Operation<'a> {
    noun: &'a str,
    method: &'a str,
    path: &'a str,
    body: &'a Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, body) in methods.as_object().into_iter().flatten() {
            operations.push(Operation { noun: body["tags"][0].as_str().unwrap_or("api"), method, path, body });
        }
    }
    operations
}

fn write_operation(page: &mut String, operation: &Operation<'_>) {
    let Operation { method, path, body, .. } = operation;
    let id = text(&body["operationId"]);
    let _ = write!(
        page,
        "<article id='{id}'><h3><b class={method}>{method}</b> <code>{}</code></h3><p class=summary>{}</p>{}\
         <p class=needs>{}</p>",
        with_parameters(path),
        text(&body["summary"]),
        paragraphs(&body["description"]),
        needs(body),
    );
    let parameters = body["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        page.push_str("<table class=parameters><tr><th>parameter<th>in<th>type<th>");
        for parameter in parameters {
            let required = if parameter["required"] == true { " <em>required</em>" } else { "" };
            let _ = write!(
                page,
                "<tr><td><code>{}</code>{required}<td>{}<td>{}<td>{}",
                text(&parameter["name"]),
                text(&parameter["in"]),
                type_of(&without_null(&parameter["schema"])),
                coded(&text(&parameter["description"])),
            );
        }
        page.push_str("</table>");
    }
    for (media, content) in body["requestBody"]["content"].as_object().into_iter().flatten() {
        let _ = write!(
            page,
            "<p>takes <code>{}</code> {} — {}</p>",
            escaped(media),
            type_of(&content["schema"]),
            coded(&text(&body["requestBody"]["description"]))
        );
    }
    page.push_str("<table class=answers><tr><th>answer<th>type<th>");
    let mut common = Vec::new();
    for (status, answer) in body["responses"].as_object().into_iter().flatten() {
        if let Some(name) = last_part(&answer["$ref"]) {
            common.push(format!("<a href='#problem-{}'>{}</a>", escaped(name), escaped(status)));
            continue;
        }
        let types: Vec<String> = answer["content"].as_object().into_iter().flatten().map(type_in).collect();
        let about = coded(&text(&answer["description"]));
        let _ = write!(page, "<tr><td>{}<td>{}<td>{about}", escaped(status), types.join("<br>"));
    }
    page.push_str("</table>");
    if !common.is_empty() {
        let _ = write!(page, "<p class=common>and the <a href='#problems'>problems</a> {}</p>", common.join(" "));
    }
    page.push_str("</article>");
}

/// Who may, in a line.
fn needs(operation: &Value) -> String {
    let roles: Vec<&str> = operation["x-roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let everywhere = if operation["x-everywhere"] == true { " on all channels" } else { "" };
    match operation["x-permission"].as_str() {
        Some("open") => "open to everybody".to_owned(),
        Some("decide") => "needs <i>decide</i>: an external actor, known by its own secret".to_owned(),
        permission => format!(
            "needs <i>{}</i>{everywhere}: {}",
            escaped(permission.unwrap_or_default()),
            escaped(&roles.join(", ").replace('_', " "))
        ),
    }
}

/// What most operations may answer besides, said once.
fn write_problems(page: &mut String, document: &Value) {
    page.push_str(
        "<section id=problems><h2>problems</h2><p>Every refusal is <code>application/problem+json</code> (RFC 9457): a \
         <a href='#schema-Problem'>Problem</a> with a stable <code>code</code>. These may come from most operations.</p>\
         <table><tr><th>problem<th>",
    );
    for (name, answer) in document["components"]["responses"].as_object().into_iter().flatten() {
        let about = coded(&text(&answer["description"]));
        let _ = write!(page, "<tr id='problem-{0}'><td>{0}<td>{about}", escaped(name));
    }
    page.push_str("</table></section>");
}

fn type_in((media, content): (&String, &Value)) -> String {
    match media.as_str() {
        "application/json" => type_of(&content["schema"]),
        other => format!("<code>{}</code>", escaped(other)),
    }
}

/// The schema of a parameter that need not be given, as of one that is: null stands for its absence.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(some) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        some.retain(|one| one["type"] != "null");
    }
    if let Some(some) = schema.get_mut("type").and_then(Value::as_array_mut) {
        some.retain(|one| one != "null");
    }
    schema
}

/// A schema in a word: the name of a type with a link to it, or what kind of value it is.
fn type_of(schema: &Value) -> String {
    if let Some(name) = last_part(&schema["$ref"]) {
        return format!("<a href='#schema-{0}'>{0}</a>", escaped(name));
    }
    if let Some(some) = schema["anyOf"].as_array() {
        let all: Vec<String> = some.iter().map(type_of).collect();
        return all.join(" or ");
    }
    match &schema["type"] {
        Value::String(one) if one == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(one) => escaped(one),
        Value::Array(some) => {
            let some: Vec<&str> = some.iter().filter_map(Value::as_str).collect();
            escaped(&some.join(" or "))
        }
        _ => String::new(),
    }
}

/// What a reference within the description names.
fn last_part(reference: &Value) -> Option<&str> {
    reference.as_str().and_then(|reference| reference.rsplit('/').next())
}

/// A path with its parameters set off.
fn with_parameters(path: &str) -> String {
    escaped(path).replace('{', "<var>{").replace('}', "}</var>")
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn paragraphs(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.split("\n\n").filter(|part| !part.is_empty()).map(|part| format!("<p>{}</p>", coded(&escaped(part)))).collect()
}

/// Words between backticks as code.
fn coded(escaped: &str) -> String {
    let pieces = escaped.split('`').enumerate();
    pieces.map(|(at, piece)| if at % 2 == 1 { format!("<code>{piece}</code>") } else { piece.to_owned() }).collect()
}
