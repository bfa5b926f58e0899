//! The API description as a page: plain HTML, no script, nothing loaded from elsewhere.

use std::fmt::Write;

use serde_json::Value;

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
    page.push_str("</ul></nav><main>");
    for noun in &nouns {
        let _ = write!(page, "<section id='{0}'><h2>{0}</h2>", escaped(noun));
        for operation in operations.iter().filter(|operation| operation.noun == *noun) {
            write_operation(&mut page, operation);
        }
        page.push_str("</section>");
    }
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
    let roles: Vec<&str> = body["x-roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let id = text(&body["operationId"]);
    let _ = write!(
        page,
        "<article id='{id}'><h3><b class={method}>{method}</b> <code>{}</code></h3><p class=summary>{}</p>{}\
         <p class=needs>needs <i>{}</i>: {}</p>",
        escaped(path),
        text(&body["summary"]),
        paragraphs(&body["description"]),
        text(&body["x-permission"]),
        escaped(&roles.join(", ")),
    );
    let parameters = body["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        page.push_str("<table><tr><th>parameter<th>in<th>type<th>");
        for parameter in parameters {
            let required = if parameter["required"] == true { " <em>required</em>" } else { "" };
            let _ = write!(
                page,
                "<tr><td><code>{}</code>{required}<td>{}<td>{}<td>{}",
                text(&parameter["name"]),
                text(&parameter["in"]),
                type_of(&parameter["schema"]),
                text(&parameter["description"]),
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
            text(&body["requestBody"]["description"])
        );
    }
    page.push_str("<table><tr><th>answer<th>type<th>");
    for (status, answer) in body["responses"].as_object().into_iter().flatten() {
        let types: Vec<String> = answer["content"].as_object().into_iter().flatten().map(type_in).collect();
        let _ =
            write!(page, "<tr><td>{}<td>{}<td>{}", escaped(status), types.join("<br>"), text(&answer["description"]));
    }
    page.push_str("</table></article>");
}

fn type_in((media, content): (&String, &Value)) -> String {
    match media.as_str() {
        "application/json" => type_of(&content["schema"]),
        other => format!("<code>{}</code>", escaped(other)),
    }
}

/// A schema in a word: the name of a type with a link to it, or what kind of value it is.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
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

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
